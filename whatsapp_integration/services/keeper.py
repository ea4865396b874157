"""Keeps the sessions of linked devices: makes true what is wanted, whatever happened before.

The rows say what is wanted, the sessions say what is; a tick compares them and takes one step. Nothing here waits for a
browser. What becomes of a device is told as events like everything that comes from its page, so that one order holds.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whatsapp_integration.core import policy
from whatsapp_integration.core.config import UNOFFICIAL, DeviceConfig, WebConfig
from whatsapp_integration.core.errors import _
from whatsapp_integration.core.events import DeviceStateChanged, Event
from whatsapp_integration.senders.base import Sender
from whatsapp_integration.senders.factory import create_sender
from whatsapp_integration.senders.unofficial import UnofficialSender, free_memory, open_session
from whatsapp_integration.services import devices as device_service
from whatsapp_integration.store import devices, leases
from whatsapp_integration.store.bulk import micros

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host
	from whatsapp_integration.senders.unofficial import Session

LEASE_SECONDS = 60
RENEW_SECONDS = 15
RETRY_BASE, RETRY_CEILING = 5, 600  # seconds between attempts to reconnect
STEADY_SECONDS = 60  # connected for so long, earlier failures are forgotten
MEMORY_SECONDS = 60  # how often browsers are weighed
STOP_SECONDS = 8  # a session that did not end by then loses its browser
NO_MEMORY_SECONDS = 30

Tell = Callable[[str, Sequence[Event]], None]


@dataclass(frozen=True)
class _Plan:
	"""What comes after the session that is there now."""

	starts: bool = True
	forgets: bool = False  # the profile goes first
	is_linking: bool = False
	pairing_phone: str = ""


@dataclass
class _Line:
	profile: Path
	session: Session | None = None
	plan: _Plan | None = None
	request: tuple[str, int] | None = None  # what is being done of what a person asked for, and when that was
	kill_at: float = 0  # monotonic seconds; 0 while nobody asked it to stop
	attempts: int = 0
	retry_at: float = 0
	renew_at: float = 0  # monotonic seconds; our lease is good until after then
	weighed_at: float = 0
	memory: int = 0  # bytes, when it was weighed last
	steady_at: float = 0  # when it will have been connected for long enough
	lacks_memory: bool = False


@dataclass
class Keeper:
	"""`tick` is called by the one thread that owns `host`, about once a second; `find` from any thread."""

	host: Host
	owner: str
	tell: Tell
	open_session: Callable[..., Session] = open_session
	_lines: dict[str, _Line] = field(default_factory=dict)

	# -- for the senders --

	def find(self, device: str) -> Session | None:
		line = self._lines.get(device)
		return line.session if line else None

	def create_sender(self, device: DeviceConfig) -> Sender:
		"""The senders of this process: those of linked devices know their sessions."""
		if device.mode != UNOFFICIAL:
			return create_sender(device)
		return UnofficialSender(device, lambda: self.find(device.name))

	def ready(self) -> list[str]:
		"""Names of the devices that can send now."""
		lines = list(self._lines.items())
		return [name for name, line in lines if line.session and line.session.is_ready]

	def memory(self) -> int:
		"""Bytes that all browsers held when they were weighed last."""
		return sum(line.memory for line in list(self._lines.values()) if line.session)

	def names(self) -> list[str]:
		"""The devices that have a browser here."""
		return [name for name, line in list(self._lines.items()) if line.session]

	# -- the round --

	def tick(self) -> None:
		"""One step for every device. Commits."""
		config = self.host.settings().web
		rows = {row["name"]: row for row in devices.linked(self.host.db)}
		for name, row in rows.items():
			line = self._lines.get(name) or _Line(_profile(config, name))
			if self._keeps(row, line):
				self._lines[name] = line
				self._step(row, line, config)
			elif line.session:
				self._end_foreign(row, line, config)
			else:
				self._lines.pop(name, None)
		for name in self._lines.keys() - rows.keys():
			self._drop(name)
		self.host.db.commit()

	def end_sessions(self, seconds: float) -> None:
		"""End all sessions together: those that send may finish for half of the time, then every browser closes."""
		end = time.monotonic() + seconds
		sessions = [line.session for line in self._lines.values() if line.session]
		for session in sessions:
			session.stop(patience=seconds / 2)
		for session in sessions:
			session.join(max(0.1, end - time.monotonic()))
			stopped = DeviceStateChanged(state="Disconnected", reason=_("The whatsapp-worker was stopped."))
			self.tell(session.device, [stopped])

	# -- whose device it is --

	def _keeps(self, row: dict[str, Any], line: _Line) -> bool:
		"""Is the device ours? It is kept where its profile is; a new link may begin anywhere."""
		if not self._is_wanted(row, line):
			return False
		if time.monotonic() < line.renew_at:
			return True
		now, lease = self.host.time(), leases.of_session(row["name"])
		expires = micros(now + LEASE_SECONDS)
		is_ours = leases.acquire(
			self.host.db, lease, self.owner, now=micros(now), expires=expires, stamp=self.host.now()
		)
		line.renew_at = time.monotonic() + RENEW_SECONDS if is_ours else 0
		return is_ours

	def _is_wanted(self, row: dict[str, Any], line: _Line) -> bool:
		if line.session or line.plan or _is_link(row["request"]):
			return True
		is_here = (row["linked_host"] or "") in ("", socket.gethostname())
		has_profile = line.profile.is_dir()
		if row["request"] and (has_profile or is_here):
			return True
		if row["wanted_state"] == "Connected" and is_here and not has_profile:
			reason = _("The session of this phone is not on this machine any more.")
			self._give_up(row["name"], "Logged Out", reason, advice=_("Press Link to link the phone again."))
		return row["wanted_state"] == "Connected" and has_profile

	def _end_foreign(self, row: dict[str, Any], line: _Line, config: WebConfig) -> None:
		"""Somebody else has the lease of a session that still lives here: it ends, by force if need be."""
		self._stop(line, _Plan(starts=False))
		self._kill_late(line)
		self._reap(row, line, config)

	# -- one device --

	def _step(self, row: dict[str, Any], line: _Line, config: WebConfig) -> None:
		if row["request"]:
			self._take_request(row, line)
		if line.session and line.session.is_over:
			self._reap(row, line, config)
		elif line.session:
			self._watch(row, line, config)
		elif line.plan or (row["wanted_state"] == "Connected" and self._may_start(row, line)):
			self._carry_on(row, line, config)

	def _may_start(self, row: dict[str, Any], line: _Line) -> bool:
		is_stopped = row["status"] in policy.STOPPED_STATES - {device_service.PAUSED}
		return bool(row["enabled"]) and not is_stopped and time.monotonic() >= line.retry_at

	def _take_request(self, row: dict[str, Any], line: _Line) -> None:
		"""Begin what a person asked for. It stays on the row until it is done, so that a crash between forgets nothing."""
		request, name = row["request"], row["name"]
		if line.request == (request, row["requested"]):
			return  # under way
		age = self.host.time() - row["requested"] / 1_000_000
		kind, _colon, phone = request.partition(":")
		if age > device_service.REQUEST_SECONDS:
			devices.take_request(self.host.db, name, request)
			return
		line.request = (request, row["requested"])
		line.attempts, line.retry_at = 0, 0
		if kind == device_service.LOG_OUT:
			self._log_out(line)
			return
		devices.set_values(self.host.db, name, wanted_state="Connected")
		if kind == device_service.RESTART:
			self._stop(line, _Plan())
		elif kind == device_service.LINK and line.session and line.session.is_ready:
			self._done(name, line)
		else:
			# A profile that no known phone was linked with is left over from another device.
			forgets = kind == device_service.RELINK or not row["linked_since"]
			self._stop(line, _Plan(forgets=forgets, is_linking=True, pairing_phone=phone))
			devices.set_values(self.host.db, name, linked_host=socket.gethostname())

	def _done(self, name: str, line: _Line) -> None:
		"""What was asked for is done, or has begun so that a new session goes on with it."""
		if line.request:
			devices.take_request(self.host.db, name, line.request[0])
			line.request = None

	def _log_out(self, line: _Line) -> None:
		"""A page that is connected takes the link back on the phone; otherwise only the session here can go."""
		if line.session and line.session.is_ready:
			line.plan = _Plan(starts=False, forgets=True)
			line.kill_at = time.monotonic() + 3 * STOP_SECONDS
			line.session.log_out()
		else:
			self._stop(line, _Plan(starts=False, forgets=True))

	def _stop(self, line: _Line, plan: _Plan) -> None:
		line.plan = plan
		if line.session and not line.kill_at:
			line.kill_at = time.monotonic() + STOP_SECONDS
			line.session.stop()

	def _watch(self, row: dict[str, Any], line: _Line, config: WebConfig) -> None:
		"""A living session: end it when it is not wanted, hangs, or has grown too big or too old."""
		session, now = line.session, time.monotonic()
		if line.kill_at:
			self._kill_late(line)
			return
		if not row["enabled"] or row["wanted_state"] != "Connected":
			self._stop(line, _Plan(starts=False))
			return
		if not session.is_ready:
			line.steady_at = now + STEADY_SECONDS
			return
		if now > line.steady_at:
			line.attempts = 0
		self._tell_state(row, session.state)
		if now > line.weighed_at and session.is_idle:
			line.weighed_at = now + MEMORY_SECONDS
			line.memory = session.memory()
			is_old = now - session.started > config.recycle_seconds
			if is_old or line.memory > config.max_browser_memory:
				self._stop(line, _Plan())

	def _kill_late(self, line: _Line) -> None:
		if line.session and line.kill_at and time.monotonic() > line.kill_at:
			line.session.kill()

	def _tell_state(self, row: dict[str, Any], state: str) -> None:
		"""Somebody resumed the device meanwhile: the row says again what is true."""
		if row["status"] in ("Reconnecting", "Disconnected"):
			self.tell(row["name"], [DeviceStateChanged(state=state)])

	def _carry_on(self, row: dict[str, Any], line: _Line, config: WebConfig) -> None:
		"""What was planned, or a new attempt."""
		plan = line.plan or _Plan()
		if plan.forgets:
			self._forget(row["name"], line)
			plan = line.plan = replace(plan, forgets=False)
		if not plan.starts:
			line.plan = None
			self._done(row["name"], line)
			self.tell(row["name"], [DeviceStateChanged(state="Disconnected")])
		elif self._has_room(row, line, config):
			line.plan = None
			self._done(row["name"], line)
			self._start(row, line, config, plan)

	def _has_room(self, row: dict[str, Any], line: _Line, config: WebConfig) -> bool:
		"""One browser starts at a time, and only while there is memory for it."""
		if any(other.session and other.session.is_starting for other in self._lines.values()):
			return False
		if free_memory() >= config.min_free_memory:
			line.lacks_memory = False
			return True
		if not line.lacks_memory:
			line.lacks_memory = True
			reason = _("Not enough free memory on {0} to start its browser.")
			advice = _("End other programs, add memory, or lower the limit in WhatsApp Settings.")
			event = DeviceStateChanged(
				state="Disconnected",
				reason=reason,
				values=(socket.gethostname(),),
				advice=advice,
				needs_people=True,
			)
			self.tell(row["name"], [event])
		line.retry_at = time.monotonic() + NO_MEMORY_SECONDS
		return False

	def _start(self, row: dict[str, Any], line: _Line, config: WebConfig, plan: _Plan) -> None:
		name = row["name"]
		line.kill_at = 0
		line.session = self.open_session(
			name,
			row["phone_number"] or "",
			line.profile,
			config,
			lambda events: self.tell(name, events),
			is_linking=plan.is_linking,
			pairing_phone=plan.pairing_phone,
		)
		line.session.start()

	# -- how sessions end --

	def _reap(self, row: dict[str, Any], line: _Line, config: WebConfig) -> None:
		"""A session is over: say what that means for the device, and plan the next one."""
		session = line.session
		if not session or not session.is_over:
			return
		line.session, line.kill_at = None, 0
		ending, name = session.ending, row["name"]
		if line.plan:  # we asked for it
			return
		if ending.forgets:
			self._forget(name, line)
		if session.is_linking and ending.forgets and ending.retries and not line.attempts:
			line.attempts += 1
			line.plan = _Plan(is_linking=True, pairing_phone=session.pairing_phone)
		elif session.is_linking:
			self._give_up(
				name, "Disconnected", ending.reason, ending.values, advice=ending.advice, is_news=False
			)
		elif ending.retries:
			self._try_again(name, line, ending, config)
		else:
			self._give_up(name, ending.state, ending.reason, ending.values, advice=ending.advice)

	def _forget(self, name: str, line: _Line) -> None:
		"""The link is over: its profile goes, and what was known of its phone."""
		for folder in (line.profile, Path(f"{line.profile}.downloads")):
			shutil.rmtree(folder, ignore_errors=True)
		Path(f"{line.profile}.lock").unlink(missing_ok=True)
		unknown = dict.fromkeys(("linked_name", "linked_platform", "linked_lid", "linked_since"))
		devices.set_values(self.host.db, name, **unknown)

	def _try_again(self, name: str, line: _Line, ending: Any, config: WebConfig) -> None:
		line.attempts += 1
		wait = min(RETRY_CEILING, RETRY_BASE * 2 ** min(line.attempts - 1, 20))
		line.retry_at = time.monotonic() + wait * random.uniform(0.75, 1.25)
		event = DeviceStateChanged(
			state=ending.state,
			reason=ending.reason,
			values=ending.values,
			advice=ending.advice,
			needs_people=line.attempts == config.reconnect_attempts,
			screenshot=ending.screenshot,
		)
		self.tell(name, [event])

	def _give_up(
		self,
		name: str,
		state: str,
		reason: str,
		values: tuple = (),
		*,
		advice: str = "",
		is_news: bool = True,
	) -> None:
		"""A new session would do no better: somebody has to press a button."""
		devices.set_values(self.host.db, name, wanted_state="Disconnected")
		event = DeviceStateChanged(
			state=state, reason=reason, values=values, advice=advice, needs_people=is_news and bool(reason)
		)
		self.tell(name, [event])

	def _drop(self, name: str) -> None:
		"""The device was deleted: its session ends, its profile goes."""
		line = self._lines[name]
		if line.session and not line.session.is_over:
			self._stop(line, _Plan(starts=False))
			self._kill_late(line)
			return
		self._forget(name, line)
		del self._lines[name]


def _is_link(request: str | None) -> bool:
	return bool(request) and request.partition(":")[0] in (device_service.LINK, device_service.RELINK)


def _profile(config: WebConfig, device: str) -> Path:
	"""The profile folder of a device; hashed, since a name is no path."""
	return Path(config.folder) / "profiles" / hashlib.sha256(device.encode()).hexdigest()[:16]
