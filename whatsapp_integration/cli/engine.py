"""The engine of one data folder: the worker, and the webhooks that a site leaves to its jobs."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace

from whatsapp_integration.cli.data import DataFolder, WatchedHost
from whatsapp_integration.services import webhooks
from whatsapp_integration.services.worker import Worker

IDLE_SECONDS = 1.0  # how often to look for what is due without a call


class Engine(Worker):
	"""`changed` is set whenever rows changed."""

	def __init__(self, data: DataFolder):
		super().__init__(lambda: closing(self.open_host()))
		self.changed = threading.Event()
		self._data = data
		self._jobs["webhooks"] = self._webhooks

	def open_host(self) -> WatchedHost:
		"""A host for the calling thread, whose commits wake this engine."""
		return self._data.open(self.wake, self.changed.set)

	def wake(self, work: str) -> None:
		super().wake(work)
		self.changed.set()

	def end(self) -> None:
		super().end()
		self.changed.set()

	def _webhooks(self, host: WatchedHost) -> None:
		owner = f"{self.owner}:webhooks"
		self._repeat(host, lambda: webhooks.process(host, owner), IDLE_SECONDS, "webhooks")


class EngineRoom:
	"""The engine of a data folder, or after `restart` the next one, in a `with`.

	Hosts may stay open over a restart: their commits wake the engine that is there then.
	"""

	def __init__(self, data: DataFolder):
		self.engine = Engine(data)
		self._data = data

	def __enter__(self) -> EngineRoom:
		self.engine.start()
		return self

	def __exit__(self, *exc_info: object) -> None:
		self.engine.stop()

	def restart(self) -> None:
		"""Start a new engine, which knows nothing but the folder; the old one is stopped first if it still works."""
		self.engine.stop()
		self.engine = Engine(self._data)
		self.engine.start()

	def open_host(self, webhook_url: str = "") -> WatchedHost:
		"""A host for the calling thread, told its own address where it has to know that."""
		return replace(self._data, webhook_url=webhook_url).open(self._wake, self._note_change)

	def _wake(self, work: str) -> None:
		self.engine.wake(work)

	def _note_change(self) -> None:
		self.engine.changed.set()
