"""Takes due rows of the message log and sends them.

One loop owns the database; sender threads get complete messages and give results back through a queue. A tick renews the
leases, settles the results in one batch, claims what the limits allow and commits once; only then is anything handed to
a thread. So a row is Sending in the database before its request can leave, and whatever the process dies of, a row that
may have left is never taken for one that did not.
"""

from __future__ import annotations

import math
import os
import queue
import random
import secrets
import socket
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from whatsapp_integration.core import limits, policy, retry
from whatsapp_integration.core import status as st
from whatsapp_integration.core.config import DeviceConfig
from whatsapp_integration.core.errors import (
	FixCredentials,
	MarketingHold,
	OutcomeUnknown,
	RetryLater,
	StopDevice,
	Unsupported,
	WhatsAppError,
	_,
)
from whatsapp_integration.core.messages import MediaContent, Outgoing, Sent, content_from_json, plan_web_id
from whatsapp_integration.senders.base import Sender
from whatsapp_integration.senders.factory import create_sender
from whatsapp_integration.services import caps
from whatsapp_integration.services import devices as device_service
from whatsapp_integration.store import chats, devices, leases, messages
from whatsapp_integration.store.bulk import micros

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host

THREADS = 64
LEASE_SECONDS = 60
GATHER_SECONDS = 0.02  # results that arrive this close together are settled in one commit
CLOSE_SECONDS = 40  # longer than any request of the Cloud API may take
SLOW_DOWN_CEILING = 60  # seconds
REST_SECONDS = 10  # how soon a full limit of an hour or a day is looked at again
IDLE_SECONDS = 1.0  # how often an idle worker looks for new rows
MARKETING_HOLD_SECONDS = 24 * 3600  # DOC: not before 24 hours after error 131049
DIED_TEXT = _("The sending process ended before WhatsApp's answer came.")


@dataclass
class _Line:
	"""One device while this dispatcher holds its lease."""

	device: DeviceConfig
	sender: Sender
	busy: set[str] = field(default_factory=set)  # recipients with a message on its way
	in_flight: int = 0
	ready_at: float = 0  # unix seconds; the whole device waits until then
	rest_until: float = 0  # unix seconds; a full limit is not looked at again before
	refusals: int = 0  # how often in a row the device was told to slow down


@dataclass(frozen=True)
class _Result:
	line: _Line
	row: dict[str, Any]
	outcome: Sent | Exception


