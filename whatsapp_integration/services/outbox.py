"""The one door to the queue: every message becomes a row here, in the caller's own transaction."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from whatsapp_integration.core import phone, policy
from whatsapp_integration.core import status as st
from whatsapp_integration.core.config import OFFICIAL, UNOFFICIAL, DeviceConfig
from whatsapp_integration.core.errors import (
	InvalidContent,
	InvalidRequest,
	OutcomeUnknown,
	Refused,
	WhatsAppError,
	_,
)
from whatsapp_integration.core.json_text import DEPTH_MAX, depth, to_json
from whatsapp_integration.core.messages import Content, MediaContent, content_from_json
from whatsapp_integration.senders.factory import sender_class
from whatsapp_integration.store import chats, devices, messages
from whatsapp_integration.store.bulk import micros

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host

KEY_MAX = 140
_PLAIN_KEY = re.compile(r"[a-z0-9_.:/-]{1,64}")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
CHUNK = 1000  # requests that are prepared and written together


@dataclass(frozen=True)
class SendRequest:
	"""A wish to send one message.

	`to` is a phone number in any spelling, a WhatsApp id (BSUID), or "" when `chat` names one of our chats. `send_at` is
	naive, in the host's time zone. `reference` is (DocType, name) of the document it belongs to.
	"""

	content: Content
	to: str = ""
	device: str = ""
	chat: str = ""
	reply_to: str = ""  # WhatsApp id of the message to quote
	priority: str = "Normal"
	send_at: datetime | None = None
	reference: tuple[str, str] = ("", "")
	idempotency_key: str = ""


@dataclass(frozen=True)
class Receipt:
	"""What became of a request: its row and status; `error` where it was refused; `is_duplicate` where the row is older."""

	name: str
	status: str
	error: WhatsAppError | None = None
	is_duplicate: bool = False


@dataclass
class _Draft:
	request: SendRequest
	recipient: str = ""
	chat_id: str = ""
	error: WhatsAppError | None = None
	row: dict[str, Any] = field(default_factory=dict)


def send(host: Host, request: SendRequest) -> Receipt:
	"""Queue one message. Raises the error that speaks against it, with nothing written."""
	draft = _Draft(request)
	device = _Lines(host).prepare(draft)
	if device and not draft.error:
		_complete(host, device, [draft])
	if draft.error:
		raise draft.error
	(receipt,) = _write(host, [draft])
	if receipt.error:
		raise receipt.error
	host.wake("dispatch")
	return receipt


def enqueue(host: Host, requests: Sequence[SendRequest]) -> list[Receipt]:
	"""Queue many messages at once; receipts in the order of the requests.

	One that can't be sent becomes a Failed row that says why, so that nothing is lost from the log. Only a request without
	any usable device leaves no row, just its error.
	"""
	receipts: dict[int, Receipt] = {}
	lines = _Lines(host)
	for start in range(0, len(requests), CHUNK):
		by_device: dict[DeviceConfig, list[tuple[int, _Draft]]] = {}
		for index, request in enumerate(requests[start : start + CHUNK], start):
			draft = _Draft(request)
			device = lines.prepare(draft)
			if device is None:
				receipts[index] = Receipt("", st.FAILED, draft.error)
			else:
				by_device.setdefault(device, []).append((index, draft))
		for device, drafts in by_device.items():
			_complete(host, device, [draft for _index, draft in drafts])
			written = _write(host, [draft for _index, draft in drafts])
			receipts.update(zip((index for index, _draft in drafts), written, strict=True))
	if receipts:
		host.wake("dispatch")
	return [receipts[index] for index in range(len(requests))]


def retry(host: Host, names: Sequence[str]) -> set[str]:
	"""Queue Failed, Held and Unknown messages again, by a person's word; returns those that are queued now."""
	queued = messages.move(
		host.db,
		names,
		st.QUEUED,
		st.RETRYABLE,
		host.now(),
		due=micros(host.time()),
		attempts=0,
		error_code=None,
		error_text=None,
		advice=None,
		failed_at=None,
	)
	host.publish({messages.MESSAGE: sorted(queued)})
	host.wake("dispatch")
	return queued


