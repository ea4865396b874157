"""The whatsapp-worker: one process that holds the linked devices, sends for every device and fetches received files.

Each part is a thread with a host of its own. What sessions tell is applied by one thread in the order it came, and kept
until the database has it.
"""

from __future__ import annotations

import logging
import os
import queue
import secrets
import socket
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from whatsapp_integration import __version__
from whatsapp_integration.core.errors import _
from whatsapp_integration.core.events import DeviceStateChanged, Event
from whatsapp_integration.services import fail_over, inbox, media, outbox
from whatsapp_integration.services.dispatcher import Dispatcher
from whatsapp_integration.services.keeper import Keeper
from whatsapp_integration.store import chats, leases, messages, workers
from whatsapp_integration.store.bulk import micros

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host

TICK_SECONDS = 1.0
DISPATCH_SECONDS = 0.4  # how often an idle dispatcher looks for new rows
BEAT_SECONDS = 5
ALIVE_SECONDS = 20  # a worker that did not say so for this long is gone
FORGET_SECONDS = 24 * 3600  # rows of workers that died are kept for so long
MEDIA_SECONDS = 2.0
HOUSEKEEPING_SECONDS = 30
SETTLE_SECONDS = 600  # how often to give up on outcomes that stayed unknown
STOP_SECONDS = 14  # for everything to end after SIGTERM: supervisors kill after 20
SESSIONS_SECONDS = 10  # of these, for the browsers
LAST_TRIES = 3  # to write what was told, once the sessions have ended
CATCH_UP_SECONDS = 24 * 3600  # statuses of messages as old as this are asked for after an outage
CATCH_UP_MESSAGES = 200

log = logging.getLogger("whatsapp_integration")

OpenHost = Callable[[], AbstractContextManager["Host"]]


