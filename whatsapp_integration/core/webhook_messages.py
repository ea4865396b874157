"""Reading one message of a webhook: a table from its type to the function that reads it.

Sources: DOC/webhooks/reference/messages and its page for each type; DOC/business-scoped-user-ids for senders
without a number; DOC/webhooks/reference/messages/group. The shapes are in cloud_api.md section 2.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from whatsapp_integration.core.events import (
	Event,
	IdentityLinked,
	MediaInfo,
	MessageEchoed,
	MessageEdited,
	MessageReceived,
	MessageRevoked,
	ReactionChanged,
	Unsupported,
)
from whatsapp_integration.core.phone import is_bsuid, match_key
from whatsapp_integration.core.webhook_values import (
	as_dict,
	as_id,
	as_items,
	as_name,
	as_number,
	as_phone,
	as_seconds,
	as_text,
	from_json,
)

UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Origin:
	"""Where a part of a webhook came from: the number, the business account, the time of the entry."""

	account: str = ""
	waba_id: str = ""
	at: float = 0

	def stamp(self, timestamp: Any = None) -> dict[str, Any]:
		"""Return the fields that all events have; the part's own time wins over the entry's."""
		return {"account": self.account, "waba_id": self.waba_id, "at": as_seconds(timestamp) or self.at}


class Batch:
	"""What the messages of one change share: origin, profiles, errors. `echo`: sent from the phone."""

	def __init__(self, value: dict[str, Any], origin: Origin, echo: bool = False):
		self.origin = origin
		self.echo = echo
		self.messages = as_items(value.get("message_echoes" if echo else "messages"))
		self.errors = as_items(value.get("errors"))
		self._profiles = [as_dict(item) for item in as_items(value.get("contacts"))]
		self._by_id: dict[str, dict[str, Any]] = {}
		for profile in self._profiles:
			for key in (match_key(as_phone(profile.get("wa_id"))), as_id(profile.get("user_id"))):
				self._by_id.setdefault(key, profile)

	def profile(self, phone: str, user_id: str) -> dict[str, Any]:
		"""Find the profile of a person; the only profile beside the only message is theirs in any case."""
		for key in (match_key(phone), user_id):
			if key and key in self._by_id:
				return self._by_id[key]
		alone = len(self._profiles) == 1 and len(self.messages) == 1
		return self._profiles[0] if alone else {}


@dataclass(frozen=True)
class Customer:
	"""The customer's side of a message, whoever wrote it."""

	phone: str
	user_id: str
	name: str
	person_id: str  # the wa_id, the BSUID when no number is known, or else what stood there


@dataclass(frozen=True)
class Part:
	"""The typed part of a message, read."""

	kind: str
	body: str = ""
	media: MediaInfo | None = None
	data: dict[str, Any] = field(default_factory=dict)


def read_message(item: Any, batch: Batch) -> Event:
	"""Read one message or echo. What can't be read is shown in its chat when it has an id and a sender.

	Such a message has kind "unsupported", no body, and the whole message as its data, with the errors of its
	batch.
	"""
	message = as_dict(item)
	kind = as_text(message.get("type"))
	customer = _read_customer(message, batch)
	special = _EVENTS.get(kind)
	event = special(message, customer, batch) if special else None
	if event:
		return event
	message_id = as_id(message.get("id"))
	if not message_id or not _chat_id(message, customer):
		missing = "sender" if message_id else "usable id"
		return Unsupported(
			reason=f"message without a {missing}", data=item, **batch.origin.stamp(message.get("timestamp"))
		)
	return _build_message(
		message_id, message, customer, _read_part(message) or _unread(message, batch), batch
	)


def _build_message(message_id: str, message: dict, customer: Customer, part: Part, batch: Batch) -> Event:
	context = as_dict(message.get("context"))
	product = as_dict(context.get("referred_product"))
	event = MessageEchoed if batch.echo else MessageReceived
	return event(
		message_id=message_id,
		chat_id=_chat_id(message, customer),
		sender_id=(as_phone(message.get("from")) or as_id(message.get("from")))
		if batch.echo
		else customer.person_id,
		phone=customer.phone,
		user_id=customer.user_id,
		profile_name=customer.name,
		kind=part.kind,
		body=part.body,
		media=part.media,
		data=part.data | ({"referred_product": product} if product else {}),
		reply_to=as_id(context.get("id")),
		is_group=bool(as_id(message.get("group_id"))),
		forwarded=context.get("forwarded") is True or context.get("frequently_forwarded") is True,
		referral=as_dict(message.get("referral")) or None,
		**batch.origin.stamp(message.get("timestamp")),
	)


