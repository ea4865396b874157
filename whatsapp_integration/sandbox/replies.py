"""Turns "the customer answers …" into a message of the customer and its webhook."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from whatsapp_integration.sandbox.media import RECEIVED_LIFE, kind_of
from whatsapp_integration.sandbox.numbers import customer_id
from whatsapp_integration.sandbox.payloads import message_value
from whatsapp_integration.sandbox.state import (
	ACKNOWLEDGED,
	LOST,
	POSTED,
	READ,
	Chat,
	Message,
	State,
	new_message_id,
)
from whatsapp_integration.sandbox.webhooks import Update, Webhooks

MEDIA = ("image", "video", "audio", "document", "sticker")


class Replies:
	"""`post` takes the JSON of POST /sandbox/reply:

	who     `from` (number, or BSUID), `to` (phone number id, default the first), `name`, `group`, `username`,
	        `hide_number` (only the user id is told)
	what    one of `text`, `image` / `video` / `audio` / `document` / `sticker` / `file` (`{"data": base64, "mime_type",
	        "filename"?, "caption"?, "voice"?}` or `{"id"}` of an upload), `location`, `contacts`, `reaction`
	        (`{"message_id", "emoji"}`), `button` (id, payload or title of a button or list row of the business's message,
	        or the object itself), `flow` (the answers), `edit` (`{"message_id", "text"}`), `revoke` (message id),
	        `message` (`{"type", …}` as it is)
	more    `reply_to` (message id that is quoted), `forwarded`
	"""

	def __init__(self, state: State, webhooks: Webhooks):
		self.state = state
		self.webhooks = webhooks
		self._makers: dict[str, Callable[[Chat, dict[str, Any], Any], tuple[str, Any]]] = {
			"text": lambda chat, data, text: ("text", {"body": _string(text, "text")}),
			**{kind: self._media_of(kind) for kind in (*MEDIA, "file")},
			"location": lambda chat, data, place: ("location", _location(place)),
			"contacts": lambda chat, data, cards: ("contacts", cards),
			"reaction": self._reaction,
			"button": self._button,
			"flow": lambda chat, data, answers: ("interactive", _flow(answers)),
			"edit": self._edit,
			"revoke": self._revoke,
			"message": lambda chat, data, raw: (raw["type"], raw.get(raw["type"], raw.get("errors"))),
		}

	def post(self, data: dict[str, Any]) -> Message:
		"""Returns the customer's message. Raises ValueError when `data` makes no sense."""
		what = [key for key in self._makers if data.get(key) is not None]
		if len(what) != 1:
			raise ValueError(f"give exactly one of {', '.join(self._makers)}")
		with self.state.changed:
			chat = self._chat(data)
			try:
				kind, part = self._makers[what[0]](chat, data, data[what[0]])
			except (KeyError, TypeError) as err:
				raise ValueError(f"{what[0]} is incomplete: {err}") from err
			message = self._message(chat, data, kind, part)
			self.state.add(message)
		self._tell(message)
		return message

	def _chat(self, data: dict[str, Any]) -> Chat:
		numbers = self.state.settings.numbers()
		number_id = data.get("to") or next(iter(numbers))
		if number_id not in numbers:
			raise ValueError(f"to is none of {', '.join(numbers)}")
		customer = customer_id(str(data.get("from", "")))
		if not customer:
			raise ValueError("from is the number of the customer")
		chat = self.state.chat(number_id, data.get("group") or customer, bool(data.get("group")))
		chat.name = data.get("name") or chat.name
		chat.username = data.get("username") or chat.username
		chat.hide_number = bool(data.get("hide_number", chat.hide_number))
		return chat

	def _message(self, chat: Chat, data: dict[str, Any], kind: str, part: Any) -> Message:
		customer = customer_id(str(data["from"]))
		return Message(
			id=new_message_id(customer, incoming=True),
			number_id=chat.number_id,
			chat=chat.key,
			incoming=True,
			type=kind,
			part=part,
			at=self.state.clock(),
			status=POSTED,
			context=data.get("reply_to", ""),
			sender=customer if chat.group else "",
			forwarded=bool(data.get("forwarded")),
		)

	def _tell(self, message: Message) -> None:
		def make() -> tuple[str, dict[str, Any]]:
			with self.state.changed:
				chat = self.state.chat(message.number_id, message.chat)
				return "messages", message_value(self.state.settings, chat, message)

		def done(acknowledged: bool) -> None:
			with self.state.changed:
				if message.status != READ:
					message.status = ACKNOWLEDGED if acknowledged else LOST
				self.state.touch()

		self.webhooks.tell(Update(message.number_id, make, done, message.id))

	def _media_of(self, kind: str) -> Callable[[Chat, dict[str, Any], dict[str, Any]], tuple[str, Any]]:
		def make(chat: Chat, data: dict[str, Any], given: dict[str, Any]) -> tuple[str, Any]:
			file = self._stored(chat, given)
			arrives_as = kind_of(file.mime_type) if kind == "file" else kind
			part = {"id": file.id, "mime_type": file.mime_type, "sha256": file.sha256_base64}
			if given.get("caption") and arrives_as in ("image", "video", "document"):
				part["caption"] = given["caption"]
			if arrives_as == "document":
				part["filename"] = given.get("filename") or file.filename or "document"
			if arrives_as == "audio":
				part["voice"] = bool(given.get("voice"))
			if arrives_as == "sticker":
				part["animated"] = False
			return arrives_as, part

		return make

	def _stored(self, chat: Chat, given: dict[str, Any]):
		if given.get("id"):
			file = self.state.get_media(given["id"])
			if file is None:
				raise ValueError(f"no upload with id {given['id']}")
			return file
		try:
			content = base64.b64decode(given["data"], validate=True)
		except (binascii.Error, ValueError) as err:
			raise ValueError("data must be base64") from err
		return self.state.add_media(
			chat.number_id, content, given["mime_type"], given.get("filename", ""), RECEIVED_LIFE
		)

	def _known(self, message_id: Any) -> Message:
		message = self.state.messages.get(str(message_id))
		if message is None:
			raise ValueError(f"no message with id {message_id}")
		return message

	def _reaction(self, chat: Chat, data: dict[str, Any], given: dict[str, Any]) -> tuple[str, Any]:
		emoji = given.get("emoji", "")
		self._known(given["message_id"]).reactions["customer"] = emoji
		return "reaction", {"message_id": given["message_id"], **({"emoji": emoji} if emoji else {})}

	def _edit(self, chat: Chat, data: dict[str, Any], given: dict[str, Any]) -> tuple[str, Any]:
		original = self._known(given["message_id"])
		text = _string(given["text"], "text")
		key = "body" if original.type == "text" else "caption"
		original.part = {**original.part, key: text}
		original.edited = True
		message = {"type": original.type, original.type: original.part, "context": {}}
		return "edit", {"original_message_id": original.id, "message": message}

	def _revoke(self, chat: Chat, data: dict[str, Any], message_id: Any) -> tuple[str, Any]:
		original = self._known(message_id)
		original.revoked = True
		return "revoke", {"original_message_id": original.id}

	def _button(self, chat: Chat, data: dict[str, Any], given: Any) -> tuple[str, Any]:
		asked = self._known(data["reply_to"]) if data.get("reply_to") else _last_with_choices(chat)
		for choice in choices(asked) if asked else []:
			if given in (
				choice,
				choice.get("id"),
				choice.get("title"),
				choice.get("text"),
				choice.get("payload"),
			):
				given = choice
		if not isinstance(given, dict):
			raise ValueError(f"no button or row {given!r} in the message")
		data["reply_to"] = data.get("reply_to") or (asked.id if asked else "")
		if "payload" in given:
			return "button", {"payload": given["payload"], "text": given.get("text", given["payload"])}
		kind = (
			"list_reply"
			if asked and asked.type == "interactive" and asked.part["type"] == "list"
			else "button_reply"
		)
		reply = {key: given[key] for key in ("id", "title", "description") if given.get(key)}
		return "interactive", {"type": kind, kind: reply}


