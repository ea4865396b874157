"""Webhooks of the Cloud API: who sent it, and what it says in our words.

Sources: DOC/webhooks/overview (verification, signature, delivery), DOC/webhooks/reference (fields). Meta
repeats a webhook until it is answered 200, to every subscribed app, in any order; whoever applies the events
must expect that.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from whatsapp_integration.core import status
from whatsapp_integration.core.events import (
	AccountChanged,
	ConsentChanged,
	ErrorReported,
	Event,
	StatusChanged,
	TemplateChanged,
	Unsupported,
)
from whatsapp_integration.core.webhook_messages import Batch, Origin, read_message
from whatsapp_integration.core.webhook_values import (
	as_bool,
	as_dict,
	as_id,
	as_int,
	as_items,
	as_name,
	as_phone,
	as_seconds,
	as_text,
)

_SIGNATURE_PREFIX = "sha256="
_STATUSES = {
	"sent": status.SENT,
	"delivered": status.DELIVERED,
	"read": status.READ,
	"played": status.PLAYED,
	"failed": status.FAILED,
}
_CONSENT = {"stop": False, "resume": True, "signup": True}


def verify_signature(body: bytes, header: str | None, app_secret: str) -> bool:
	"""Tell whether `header` (X-Hub-Signature-256) signs the raw bytes of the request with the app's secret.

	Without a secret nothing is genuine. Never pass JSON that was read and written again.
	Source: DOC/webhooks/overview.
	"""
	if not isinstance(header, str) or not isinstance(app_secret, str) or not app_secret.strip():
		return False
	expected = _SIGNATURE_PREFIX + hmac.new(_bytes(app_secret), body, hashlib.sha256).hexdigest()
	return hmac.compare_digest(_bytes(expected), _bytes(header))


def answer_challenge(query: Mapping[str, Any], verify_token: str) -> str | None:
	"""Return the challenge to send back as the bare body of a 200, or None: refuse it with 403.

	Meta asks once, by GET, when a callback URL is entered (DOC/webhooks/overview).
	"""
	token, challenge = query.get("hub.verify_token"), query.get("hub.challenge")
	if not isinstance(token, str) or not isinstance(verify_token, str) or not verify_token.strip():
		return None
	if not hmac.compare_digest(_bytes(token), _bytes(verify_token)) or query.get("hub.mode") != "subscribe":
		return None
	return challenge if isinstance(challenge, str) and challenge else None


def parse(payload: dict) -> list[Event]:
	"""Read all that a webhook says, in its order. Takes any JSON and never raises.

	What nobody here knows becomes an Unsupported with its data as it came; a broken part costs only itself.
	"""
	entries = as_items(as_dict(payload).get("entry"))
	if not entries:
		return [Unsupported(reason="webhook without an entry", data=payload)]
	return [event for entry in entries for event in _read_entry(entry)]


def phone_number_ids(payload: dict) -> set[str]:
	"""Return the Phone Number IDs that a post speaks of, to find the secret that must have signed it.

	All of them have to belong to the app whose secret verifies the post, or one app could speak for another.
	"""
	values = (as_dict(as_dict(change).get("value")) for _entry, change in _walk(payload))
	return {
		name
		for name in (as_id(as_dict(value.get("metadata")).get("phone_number_id")) for value in values)
		if name
	}


def waba_ids(payload: dict) -> set[str]:
	"""Return the ids of the WhatsApp Business Accounts that a post speaks of; see `phone_number_ids`."""
	entries = as_items(as_dict(payload).get("entry"))
	return {name for name in (as_id(as_dict(entry).get("id")) for entry in entries) if name}


def _bytes(text: str) -> bytes:
	# compare_digest refuses non-ASCII text, and no encoding but this one takes every text.
	return text.encode("utf-8", "surrogatepass")


def _walk(payload: Any) -> Iterator[tuple[dict[str, Any], Any]]:
	for item in as_items(as_dict(payload).get("entry")):
		entry = as_dict(item)
		for change in as_items(entry.get("changes")):
			yield entry, change


def _read_entry(item: Any) -> Iterator[Event]:
	entry = as_dict(item)
	changes = as_items(entry.get("changes"))
	waba_id, at = as_id(entry.get("id")), as_seconds(entry.get("time"))
	if not changes:
		yield Unsupported(reason="entry without a change", data=item, waba_id=waba_id, at=at)
	for item in changes:
		change = as_dict(item)
		topic, value = as_name(change.get("field")), as_dict(change.get("value"))
		origin = Origin(as_id(as_dict(value.get("metadata")).get("phone_number_id")), waba_id, at)
		reader = _FIELDS.get(topic)
		events = reader(topic, value, origin) if reader and value else []
		reason = "nothing readable in field" if reader else "unknown field"
		yield from events or [Unsupported(reason=f"{reason} {topic}".rstrip(), data=item, **origin.stamp())]


# Readers of a field: an empty list means that nothing in it could be read.


def _read_messages(_topic: str, value: dict[str, Any], origin: Origin) -> list[Event]:
	batch = Batch(value, origin)
	events = [read_message(item, batch) for item in batch.messages]
	events += [_read_status(item, origin) for item in as_items(value.get("statuses"))]
	return events or [_read_error(item, origin) for item in batch.errors]


def _read_echoes(_topic: str, value: dict[str, Any], origin: Origin) -> list[Event]:
	batch = Batch(value, origin, echo=True)
	return [read_message(item, batch) for item in batch.messages]


def _read_status(item: Any, origin: Origin) -> Event:
	"""Read one status (DOC/webhooks/reference/messages/status); of its errors the first is kept."""
	part = as_dict(item)
	message_id, word = as_id(part.get("id")), as_text(part.get("status"))
	stamp = origin.stamp(part.get("timestamp"))
	if not message_id or word not in _STATUSES:
		reason = f"unknown status {as_name(word)}".rstrip() if message_id else "status without a usable id"
		return Unsupported(reason=reason, data=item, **stamp)
	code, title, details = _error(next(iter(as_items(part.get("errors"))), None))
	pricing = as_dict(part.get("pricing"))
	return StatusChanged(
		message_id=message_id,
		status=_STATUSES[word],
		recipient_id=as_phone(part.get("recipient_id")) or as_id(part.get("recipient_id")),
		user_id=as_id(part.get("recipient_user_id")),
		callback_data=as_text(part.get("biz_opaque_callback_data")),
		error_code=code,
		error_title=title,
		error_details=details,
		pricing_category=as_name(pricing.get("category")),
		billable=as_bool(pricing.get("billable")),
		**stamp,
	)


def _read_error(item: Any, origin: Origin) -> Event:
	code, title, details = _error(item)
	if not (code or title or details):
		return Unsupported(reason="unreadable error", data=item, **origin.stamp())
	return ErrorReported(code=code, title=title, details=details, **origin.stamp())


def _error(item: Any) -> tuple[int, str, str]:
	error = as_dict(item)
	message = as_text(error.get("message"))
	details = as_text(as_dict(error.get("error_data")).get("details"))
	return as_int(error.get("code")), as_text(error.get("title")) or message, details or message


def _read_preferences(_topic: str, value: dict[str, Any], origin: Origin) -> list[Event]:
	"""DOC/webhooks/reference/user_preferences: who stopped marketing, or asked for it again."""
	return [_read_preference(item, origin) for item in as_items(value.get("user_preferences"))]


def _read_preference(item: Any, origin: Origin) -> Event:
	part = as_dict(item)
	user_id = as_id(part.get("user_id"))
	chat_id, word = as_phone(part.get("wa_id")) or user_id, as_text(part.get("value"))
	stamp = origin.stamp(part.get("timestamp"))
	if not chat_id or word not in _CONSENT:
		return Unsupported(reason="unreadable user preference", data=item, **stamp)
	category = as_name(part.get("category"))
	return ConsentChanged(
		chat_id=chat_id, user_id=user_id, category=category, opted_in=_CONSENT[word], **stamp
	)


# Template fields: what changed, and the key that has its new value.
_TEMPLATE_FIELDS = {
	"message_template_status_update": ("status", "event"),
	"message_template_quality_update": ("quality", "new_quality_score"),
	"template_category_update": ("category", "new_category"),
	"message_template_components_update": ("components", "message_template_element"),
}


def _read_template(topic: str, value: dict[str, Any], origin: Origin) -> list[Event]:
	"""DOC/webhooks/reference/message_template_status_update and its three sisters."""
	change, key = _TEMPLATE_FIELDS[topic]
	template_id, name = as_id(value.get("message_template_id")), as_text(value.get("message_template_name"))
	if not template_id and not name:
		return []
	event = TemplateChanged(
		template_id=template_id,
		template_name=name,
		language=as_name(value.get("message_template_language")).replace("-", "_"),
		change=change,
		value=as_text(value.get(key)),
		reason=_template_reason(value),
		data=value,
		**origin.stamp(),
	)
	return [event]


def _template_reason(value: dict[str, Any]) -> str:
	reason = as_text(value.get("reason"))
	if reason and reason != "NONE":
		return reason
	return as_text(as_dict(value.get("other_info")).get("title"))


def _read_account(topic: str, value: dict[str, Any], origin: Origin) -> list[Event]:
	words = (value.get("event"), value.get("decision"), value.get("alert_type"))
	alert = as_dict(value.get("alert_info")).get("alert_type")
	event = AccountChanged(
		topic=topic,
		event=next(filter(None, map(as_name, (*words, alert))), ""),
		display_phone_number=_display_phone_number(value),
		data=value,
		**origin.stamp(),
	)
	return [event]


def _display_phone_number(value: dict[str, Any]) -> str:
	number = value.get("display_phone_number") or as_dict(value.get("metadata")).get("display_phone_number")
	return as_id(number)


_FIELDS: dict[str, Callable[[str, dict[str, Any], Origin], list[Event]]] = {
	"messages": _read_messages,
	"smb_message_echoes": _read_echoes,
	"user_preferences": _read_preferences,
	**dict.fromkeys(_TEMPLATE_FIELDS, _read_template),
	**dict.fromkeys(
		(
			"phone_number_quality_update",
			"business_capability_update",
			"account_update",
			"account_alerts",
			"account_review_update",
			"phone_number_name_update",
			"security",
			# Chats and contacts of the time before the number was linked: news of the account, because as
			# messages they would open service windows and wake auto-replies for chats that are months old.
			"history",
			"smb_app_state_sync",
		),
		_read_account,
	),
}
