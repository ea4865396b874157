"""Webhook values in Meta's shape (DOC/webhooks/reference/messages)."""

from __future__ import annotations

import json
import re
from typing import Any

from whatsapp_integration.sandbox.settings import Settings
from whatsapp_integration.sandbox.state import FAILED, Chat, Message

MERGED = ("contacts", "messages", "statuses")


def status_value(settings: Settings, chat: Chat, message: Message, status: str, at: float) -> dict[str, Any]:
	"""One status. `conversation` is left out as from v24.0 on; `pricing` comes with sent and delivered."""
	entry: dict[str, Any] = {"id": message.id, "status": status, "timestamp": str(int(at))}
	if chat.group:
		entry.update(recipient_id=chat.key, recipient_type="group")
	elif chat.key.isdigit() and not chat.hide_number:
		entry["recipient_id"] = chat.key
	if settings.user_ids and chat.user_id and (status != FAILED or not chat.key.isdigit()):
		entry["recipient_user_id"] = chat.user_id
	if message.callback_data:
		entry["biz_opaque_callback_data"] = message.callback_data
	if status in ("sent", "delivered"):
		entry["pricing"] = {
			"billable": message.billable,
			"pricing_model": "PMP",
			"category": message.category,
			"type": "regular" if message.billable else "free_customer_service",
		}
	if status == FAILED and message.error:
		entry["errors"] = [message.error]
	return {**_head(settings, message.number_id), "statuses": [entry]}


def message_value(settings: Settings, chat: Chat, message: Message) -> dict[str, Any]:
	"""One message of a customer."""
	writer = message.sender or chat.key
	entry: dict[str, Any] = {
		"from": writer,
		"id": message.id,
		"timestamp": str(int(message.at)),
		"type": message.type,
	}
	contact: dict[str, Any] = {"profile": {"name": chat.name or f"Customer {writer[-4:]}"}, "wa_id": writer}
	if chat.hide_number:
		del entry["from"], contact["wa_id"]
	if chat.username:
		contact["profile"]["username"] = chat.username
	if settings.user_ids and chat.user_id:
		entry["from_user_id"] = contact["user_id"] = chat.user_id
	if chat.group:
		entry["group_id"] = chat.key
	if message.context:
		entry["context"] = {"from": settings.numbers()[message.number_id].lstrip("+"), "id": message.context}
	if message.forwarded:
		entry["context"] = {**entry.get("context", {}), "forwarded": True}
	entry[message.type if message.type != "unsupported" else "errors"] = message.part
	return {**_head(settings, message.number_id), "contacts": [contact], "messages": [entry]}


def compose(waba_id: str, updates: list[tuple[str, dict[str, Any]]]) -> bytes:
	"""The body of one POST for (field, value) updates; those of one number share a value.

	Non-ASCII and slashes are escaped, as Meta's encoder does, so that only the raw bytes fit the signature.
	"""
	changes: list[dict[str, Any]] = []
	shared: dict[str, dict[str, Any]] = {}
	for field, value in updates:
		number_id = value.get("metadata", {}).get("phone_number_id", "")
		if field != "messages" or not number_id:
			changes.append({"value": value, "field": field})
		elif number_id in shared:
			_merge(shared[number_id], value)
		else:
			shared[number_id] = {key: list(part) if key in MERGED else part for key, part in value.items()}
			changes.append({"value": shared[number_id], "field": field})
	body = {"object": "whatsapp_business_account", "entry": [{"id": waba_id, "changes": changes}]}
	return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()


def display(number: str) -> str:
	"""How Meta writes a number for people: "+1 555-078-3881"."""
	match = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
	return f"+1 {match[1]}-{match[2]}-{match[3]}" if match else number


def _head(settings: Settings, number_id: str) -> dict[str, Any]:
	shown = settings.numbers()[number_id].lstrip("+")
	return {
		"messaging_product": "whatsapp",
		"metadata": {"display_phone_number": shown, "phone_number_id": number_id},
	}


def _merge(into: dict[str, Any], value: dict[str, Any]) -> None:
	for key in MERGED:
		if key in value:
			into.setdefault(key, []).extend(value[key])
