"""Applies what WhatsApp tells: the only writer of received messages, of statuses and of the chats' counters.

Applying the same events again changes nothing: messages meet at the unique key (device, remote_id), statuses only rise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from whatsapp_integration.core import events as ev
from whatsapp_integration.core import phone, policy
from whatsapp_integration.core import status as st
from whatsapp_integration.core.config import OFFICIAL, UNOFFICIAL
from whatsapp_integration.core.errors import FixCredentials, FixRequest, SendError, StopDevice, _, classify
from whatsapp_integration.core.json_text import DEPTH_MAX, depth, to_json
from whatsapp_integration.senders.factory import create_sender
from whatsapp_integration.services import devices as device_service
from whatsapp_integration.store import chats, devices, messages
from whatsapp_integration.store.bulk import micros
from whatsapp_integration.store.keys import CHAT, DEVICE, MESSAGE

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host

# Account events after which Meta takes no messages (DOC/webhooks/reference/account_update).
_STOPPING_ACCOUNT_EVENTS = frozenset(
	{"ACCOUNT_RESTRICTION", "DISABLED_UPDATE", "ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED"}
)
_ALERT_TOPICS = frozenset(
	{"account_alerts", "account_update", "account_review_update", "phone_number_name_update", "security"}
)


@dataclass
class Outcome:
	"""What a batch did. `deferred` events speak of a message that is not there yet: apply them again later."""

	applied: int = 0
	ignored: int = 0
	deferred: int = 0


def apply(host: Host, events: Sequence[ev.Event], *, device: str = "") -> Outcome:
	"""Apply a batch in the caller's transaction; the caller commits.

	Events of webhooks are matched by the ids of Meta in them; a linked session says by `device` whose events they are.
	"""
	batch = _Batch(host)
	parts = {device: list(events)} if device else batch.by_device(events)
	for device, part in parts.items():
		batch.apply_messages(device, [event for event in part if isinstance(event, ev.MessageReceived)])
		batch.apply_changes(device, part)
		batch.apply_statuses(device, [event for event in part if isinstance(event, ev.StatusChanged)])
		batch.apply_account(device, part)
	changed = {doctype: sorted(names) for doctype, names in batch.changed.items()}
	host.publish(changed, new={MESSAGE: sorted(batch.new)})
	return batch.outcome


def mark_read(host: Host, name: str) -> None:
	"""Somebody has read a chat: nothing in it is unread."""
	chats.mark_read(host.db, name, host.now())
	host.publish({CHAT: [name]})


def send_read_receipt(host: Host, name: str) -> None:
	"""Show the customer of a chat blue ticks up to the last message."""
	chat = chats.get(host.db, name)
	if not (chat and chat["last_incoming_id"]):
		return
	device = host.device(chat["device"])
	if device.mode == UNOFFICIAL:  # the worker that holds the phone shows them
		chats.set_receipt_due(host.db, [name], True)
	else:
		sender = create_sender(device)
		try:
			sender.mark_read(chat["last_incoming_id"])
		finally:
			sender.close()


class _Batch:
	def __init__(self, host: Host):
		self.host = host
		self.now = host.now()
		self.outcome = Outcome()
		self.changed: dict[str, set[str]] = defaultdict(set)  # DocType → names
		self.new: set[str] = set()  # message rows
		self.lines = {row["name"]: row for row in devices.all_lines(host.db)}

	def by_device(self, events: Sequence[ev.Event]) -> dict[str, list[ev.Event]]:
		"""Events by the device they belong to; those of an account go to each of its devices."""
		accounts = {
			row["phone_number_id"]: name for name, row in self.lines.items() if row["phone_number_id"]
		}
		wabas = defaultdict(list)
		for name, row in self.lines.items():
			if row["waba_id"]:
				wabas[row["waba_id"]].append(name)
		parts: dict[str, list[ev.Event]] = defaultdict(list)
		for event in events:
			owner = accounts.get(event.account)
			owners = [owner] if owner else wabas.get(event.waba_id, []) if not event.account else []
			for name in owners:
				parts[name].append(event)
			self.outcome.ignored += not owners
		return parts

	# -- messages --

	def apply_messages(self, device: str, events: list[ev.MessageReceived]) -> None:
		if not events:
			return
		keys = {event.message_id: _chat_key(event) for event in events}
		contacts = {keys[event.message_id]: self._contact(event) for event in events}
		known = chats.ensure(self.host.db, device, contacts, now=self.now, user=self.host.user())
		# Sorted by the unique key, so that racing writers wait for one another instead of deadlocking.
		rows = {event.message_id: self._row(device, event, known[keys[event.message_id]]) for event in events}
		ordered = [rows[message_id] for message_id in sorted(rows)]
		written = set(messages.insert(self.host.db, ordered, now=self.now, user=self.host.user()))
		fresh = [event for event in _once(events) if rows[event.message_id]["name"] in written]
		self.outcome.applied += len(fresh)
		self.outcome.ignored += len(events) - len(fresh)
		self.new |= written
		by_chat: dict[str, list[ev.MessageReceived]] = defaultdict(list)
		for event in fresh:
			by_chat[known[keys[event.message_id]]["name"]].append(event)
		for chat in sorted(by_chat):
			self._update_chat(device, chat, by_chat[chat])
		self.changed[CHAT].update(by_chat)
		if any(event.media for event in fresh):
			self.host.wake("media")

	def _contact(self, event: ev.MessageReceived) -> dict[str, Any]:
		number = "" if event.is_group else phone.wa_id_to_e164(event.phone)
		name = "" if event.is_group else self.host.clean(event.profile_name)
		return {
			"title": (name or number or event.chat_id)[:140],
			"phone": number,
			"user_id": event.user_id[:140],
			"is_group": int(event.is_group),
		}

	def _row(self, device: str, event: ev.MessageReceived, chat: dict) -> dict[str, Any]:
		is_echo, media = isinstance(event, ev.MessageEchoed), event.media
		return {
			"device": device,
			"direction": "Outgoing" if is_echo else "Incoming",
			"status": st.SENT if is_echo else st.RECEIVED,
			"message_type": event.kind,
			"chat": chat["name"],
			"recipient": phone.wa_id_to_e164(event.phone) or event.user_id or event.chat_id,
			"wa_id": event.sender_id or event.phone,
			"contact_name": self.host.clean(event.profile_name)[:140],
			"body": self.host.clean(event.body),
			"content": _kept_json(event),
			"media_id": media.media_id if media else None,
			"mime_type": media.mime_type[:140] if media else None,
			"media_sha256": media.sha256[:140] if media else None,
			"media_filename": self.host.clean(media.filename)[-140:] if media else None,
			"media_state": "Pending" if media else None,
			"media_due": micros(self.host.time()) if media else 0,
			"media_attempts": 0,
			"remote_id": event.message_id,
			"reply_to_id": event.reply_to[:140] or None,
			"message_time": self._when(event),
			"is_forwarded": int(event.forwarded),
			"is_echo": int(is_echo),
			"attempts": 0,
		}

	def _when(self, event: ev.Event) -> datetime:
		"""When it happened, in the host's time zone; now, where WhatsApp did not say."""
		return self.host.to_datetime(event.at) if event.at else self.now

	def _update_chat(self, device: str, chat: str, events: list[ev.MessageReceived]) -> None:
		incoming = [
			event for event in events if not isinstance(event, ev.MessageEchoed) and event.kind != "system"
		]
		last = max(events, key=lambda event: event.at)
		is_echo = isinstance(last, ev.MessageEchoed)
		window_end = None
		if incoming and self.lines[device]["mode"] == OFFICIAL:
			newest = max(incoming, key=lambda event: event.at)
			# In seconds, since a day of the calendar may have 23 or 25 hours.
			window_end = self.host.to_datetime((newest.at or self.host.time()) + policy.WINDOW_HOURS * 3600)
		names = (event.profile_name for event in incoming if event.profile_name and not event.is_group)
		chats.note_messages(
			self.host.db,
			chat,
			unread=len(incoming),
			title=self.host.clean(next(names, ""))[:140],
			window_end=window_end,
			last=chats.shorten(self.host.clean(last.body or last.kind)),
			last_at=self._when(last),
			last_direction="Outgoing" if is_echo else "Incoming",
			last_incoming_id=None if is_echo else last.message_id,
			now=self.now,
		)

	def apply_changes(self, device: str, events: list[ev.Event]) -> None:
		"""Edits, revokes and reactions: changes of a message that is there, or will be soon."""
		for event in events:
			if isinstance(event, ev.MessageEdited):
				self._change(device, event.message_id, body=event.body, is_edited=1, modified=self.now)
			elif isinstance(event, ev.MessageRevoked):
				self._change(device, event.message_id, is_revoked=1, modified=self.now)
			elif isinstance(event, ev.ReactionChanged):
				self._change(device, event.message_id, reaction=event.emoji[:140], modified=self.now)

	def _change(self, device: str, remote_id: str, **values: Any) -> None:
		name = messages.update_by_remote_id(self.host.db, device, remote_id, **values)
		self.outcome.applied += bool(name)
		self.outcome.deferred += not name
		if name:
			self.changed[MESSAGE].add(name)

	# -- statuses --

	def apply_statuses(self, device: str, events: list[ev.StatusChanged]) -> None:
		if not events:
			return
		found = self._match(device, events)
		self.outcome.applied += len(found)
		self.outcome.ignored += len(events) - len(found)
		self.changed[MESSAGE].update(name for name, _event in found)
		changes: dict[str, dict[str, datetime]] = defaultdict(dict)
		for name, event in found:
			if event.status != st.FAILED:
				changes[event.status].setdefault(name, self._when(event))
		messages.raise_statuses(self.host.db, changes, self.now)
		self._fail(device, {name: event for name, event in found if event.status == st.FAILED})
		priced = {name: event for name, event in found if event.pricing_category}
		rows = [
			{
				"name": name,
				"pricing_category": event.pricing_category[:140],
				"billable": int(event.billable or 0),
			}
			for name, event in priced.items()
		]
		messages.set_pricing(self.host.db, rows)

	def _match(self, device: str, events: list[ev.StatusChanged]) -> list[tuple[str, ev.StatusChanged]]:
		"""Find the rows by WhatsApp's id, or by the name we gave along where the answer never reached us."""
		ids = sorted({event.message_id for event in events})
		names = sorted({event.callback_data for event in events if event.callback_data})
		by_id, known = messages.match_statuses(self.host.db, device, ids, names)
		found, unanswered = [], {}
		for event in events:
			if event.message_id in by_id:
				found.append((by_id[event.message_id], event))
			elif event.callback_data in known:
				found.append((event.callback_data, event))
				unanswered[event.callback_data] = event.message_id
		messages.set_remote_ids(self.host.db, unanswered)
		return found

	def _fail(self, device: str, events: dict[str, ev.StatusChanged]) -> None:
		rows = []
		for name, event in events.items():
			error = _read_error(event.error_code, event.error_title, event.error_details)
			rows.append(
				{
					"name": name,
					"error_code": error.code,
					"error_text": self.host.say(error.template, *error.values),
					"advice": self.host.say(error.advice_when_failed),
					"failed_at": self._when(event),
				}
			)
			self._stop_if_needed(device, error)
		messages.fail(self.host.db, rows, self.now)

	def _stop_if_needed(self, device: str, error: Exception) -> None:
		if isinstance(error, FixCredentials):
			device_service.stop(self.host, device, "Auth Failed", error)
		elif isinstance(error, StopDevice):
			device_service.stop(self.host, device, "Blocked", error)

	# -- the account --

	def apply_account(self, device: str, events: list[ev.Event]) -> None:
		"""What Meta says of the number and its account. Templates and consent have no reader yet; their events are kept."""
		for event in events:
			if isinstance(event, ev.AccountChanged):
				self._account_changed(device, event)
				self.outcome.applied += 1
			elif isinstance(event, ev.ErrorReported):
				self._stop_if_needed(device, _read_error(event.code, event.title, event.details))
				self.outcome.applied += 1
			elif isinstance(event, ev.DeviceStateChanged):
				device_service.note_state(self.host, device, event)
				self.outcome.applied += 1
			elif isinstance(event, ev.DeviceIdentified):
				device_service.note_phone(self.host, device, event)
				self.outcome.applied += 1
			elif isinstance(event, ev.QrIssued):
				device_service.note_link_code(self.host, device, event)
				self.outcome.applied += 1
			elif isinstance(
				event, ev.TemplateChanged | ev.ConsentChanged | ev.IdentityLinked | ev.Unsupported
			):
				self.outcome.ignored += 1

	def _account_changed(self, device: str, event: ev.AccountChanged) -> None:
		limit = (
			event.data.get("max_daily_conversations_per_business") if isinstance(event.data, dict) else None
		)
		if isinstance(limit, str | int):
			devices.set_values(self.host.db, device, messaging_limit=str(limit)[:140])
			self.changed[DEVICE].add(device)
		text = self.host.say(
			_("Meta reports {0} for the account of device {1}."), event.event or event.topic, device
		)
		if event.event in _STOPPING_ACCOUNT_EVENTS:
			device_service.stop(self.host, device, "Blocked", StopDevice("{0}", text, code=event.event))
		elif event.topic in _ALERT_TOPICS:
			self.host.alert(text, text, device=device)


def _chat_key(event: ev.MessageReceived) -> str:
	"""One chat per contact: the spellings of one number (Mexico, Argentina, Brazil) meet in one key."""
	if event.is_group or not event.phone:
		return event.chat_id[:140]
	return phone.match_key(event.phone) or event.chat_id[:140]


def _read_error(code: int, title: str, details: str) -> SendError:
	"""The error of a webhook. One without a code says nothing about the line, whatever code 0 means in an answer."""
	if code:
		return classify(code, title, details)
	return FixRequest("{0}", details or title or _("WhatsApp refused the message."))


def _kept_json(event: ev.MessageReceived) -> str:
	"""The typed part of a message for the log; what nests too deep for a JSON column is kept as text."""
	text = to_json({**event.data, "referral": event.referral} if event.referral else event.data)
	return text if depth(text) <= DEPTH_MAX else to_json({"text": text})


def _once(events: Sequence[ev.MessageReceived]) -> list[ev.MessageReceived]:
	"""The events with each message only once, the last spelling of it."""
	return list({event.message_id: event for event in events}.values())
