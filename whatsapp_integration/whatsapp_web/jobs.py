"""The jobs of one session: asked for by any thread, put into the page and settled by the session's own."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from whatsapp_integration.core.errors import _
from whatsapp_integration.whatsapp_web.errors import BrowserError, BrowserLost, JobFailed, PageHung

if TYPE_CHECKING:
	from whatsapp_integration.whatsapp_web.page import Page

GRACE_SECONDS = 10  # a result may come so much later than the page's own time limit


@dataclass
class Job:
	"""`settle` is called once, in the session's thread, with the value or a JobFailed; it may raise to end the session."""

	kind: str
	args: dict[str, Any]
	limit: float  # seconds in the page
	settle: Callable[[Any], None]
	file: str = ""  # path of a file that goes along
	deadline: float = 0  # monotonic seconds, once it is in the page

	def fail(self, code: str, text: str = "", *, has_left: bool = False) -> None:
		self.settle(JobFailed(code, text, has_left=has_left))


class Jobs:
	def __init__(self) -> None:
		self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
		self._open: dict[int, Job] = {}
		self._is_closed = False
		self._lock = threading.Lock()

	# -- for any thread --

	@property
	def is_idle(self) -> bool:
		"""Is nothing waiting, and nothing on its way in the page?"""
		return not self._open and self._waiting.empty()

	def add(self, job: Job) -> None:
		"""Raises JobFailed when no more jobs are taken."""
		with self._lock:
			if self._is_closed:
				raise JobFailed("not_connected")
			self._waiting.put(job)

	def do(self, kind: str, args: dict[str, Any], limit: float, file: str = "") -> Any:
		"""Add a job and wait for its value. Raises JobFailed."""
		answer: Future = Future()

		def settle(outcome: Any) -> None:
			is_failed = isinstance(outcome, JobFailed)
			answer.set_exception(outcome) if is_failed else answer.set_result(outcome)

		self.add(Job(kind, args, limit, settle, file))
		try:
			return answer.result(limit + 3 * GRACE_SECONDS)
		except FutureTimeout:  # the session's thread itself hangs; what it holds may have left
			raise JobFailed("timeout", has_left=True) from None

	def wake(self) -> None:
		"""End the waiting in `submit_waiting`."""
		self._waiting.put(None)

	def refuse_more(self) -> None:
		with self._lock:
			self._is_closed = True
		self.wake()

	# -- for the session's thread --

	def submit_waiting(self, page: Page, *, busy_seconds: float, idle_seconds: float) -> None:
		"""Wait for a job as long as the page needs no look, and put into the page what is there."""
		try:
			job = self._waiting.get(timeout=busy_seconds if self._open else idle_seconds)
			while job:
				self.submit(page, job)
				job = self._waiting.get_nowait()
		except queue.Empty:
			pass

	def submit(self, page: Page, job: Job) -> None:
		job.deadline = time.monotonic() + job.limit + GRACE_SECONDS
		has_left = False
		try:
			if job.file:
				job.args["content"]["input"] = page.put_file(job.file)
			has_left = True
			self._open[page.submit(job.kind, job.args, job.limit)] = job
		except BrowserError:
			job.fail("browser_lost", has_left=has_left)
			raise
		except OSError:  # the file is gone since the claim, or can't be read
			job.fail("file_missing")
		except Exception:
			job.fail("browser_lost", has_left=has_left)
			raise

	def settle(self, item: dict[str, Any]) -> None:
		"""Hand a result to whoever asked. Raises BrowserLost where it shows that nothing reaches WhatsApp any more."""
		job, error = self._open.pop(item["job"], None), item.get("error")
		if job is None:
			return
		if error is None:
			job.settle(item["value"])
			return
		has_left = bool(item.get("has_left"))
		job.fail(error["code"] or "page_error", error["text"], has_left=has_left)
		if has_left and error["code"] == "timeout":
			raise BrowserLost(_("WhatsApp did not take a message within {0} seconds."), int(job.limit))

	def fail_open(self, code: str) -> None:
		"""The page is gone, and with it what was on its way: it may have left."""
		jobs, self._open = self._open, {}
		_fail_each(jobs.values(), code, has_left=True)

	def fail_all(self) -> None:
		"""The session is over: nobody shall wait for it. What was not in the page yet has not left."""
		self.refuse_more()
		waiting = []
		while not self._waiting.empty():
			waiting += filter(None, [self._waiting.get()])
		try:
			self.fail_open("browser_lost")
		finally:
			_fail_each(waiting, "not_connected")

	def check_deadlines(self) -> None:
		now = time.monotonic()
		if any(job.deadline < now for job in self._open.values()):
			raise PageHung(_("The page gave no answer to a job within its time."))


def _fail_each(jobs: Iterable[Job], code: str, *, has_left: bool = False) -> None:
	"""Tell every job, though what one asks for may end the session; that is raised when all know."""
	endings = []
	for job in jobs:
		try:
			job.fail(code, has_left=has_left)
		except Exception as err:
			endings.append(err)
	if endings:
		raise endings[0]
