"""POST /{phone number id}/messages: refuse, or accept and start the statuses."""

from __future__ import annotations

from typing import Any

from whatsapp_integration.sandbox import faults
from whatsapp_integration.sandbox.errors import GraphError, invalid, missing, status_error
from whatsapp_integration.sandbox.faults import Fault, Faults
from whatsapp_integration.sandbox.http import HOLD, RESET, Response, answer
from whatsapp_integration.sandbox.ladder import NO_FAULT, Ladder
from whatsapp_integration.sandbox.media import misuse
from whatsapp_integration.sandbox.numbers import BSUID, read_recipient, wa_id
from whatsapp_integration.sandbox.state import (
	ACCEPTED,
	READ,
	TYPING_SECONDS,
	Chat,
	Message,
	State,
	new_message_id,
)
from whatsapp_integration.sandbox.templates import render
from whatsapp_integration.sandbox.validation import MEDIA_TYPES, check_content, check_envelope

BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"


class Sending:
	def __init__(self, state: State, ladder: Ladder, fault_table: Faults):
		self.state = state
		self.ladder = ladder
		self.faults = fault_table

	def post(self, number_id: str, body: dict[str, Any], marketing: bool = False) -> Response:
		"""Answer one POST. `marketing` is the marketing_messages edge. Raises GraphError for a refusal."""
		if body.get("status") == "read":
			return self._mark_read(number_id, body)
		check_envelope(body)
		recipient = self._recipient(body)
		fault = self.faults.next("messages", recipient, self.state.settings.suffix_faults) or NO_FAULT
		if fault.kind == faults.SERVER_ERROR:
			return server_error()
		if fault.kind == faults.ERROR:
			raise GraphError(fault.code, "Asked for by a fault of the sandbox")
		with self.state.changed:
			template = self._check(body, marketing)
			self._check_rates(number_id, recipient)
			message = self._accept(number_id, recipient, body, template)
		self.ladder.start(message, self._later_fault(message, fault))
		return self._answer(body, recipient, message, fault)

	def _recipient(self, body: dict[str, Any]) -> str:
		if body.get("recipient_type") == "group":
			return body.get("to", "")
		if not body.get("to"):
			if not BSUID.fullmatch(body["recipient"]):
				raise invalid("recipient is not a business-scoped user id")
			return body["recipient"]
		digits = read_recipient(body["to"], self.state.settings.country_code)
		if not digits:
			raise invalid("Recipient phone number not valid")
		if "+" + digits in self.state.settings.numbers().values():
			raise GraphError(131021, "Recipient and sender are the same")
		return wa_id(digits)

	def _check(self, body: dict[str, Any], marketing: bool) -> dict[str, Any] | None:
		"""The template that the body names, None for other kinds. Raises GraphError for a wrong content."""
		try:
			check_content(body)
			return self._check_references(body, marketing)
		except (TypeError, AttributeError, ValueError) as err:
			# A text where a list belongs and the like: the checks stumble over it, whatever its place.
			raise GraphError(100, f"A value has a wrong type: {err}") from err

	def _check_references(self, body: dict[str, Any], marketing: bool) -> dict[str, Any] | None:
		kind = body.get("type", "text")
		if marketing and kind != "template":
			raise GraphError(131055)
		if kind == "reaction" and body["reaction"]["message_id"] not in self.state.messages:
			raise invalid("reaction: message_id is not a message of this number")
		if kind in MEDIA_TYPES and "id" in body[kind] and not self.state.get_media(str(body[kind]["id"])):
			raise invalid(f"{kind}: no media with id {body[kind]['id']}")
		if kind != "template":
			return None
		template = self.state.templates.check(body["template"])
		if marketing and template["category"] != "MARKETING":
			raise GraphError(131055)
		return template

	def _check_rates(self, number_id: str, recipient: str) -> None:
		settings, now = self.state.settings, self.state.clock()
		if not self.state.throughput.take(number_id, now, settings.mps):
			raise GraphError(130429, "Cloud API message throughput has been reached.")
		if not self.state.pairs.take((number_id, recipient), now, settings.pair_seconds, settings.pair_burst):
			raise GraphError(
				131056, "Too many messages sent from this phone number to the same phone number."
			)

	def _accept(
		self, number_id: str, recipient: str, body: dict[str, Any], template: dict[str, Any] | None
	) -> Message:
		kind = body.get("type", "text")
		chat = self.state.chat(number_id, recipient, body.get("recipient_type") == "group")
		if template is None and self.state.settings.window == "sync" and not self.state.in_window(chat):
			raise GraphError(
				131047, "More than 24 hours have passed since the customer last replied to this number."
			)
		message = Message(
			id=new_message_id(recipient, incoming=False),
			number_id=number_id,
			chat=chat.key,
			incoming=False,
			type=kind,
			part=body[kind],
			at=self.state.clock(),
			status=ACCEPTED,
			to=body.get("to") or body["recipient"],
			context=(body.get("context") or {}).get("message_id", ""),
			callback_data=body.get("biz_opaque_callback_data", ""),
		)
		if template:
			self._price(message, template, chat)
		self.state.add(message)
		if kind == "reaction":
			self.state.messages[message.part["message_id"]].reactions["business"] = message.part["emoji"]
		return message

	def _price(self, message: Message, template: dict[str, Any], chat: Chat) -> None:
		message.category = template["category"].lower()
		message.billable = not (message.category == "utility" and self.state.in_window(chat))
		message.rendered = render(template, message.part.get("components", []))

	def _later_fault(self, message: Message, fault: Fault) -> Fault:
		"""Refusals that Meta tells by a failed status only."""
		chat = self.state.chat(message.number_id, message.chat)
		if (
			message.type != "template"
			and self.state.settings.window == "async"
			and not self.state.in_window(chat)
		):
			return Fault(faults.FAILED, 131047)
		file = (
			self.state.get_media(str(message.part["id"]))
			if message.type in MEDIA_TYPES and "id" in message.part
			else None
		)
		if file and misuse(message.type, file.mime_type):
			message.error = {
				**status_error(131053),
				"error_data": {"details": misuse(message.type, file.mime_type)},
			}
			return Fault(faults.FAILED, 131053)
		return fault

	def _answer(self, body: dict[str, Any], recipient: str, message: Message, fault: Fault) -> Response:
		contact: dict[str, Any] = {"input": message.to, "wa_id": recipient}
		if not body.get("to"):
			contact = {"input": message.to, "user_id": recipient}
		sent: dict[str, Any] = {"id": message.id}
		if message.type == "template":
			sent["message_status"] = ACCEPTED
		settings = self.state.settings
		data = {"messaging_product": "whatsapp", "contacts": [contact], "messages": [sent]}
		if fault.kind == faults.TIMEOUT:
			return Response(ending=HOLD, delay=settings.hold_seconds)
		if fault.kind == faults.RESET:
			return Response(ending=RESET)
		return answer(data, delay=settings.slow_seconds if fault.kind == faults.SLOW else 0)

	def _mark_read(self, number_id: str, body: dict[str, Any]) -> Response:
		if body.get("messaging_product") != "whatsapp":
			raise GraphError(100, message="(#100) The parameter messaging_product is required.")
		if not body.get("message_id"):
			raise missing("message_id")
		typing = body.get("typing_indicator")
		if typing is not None and typing != {"type": "text"}:
			raise invalid("typing_indicator: type must be text")
		with self.state.changed:
			message = self.state.messages.get(str(body["message_id"]))
			if message is None or not message.incoming or message.number_id != number_id:
				raise invalid(f"No received message with id {body['message_id']}")
			chat = self.state.chat(number_id, message.chat)
			for earlier in chat.messages[: chat.messages.index(message) + 1]:
				if earlier.incoming:
					earlier.status = READ
			if typing:
				chat.typing_until = self.state.clock() + TYPING_SECONDS
			self.state.touch()
		return answer({"success": True})


def server_error() -> Response:
	return Response(502, BAD_GATEWAY, "text/html")