def choices(message: Message) -> list[dict[str, Any]]:
	"""What a customer can tap in a message of the business: reply buttons, list rows, quick replies."""
	if message.type == "template":
		return _quick_replies(message)
	if message.type != "interactive":
		return []
	action = message.part.get("action", {})
	if message.part.get("type") == "button":
		return [button["reply"] for button in action["buttons"]]
	if message.part.get("type") == "list":
		return [row for section in action["sections"] for row in section["rows"]]
	return []


def _quick_replies(message: Message) -> list[dict[str, Any]]:
	payloads = {}
	for item in message.part.get("components", []):
		if item.get("sub_type") == "quick_reply" and item.get("parameters"):
			payloads[int(item.get("index", 0))] = item["parameters"][0].get("payload")
	found = []
	for index, button in enumerate((message.rendered or {}).get("buttons", [])):
		if button["type"] == "QUICK_REPLY":
			found.append({"payload": payloads.get(index) or button["text"], "text": button["text"]})
	return found


def _last_with_choices(chat: Chat) -> Message | None:
	return next((m for m in reversed(chat.messages) if not m.incoming and choices(m)), None)


def _string(value: Any, name: str) -> str:
	if not isinstance(value, str) or not value:
		raise ValueError(f"{name} must be a text")
	return value


def _location(place: dict[str, Any]) -> dict[str, Any]:
	return {
		"latitude": float(place["latitude"]),
		"longitude": float(place["longitude"]),
		**{key: place[key] for key in ("name", "address", "url") if place.get(key)},
	}


def _flow(answers: dict[str, Any]) -> dict[str, Any]:
	return {
		"type": "nfm_reply",
		"nfm_reply": {"name": "flow", "body": "Sent", "response_json": json.dumps(answers)},
	}
