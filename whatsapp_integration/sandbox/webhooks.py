"""Posts signed webhooks from a few threads that share one heap of waiting updates. Nobody sleeps, nobody polls."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import itertools
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, urlsplit

from whatsapp_integration.sandbox.payloads import compose
from whatsapp_integration.sandbox.state import State

WORKERS = 8
REMEMBERED = 20_000  # past posts kept for replay
BATCH_MAX = 1000


@dataclass(frozen=True)
class Update:
	"""One change to tell. `make` is called when it is due; `done` is told whether the receiver said 200."""

	number_id: str
	make: Callable[[], tuple[str, dict[str, Any]]]
	done: Callable[[bool], None] = lambda acknowledged: None
	message_id: str = ""
	copies: int = 1
	silent: bool = False  # made, but never posted


@dataclass
class _Post:
	"""Bytes on their way to one address; tried again as they are."""

	url: str
	body: bytes
	updates: list[Update]
	attempt: int = 0


@dataclass(order=True)
class _Job:
	due: float
	order: int
	what: Update | _Post = field(compare=False)


class Webhooks:
	def __init__(self, state: State):
		self.state = state
		self.counts: Counter[str] = Counter()
		lock = threading.RLock()
		self._cond = threading.Condition(lock)
		self._idle = threading.Condition(lock)  # apart, so that a wake-up meant for a worker reaches one
		self._heap: list[_Job] = []
		self._order = itertools.count()
		self._busy = 0
		self._watched = False  # one waiting thread watches the clock, the others only the door
		self._closed = False
		self._past: deque[tuple[tuple[str, ...], _Post]] = deque(maxlen=REMEMBERED)
		self._threads = [
			threading.Thread(target=self._work, name=f"webhook-{n}", daemon=True) for n in range(WORKERS)
		]
		self._epoch = 0

	def start(self) -> None:
		for thread in self._threads:
			thread.start()

	def close(self) -> None:
		with self._cond:
			self._closed = True
			self._heap.clear()
			self._cond.notify_all()
			self._idle.notify_all()
		for thread in self._threads:
			thread.join(timeout=5)

	def clear(self) -> None:
		"""Forget what waits and what was posted."""
		with self._cond:
			self._epoch += 1
			self._heap.clear()
			self._past.clear()
			self.counts.clear()
			self._idle.notify_all()

	def tell(self, update: Update, delay: float = 0) -> None:
		"""Post `update` in `delay` seconds; drops it (and counts that) when too many wait."""
		settings = self.state.settings
		due = time.monotonic() + delay
		if settings.batch > 1 and settings.batch_wait:
			due = math.ceil(due / settings.batch_wait) * settings.batch_wait
		with self._cond:
			if len(self._heap) >= settings.max_pending:
				self.counts["dropped"] += 1
				return
			self._push(due, update)

	def replay(self, message_id: str, times: int = 1) -> int:
		"""Post every past webhook about a message again, byte for byte; returns how many posts that makes."""
		with self._cond:
			found = [post for ids, post in self._past if message_id in ids]
			for post in found * times:
				self._push(time.monotonic(), _Post(post.url, post.body, []))
			return len(found) * times

	def bodies(self, message_id: str = "") -> list[bytes]:
		"""Past bodies, oldest first, of one message or of all."""
		with self._cond:
			return [post.body for ids, post in self._past if not message_id or message_id in ids]

	def pending(self) -> int:
		with self._cond:
			return len(self._heap) + self._busy

	def wait_idle(self, timeout: float) -> bool:
		"""Wait until nothing waits or is on its way."""
		with self._cond:
			return self._idle.wait_for(lambda: self._closed or not (self._heap or self._busy), timeout)

	def _push(self, due: float, what: Update | _Post) -> None:
		if self._closed:
			return
		job = _Job(due, next(self._order), what)
		heapq.heappush(self._heap, job)
		if self._heap[0] is job:
			self._cond.notify_all()

	def _work(self) -> None:
		poster = Poster()
		while True:
			jobs, epoch = self._take()
			if not jobs:
				return poster.close()
			try:
				for post in self._posts(jobs):
					self._send(poster, post, epoch)
			finally:
				with self._cond:
					self._busy -= 1
					self._idle.notify_all()

	def _take(self) -> tuple[list[Update | _Post], int]:
		"""Wait for what is due: one post, or up to `batch` updates. Empty when closed."""
		with self._cond:
			while not self._closed:
				now = time.monotonic()
				if self._heap and self._heap[0].due <= now:
					self._busy += 1
					jobs = self._pop_due(now)
					self._cond.notify()
					return jobs, self._epoch
				self._wait(self._heap[0].due - now if self._heap else None)
			return [], self._epoch

	def _wait(self, seconds: float | None) -> None:
		if self._watched:
			self._cond.wait()
			return
		self._watched = True
		self._cond.wait(seconds)
		self._watched = False

	def _pop_due(self, now: float) -> list[Update | _Post]:
		most = min(max(self.state.settings.batch, 1), BATCH_MAX)
		jobs = [heapq.heappop(self._heap).what]
		while isinstance(jobs[0], Update) and len(jobs) < most and self._heap and self._heap[0].due <= now:
			if isinstance(self._heap[0].what, _Post):
				break
			jobs.append(heapq.heappop(self._heap).what)
		return jobs

	def _posts(self, jobs: list[Update | _Post]) -> list[_Post]:
		"""Turn due updates into posts, one for each address; copies are posts of their own with the same bytes."""
		if isinstance(jobs[0], _Post):
			return [jobs[0]]
		by_url: dict[str, list[tuple[Update, tuple[str, dict[str, Any]]]]] = {}
		for update in jobs:
			made = update.make()
			url = "" if update.silent else self._address(update.number_id)
			by_url.setdefault(url, []).append((update, made))
		posts = []
		for url, pairs in by_url.items():
			updates = [update for update, _ in pairs]
			if not url:
				self._finish(updates, False, "unsubscribed")
				continue
			post = _Post(url, compose(self.state.settings.waba_id, [made for _, made in pairs]), updates)
			copies = max(update.copies for update in updates)
			posts += [post, *(_Post(url, post.body, []) for _ in range(copies - 1))]
			with self._cond:
				self._past.append((tuple(update.message_id for update in updates), post))
		return posts

	def _address(self, number_id: str) -> str:
		state = self.state
		return state.callback(number_id) if state.settings.subscribed else ""

	def _send(self, poster: Poster, post: _Post, epoch: int) -> None:
		settings = self.state.settings
		self._count("posts")
		acknowledged = poster.post(post.url, post.body, settings.app_secret, settings.webhook_timeout) == 200
		with self._cond:
			if self._closed or epoch != self._epoch:
				return
			if not acknowledged and post.attempt < settings.webhook_retries:
				self.counts["retried"] += 1
				wait = settings.webhook_backoff * 2**post.attempt
				self._push(
					time.monotonic() + wait, _Post(post.url, post.body, post.updates, post.attempt + 1)
				)
				return
		self._count("acknowledged" if acknowledged else "failed")
		self._finish(post.updates, acknowledged, "updates_acknowledged" if acknowledged else "updates_failed")

	def _finish(self, updates: list[Update], acknowledged: bool, counted_as: str) -> None:
		self._count(counted_as, len(updates))
		for update in updates:
			update.done(acknowledged)

	def _count(self, name: str, amount: int = 1) -> None:
		with self._cond:
			self.counts[name] += amount


class Poster:
	"""One keep-alive connection to the receiver."""

	def __init__(self) -> None:
		self._connection: HTTPConnection | None = None
		self._target: tuple[str, str, float] | None = None

	def post(self, url: str, body: bytes, secret: str, timeout: float) -> int:
		"""The HTTP status of the answer, 0 when there was none."""
		headers = {
			"Content-Type": "application/json",
			"User-Agent": "facebookexternalua",
			"X-Hub-Signature-256": signature(body, secret),
		}
		try:
			return self._request(url, body, headers, timeout)
		except (OSError, HTTPException, ValueError):
			self.close()
			return 0

	def close(self) -> None:
		if self._connection:
			self._connection.close()
		self._connection = None

	def _request(self, url: str, body: bytes, headers: dict[str, str], timeout: float) -> int:
		parts = urlsplit(url)
		target = (parts.scheme, parts.netloc, timeout)
		if target != self._target:
			self.close()
		is_reused = self._connection is not None
		if self._connection is None:
			cls = HTTPSConnection if parts.scheme == "https" else HTTPConnection
			self._connection, self._target = cls(parts.netloc, timeout=timeout), target
		try:
			return self._exchange(self._connection, parts, body, headers)
		except ConnectionError:
			self.close()
			if not is_reused:
				raise
			# The receiver had closed the idle connection: that is no failed delivery.
			return self._request(url, body, headers, timeout)

	@staticmethod
	def _exchange(
		connection: HTTPConnection, parts: SplitResult, body: bytes, headers: dict[str, str]
	) -> int:
		path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
		connection.request("POST", path, body, headers)
		answer = connection.getresponse()
		answer.read()
		return answer.status


def signature(body: bytes, secret: str) -> str:
	"""The value of X-Hub-Signature-256."""
	return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
