"""What customers do, and what the company does on its own phone."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from whatsapp_integration.sandbox.web.model import (
	ACK_DELIVERED,
	ACK_READ,
	ACK_SENT,
	Account,
	Customer,
	Message,
	is_group,
	lid_jid,
	new_message_id,
)
from whatsapp_integration.sandbox.web.sending import Sending
from whatsapp_integration.sandbox.web.state import WebState, now_ms
from whatsapp_integration.sandbox.web.wire import Wire

# What a writer may send as a file: wa-js's type and the MIME type of one that has none.
FILE_TYPES = {
	"image": ("image", "image/jpeg"),
	"video": ("video", "video/mp4"),
	"audio": ("audio", "audio/mpeg"),
	"voice": ("ptt", "audio/ogg; codecs=opus"),
	"sticker": ("sticker", "image/webp"),
	"document": ("document", "application/octet-stream"),
}
# A JPEG of one grey pixel: what wa-js has in `body` of a picture is a thumbnail, not words.
THUMBNAIL = (
	"/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////"
	"////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AR//Z"
)
WRITES = (
	"text",
	"location",
	"contacts",
	*FILE_TYPES,
	"name",
	"quoted",
	"group",
	"lid_only",
	"from_phone",
	"forwarded",
	"ciphertext",
)


class Writing:
	def __init__(self, state: WebState, wire: Wire, sending: Sending):
		self.state = state
		self.wire = wire
		self.sending = sending

	def write(self, number: str, customer: str, **what: Any) -> Message:
		"""A message of a customer to an account, or with `from_phone` of the account's own phone to the customer.

		`what` is one of `text`, `image` / `video` / `audio` / `voice` / `sticker` / `document` (bytes, or a dict of
		`content` (bytes), `data` (base64) or `id` (of an upload), with `mime_type`, `filename`, `caption`, `duration`),
		`location` ({"lat", "lng", "name"?, "address"?}), `contacts` ([{"name", "number"}]); and besides `name` (push
		name), `quoted` (message id), `group` (group id), `lid_only`, `forwarded`, `ciphertext` (the page meets the
		message before it can read it). Raises ValueError when that makes no message.
		"""
		unknown = set(what) - set(WRITES)
		if unknown:
			raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
		account, person = self.state.account(number), self.state.customer(customer)
		self._know(person, what)
		message = self._message(account, person, self._group(what.get("group"), person), what)
		if message.from_me:
			self._echo(message)
		else:
			self._arrive(message)
		return message

	def _know(self, person: Customer, what: dict[str, Any]) -> None:
		person.name = what.get("name", person.name)
		person.lid_only = bool(what.get("lid_only", person.lid_only))

	def _group(self, group_id: str | None, person: Customer) -> str:
		if not group_id:
			return ""
		if group_id not in self.state.groups:
			raise ValueError(f"there is no group {group_id}")
		if person.number not in self.state.groups[group_id].members:
			self.state.groups[group_id].members.append(person.number)
		return group_id

	def _message(self, account: Account, person: Customer, group: str, what: dict[str, Any]) -> Message:
		from_me = bool(what.get("from_phone"))
		quoted = what.get("quoted")
		return Message(
			id=new_message_id(),
			account=account.number,
			chat=group or person.jid,
			from_me=from_me,
			at=self.state.clock(),
			author=person.number if group and not from_me else "",
			quoted=self.state.find_message(quoted, account.number).id if quoted else "",
			ack=ACK_SENT,
			from_phone=from_me,
			forwarded=bool(what.get("forwarded")),
			unread=not from_me,
			encrypted_first=bool(what.get("ciphertext")),
			timing={"written": now_ms()},
			**self._content(what),
		)

	def _content(self, what: dict[str, Any]) -> dict[str, Any]:
		kinds = [kind for kind in ("text", "location", "contacts", *FILE_TYPES) if what.get(kind) is not None]
		if len(kinds) != 1:
			raise ValueError(f"give one of text, location, contacts, {', '.join(FILE_TYPES)}")
		if kinds == ["text"]:
			return {"type": "chat", "body": str(what["text"])}
		if kinds == ["location"]:
			place = what["location"]
			extra = {"lat": float(place["lat"]), "lng": float(place["lng"]), "loc": place.get("name", "")}
			return {"type": "location", "extra": extra}
		if kinds == ["contacts"]:
			return _vcards(what["contacts"])
		return self._file(kinds[0], what[kinds[0]])

	def _file(self, kind: str, given: bytes | dict[str, Any]) -> dict[str, Any]:
		if isinstance(given, bytes):
			given = {"content": given}
		wa_type, mime_type = FILE_TYPES[kind]
		name = given.get("filename", "")
		if given.get("id"):
			file = self.state.files.get(given["id"])
			if file is None:
				raise ValueError(f"there is no file {given['id']}")
		else:
			file = self.state.add_file(_content_of(given), given.get("mime_type", mime_type), name)
		is_picture = wa_type in ("image", "video")
		return {
			"type": wa_type,
			"body": THUMBNAIL if is_picture else "",
			"caption": given.get("caption", ""),
			"file": file.id,
			"filename": (name or file.name) if wa_type == "document" else "",
			"mimetype": file.mime_type,
			"size": len(file.content),
			"sha256": file.sha256,
			"extra": {"duration": given.get("duration", 3)} if wa_type in ("ptt", "audio", "video") else {},
		}

	def _arrive(self, message: Message) -> None:
		self.state.add_message(message)
		self.state.counts["received"] += 1
		self.state.tell_account(
			message.account, {"kind": "message", "message": self.wire.message(message), **self._who(message)}
		)

	def _echo(self, message: Message) -> None:
		for other in self.state.chat_messages(message.account, message.chat):
			other.unread = False  # who answers has read
		self.sending.add_outgoing(message)
		self.sending.climb(message)

	def _who(self, message: Message) -> dict[str, Any]:
		"""A person whom the page may never have heard of."""
		number = message.author or self.state.chat_number(message.chat)
		person = self.state.customer(number)
		known = {"lid": person.lid, "name": person.name, "pn": "" if person.lid_only else person.jid}
		return {"person": known}

	# ------------------------------------------------------------------ to what was written before

	def react(self, message: Message, customer: str, emoji: str, from_phone: bool) -> None:
		who = "me" if from_phone else customer
		message.reactions[who] = emoji
		account = self.state.accounts[message.account]
		sender = account.lid if from_phone else self._seen_as(account, customer)
		item = {"kind": "reaction", "id": message.id, "chat": message.chat, "emoji": emoji, "sender": sender}
		item.update(from_me=from_phone, reaction=new_message_id(), t=int(now_ms()))
		self.state.tell_account(message.account, item)

	def _seen_as(self, account: Account, number: str) -> str:
		person = self.state.customer(number)
		return person.lid if account.lid_mode else person.jid

	def edit(self, message: Message, text: str) -> None:
		"""Raises ValueError when it is no text."""
		if message.type != "chat" or message.revoked:
			raise ValueError("only a text can be edited")
		message.body, message.edited = text, True
		item = {"kind": "edit", "id": message.id, "chat": message.chat, "body": text}
		self.state.tell_account(message.account, {**item, "edit": new_message_id()})

	def revoke(self, message: Message) -> None:
		message.revoked, message.body, message.caption, message.file = True, "", "", ""
		author = lid_jid(message.author) if message.author else ""
		item = {"kind": "revoke", "id": message.id, "chat": message.chat, "author": author}
		self.state.tell_account(message.account, {**item, "revoke": new_message_id()})

	def read(self, account: Account, chat: str) -> int:
		"""The customer opens the chat. Returns how many messages become read by that."""
		delivered = [
			message
			for message in self.state.chat_messages(account.number, chat)
			if message.from_me and message.ack in (ACK_SENT, ACK_DELIVERED)
		]
		readers = self.state.groups[chat].members[:1] if is_group(chat) else [""]
		for message in delivered:
			self.sending.acknowledge(message, ACK_READ, (readers or [""])[0])
		return len(delivered)


def _content_of(given: dict[str, Any]) -> bytes:
	if "content" in given:
		return bytes(given["content"])
	try:
		return base64.b64decode(given["data"], validate=True)
	except (KeyError, TypeError, binascii.Error) as err:
		raise ValueError("a file needs content, data (base64) or id") from err


def _vcards(contacts: list[dict[str, str]]) -> dict[str, Any]:
	cards = [
		f"BEGIN:VCARD\nVERSION:3.0\nN:;{row['name']};;;\nFN:{row['name']}\n"
		f"TEL;type=CELL;waid={row['number'].lstrip('+')}:{row['number']}\nEND:VCARD"
		for row in contacts
	]
	if len(cards) == 1:
		return {"type": "vcard", "body": cards[0], "extra": {"vcardFormattedName": contacts[0]["name"]}}
	rows = [{"displayName": row["name"], "vcard": card} for row, card in zip(contacts, cards, strict=True)]
	return {"type": "multi_vcard", "extra": {"vcardList": rows}}
