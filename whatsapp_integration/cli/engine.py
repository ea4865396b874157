"""The engine of one data folder: sends, applies webhooks and fetches media, in threads of its own."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable

from whatsapp_integration.cli.data import DataFolder, WatchedHost
from whatsapp_integration.services import media, outbox, webhooks
from whatsapp_integration.services.dispatcher import Dispatcher

IDLE_SECONDS = 1.0  # how often to look for what is due without a call
SETTLE_SECONDS = 600  # how often to give up on outcomes that stayed unknown

log = logging.getLogger("whatsapp_integration")


class Engine:
	"""Works from start() to stop(), or in a `with`.

	`changed` is set whenever rows changed; `error` is what ended it, None when nothing did.
	"""

	def __init__(self, data: DataFolder):
		self.changed = threading.Event()
		self.stopped = threading.Event()
		self.error: Exception | None = None
		self._data = data
		self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
		self._woken = {work: threading.Event() for work in ("webhooks", "media")}
		self._settle_at = 0.0
		jobs = {"dispatch": self._dispatch, "webhooks": self._webhooks, "media": self._media}
		self._threads = [
			threading.Thread(target=self._guard, args=[job], name=f"engine-{name}")
			for name, job in jobs.items()
		]

	def __enter__(self) -> Engine:
		self.start()
		return self

	def __exit__(self, *exc_info: object) -> None:
		self.stop()

	def start(self) -> None:
		for thread in self._threads:
			thread.start()

	def stop(self) -> None:
		"""Claim nothing more, settle what is on its way, give the leases back."""
		self._end()
		for thread in self._threads:
			thread.join()

	def open_host(self) -> WatchedHost:
		"""A host for the calling thread, whose commits wake this engine."""
		return self._data.open(self.wake, self.changed.set)

	def wake(self, work: str) -> None:
		"""The dispatcher looks by itself; the others wait for this call."""
		if work in self._woken:
			self._woken[work].set()
		self.changed.set()

	def _dispatch(self, host: WatchedHost) -> None:
		Dispatcher(host).run(self.stopped)

	def _webhooks(self, host: WatchedHost) -> None:
		self._repeat(host, "webhooks", lambda: webhooks.process(host, f"webhooks:{self._owner}"))

	def _media(self, host: WatchedHost) -> None:
		def work() -> None:
			media.fetch_due(host, f"media:{self._owner}")
			if time.monotonic() >= self._settle_at:
				outbox.settle_unknown(host)
				self._settle_at = time.monotonic() + SETTLE_SECONDS

		self._repeat(host, "media", work)

	def _repeat(self, host: WatchedHost, name: str, work: Callable[[], object]) -> None:
		woken = self._woken[name]
		while not self.stopped.is_set():
			woken.clear()
			try:
				work()
			except host.conflicts as err:
				host.db.rollback()
				log.warning("The database was busy (%s): it is tried again", err)
			woken.wait(IDLE_SECONDS)

	def _guard(self, job: Callable[[WatchedHost], None]) -> None:
		"""One part that fails ends the whole engine: half an engine would look like a working one."""
		try:
			host = self.open_host()
			try:
				job(host)
			finally:
				host.close()
		except Exception as err:
			log.exception("The engine stopped")
			self.error = err
			self._end()

	def _end(self) -> None:
		self.stopped.set()
		self.changed.set()
		for woken in self._woken.values():
			woken.set()
