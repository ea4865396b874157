"""The webhook door of the embedded host: a small HTTP server with a few threads, each with its own host."""

from __future__ import annotations

import logging
import queue
import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from whatsapp_integration.core.webhook import answer_challenge
from whatsapp_integration.host.local import LocalHost
from whatsapp_integration.services import webhooks

PATH = "/webhook"
THREADS = 8
TIMEOUT_SECONDS = 15  # for a client that sends nothing
BACKLOG = 128
POLL_SECONDS = 0.1  # how soon stop() is seen

log = logging.getLogger("whatsapp_integration")


def answer(host: LocalHost, request: Request) -> Response:
	"""GET answers Meta's challenge in plain text. POST answers 200 when stored, 403 unsigned, 413 too large."""
	if request.path != PATH:
		return _plain(404)
	if request.method == "GET":
		return _answer_challenge(host, request)
	if request.method != "POST":
		return _plain(405)
	if request.content_length is None:
		return _plain(411)
	if request.content_length > webhooks.MAX_BYTES:
		return _plain(413)
	try:
		webhooks.receive(host, request.get_data(), request.headers.get("X-Hub-Signature-256"))
		host.db.commit()
	except webhooks.TooLarge:
		return _plain(413)
	except webhooks.Forbidden as err:
		return _plain(403, str(err))
	return _plain(200)


class Listener:
	"""Answers on `url` from start() to stop(), or in a `with`. Port 0 takes a free one, known at once.

	Raises OSError when the port is taken. `open_host` is called once by each thread.
	"""

	def __init__(self, open_host: Callable[[], LocalHost], host: str = "127.0.0.1", port: int = 0):
		self._open_host = open_host
		self._socket = socket.create_server((host, port), backlog=BACKLOG)
		self.port = self._socket.getsockname()[1]
		self.url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{self.port}{PATH}"
		self._local = threading.local()
		self._server = _Server(host, self.port, self._application, self._socket)
		self._threads = [threading.Thread(target=self._work, name=f"webhook-{n}") for n in range(THREADS)]
		self._acceptor = threading.Thread(
			target=self._server.serve_forever, args=[POLL_SECONDS], name="webhook-accept"
		)

	def __enter__(self) -> Listener:
		self.start()
		return self

	def __exit__(self, *exc_info: object) -> None:
		self.stop()

	def start(self) -> None:
		for thread in [*self._threads, self._acceptor]:
			thread.start()

	def stop(self) -> None:
		"""Take no more posts, finish those that are there."""
		self._server.shutdown()
		self._acceptor.join()
		for _thread in self._threads:
			self._server.accepted.put(None)
		for thread in self._threads:
			thread.join()
		self._server.server_close()
		self._socket.close()

	def _work(self) -> None:
		host = self._local.host = self._open_host()
		try:
			while (job := self._server.accepted.get()) is not None:
				self._server.serve(*job)
		finally:
			host.close()

	def _application(self, environ: dict[str, Any], start_response: Callable) -> Any:
		host = self._local.host
		try:
			response = answer(host, Request(environ))
		except Exception:  # Meta posts again what is not answered 200
			host.db.rollback()
			log.exception("A webhook post could not be stored")
			response = _plain(500)
		return response(environ, start_response)


class _Server(BaseWSGIServer):
	"""Leaves accepted connections in a queue, for a fixed number of threads."""

	multithread = True

	def __init__(self, host: str, port: int, application: Callable, listening: socket.socket):
		super().__init__(host, port, application, _Handler, fd=listening.fileno())
		self.accepted: queue.SimpleQueue[tuple | None] = queue.SimpleQueue()

	def process_request(self, request: Any, client_address: Any) -> None:
		self.accepted.put((request, client_address))

	serve = socketserver.ThreadingMixIn.process_request_thread

	def log(self, type: str, message: str, *args: Any) -> None:
		log.debug(message, *args)


class _Handler(WSGIRequestHandler):
	timeout = TIMEOUT_SECONDS

	def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
		"""Answered requests are no news."""


def _answer_challenge(host: LocalHost, request: Request) -> Response:
	for token in host.verify_tokens():
		challenge = answer_challenge(request.args, token)
		if challenge is not None:
			return _plain(200, challenge)
	return _plain(403)


def _plain(status: int, text: str = "") -> Response:
	return Response(text, status=status, mimetype="text/plain")