def _read_customer(message: dict[str, Any], batch: Batch) -> Customer:
	key = "to" if batch.echo else "from"
	given = as_id(message.get(key))
	phone = as_phone(given)
	user_id = as_id(message.get(f"{key}_user_id")) or (given if is_bsuid(given) else "")
	profile = batch.profile(phone, user_id)
	names = as_dict(profile.get("profile"))
	phone = phone or as_phone(profile.get("wa_id"))
	user_id = user_id or as_id(profile.get("user_id"))
	name = as_name(names.get("name")) or as_name(names.get("username"))
	return Customer(phone, user_id, name, phone or user_id or given)


def _chat_id(message: dict[str, Any], customer: Customer) -> str:
	return as_id(message.get("group_id")) or customer.person_id


def _unread(message: dict[str, Any], batch: Batch) -> Part:
	# An interactive reply that Meta itself couldn't read has its errors beside the message, not in it.
	errors = {"errors": batch.errors} if batch.errors and "errors" not in message else {}
	return Part(UNSUPPORTED, data=message | errors)


def _read_part(message: dict[str, Any]) -> Part | None:
	kind = as_text(message.get("type"))
	reader = _PARTS.get(kind)
	return reader(kind, message.get(kind)) if reader else None


# Parts of messages: None means that it can't be read.


def _read_text(kind: str, value: Any) -> Part | None:
	body = as_text(as_dict(value).get("body"))
	return Part(kind, body) if body else None


def _read_media(kind: str, value: Any) -> Part | None:
	part = as_dict(value)
	media = MediaInfo(
		media_id=as_id(part.get("id")),
		mime_type=as_name(part.get("mime_type")),
		sha256=as_id(part.get("sha256")),
		filename=as_text(part.get("filename")),
		url=as_text(part.get("url")),
		voice=part.get("voice") is True,
	)
	body = as_text(part.get("caption")) or media.filename
	if not media.media_id:  # there is nothing to ask the provider for
		return Part(kind, body, data=part) if body else None
	return Part("voice" if kind == "audio" and media.voice else kind, body, media, part)


def _read_location(kind: str, value: Any) -> Part | None:
	part = as_dict(value)
	latitude, longitude = as_number(part.get("latitude")), as_number(part.get("longitude"))
	if latitude is None or longitude is None:
		return None
	names = [text for text in (as_text(part.get("name")), as_text(part.get("address"))) if text]
	return Part(kind, ", ".join(names) or f"{latitude}, {longitude}", data=part)


def _read_contacts(kind: str, value: Any) -> Part | None:
	names = [name for name in map(_contact_name, as_items(value)) if name]
	return Part(kind, ", ".join(names), data={kind: as_items(value)}) if names else None


def _contact_name(value: Any) -> str:
	contact = as_dict(value)
	name = as_text(as_dict(contact.get("name")).get("formatted_name"))
	phones = [as_text(as_dict(item).get("phone")) for item in as_items(contact.get("phones"))]
	return name or next(filter(None, phones), "")


def _read_button(_kind: str, value: Any) -> Part | None:
	part = as_dict(value)
	body = as_text(part.get("text")) or as_text(part.get("payload"))
	return Part("button_reply", body, data=part) if body else None


def _read_interactive(_kind: str, value: Any) -> Part | None:
	part = as_dict(value)
	kind = as_text(part.get("type"))
	reader = _INTERACTIVE.get(kind)
	return reader(as_dict(part.get(kind)), part) if reader else None


def _read_choice(choice: dict[str, Any], part: dict[str, Any]) -> Part | None:
	body = as_text(choice.get("title")) or as_text(choice.get("id"))
	return Part(as_text(part.get("type")), body, data=part) if body else None


def _read_flow_reply(reply: dict[str, Any], part: dict[str, Any]) -> Part | None:
	"""Show the answers of a flow, whose `body` is only the word "Sent"; other forms have a readable body."""
	answers = "\n".join(_answers(from_json(as_text(reply.get("response_json")))))
	body = as_text(reply.get("body"))
	shown = (answers or body) if as_text(reply.get("name")) == "flow" else (body or answers)
	return Part("flow_reply", shown, data=part) if shown else None


