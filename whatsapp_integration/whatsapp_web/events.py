"""The bridge's items in our words: foreign names become ours here, with an explicit unknown."""

from __future__ import annotations

from typing import Any

from whatsapp_integration.core import status as st
from whatsapp_integration.core.errors import _
from whatsapp_integration.core.events import (
	Event,
	IdentityLinked,
	MediaInfo,
	MessageEchoed,
	MessageEdited,
	MessageReceived,
	MessageRevoked,
	ReactionChanged,
	StatusChanged,
)

KINDS = {
	"chat": "text",
	"image": "image",
	"video": "video",
	"audio": "audio",
	"ptt": "voice",
	"ptv": "video",
	"gif": "video",
	"document": "document",
	"sticker": "sticker",
	"location": "location",
	"vcard": "contacts",
	"multi_vcard": "contacts",
	"buttons_response": "button_reply",
	"template_button_reply": "button_reply",
	"list_response": "list_reply",
}
# What is no message: notices of WhatsApp itself, calls, and texts whose key has not arrived (they come again, decrypted).
_SILENT = frozenset(
	{
		"broadcast_notification", "call_log", "ciphertext", "debug", "e2e_notification", "gp2",
		"group_notification", "notification", "notification_template", "pinned_message", "protocol",
		"reaction", "revoked",
	}
)  # fmt: skip
_MEDIA = frozenset({"image", "video", "audio", "voice", "document", "sticker"})
_NO_CHATS = ("@broadcast", "@newsletter")  # status@broadcast are the stories of contacts

STATUSES = {1: st.SENT, 2: st.DELIVERED, 3: st.READ, 4: st.PLAYED}  # §1.4 of wa-js' ACK; below 0 it failed


def read_item(item: dict[str, Any], *, groups: bool) -> list[Event]:
	"""The events of one item; none for what is of no interest. `groups`: whether messages of groups are."""
	read = _READERS.get(item["kind"])
	return read(item, groups) if read else []


def read_status(message_id: str, ack: int, at: float = 0) -> list[Event]:
	"""How far a message of ours has got; nothing while it only waits (0)."""
	if ack < 0:
		reason = _("WhatsApp could not send the message.")
		return [StatusChanged(message_id=message_id, status=st.FAILED, error_details=reason, at=at)]
	status = STATUSES.get(ack)
	return [StatusChanged(message_id=message_id, status=status, at=at)] if status else []


def read_identity(value: Any) -> list[Event]:
	"""The two names of a person that the result of a job may tell."""
	names = value if isinstance(value, dict) else {}
	wid, lid = names.get("wid", ""), names.get("lid", "")
	is_pair = wid.endswith("@c.us") and lid.endswith("@lid")
	return [IdentityLinked(old_id=lid, new_id=wid.partition("@")[0], reason="sent")] if is_pair else []


def media_id(chat: str, message_id: str) -> str:
	"""Where the file of a message can be fetched: its chat and its id."""
	return f"{chat}/{message_id}"


def _message(item: dict[str, Any], groups: bool) -> list[Event]:
	message = item["message"]
	chat, kind = message["chat"], KINDS.get(message["type"], "unsupported")
	if message["type"] in _SILENT or chat.endswith(_NO_CHATS) or (message["is_group"] and not groups):
		return []
	phone, lid = message["phone"], message["lid"]
	event = (MessageEchoed if message["from_me"] else MessageReceived)(
		message_id=message["id"],
		chat_id=chat if message["is_group"] else phone or chat,
		sender_id=phone or message["person"],
		phone="" if message["is_group"] else phone,
		profile_name="" if message["from_me"] else message["name"],
		kind=kind,
		body=message["caption"] or message["body"] or _preview(message),
		media=_media(message, kind),
		data=_data(message, kind),
		reply_to=message["reply_to"],
		is_group=message["is_group"],
		forwarded=message["forwarded"],
		at=message["at"],
	)
	events: list[Event] = (
		[IdentityLinked(old_id=lid, new_id=phone, reason="message")] if lid and phone else []
	)
	events.append(event)
	return events + (read_status(message["id"], message["ack"]) if message["from_me"] else [])


def _media(message: dict[str, Any], kind: str) -> MediaInfo | None:
	if kind not in _MEDIA:
		return None
	return MediaInfo(
		media_id(message["chat"], message["id"]),
		mime_type=message["mime_type"],
		sha256=message["sha256"],
		filename=message["filename"],
		voice=kind == "voice",
	)


def _preview(message: dict[str, Any]) -> str:
	if message["location"]:
		return message["location"]["label"]
	return ", ".join(card["name"] for card in message["vcards"])


def _data(message: dict[str, Any], kind: str) -> dict[str, Any]:
	if kind == "location" and message["location"]:
		return message["location"]
	if kind == "contacts":
		return {"vcards": message["vcards"]}
	return {"type": message["type"], "subtype": message["subtype"]} if kind == "unsupported" else {}


def _acks(item: dict[str, Any], groups: bool) -> list[Event]:
	return [event for id in item["ids"] for event in read_status(id, item["ack"], item["at"])]


def _edited(item: dict[str, Any], groups: bool) -> list[Event]:
	return [MessageEdited(message_id=item["id"], body=item["body"], at=item["at"])]


def _revoked(item: dict[str, Any], groups: bool) -> list[Event]:
	return [MessageRevoked(message_id=item["id"], at=item["at"])]


def _reaction(item: dict[str, Any], groups: bool) -> list[Event]:
	return [
		ReactionChanged(
			message_id=item["message_id"],
			chat_id=item["chat"],
			emoji=item["emoji"],
			from_me=item["from_me"],
			at=item["at"],
		)
	]


_READERS = {
	"message": _message,
	"ack": _acks,
	"edited": _edited,
	"revoked": _revoked,
	"reaction": _reaction,
}