class Worker:
	"""Works from start() to stop(), or in a `with`. `error` is what ended it, None when nothing did."""

	def __init__(self, open_host: OpenHost):
		self.stopped = threading.Event()
		self.error: Exception | None = None
		self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
		self._open_host = open_host
		self._keeper: Keeper | None = None
		self._keeper_made = threading.Event()
		self._keeper_done = threading.Event()
		self._never = threading.Event()
		self._told: queue.SimpleQueue[tuple[str, Sequence[Event]] | None] = queue.SimpleQueue()
		self._woken: dict[str, threading.Event] = {}
		self._threads: list[threading.Thread] = []
		self._jobs: dict[str, Callable[[Host], None]] = {
			"keeper": self._keep,
			"inbox": self._apply,
			"dispatch": self._dispatch,
			"media": self._media,
			"housekeeping": self._keep_house,
		}

	def __enter__(self) -> Worker:
		self.start()
		return self

	def __exit__(self, *exc_info: object) -> None:
		self.stop()

	def start(self) -> None:
		self._threads = [
			threading.Thread(target=self._guard, args=[job], name=f"worker-{name}")
			for name, job in self._jobs.items()
		]
		for thread in self._threads:
			thread.start()

	def stop(self) -> None:
		"""Claim nothing more, finish what is on its way, close every browser, give the leases back."""
		self.end()
		for thread in self._threads:
			thread.join()

	def end(self) -> None:
		"""Begin to stop; from any thread, and from a signal handler."""
		self.stopped.set()
		for woken in list(self._woken.values()):
			woken.set()

	# -- the parts --

	def _keep(self, host: Host) -> None:
		self._attempt(host, lambda: release_dead(host, self.owner))
		keeper = self._keeper = Keeper(host, self.owner, self._tell)
		self._keeper_made.set()
		beat_at = 0.0
		try:
			while not self.stopped.is_set():
				if time.monotonic() >= beat_at:
					self._attempt(host, lambda: self._beat(host, keeper))
					beat_at = time.monotonic() + BEAT_SECONDS
				self._attempt(host, keeper.tick)
				self.stopped.wait(TICK_SECONDS)
		finally:
			self._told_all(host, keeper)

	def _told_all(self, host: Host, keeper: Keeper) -> None:
		"""End the sessions; what they tell last is applied before the inbox ends."""
		try:
			keeper.end_sessions(SESSIONS_SECONDS)
		finally:
			self._told.put(None)
			self._keeper_done.set()
		self._attempt(host, lambda: self._leave(host))

	def _beat(self, host: Host, keeper: Keeper) -> None:
		names = keeper.names()
		now = host.time()
		row = {
			"host": socket.gethostname(),
			"pid": os.getpid(),
			"version": __version__,
			"devices": ", ".join(names),
			"device_count": len(names),
			"memory": own_memory() // 1_000_000,
			"browser_memory": keeper.memory() // 1_000_000,
			"alive_until": micros(now + ALIVE_SECONDS),
		}
		workers.beat(host.db, self.owner, row, now=host.now())
		workers.remove_dead(host.db, micros(now - FORGET_SECONDS))
		host.db.commit()

	def _leave(self, host: Host) -> None:
		leases.release(host.db, self.owner)
		workers.remove(host.db, self.owner)
		host.db.commit()

	def _dispatch(self, host: Host) -> None:
		create_sender = self._wait_keeper().create_sender
		dispatcher = Dispatcher(host, idle_seconds=DISPATCH_SECONDS, create_sender=create_sender)
		dispatcher.run(self.stopped, close_seconds=STOP_SECONDS)

	def _media(self, host: Host) -> None:
		keeper, owner = self._wait_keeper(), f"{self.owner}:media"

		def fetch() -> None:
			media.fetch_due(host, owner, stopped=self.stopped)
			if linked := keeper.ready():
				own = {"linked": linked, "create_sender": keeper.create_sender}
				media.fetch_due(host, owner, stopped=self.stopped, **own)
				_show_read(host, keeper, linked)

		self._repeat(host, fetch, MEDIA_SECONDS, "media")

	def _keep_house(self, host: Host) -> None:
		settle_at = 0.0

		def work() -> None:
			nonlocal settle_at
			fail_over.move_waiting(host)
			if time.monotonic() >= settle_at:
				outbox.settle_unknown(host)
				settle_at = time.monotonic() + SETTLE_SECONDS

		self._repeat(host, work, HOUSEKEEPING_SECONDS, "housekeeping")

	# -- what sessions tell --

	def _tell(self, device: str, events: Sequence[Event]) -> None:
		self._told.put((device, events))

	def _apply(self, host: Host) -> None:
		"""Apply what was told until the last session has ended; nothing is let go before the database has it."""
		while (told := self._told.get()) is not None:
			last_tries = LAST_TRIES
			while not self._attempt(host, lambda: self._apply_told(host, *told)):
				last_tries -= self._keeper_done.is_set()
				self._never.wait(TICK_SECONDS)
				if not last_tries:
					log.error("What device %s told is lost: there is no database", told[0])
					break

	def _apply_told(self, host: Host, device: str, events: Sequence[Event]) -> None:
		try:
			inbox.apply(host, events, device=device)
			host.db.commit()
		except Exception as err:
			if isinstance(err, host.conflicts) or host.is_lost(err):
				raise
			host.db.rollback()
			self._apply_one_by_one(host, device, events)
		if any(isinstance(event, DeviceStateChanged) and event.state == "Connected" for event in events):
			self._catch_up(host, device)

	def _apply_one_by_one(self, host: Host, device: str, events: Sequence[Event]) -> None:
		"""One event that can't be applied must not hold up the others; it is kept in the error log."""
		for event in events:
			try:
				inbox.apply(host, [event], device=device)
			except Exception as err:
				if isinstance(err, host.conflicts) or host.is_lost(err):
					raise
				host.db.rollback()
				title = host.say(_("WhatsApp device {0}: an event can't be applied"), device)
				host.log_error(title, f"{type(event).__name__}\n\n{traceback.format_exc()}")
			host.db.commit()

	def _catch_up(self, host: Host, device: str) -> None:
		"""Statuses that nobody heard during an outage are asked for."""
		since = micros(host.time() - CATCH_UP_SECONDS)
		rows = messages.open_ids(host.db, device, since, CATCH_UP_MESSAGES)
		host.db.commit()
		session = self._keeper.find(device)
		if session and rows:
			session.check([(_address(row), row["remote_id"]) for row in rows])

	# -- threads --

	def wake(self, work: str) -> None:
		"""A part that may have something to do now need not wait for its time; an unknown one looks by itself."""
		if work in self._woken:
			self._woken[work].set()

	def _repeat(self, host: Host, work: Callable[[], object], seconds: float, name: str) -> None:
		woken = self._woken.setdefault(name, threading.Event())
		while not self.stopped.is_set():
			self._attempt(host, work)
			if not self.stopped.is_set():
				woken.wait(seconds)
				woken.clear()

	def _wait_keeper(self) -> Keeper:
		self._keeper_made.wait()
		if self._keeper is None:
			raise RuntimeError("The keeper of the linked devices did not start.")
		return self._keeper

	def _attempt(self, host: Host, work: Callable[[], object]) -> bool:
		"""Do a part's work once, with the settings of now. A database that is busy or gone is no reason to end: the next
		round does it."""
		host.refresh()
		try:
			work()
			return True
		except host.conflicts as err:
			host.db.rollback()
			log.warning("The database was busy (%s): it is tried again", err)
		except Exception as err:
			if not host.recover(err):
				raise
		return False

	def _guard(self, job: Callable[[Host], None]) -> None:
		"""One part that fails ends the whole worker: half a worker would look like a working one."""
		try:
			with self._open_host() as host:
				job(host)
		except Exception as err:
			log.exception("The worker stopped")
			self.error = self.error or err
			if self._keeper is None:  # nobody else lets the inbox end
				self._told.put(None)
			self._keeper_made.set()
			self.end()


def _address(row: dict[str, Any]) -> str:
	"""Whom a message went to: a group or a LID as it is, a person by the digits that WhatsApp found."""
	return row["recipient"] if "@" in row["recipient"] else row["wa_id"] or row["recipient"].lstrip("+")


def release_dead(host: Host, owner: str) -> None:
	"""Take the leases of processes of this machine that died, instead of waiting until they run out. Commits."""
	import psutil

	prefix = f"{socket.gethostname()}:"
	for other in leases.owners(host.db, prefix):
		pid = int(other.removeprefix(prefix).partition(":")[0])
		# In a container every start may have the same number.
		if other != owner and (pid == os.getpid() or not psutil.pid_exists(pid)):
			leases.release(host.db, other)
			workers.remove(host.db, other)
	host.db.commit()


def own_memory() -> int:
	"""Bytes that this process holds; its browsers are processes of their own."""
	import psutil

	return psutil.Process().memory_info().rss


def _show_read(host: Host, keeper: Keeper, linked: Sequence[str]) -> None:
	"""Blue ticks for the chats that somebody has read. Commits."""
	rows = chats.receipts_due(host.db, linked)
	for row in rows:
		if session := keeper.find(row["device"]):
			session.mark_read((row["phone"] or row["remote_id"]).lstrip("+"))
	chats.set_receipt_due(host.db, [row["name"] for row in rows], False)
	host.db.commit()