def cancel(host: Host, names: Sequence[str]) -> set[str]:
	"""Take messages that are still waiting out of the queue; returns those that are cancelled now."""
	cancelled = messages.move(host.db, names, st.CANCELLED, st.CANCELLABLE, host.now())
	host.publish({messages.MESSAGE: sorted(cancelled)})
	return cancelled


def readdress(host: Host, rows: Sequence[dict[str, Any]], name: str) -> set[str]:
	"""Have queued messages leave through another device, where that one may send them; returns which do."""
	device = host.device(name)
	kinds = sender_class(device.mode).KINDS
	drafts = {}
	for row in rows:
		try:
			content = content_from_json(row["message_type"], row["content"])
			content.check(device.mode)
		except InvalidRequest:  # the dispatcher says so when it comes to it
			continue
		if content.KIND in kinds:
			request = SendRequest(content, row["recipient"])
			drafts[row["name"]] = _Draft(request, row["recipient"], phone.match_key(row["recipient"]))
	if device.mode == OFFICIAL:
		drafts = _within_windows(host, name, drafts)
	_complete(host, device, list(drafts.values()))
	moved = [
		{
			"name": row["name"],
			"device": name,
			"chat": drafts[row["name"]].row["chat"],
			"first_contact": drafts[row["name"]].row["first_contact"],
			"moved_from": row["device"],
			"reply_to_id": None,  # what it quotes is in the chat of the other number
		}
		for row in rows
		if row["name"] in drafts and not drafts[row["name"]].error
	]
	messages.readdress(host.db, moved, host.now())
	names = {row["name"] for row in moved}
	host.publish({messages.MESSAGE: sorted(names)})
	return names


def _within_windows(host: Host, device: str, drafts: dict[str, _Draft]) -> dict[str, _Draft]:
	"""The drafts that an official number is known to be allowed to send: somebody who never wrote to it takes only templates,
	and a message that failed there is lost to the device that comes back."""
	known = chats.find(host.db, device, [draft.chat_id for draft in drafts.values()])
	now = host.now()
	is_open = {key for key, chat in known.items() if chat["window_end"] and chat["window_end"] > now}
	return {
		name: draft
		for name, draft in drafts.items()
		if draft.request.content.KIND == "template" or draft.chat_id in is_open
	}