class Dispatcher:
	"""Sends what is due for every device whose lease it gets. Used by the thread that owns `host`."""

	def __init__(
		self,
		host: Host,
		*,
		threads: int = THREADS,
		lease_seconds: float = LEASE_SECONDS,
		idle_seconds: float = IDLE_SECONDS,
		create_sender: Callable[[DeviceConfig], Sender] = create_sender,
	):
		self.host = host
		self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
		self._threads = threads
		self._lease_seconds = lease_seconds
		self._idle_seconds = idle_seconds
		self._create_sender = create_sender
		self._retry = host.settings().retry
		self._lines: dict[str, _Line] = {}
		self._not_ready: dict[str, _Line] = {}  # their leases are for a process that can send for them
		self._left: dict[str, _Line] = {}  # stopped, with messages still on their way
		self._sendable: list[str] = []
		self._renew_at = 0.0  # monotonic seconds
		self._pool = ThreadPoolExecutor(threads, thread_name_prefix="whatsapp-send")
		self._results: queue.SimpleQueue[_Result] = queue.SimpleQueue()
		self._unsettled: list[_Result] = []
		self._in_flight = 0
		self._handed_over: set[str] = set()  # rows that senders have, or had and are not settled
		self._is_unsure = False  # a connection was lost: did its last commit count?

	def drain(self, *, seconds: float = 50) -> None:
		"""Send until nothing is due, but claim nothing after `seconds`; then finish what is on its way and leave."""
		deadline = time.monotonic() + seconds
		try:
			while (pause := self.tick()) is not None and time.monotonic() + pause < deadline:
				self._rest(pause)
		finally:
			self.close()

	def run(self, stop: threading.Event, *, close_seconds: float = CLOSE_SECONDS) -> None:
		"""Send for ever, until `stop` is set."""
		try:
			while not stop.is_set():
				self._rest(self.tick())
		finally:
			self.close(seconds=close_seconds)

	def tick(self) -> float | None:
		"""Renew, settle, claim, commit, hand over.

		Returns the seconds until there is more to do: 0 at once or when an answer comes, more where a limit makes a device
		wait, None when nothing is due and nothing on its way.
		"""
		try:
			self._make_sure()
			self._renew()
			self._settle(self._unsettled)
			claimed, pause = self._claim()
			self.host.db.commit()
		except self.host.conflicts:
			self.host.db.rollback()
			return IDLE_SECONDS
		except Exception as err:
			if self._recover(err):
				return IDLE_SECONDS
			self.host.db.rollback()
			if not self._unsettled:
				raise
			self._settle_one_by_one()
			return 0
		self._handed_over -= {result.row["name"] for result in self._unsettled}
		self._handed_over |= {row["name"] for _line, row in claimed}
		self._unsettled.clear()
		self._hand_over(claimed)
		return 0 if pause is None and (self._in_flight or self._unsettled) else pause

	def close(self, *, seconds: float = CLOSE_SECONDS) -> None:
		"""Wait for what is on its way, settle it and give the leases back.

		What has no answer after `seconds` stays Sending; whoever takes the lease next marks it Unknown.
		"""
		deadline = time.monotonic() + seconds
		try:
			self._roll_back()
			while (self._in_flight or self._unsettled) and (left := deadline - time.monotonic()) > 0:
				self._wait(left if self._in_flight else 0)
				self._settle_one_by_one()
		finally:
			self._roll_back()
			leases.release(self.host.db, self.owner)
			self.host.db.commit()
			self._pool.shutdown(wait=False)
			for line in self._lines.values():
				line.sender.close()

	def _roll_back(self) -> None:
		try:
			self.host.db.rollback()
		except Exception as err:
			if not self._recover(err):
				raise

	def _recover(self, error: Exception) -> bool:
		"""Go on with a new connection where the database has dropped this one; messages on their way don't notice."""
		is_lost = self.host.recover(error)
		self._is_unsure = self._is_unsure or is_lost
		return is_lost

	def _make_sure(self) -> None:
		"""A claim whose commit counted, though nobody heard so, was never handed over: it waits again."""
		if self._is_unsure:
			messages.requeue_unsent(self.host.db, self.owner, self._handed_over)
			self.host.db.commit()
			self._is_unsure = False

	# -- leases --

	def _renew(self) -> None:
		"""Take or renew the lease of every device that may send, in a transaction of its own.

		A device that was paused is dropped at the next tick, one that was resumed or added, or became ready, is taken.
		"""
		names = devices.sendable(self.host.db, sorted(policy.STOPPED_STATES))
		is_awake = any(line.sender.is_ready for line in self._not_ready.values())
		if names == self._sendable and not is_awake and time.monotonic() < self._renew_at:
			return
		self.host.refresh()
		self._retry = self.host.settings().retry
		lines = {name: line for name in names if (line := self._line(name))}
		self._not_ready = {
			name: line for name, line in lines.items() if not line.sender.is_ready and not line.in_flight
		}
		now = micros(self.host.time())
		held = {
			name: line
			for name, line in lines.items()
			if name not in self._not_ready and self._acquire(line, now)
		}
		self.host.db.commit()
		known = {**self._left, **self._lines}
		self._left = {name: line for name, line in known.items() if name not in held and line.in_flight}
		self._lines = held
		self._sendable = names
		self._renew_at = time.monotonic() + self._lease_seconds / 3

	def _acquire(self, line: _Line, now: int) -> bool:
		"""Take or renew the lease, and see to what a dispatcher that died has left behind."""
		name, expires = line.device.name, now + micros(self._lease_seconds)
		lease = _lease_name(name)
		if not leases.acquire(
			self.host.db, lease, self.owner, now=now, expires=expires, stamp=self.host.now()
		):
			return False
		text, advice = self.host.say(DIED_TEXT), self.host.say(OutcomeUnknown.advice)
		messages.orphans_to_unknown(
			self.host.db, name, self.owner, self._handed_over, text, advice, self.host.now()
		)
		messages.release_held(self.host.db, name, now)
		return True

	def _line(self, name: str) -> _Line | None:
		"""The line of a device, made anew when its configuration changed."""
		device, line = self.host.device(name), self._lines.get(name) or self._left.get(name)
		if line and line.device == device:
			return line
		try:
			sender = self._create_sender(device)
		except Unsupported:  # the outbox has refused its messages loudly
			return None
		ready = leases.ready(self.host.db, _lease_name(name)) / messages.SECOND
		if line:
			line.device, line.sender, line.ready_at = device, sender, ready
			return line
		return _Line(device, sender, ready_at=ready)

	# -- settling --

	def _rest(self, pause: float | None) -> None:
		if pause is None or (pause == 0 and self._in_flight):
			pause = self._idle_seconds
		self._wait(min(pause, self._idle_seconds))

	def _wait(self, seconds: float) -> None:
		"""Sleep until a result comes, at most `seconds`, and then gather those that come close behind it."""
		deadline = time.monotonic() + (GATHER_SECONDS if self._unsettled else seconds)
		while True:
			try:
				result = self._results.get(timeout=max(0, deadline - time.monotonic()))
			except queue.Empty:
				return
			if not self._unsettled:
				deadline = min(deadline, time.monotonic() + GATHER_SECONDS)
			self._unsettled.append(result)
			self._in_flight -= 1
			result.line.in_flight -= 1
			result.line.busy.discard(result.row["recipient"])

	def _settle_one_by_one(self) -> None:
		"""Settle what came, each in a transaction of its own: one that can't be written must not hold up the others."""
		results, self._unsettled = self._unsettled, []
		for result in results:
			try:
				self._settle([result])
				self.host.db.commit()
				self._handed_over.discard(result.row["name"])
			except self.host.conflicts:
				self.host.db.rollback()
				self._unsettled.append(result)
			except Exception as err:  # the row stays Sending, and becomes Unknown with the next renewal
				if self._recover(err):
					self._unsettled.append(result)
					continue
				self.host.db.rollback()
				self._handed_over.discard(result.row["name"])
				title = self.host.say(
					_("WhatsApp message {0}: its answer can't be written"), result.row["name"]
				)
				self.host.log_error(title, traceback.format_exc())
				self.host.db.commit()

	def _settle(self, results: list[_Result]) -> None:
		"""Write what became of messages."""
		sent = [result for result in results if isinstance(result.outcome, Sent)]
		failed = [result for result in results if not isinstance(result.outcome, Sent)]
		if sent:
			self._settle_sent(sent)
		if failed:
			verdicts = [self._verdict(result) for result in failed]
			messages.settle(self.host.db, verdicts, self.owner, self.host.now())
		touched = {result.row["chat"] for result in sent if result.row["chat"]}
		self.host.publish(
			{messages.MESSAGE: [result.row["name"] for result in results], chats.CHAT: sorted(touched)}
		)

	def _settle_sent(self, results: list[_Result]) -> None:
		now = self.host.now()
		rows = [
			{"name": r.row["name"], "remote_id": r.outcome.message_id, "wa_id": r.outcome.wa_id}
			for r in results
		]
		messages.settle_sent(self.host.db, rows, now)
		last = {r.row["chat"]: chats.shorten(r.row["body"]) for r in results if r.row["chat"]}
		chats.note_outgoing(
			self.host.db, [{"name": chat, "last_message": text} for chat, text in last.items()], now
		)
		for result in results:
			result.line.refusals = 0

	def _verdict(self, result: _Result) -> dict[str, Any]:
		"""What the error of one message means for its row and for its device."""
		error, row, line = result.outcome, result.row, result.line
		if not isinstance(error, WhatsAppError):
			self.host.log_error(
				self.host.say(_("WhatsApp message {0}: unexpected error"), row["name"]),
				"".join(traceback.format_exception(error)),
			)
			error = OutcomeUnknown(
				_("An unexpected error interrupted the sending; see the Error Log."), code="unknown"
			)
		now, attempts = self.host.time(), row["attempts"] + 1
		status, wait = st.FAILED, 0.0
		if isinstance(error, StopDevice | FixCredentials):
			self._stop(line, error)
			status, attempts = st.QUEUED, row["attempts"]
		elif isinstance(error, OutcomeUnknown):
			status = st.UNKNOWN
			wait = retry.backoff(self._retry, attempts, random.random()) if line.sender.PLANS_IDS else 0
		elif isinstance(error, MarketingHold):
			status, wait = (
				(st.HELD, MARKETING_HOLD_SECONDS) if attempts < self._retry.attempts else (st.FAILED, 0)
			)
		elif isinstance(error, RetryLater) and error.scope == "device":
			# `due` stays as it is, so the message keeps its place in the queue.
			self._slow_down(line, error, now)
			status, attempts = st.QUEUED, row["attempts"]
		elif isinstance(error, RetryLater) and attempts < self._retry.attempts:
			status, wait = st.QUEUED, self._backoff(error, attempts)
		return {
			"name": row["name"],
			"status": status,
			"due": micros(now + wait) if wait else row["due"],
			"attempts": attempts,
			# What certainly did not leave gets a new id: its old one is used up or refused.
			"remote_id": None if status == st.QUEUED else row["remote_id"],
			"error_code": error.code,
			"error_text": self.host.say(error.template, *error.values),
			"advice": self.host.say(error.advice_when_failed if status == st.FAILED else error.advice),
		}

	def _backoff(self, error: RetryLater, attempts: int) -> float:
		if error.after is not None:
			return error.after
		if error.scope == "recipient":
			return retry.pair_backoff(self._retry, attempts)
		return retry.backoff(self._retry, attempts, random.random())

	def _slow_down(self, line: _Line, error: RetryLater, now: float) -> None:
		"""Make the whole device wait, across restarts; messages that were refused together count as one refusal."""
		if now >= line.ready_at:
			line.refusals += 1
			line.ready_at = now + (error.after or min(SLOW_DOWN_CEILING, 2**line.refusals))
			leases.set_ready(self.host.db, _lease_name(line.device.name), micros(line.ready_at))

	def _stop(self, line: _Line, error: WhatsAppError) -> None:
		state = "Auth Failed" if isinstance(error, FixCredentials) else "Blocked"
		device_service.stop(self.host, line.device.name, state, error)
		if self._lines.pop(line.device.name, None) and line.in_flight:
			self._left[line.device.name] = line

	# -- claiming --

	def _claim(self) -> tuple[list[tuple[_Line, dict]], float | None]:
		"""Take what every device may send now; with the seconds until a limit lets more through."""
		claimed: list[tuple[_Line, dict]] = []
		pauses: list[float] = []
		for index, line in enumerate(self._lines.values()):
			free = self._threads - self._in_flight - len(claimed)
			room = math.ceil(free / (len(self._lines) - index))
			if line.sender.PARALLEL:
				room = min(room, line.sender.PARALLEL - line.in_flight)
			rows, pause = self._choose(line, room) if room > 0 else ([], None)
			claimed += [(line, row) for row in self._take(line, rows)]
			pauses += [pause] if pause is not None else []
		return claimed, min(pauses, default=None)

	def _take(self, line: _Line, rows: list[dict]) -> list[dict]:
		"""Make rows ours, with the ids that they will have at WhatsApp where we choose those."""
		now = micros(self.host.time())
		device = line.device.name
		names = messages.claim(self.host.db, device, [row["name"] for row in rows], self.owner, now)
		taken = [row for row in rows if row["name"] in names]
		if line.sender.PLANS_IDS:
			fresh = [row for row in taken if not row["remote_id"]]
			for row in taken:
				row["is_repeat"] = bool(row["remote_id"])
				row["is_insisted"] = row["is_repeat"] and not row["attempts"]  # Retry begins to count anew
				row["remote_id"] = row["remote_id"] or plan_web_id()
			planned = [{"name": row["name"], "remote_id": row["remote_id"]} for row in fresh]
			messages.plan_ids(self.host.db, planned)
		return taken

	def _choose(self, line: _Line, room: int) -> tuple[list[dict], float | None]:
		"""The next rows of one device: at most one on its way per recipient, in order, within the limits."""
		now, name = self.host.time(), line.device.name
		if not line.sender.is_ready:
			return [], self._idle_seconds
		if now < max(line.ready_at, line.rest_until):
			return [], max(line.ready_at, line.rest_until) - now
		rows = self._due(line, micros(now), 2 * room + 50)
		if not rows:
			return [], None
		windows = limits.rate_windows(line.device.limits)
		sent = messages.sent_counts(self.host.db, name, micros(now), windows)
		allowed = limits.allowance(windows, sent, room)
		if not allowed:
			full = max(seconds for seconds, cap in windows.items() if sent[seconds] >= cap)
			caps.tell(self.host, line.device, full, windows[full])
			line.rest_until = now + min(full / 10, REST_SECONDS)
			return [], full / 10
		rows = caps.within_first_contacts(self.host, line.device, rows, now)
		return self._in_order(line, rows, now)[:allowed] if rows else [], 0

	def _due(self, line: _Line, now: int, limit: int) -> list[dict]:
		"""What to send next; before it, what may have been sent and has to be looked for."""
		name, unknown = line.device.name, []
		if line.sender.PLANS_IDS:
			since = micros(line.device.linked_since)
			unknown = messages.due_unknown(self.host.db, name, now, self._retry.attempts, since, limit)
		return unknown + messages.next_due(self.host.db, name, now, limit)

	def _in_order(self, line: _Line, rows: list[dict], now: float) -> list[dict]:
		"""Of due rows, those whose turn it is. What a limit or a retry keeps waiting gets a later `due`, behind all that
		already waits for the same person."""
		recipients = sorted({row["recipient"] for row in rows})
		db, name, rules = self.host.db, line.device.name, line.device.limits
		statuses = (st.QUEUED, st.UNKNOWN) if line.sender.PLANS_IDS else (st.QUEUED,)
		waiting = messages.postponed(db, name, micros(now), self.host.now(), recipients, statuses)
		history = {}
		if since := limits.pair_history(rules):
			history = messages.attempts_to(db, name, micros(now - since), recipients)
		taken, chosen, postponed = set(line.busy), [], []
		for row in rows:
			recipient = row["recipient"]
			queue = waiting.setdefault(recipient, [])
			behind = max((due for priority, due in queue if priority <= row["priority"]), default=0)
			ready = limits.pair_ready_at(history.get(recipient, ()), now, rules)
			if behind or ready > now:
				due = max(behind, micros(ready)) + 1
				queue.append((row["priority"], due))
				postponed.append({"name": row["name"], "due": due})
			elif recipient not in taken:
				taken.add(recipient)
				chosen.append(row)
		messages.postpone(db, postponed)
		return chosen

	# -- handing over --

	def _hand_over(self, claimed: list[tuple[_Line, dict]]) -> None:
		for line, row in claimed:
			try:
				message = self._outgoing(line, row)
			except WhatsAppError as err:
				self._unsettled.append(_Result(line, row, _unprepared(row, err)))
				continue
			except Exception as err:  # one unreadable file must not stop the others; it was not sent
				error = RetryLater(
					_("The message can't be prepared: {0}"), type(err).__name__, code="unexpected"
				)
				self._unsettled.append(_Result(line, row, _unprepared(row, error)))
				if not self._recover(err):
					self.host.log_error(row["name"], traceback.format_exc())
				continue
			self._in_flight += 1
			line.in_flight += 1
			line.busy.add(row["recipient"])
			self._pool.submit(self._send, line, message, row)

	def _outgoing(self, line: _Line, row: dict[str, Any]) -> Outgoing:
		"""The complete message of a row, its file found."""
		content = content_from_json(row["message_type"], row["content"])
		file = None
		if isinstance(content, MediaContent) and content.media.file:
			file = self.host.open_file(content.media.file)
		planned = {}
		if line.sender.PLANS_IDS:
			planned = {"planned_id": row["remote_id"], "attempt": row["attempts"] + 1}
			planned |= {key: row[key] for key in ("is_repeat", "is_insisted")}
		return Outgoing(row["name"], row["recipient"], content, row["reply_to_id"] or "", file, **planned)

	def _send(self, line: _Line, message: Outgoing, row: dict[str, Any]) -> None:
		"""Runs in a pool thread, which must always answer: an error nobody foresaw is judged with the others."""
		try:
			outcome: Sent | Exception = line.sender.send(message)
		except Exception as err:
			outcome = err
		self._results.put(_Result(line, row, outcome))


def _unprepared(row: dict[str, Any], error: WhatsAppError) -> WhatsAppError:
	"""The error of a message that can't be handed over. One that may have left before is not known to have failed."""
	if not row.get("is_repeat"):
		return error
	return OutcomeUnknown(error.template, *error.values, code=error.code, details=error.details)


def _lease_name(device: str) -> str:
	return f"dispatch:{device}"
