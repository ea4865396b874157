"""Stand-ins for Meta: a transport made of a function, like httpx's MockTransport, and a real server."""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from whatsapp_integration.core.config import DeviceConfig

TOKEN = "EAAsecret-of-the-device"


def make_device(**values: Any) -> DeviceConfig:
	defaults = {
		"name": "Sales",
		"phone_number_id": "1001",
		"waba_id": "2002",
		"access_token": TOKEN,
		"graph_url": "https://graph.test",
		"media_hosts": ("media.test",),
	}
	return DeviceConfig(**{**defaults, **values})


def answer(
	data: Any = b"", status: int = 200, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
	"""Make an answer for a handler: bytes go out as they are, anything else as JSON."""
	return status, headers or {}, data if isinstance(data, bytes) else json.dumps(data).encode()


def error_answer(code: int, status: int = 400, headers: dict[str, str] | None = None, **error: Any):
	return answer({"error": {"code": code, "type": "OAuthException", **error}}, status, headers)


@dataclass
class Seen:
	"""A request as the other side sees it."""

	method: str
	url: str
	headers: Any
	body: bytes

	@property
	def json(self) -> Any:
		return json.loads(self.body)


class HandlerAdapter(BaseAdapter):
	"""A transport that asks a function for every answer. `handler` takes a Seen; what it raises is the
	network's error.

	`is_cut_before_body` makes the network fail before the body is read.
	"""

	def __init__(self, handler: Callable[[Seen], Any], is_cut_before_body: bool = False):
		super().__init__()
		self.handler = handler
		self.is_cut_before_body = is_cut_before_body
		self.seen: list[Seen] = []
		self.timeouts: list[Any] = []
		self.is_closed = False

	def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
		self.timeouts.append(timeout)
		body = b"" if self.is_cut_before_body or request.body is None else b"".join(request.body)
		seen = Seen(request.method, request.url, request.headers, body)
		self.seen.append(seen)
		status, headers, data = self.handler(seen)
		return _make_response(request, status, headers, data)

	def close(self):
		self.is_closed = True


def _make_response(request, status: int, headers: dict[str, str], data: bytes) -> requests.Response:
	response = requests.Response()
	response.status_code = status
	response.headers = CaseInsensitiveDict(headers)
	response.raw = io.BytesIO(data)
	response.url = request.url
	response.request = request
	return response


@dataclass
class LocalServer:
	"""A real HTTP server on this machine; `handler` writes what it likes to the raw handler."""

	handler: Callable[[BaseHTTPRequestHandler, Seen], None]
	seen: list[Seen] = field(default_factory=list)

	def __enter__(self) -> LocalServer:
		self.released = threading.Event()
		self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
		self._server.daemon_threads = True
		self._server.handle_error = lambda *args: None
		self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
		self._thread.start()
		return self

	def __exit__(self, *exc_info) -> None:
		self.released.set()
		self._server.shutdown()
		self._server.server_close()
		self._thread.join()

	@property
	def url(self) -> str:
		return f"http://127.0.0.1:{self._server.server_address[1]}"

	def _make_handler(self) -> type[BaseHTTPRequestHandler]:
		outer = self

		class Handler(BaseHTTPRequestHandler):
			protocol_version = "HTTP/1.1"

			def log_message(self, *args):
				pass

			def do_GET(self):
				body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
				seen = Seen(self.command, self.path, self.headers, body)
				outer.seen.append(seen)
				outer.handler(self, seen)

			do_POST = do_GET

		return Handler


def write(handler: BaseHTTPRequestHandler, given: tuple[int, dict[str, str], bytes]) -> None:
	"""Write an `answer(…)` to the wire, closing the connection after it."""
	status, headers, data = given
	handler.send_response(status)
	for key, value in ({"Content-Length": str(len(data)), "Connection": "close"} | headers).items():
		handler.send_header(key, value)
	handler.end_headers()
	handler.wfile.write(data)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
	"""Close the connection in an orderly way, without an answer."""
	handler.close_connection = True


def reset(handler: BaseHTTPRequestHandler) -> None:
	"""Tear the connection down with a TCP reset."""
	handler.close_connection = True
	handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	os.close(handler.connection.detach())
