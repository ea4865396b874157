"""One linked device: a thread that owns a browser with WhatsApp Web, takes jobs and tells events.

The thread polls the page: what it reads there is the only thing it believes. A session lives until it is stopped or its
browser, its page or its link is lost; how that ended stands in `ending`, and whoever keeps the sessions decides what
comes next.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from whatsapp_integration.core import phone as phones
from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.core.errors import _
from whatsapp_integration.core.events import DeviceIdentified, DeviceStateChanged, Event, QrIssued
from whatsapp_integration.whatsapp_web import bundle, states
from whatsapp_integration.whatsapp_web.browser import Browser
from whatsapp_integration.whatsapp_web.errors import (
	BrowserError,
	BrowserLost,
	JobFailed,
	PageChanged,
	ProfileInUse,
	SetupError,
)
from whatsapp_integration.whatsapp_web.events import read_identity, read_item, read_status
from whatsapp_integration.whatsapp_web.jobs import Job, Jobs
from whatsapp_integration.whatsapp_web.page import Page, scripts
from whatsapp_integration.whatsapp_web.states import Ending, Screen, blocked, ended, logged_out, read_screen

POLL_BUSY = 0.15  # seconds between looks at the page while a job is open …
POLL_IDLE = 0.5  # … and otherwise: 3 ms of work each
JOB_SECONDS = 30  # for a job that names no limit
UNLINKED_SECONDS = 8  # a linked profile that shows a QR code for so long is linked no more
LOST_SECONDS = 120  # a linked page that does not reach WhatsApp for so long is started anew
QR_SECONDS = 60  # the longest that WhatsApp keeps one code
PAIRING_SECONDS = 195  # of one pairing code (wa-js)
KILL_SECONDS = 3  # for the thread to notice that its browser is gone

log = logging.getLogger("whatsapp_integration")


class _Over(Exception):
	def __init__(self, ending: Ending):
		super().__init__(ending)
		self.ending = ending


class Session:
	"""The public methods may be called from any thread. `tell` is called in the session's thread and must not wait."""

	def __init__(
		self,
		device: str,
		number: str,
		profile: Path,
		config: WebConfig,
		tell: Callable[[Sequence[Event]], None],
		*,
		is_linking: bool = False,
		pairing_phone: str = "",
	):
		self.device = device
		self.state = states.DISCONNECTED
		self.ending: Ending | None = None
		self.started = time.monotonic()
		self._number = number
		self._profile = profile
		self._config = config
		self._tell = tell
		self.is_linking = is_linking
		self.pairing_phone = pairing_phone
		self._jobs = Jobs()
		self._verdict: Ending | None = None  # why we end the link ourselves
		self._offered = ""  # the code that people see now
		self._asked: set[str] = set()  # what this page was asked for once
		self._held: list[Event] = []  # until it is known whose phone this is
		self._stopping = threading.Event()
		self._end_by = 0.0
		self._is_identified = False
		self._screen, self._since = Screen.STARTING, time.monotonic()
		self._browser = Browser(profile, config)
		self._page: Page | None = None
		self._thread = threading.Thread(target=self._run, name=f"whatsapp-{device}", daemon=True)

	# -- for other threads --

	@property
	def is_ready(self) -> bool:
		"""Can it send now?"""
		return self.state == states.CONNECTED and not self._stopping.is_set()

	@property
	def is_starting(self) -> bool:
		"""Is its browser still loading WhatsApp Web?"""
		return not self.is_over and self.state in (states.DISCONNECTED, states.INITIALIZING)

	@property
	def is_over(self) -> bool:
		return self.ending is not None and not self._thread.is_alive()

	@property
	def is_idle(self) -> bool:
		"""Is nothing on its way in its page?"""
		return self._jobs.is_idle

	def start(self) -> None:
		self._thread.start()

	def stop(self, patience: float = 0) -> None:
		"""Ask it to end, when what it does now is done, at the latest in `patience` seconds; `join` waits for that."""
		self._end_by = time.monotonic() + patience
		self._stopping.set()
		self._jobs.refuse_more()

	def join(self, seconds: float) -> None:
		"""Wait for the end of a session that was asked to stop; one that hangs loses its browser."""
		if not self._thread.is_alive():
			return
		self._thread.join(seconds)
		if self._thread.is_alive():
			self.kill()
			self._thread.join(KILL_SECONDS)

	def kill(self) -> None:
		"""Take its browser away; the session ends of that."""
		self._browser.kill()

	def memory(self) -> int:
		"""Bytes that its browser holds."""
		return self._browser.memory()

	def call(
		self, kind: str, args: dict[str, Any] | None = None, *, limit: float = JOB_SECONDS, file: str = ""
	) -> Any:
		"""Do a job of the bridge in the page and wait for its value. Raises JobFailed."""
		return self._jobs.do(kind, args or {}, limit, file)

	def check(self, sent: Sequence[tuple[str, str]]) -> None:
		"""Have the statuses told of messages of ours: (chat, message id) of each."""
		asked = {"messages": [{"to": to, "id": id} for to, id in sent]}
		with suppress(JobFailed):  # the next session asks again
			self._jobs.add(Job("acks", asked, JOB_SECONDS, self._tell_acks))

	def mark_read(self, chat: str) -> None:
		"""Show the customer of a chat blue ticks, soon and without a word about it."""
		with suppress(JobFailed):
			self._jobs.add(Job("mark_read", {"to": chat}, JOB_SECONDS, self._noted))

	def log_out(self) -> None:
		"""Take the link back on the phone too; the session ends with it."""
		self._verdict = logged_out("")
		with suppress(JobFailed):  # it ends already
			self._jobs.add(Job("log_out", {}, JOB_SECONDS, self._logged_out))

	def download(self, chat: str, message_id: str, limit: float = 120) -> tuple[bytes, str]:
		"""Fetch the file of a received message: its bytes and its MIME type. Raises JobFailed."""
		name = f"{time.monotonic_ns()}.bin"
		told = self.call("download", {"chat": chat, "id": message_id, "name": name}, limit=limit)
		path, deadline, never = self._browser.downloads / name, time.monotonic() + limit, threading.Event()
		while not path.is_file() or path.stat().st_size < told["size"]:
			if time.monotonic() > deadline or self.ending:
				raise JobFailed("timeout")
			never.wait(POLL_BUSY)  # the browser tells nobody when a file is complete
		try:
			return path.read_bytes(), told["mime_type"]
		finally:
			path.unlink()

	# -- the thread --

	def _run(self) -> None:
		ending = Ending(states.DISCONNECTED)
		try:
			self._begin()
			while not self._should_end():
				self._jobs.submit_waiting(self._page, busy_seconds=POLL_BUSY, idle_seconds=POLL_IDLE)
				self._look()
		except _Over as over:
			ending = over.ending
		except BrowserError as err:
			ending = self._ending_of(err)
		except Exception as err:
			log.exception("The session of device %s failed", self.device)
			ending = Ending(
				states.RECONNECTING, _("Unexpected error: {0}"), (type(err).__name__,), retries=True
			)
		finally:
			self._finish(ending)

	def _should_end(self) -> bool:
		return self._stopping.is_set() and (self.is_idle or time.monotonic() > self._end_by)

	def _begin(self) -> None:
		self._set_state(states.INITIALIZING)
		source = bundle.load(self._config, Path(self._config.folder) / "wa-js").source
		self._browser.scripts = scripts(source)
		self._browser.start()
		self._page = Page(self._browser, self._config.url)
		self._page.open()

	def _finish(self, ending: Ending) -> None:
		"""Jobs first, so that nobody waits for a browser that takes its time to close."""
		self._stopping.set()
		with suppress(_Over):  # it ends already
			self._jobs.fail_all()
		if self.is_linking:
			self._tell([QrIssued(code="")])
		if self._is_identified and self._held:
			self._tell(self._held)
		try:
			self._browser.stop()
		finally:
			self.state = ending.state
			self.ending = ending

	def _ending_of(self, err: BrowserError) -> Ending:
		is_strange = isinstance(err, SetupError | ProfileInUse | PageChanged)
		return Ending(
			states.DEGRADED if is_strange else states.RECONNECTING,
			err.template,
			err.values,
			err.advice,
			retries=not isinstance(err, SetupError),
			screenshot=self._screenshot() if isinstance(err, PageChanged) else b"",
		)

	def _screenshot(self) -> bytes:
		"""A picture of a page that nobody understands. A QR code is a credential, so never one of that."""
		if self._page is None or self.is_linking or self._screen is Screen.UNLINKED:
			return b""
		try:
			return self._page.screenshot()
		except BrowserError:
			return b""

	def _set_state(self, state: str) -> None:
		if state != self.state:
			self.state = state
			self._tell([DeviceStateChanged(state=state)])

	# -- the page --

	def _look(self) -> None:
		"""Read the page once: results, events, and what it shows."""
		pulled = self._page.pull()
		if pulled.is_reloaded:
			self._forget_page()
		for item in pulled.items:
			self._held += self._read(item)
		self._judge(read_screen(pulled.state), pulled.state)
		if self._is_identified and self._held:
			events, self._held = self._held, []
			self._tell(events)
		self._jobs.check_deadlines()

	def _forget_page(self) -> None:
		"""WhatsApp loaded itself anew: whatever was open in the page is gone."""
		self._asked.clear()
		self._show(Screen.STARTING)
		if self._is_identified:
			self._set_state(states.RECONNECTING)
		self._jobs.fail_open("page_reloaded")

	def _read(self, item: dict[str, Any]) -> list[Event]:
		kind = item["kind"]
		if kind == "result":
			self._jobs.settle(item)
			return read_identity(item.get("value"))
		if kind == "qr":
			self._asked.discard("refresh_qr")
			self._offer(item["code"])
		elif kind == "qr_idle" and self.is_linking and not self.pairing_phone:
			self._ask_once("refresh_qr", self._noted)
		elif kind == "pairing_code":
			if not item["code"]:  # it has expired: another one is asked for
				self._asked.discard("pair")
			self._offer(item["code"], is_pairing_code=True)
		elif kind == "pairing_failed" and self.is_linking:
			self._paired(JobFailed(item["error"]["code"], item["error"]["text"]))
		elif kind == "trouble":
			log.warning("Device %s: an event could not be read: %s", self.device, item["error"])
		else:
			return read_item(item, groups=self._config.receive_groups)
		return []

	def _ask_once(self, kind: str, settle: Callable[[Any], None], **args: Any) -> None:
		"""A job of the session itself, once for each time that WhatsApp Web was loaded."""
		if kind not in self._asked:
			self._asked.add(kind)
			self._jobs.submit(self._page, Job(kind, args, JOB_SECONDS, settle))

	def _show(self, screen: Screen) -> float:
		"""Note what the page shows; returns for how many seconds it has."""
		if screen is not self._screen:
			self._screen, self._since = screen, time.monotonic()
		return time.monotonic() - self._since

	def _judge(self, screen: Screen, state: dict[str, Any]) -> None:
		"""Act on what the page shows."""
		seconds = self._show(screen)
		if screen is Screen.CONNECTED:
			self._connected(seconds)
		elif screen is Screen.UNLINKED:
			self._unlinked(seconds)
		elif screen is Screen.LOADING:
			self._loading(seconds)
		elif screen is Screen.STARTING and seconds > self._config.boot_seconds:
			raise PageChanged(
				_("WhatsApp Web did not start within {0} seconds."), int(self._config.boot_seconds)
			)
		elif screen is Screen.CONFLICT:
			raise BrowserLost(_("WhatsApp Web was opened in a second place of this profile."))
		elif screen is Screen.OUTDATED:
			raise PageChanged(_("WhatsApp wants a newer version of WhatsApp Web."))
		elif screen is Screen.BLOCKED:
			raise _Over(blocked(state["ending"] or state["mode"]))
		elif screen is Screen.ENDED:
			raise _Over(self._verdict or self._ended(state["ending"]))

	def _ended(self, word: str) -> Ending:
		"""The link is over. One that a new link only finds over leaves the way free for it."""
		ending = ended(word)
		return replace(ending, retries=self.is_linking, forgets=ending.forgets or self.is_linking)

	def _connected(self, seconds: float) -> None:
		self._ask_once("self", self._identified)
		if not self._is_identified:
			if seconds > self._config.boot_seconds:
				raise PageChanged(_("WhatsApp Web does not say whose phone is linked."))
			return
		if self.state != states.CONNECTED:
			self._set_state(states.CONNECTED)
			self._asked.discard("backlog")
		self._ask_once("backlog", self._noted)

	def _identified(self, told: Any) -> None:
		number = "" if isinstance(told, JobFailed) else phones.wa_id_to_e164(told["number"])
		if not number:  # it is asked again
			self._asked.discard("self")
			return
		if self._number and phones.match_key(number) != phones.match_key(self._number):
			reason = _("The linked phone has the number {0}, but this device belongs to {1}.")
			self._verdict = logged_out(reason, number, self._number)
			self._ask_once("log_out", self._logged_out)
			return
		is_new, self.is_linking, self._is_identified = self.is_linking, False, True
		person = {key: told[key] for key in ("lid", "name", "platform")}
		self._tell([QrIssued(code=""), DeviceIdentified(number=number, is_new=is_new, **person)])

	def _unlinked(self, seconds: float) -> None:
		if not self.is_linking:
			if seconds > UNLINKED_SECONDS:
				raise _Over(logged_out(_("WhatsApp asks for a new link: the old one is over.")))
			return
		if time.monotonic() - self.started > self._config.link_seconds:
			raise _Over(Ending(states.DISCONNECTED, _("No phone was linked in time.")))
		self._set_state(states.QR_READY)
		if self.pairing_phone:
			self._ask_once("pair", self._paired, phone=self.pairing_phone)
		else:
			self._ask_once("qr", self._qr_read)

	def _qr_read(self, told: Any) -> None:
		if not isinstance(told, JobFailed):
			self._offer(told["code"])

	def _paired(self, told: Any) -> None:
		if isinstance(told, JobFailed):
			reason = _("WhatsApp gave no pairing code for {0}: {1}")
			raise _Over(Ending(states.DISCONNECTED, reason, (self.pairing_phone, told.text or told.code)))
		self._offer(told["code"], is_pairing_code=True)

	def _offer(self, code: str, *, is_pairing_code: bool = False) -> None:
		"""Hand a code to whoever links the phone; never any other kind than was asked for."""
		if code == self._offered or is_pairing_code != bool(self.pairing_phone):
			return  # a new code is told twice: as an event and as an answer
		self._offered = code
		if self.is_linking:
			seconds = PAIRING_SECONDS if is_pairing_code else QR_SECONDS
			self._tell([QrIssued(code=code, is_pairing_code=is_pairing_code, expires_in=seconds)])

	def _loading(self, seconds: float) -> None:
		self._set_state(states.RECONNECTING if self._is_identified else states.AUTHENTICATED)
		if seconds > LOST_SECONDS:
			raise BrowserLost(_("WhatsApp was not reached for {0} seconds."), LOST_SECONDS)

	def _tell_acks(self, acks: Any) -> None:
		if not isinstance(acks, JobFailed):
			self._tell([event for ack in acks for event in read_status(ack["id"], ack["ack"])])

	def _logged_out(self, outcome: Any) -> None:
		raise _Over(self._verdict or logged_out(""))

	def _noted(self, outcome: Any) -> None:
		if isinstance(outcome, JobFailed):
			log.warning("Device %s: the page could not do what it was asked (%s)", self.device, outcome)