class _Lines:
	"""The devices of one call, each read once."""

	def __init__(self, host: Host):
		self.host = host
		self.settings = host.settings()
		self.devices: dict[str, DeviceConfig] = {}
		self.may_use = functools.cache(host.may_use)

	def prepare(self, draft: _Draft) -> DeviceConfig | None:
		"""Check everything that needs no other row; what is wrong stands in `draft.error` afterwards."""
		device = None
		try:
			chat = self._chat(draft.request)
			device = self._device(draft.request.device or (chat["device"] if chat else ""))
			self._check_request(draft.request, chat, device)
			draft.recipient, draft.chat_id = self._recipient(draft.request, chat, device)
			draft.request = replace(draft.request, content=self._content(draft.request.content, device.mode))
		except InvalidRequest as err:
			draft.error = err
		return device

	def _chat(self, request: SendRequest) -> dict | None:
		if not request.chat:
			return None
		chat = chats.get(self.host.db, request.chat)
		if chat is None:
			raise InvalidRequest(_("There is no chat {0}."), request.chat, code="unknown_chat")
		return chat

	def _device(self, name: str) -> DeviceConfig:
		name = name or self.settings.default_device
		if not name:
			raise InvalidRequest(
				_("Choose a device, or set a default device in WhatsApp Settings."), code="no_device"
			)
		if name not in self.devices:
			self.devices[name] = self.host.device(name)
		return self.devices[name]

	def _check_request(self, request: SendRequest, chat: dict | None, device: DeviceConfig) -> None:
		if request.priority not in messages.PRIORITIES:
			raise InvalidRequest(
				_("Unknown priority {0}. Use one of: {1}."),
				request.priority,
				", ".join(messages.PRIORITIES),
				code="priority",
			)
		if len(request.reply_to) > KEY_MAX:
			raise InvalidRequest(
				_("The id of the message to quote is longer than {0} characters."), KEY_MAX, code="reply_to"
			)
		if len(request.idempotency_key) > KEY_MAX:
			raise InvalidRequest(
				_("The idempotency key is longer than {0} characters."), KEY_MAX, code="idempotency_key"
			)
		if not self.may_use(device.name):
			raise Refused(
				_("You may not send with device {0}. Ask a WhatsApp Manager."),
				device.name,
				code="not_permitted",
			)
		sender_class(device.mode).require_kind(request.content.KIND)
		if chat and chat["device"] != device.name:
			raise InvalidRequest(
				_("Chat {0} belongs to device {1}; an answer leaves from the number that was written to."),
				request.chat,
				chat["device"],
				code="other_device",
			)

	def _recipient(self, request: SendRequest, chat: dict | None, device: DeviceConfig) -> tuple[str, str]:
		"""The address to send to, and the id of its chat."""
		if chat:
			return chat["phone"] or chat["user_id"] or chat["remote_id"], chat["remote_id"]
		to = request.to.strip() if isinstance(request.to, str) else request.to
		if device.mode == UNOFFICIAL and phone.is_web_id(to):
			return to, to
		if isinstance(to, str) and phone.is_bsuid(to):
			return to, to
		number = phone.normalise(to, device.country or self.settings.default_country)
		return number, phone.match_key(number)

	def _content(self, content: Content, mode: str) -> Content:
		if isinstance(content, MediaContent) and content.media.file:
			file = self.host.open_file(content.media.file)
			media = replace(
				content.media,
				filename=content.media.filename or file.filename,
				mime_type=content.media.mime_type or file.mime_type,
				size=file.size,
			)
			content = replace(content, media=media)
		content.check(mode)
		_check_json(content)
		return content


def _complete(host: Host, device: DeviceConfig, drafts: list[_Draft]) -> None:
	"""Ask the policy, find or make the chats, and fill the rows."""
	now, clock = host.now(), micros(host.time())
	known = chats.find(host.db, device.name, [draft.chat_id for draft in drafts if not draft.error])
	for draft in drafts:
		draft.error = draft.error or _refusal(device, draft.request, known.get(draft.chat_id), now)
	contacts = {draft.chat_id: _contact(draft.recipient) for draft in drafts if not draft.error}
	known.update(chats.ensure(host.db, device.name, contacts, now=now, user=host.user()))
	for index, draft in enumerate(drafts):
		draft.row = _row(host, device, draft, known.get(draft.chat_id), clock + index, now)


def _write(host: Host, drafts: list[_Draft]) -> list[Receipt]:
	"""Write the rows, and read back what older rows answer to the same idempotency keys."""
	written = set(messages.insert(host.db, [draft.row for draft in drafts], now=host.now(), user=host.user()))
	keys = [draft.row["idempotency_key"] for draft in drafts if draft.row["name"] not in written]
	older = messages.by_idempotency_key(host.db, [key for key in keys if key])
	return [_receipt(draft, written, older) for draft in drafts]


def _contact(recipient: str) -> dict[str, Any]:
	is_phone = recipient.startswith("+")
	return {
		"title": recipient,  # until a name is known
		"phone": recipient if is_phone else "",
		"user_id": "" if is_phone else recipient,
		"is_group": int(recipient.endswith("@g.us")),
	}


def _refusal(
	device: DeviceConfig, request: SendRequest, chat: dict | None, now: datetime
) -> WhatsAppError | None:
	window_end = chat["window_end"] if chat else None
	return policy.refusal(policy.Facts(device, request.content.KIND, request.send_at or now, window_end))


