"""A lean HTTP/1.1 keep-alive server on asyncio: one thread, thousands of connections, late answers by timer.

A threaded WSGI server needs a thread for each late answer; a benchmark at 100 ms latency would measure that.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import threading
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from whatsapp_integration.sandbox.http import HOLD, RESET, STREAM, Later, Request, Response

HEAD_MAX = 64 * 1024
BODY_MAX = 120 * 1024 * 1024
STREAM_PAUSE = 0.1  # seconds in which changes become one server-sent event
HEARTBEAT = 20  # seconds between events of a quiet stream

_log = logging.getLogger(__name__)
Handler = Callable[[Request], "Response | Later"]


class Front:
	"""Serves `handler` on host and port; `start` returns once the port is bound, `stop` closes everything."""

	def __init__(self, handler: Handler, host: str, port: int):
		self.handler = handler
		self.host = host
		self.port = port  # the real one after start()
		self.streams: set[_Connection] = set()
		self._open: set[_Connection] = set()
		self._loop: asyncio.AbstractEventLoop | None = None
		self._ready = threading.Event()
		self._failure: OSError | None = None
		self._announced = False
		self._thread = threading.Thread(target=self._run, name="sandbox-front", daemon=True)

	def start(self) -> None:
		"""Raises OSError when the port can't be bound."""
		self._thread.start()
		self._ready.wait()
		if self._failure:
			raise self._failure

	def stop(self) -> None:
		if self._loop and self._thread.is_alive():
			self._loop.call_soon_threadsafe(self._loop.stop)
			self._thread.join(timeout=10)

	def announce(self) -> None:
		"""Tell the open streams that something changed; from any thread, cheap when nobody listens."""
		if self.streams and self._loop and not self._announced:
			self._announced = True
			self._loop.call_soon_threadsafe(self._loop.call_later, STREAM_PAUSE, self._broadcast)

	def _broadcast(self) -> None:
		self._announced = False
		for connection in list(self.streams):
			connection.send_event("change")

	def _beat(self) -> None:
		for connection in list(self.streams):
			connection.send_event("beat")
		if self._loop:
			self._loop.call_later(HEARTBEAT, self._beat)

	def _run(self) -> None:
		loop = self._loop = asyncio.new_event_loop()
		try:
			make = loop.create_server(lambda: _Connection(self, loop), self.host, self.port, backlog=1024)
			server = loop.run_until_complete(make)
		except OSError as err:
			self._failure = err
			self._ready.set()
			loop.close()
			return
		self.port = server.sockets[0].getsockname()[1]
		loop.call_later(HEARTBEAT, self._beat)
		self._ready.set()
		loop.run_forever()
		server.close()
		for connection in list(self._open):
			connection.drop()
		loop.run_until_complete(asyncio.sleep(0))
		loop.close()


class _Connection(asyncio.Protocol):
	"""One client: reads a request, answers it, reads the next."""

	def __init__(self, front: Front, loop: asyncio.AbstractEventLoop):
		self.front = front
		self.loop = loop
		self.buffer = bytearray()
		self.head: tuple[str, str, dict[str, str], int] | None = None
		self.busy = False
		self.keep = True

	def connection_made(self, transport: Any) -> None:
		self.transport = transport
		self.front._open.add(self)

	def connection_lost(self, exc: Exception | None) -> None:
		self.front._open.discard(self)
		self.front.streams.discard(self)

	def data_received(self, data: bytes) -> None:
		self.buffer += data
		if not self.busy:
			self._advance()

	def drop(self) -> None:
		self.transport.abort()

	def send_event(self, name: str) -> None:
		self.transport.write(f"event: {name}\ndata: {{}}\n\n".encode())

	def _advance(self) -> None:
		if self.head is None and not self._read_head():
			return
		method, target, headers, length = self.head
		if len(self.buffer) < length:
			return
		body = bytes(self.buffer[:length])
		del self.buffer[:length]
		self.head, self.busy = None, True
		path, _, query = target.partition("?")
		self._handle(Request(method, unquote(path), query, headers, body))

	def _read_head(self) -> bool:
		end = self.buffer.find(b"\r\n\r\n")
		if end < 0:
			if len(self.buffer) > HEAD_MAX:
				self._refuse(431)
			return False
		lines = self.buffer[:end].decode("latin-1").split("\r\n")
		del self.buffer[: end + 4]
		headers = {}
		for line in lines[1:]:
			name, _, value = line.partition(":")
			headers[name.strip().lower()] = value.strip()
		words = lines[0].split(" ")
		length = headers.get("content-length", "0")
		if len(words) != 3 or not length.isdigit():
			return self._refuse(400)
		if "transfer-encoding" in headers:
			return self._refuse(411)
		if int(length) > BODY_MAX:
			return self._refuse(413)
		self.keep = headers.get("connection", "").lower() != "close" and words[2] == "HTTP/1.1"
		if headers.get("expect", "").lower() == "100-continue":
			self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
		self.head = (words[0], words[1], headers, int(length))
		return True

	def _refuse(self, status: int) -> bool:
		self.keep = False
		self._write(Response(status, b"", "text/plain"))
		return False

	def _handle(self, request: Request) -> None:
		result = self._guarded(lambda: self.front.handler(request))
		if isinstance(result, Later):
			future = self.loop.run_in_executor(None, self._guarded, result.work)
			future.add_done_callback(lambda done: self._finish(done.result()))
		else:
			self._finish(result)

	@staticmethod
	def _guarded(work: Callable[[], Any]) -> Any:
		"""A mistake of the sandbox itself must not look like one of the faults it plays: it is logged and says so."""
		try:
			return work()
		except Exception as err:
			_log.exception("the sandbox failed")
			return Response(
				500, f"mistake of the sandbox: {type(err).__name__}: {err}".encode(), "text/plain"
			)

	def _finish(self, response: Response) -> None:
		if response.ending == HOLD:
			self.loop.call_later(response.delay, self.drop)
		elif response.delay:
			self.loop.call_later(response.delay, self._end, response)
		else:
			self._end(response)

	def _end(self, response: Response) -> None:
		if self.transport.is_closing():
			return
		if response.ending == RESET:
			self._reset()
			return
		self._write(response)
		if response.ending == STREAM:
			self.front.streams.add(self)
			self.send_event("change")
			return
		self.busy = False
		if self.keep and self.buffer:
			self._advance()

	def _reset(self) -> None:
		sock = self.transport.get_extra_info("socket")
		sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		self.transport.abort()

	def _write(self, response: Response) -> None:
		head = [
			f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
			f"Content-Type: {response.content_type}",
			f"Date: {formatdate(usegmt=True)}",
			*(f"{name}: {value}" for name, value in response.headers.items()),
		]
		if response.ending != STREAM:
			head.append(f"Content-Length: {len(response.body)}")
			head.append(f"Connection: {'keep-alive' if self.keep else 'close'}")
		self.transport.write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + response.body)
		if not self.keep and response.ending != STREAM:
			self.transport.close()
