"""Things to do later, in one thread."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Timers:
	def __init__(self) -> None:
		self._changed = threading.Condition()
		self._heap: list[tuple[float, int, Callable[[], None]]] = []
		self._order = itertools.count()
		self._is_closed = False
		self._thread = threading.Thread(target=self._run, name="sandbox-web-timers", daemon=True)

	def start(self) -> None:
		self._thread.start()

	def stop(self) -> None:
		with self._changed:
			self._is_closed = True
			self._changed.notify_all()
		if self._thread.is_alive():
			self._thread.join(timeout=10)

	def clear(self) -> None:
		"""Forget what is still to come."""
		with self._changed:
			self._heap.clear()

	def after(self, seconds: float, work: Callable[[], None]) -> None:
		"""Run `work` in so many seconds; equal times in the order of the calls."""
		with self._changed:
			heapq.heappush(self._heap, (time.monotonic() + seconds, next(self._order), work))
			self._changed.notify_all()

	def _run(self) -> None:
		while True:
			with self._changed:
				if self._is_closed:
					return
				wait = self._heap[0][0] - time.monotonic() if self._heap else None
				if wait is None or wait > 0:
					self._changed.wait(wait)
					continue
				_, _, work = heapq.heappop(self._heap)
			work()