def _row(
	host: Host, device: DeviceConfig, draft: _Draft, chat: dict | None, due: int, now: datetime
) -> dict[str, Any]:
	request, content, error = draft.request, draft.request.content, draft.error
	if request.send_at and request.send_at > now:
		due = micros(host.to_unix(request.send_at))
	return {
		"device": device.name,
		"direction": "Outgoing",
		"status": st.FAILED if error else st.QUEUED,
		"message_type": content.KIND,
		"priority": messages.PRIORITIES.get(request.priority, messages.PRIORITIES["Normal"]),
		"chat": chat["name"] if chat else None,
		"recipient": draft.recipient or host.clean(str(request.to))[:KEY_MAX],
		"body": None if error else host.clean(content.preview()),
		"content": _kept_content(content),
		"attachment": content.media.file if isinstance(content, MediaContent) else None,
		"reply_to_id": request.reply_to or None,
		"first_contact": int(_is_first_contact(device, chat)),
		"idempotency_key": _exact_key(request.idempotency_key),
		"reference_doctype": request.reference[0] or None,
		"reference_name": request.reference[1] or None,
		"send_at": request.send_at,
		"due": due,
		"attempts": 0,
		"error_code": error.code if error else None,
		"error_text": host.say(error.template, *error.values) if error else None,
		"advice": host.say(error.advice) if error else None,
		"failed_at": now if error else None,
	}


def _is_first_contact(device: DeviceConfig, chat: dict | None) -> bool:
	"""Has this person had no word from or to the number yet? It matters for linked phones only."""
	return bool(device.mode == UNOFFICIAL and chat and not chat["last_message_at"] and not chat["is_group"])


def _exact_key(key: str) -> str | None:
	"""The key as its column holds it. MariaDB compares texts without regard to case and accents, so others are hashed."""
	if not key or _PLAIN_KEY.fullmatch(key):
		return key or None
	return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _kept_content(content: Content) -> str:
	"""The content as the log keeps it; what no JSON column takes was refused, and is not kept."""
	try:
		_check_json(content)
	except InvalidContent:
		return "{}"
	return json.dumps(content.to_dict(), ensure_ascii=False, separators=(",", ":"))


def _check_json(content: Content) -> None:
	"""Refuse what the log's JSON column or its texts can't hold, before it costs the row."""
	try:
		text = to_json(content.to_dict())
	except ValueError as err:
		raise InvalidContent(_("The content holds a value that is no JSON."), code="content") from err
	if depth(text) > DEPTH_MAX:
		raise InvalidContent(_("The content nests deeper than {0} levels."), DEPTH_MAX, code="content")
	if _HALF_CHARACTER.search(json.dumps(content.to_dict(), ensure_ascii=False)):
		raise InvalidContent(
			_("The message holds half of a character. Copy the text again."), code="characters"
		)


def _receipt(draft: _Draft, written: set[str], older: dict[str, dict]) -> Receipt:
	if draft.row["name"] in written:
		return Receipt(draft.row["name"], draft.row["status"], draft.error)
	first = older.get(draft.row["idempotency_key"])
	if first is None:  # the database left a row out for another reason than its key: never call that queued
		raise RuntimeError(f"Message {draft.row['name']} was neither written nor found.")
	if any(
		first[column] != draft.row[column] for column in ("device", "recipient", "message_type", "content")
	):
		error = InvalidRequest(
			_("The idempotency key {0} belongs to another message. Use a new key for every message."),
			draft.request.idempotency_key,
			code="idempotency_key",
		)
		return Receipt(first["name"], first["status"], error)
	return Receipt(first["name"], first["status"], is_duplicate=True)


def settle_unknown(host: Host) -> int:
	"""Give up on outcomes that nobody learned in time; a person decides what to do. Commits."""
	hours = host.settings().unknown_after_hours
	text = host.say(
		_("No status came within {0} hours: it is not known whether the message left."), f"{hours:g}"
	)
	before = micros(host.time() - hours * 3600)
	advice, names = host.say(OutcomeUnknown.advice), []
	for line in devices.all_lines(host.db):
		names += messages.fail_unknown(host.db, line["name"], before, text, advice, host.now())
	host.publish({messages.MESSAGE: names})
	host.db.commit()
	return len(names)
