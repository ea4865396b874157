"""A sandbox, a receiver of its webhooks, and a client that speaks Graph API to it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from whatsapp_integration.sandbox import defaults
from whatsapp_integration.sandbox.server import Sandbox

PATIENCE = 10  # seconds until a wait counts as failed


class Receiver:
	"""Keeps every webhook; answers with the statuses of `answers` first, then 200. Echoes the challenge of `token`."""

	def __init__(self):
		self.changed = threading.Condition()
		self.posts: list[tuple[bytes, str]] = []
		self.answers: list[int] = []
		self.token = defaults.VERIFY_TOKEN
		self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
		self.server.daemon_threads = True
		self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"
		threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

	def _handler(receiver):
		class Handler(BaseHTTPRequestHandler):
			protocol_version = "HTTP/1.1"

			def do_POST(self):
				body = self.rfile.read(int(self.headers["Content-Length"]))
				with receiver.changed:
					receiver.posts.append((body, self.headers["X-Hub-Signature-256"]))
					status = receiver.answers.pop(0) if receiver.answers else 200
					receiver.changed.notify_all()
				self.reply(status, b"")

			def do_GET(self):
				query = parse_qs(urlsplit(self.path).query)
				known = query.get("hub.verify_token") == [receiver.token] and query["hub.mode"] == [
					"subscribe"
				]
				self.reply(200, query["hub.challenge"][0].encode()) if known else self.reply(403, b"")

			def reply(self, status, body):
				self.send_response(status)
				self.send_header("Content-Length", str(len(body)))
				self.end_headers()
				self.wfile.write(body)

			def log_message(self, *args):
				pass

		return Handler

	def wait_for(self, count: int) -> list[dict]:
		"""The bodies, once there are so many."""
		with self.changed:
			assert self.changed.wait_for(lambda: len(self.posts) >= count, PATIENCE), (
				f"only {len(self.posts)} webhooks"
			)
		return self.bodies()

	def bodies(self) -> list[dict]:
		with self.changed:
			return [json.loads(body) for body, _ in self.posts]

	def values(self) -> list[dict]:
		return [
			change["value"]
			for body in self.bodies()
			for entry in body["entry"]
			for change in entry["changes"]
		]

	def statuses(self) -> list[dict]:
		return [status for value in self.values() for status in value.get("statuses", [])]

	def messages(self) -> list[dict]:
		return [message for value in self.values() for message in value.get("messages", [])]


class GraphClient:
	"""Plain HTTP to the sandbox, with the right token unless told otherwise."""

	def __init__(self, box: Sandbox):
		self.base = f"{box.url}/{defaults.GRAPH_VERSION}"
		self.http = requests.Session()
		self.http.headers["Authorization"] = f"Bearer {defaults.ACCESS_TOKEN}"

	def get(self, path: str, **kwargs) -> requests.Response:
		return self.http.get(f"{self.base}/{path}", timeout=PATIENCE, **kwargs)

	def post(self, path: str, timeout: float = PATIENCE, **kwargs) -> requests.Response:
		return self.http.post(f"{self.base}/{path}", timeout=timeout, **kwargs)

	def delete(self, path: str) -> requests.Response:
		return self.http.delete(f"{self.base}/{path}", timeout=PATIENCE)

	def send(self, to: str = "+201001234567", timeout: float = PATIENCE, **fields) -> requests.Response:
		content = {} if "type" in fields else {"type": "text", "text": {"body": "hello"}}
		body = {"messaging_product": "whatsapp", "to": to, **content, **fields}
		return self.post(f"{defaults.PHONE_NUMBER_ID}/messages", timeout, json=body)

	def upload(self, content: bytes, mime_type: str, name: str = "file") -> requests.Response:
		return self.post(
			f"{defaults.PHONE_NUMBER_ID}/media",
			data={"messaging_product": "whatsapp", "type": mime_type},
			files={"file": (name, content, mime_type)},
		)


class Clock:
	def __init__(self):
		self.now = 1_790_000_000.0

	def __call__(self) -> float:
		return self.now


@pytest.fixture
def receiver():
	receiver = Receiver()
	yield receiver
	receiver.server.shutdown()
	receiver.server.server_close()


@pytest.fixture
def clock():
	return Clock()


@pytest.fixture
def box(receiver, clock):
	settings = {
		"sent_delay": 0,
		"delivered_delay": 0,
		"read_delay": 0,
		"webhook_backoff": 0.01,
		"slow_seconds": 0.2,
	}
	with Sandbox(callback_url=receiver.url, clock=clock, hold_seconds=30, **settings) as box:
		yield box


@pytest.fixture
def graph(box):
	return GraphClient(box)


@pytest.fixture
def settle(box):
	"""Wait until every webhook was delivered or given up."""

	def wait():
		assert box.wait_idle(PATIENCE), "webhooks still pending"

	return wait


def error_of(reply: requests.Response) -> dict:
	"""The error object without its random trace id."""
	error = reply.json()["error"]
	assert error.pop("fbtrace_id")
	return error