def _answers(response: dict[str, Any]) -> list[str]:
	lines = [(as_text(key), _answer(value)) for key, value in response.items() if key != "flow_token"]
	return [f"{key}: {value}" for key, value in lines if value]


def _answer(value: Any) -> str:
	if isinstance(value, bool):
		return "true" if value else "false"
	return ", ".join(text for text in map(as_text, as_items(value)) if text)


def _read_order(kind: str, value: Any) -> Part | None:
	part = as_dict(value)
	lines = [as_text(part.get("text")), *map(_order_line, as_items(part.get("product_items")))]
	body = "\n".join(line for line in lines if line)
	return Part(kind, body, data=part) if body else None


def _order_line(value: Any) -> str:
	item = as_dict(value)
	product, price = as_text(item.get("product_retailer_id")), as_text(item.get("item_price"))
	line = f"{as_text(item.get('quantity')) or '?'} × {product}" if product else ""
	return f"{line}, {price} {as_text(item.get('currency'))}".rstrip() if line and price else line


def _read_system(kind: str, value: Any) -> Part | None:
	part = as_dict(value)
	body = as_text(part.get("body")) or as_text(part.get("type"))
	return Part(kind, body, data=part) if body else None


# Messages that are no message of their own: None means that it is shown like any other message.


def _read_reaction(message: dict, customer: Customer, batch: Batch) -> Event | None:
	reaction = as_dict(message.get("reaction"))
	target, chat_id = as_id(reaction.get("message_id")), _chat_id(message, customer)
	if not target or not chat_id:
		return None
	stamp = batch.origin.stamp(message.get("timestamp"))
	emoji = as_name(reaction.get("emoji"))
	return ReactionChanged(message_id=target, chat_id=chat_id, emoji=emoji, from_me=batch.echo, **stamp)


def _read_edit(message: dict, _customer: Customer, batch: Batch) -> Event | None:
	edit = as_dict(message.get("edit"))
	target, part = as_id(edit.get("original_message_id")), _read_part(as_dict(edit.get("message")))
	if not target or not part:
		return None
	return MessageEdited(message_id=target, body=part.body, **batch.origin.stamp(message.get("timestamp")))


def _read_revoke(message: dict, _customer: Customer, batch: Batch) -> Event | None:
	target = as_id(as_dict(message.get("revoke")).get("original_message_id"))
	return (
		MessageRevoked(message_id=target, **batch.origin.stamp(message.get("timestamp"))) if target else None
	)


def _read_identity_change(message: dict, customer: Customer, batch: Batch) -> Event | None:
	"""Read a change of the number or of the BSUID (DOC/webhooks/reference/messages/system)."""
	system = as_dict(message.get("system"))
	reason, user_id = as_text(system.get("type")), as_id(system.get("user_id"))
	if reason in ("user_changed_number", "customer_changed_number"):
		old_id, new_id = (
			customer.person_id,
			as_phone(system.get("wa_id")) or as_phone(system.get("new_wa_id")) or user_id,
		)
	elif reason == "user_changed_user_id":
		old_id, new_id = as_id(system.get("previous_user_id")) or customer.user_id, user_id
	else:
		return None
	if not old_id or not new_id:
		return None
	stamp = batch.origin.stamp(message.get("timestamp"))
	return IdentityLinked(old_id=old_id, new_id=new_id, user_id=user_id, reason=reason, **stamp)


_INTERACTIVE: dict[str, Callable[[dict[str, Any], dict[str, Any]], Part | None]] = {
	"button_reply": _read_choice,
	"list_reply": _read_choice,
	"nfm_reply": _read_flow_reply,
}
_PARTS: dict[str, Callable[[str, Any], Part | None]] = {
	"text": _read_text,
	"image": _read_media,
	"video": _read_media,
	"audio": _read_media,
	"document": _read_media,
	"sticker": _read_media,
	"location": _read_location,
	"contacts": _read_contacts,
	"button": _read_button,
	"interactive": _read_interactive,
	"order": _read_order,
	"system": _read_system,
}
_EVENTS: dict[str, Callable[[dict, Customer, Batch], Event | None]] = {
	"reaction": _read_reaction,
	"edit": _read_edit,
	"revoke": _read_revoke,
	"system": _read_identity_change,
}
