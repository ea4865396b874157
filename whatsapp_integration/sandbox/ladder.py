"""The statuses of a message of the business: which come, when, in which order."""

from __future__ import annotations

from typing import Any

from whatsapp_integration.sandbox import faults
from whatsapp_integration.sandbox.errors import status_error
from whatsapp_integration.sandbox.faults import Fault
from whatsapp_integration.sandbox.payloads import status_value
from whatsapp_integration.sandbox.state import DELIVERED, FAILED, PLAYED, READ, SENT, Chat, Message, State
from whatsapp_integration.sandbox.webhooks import Update, Webhooks

NO_FAULT = Fault("")
COPIES = 3  # of a webhook, by the "duplicate" fault


class Ladder:
	"""A status leaves when the one before it was answered, so that only the "disorder" fault mixes them up."""

	def __init__(self, state: State, webhooks: Webhooks):
		self.state = state
		self.webhooks = webhooks

	def start(self, message: Message, fault: Fault = NO_FAULT) -> None:
		self._climb(message, self._steps(message, fault), fault)

	def read(self, number_id: str, chat_key: str) -> int:
		"""The customer looked at the chat: send read receipts for all that was delivered. Returns how many."""
		with self.state.changed:
			chat = self.state.chat(number_id, chat_key)
			unread = [
				m for m in chat.messages if not m.incoming and m.status == DELIVERED and m.type != "reaction"
			]
			for message in unread:
				self.report(message, READ)
			return len(unread)

	def report(self, message: Message, status: str, code: int = 0) -> None:
		"""Tell one status now, whatever came before (but a lower one than the phone knows changes nothing there)."""
		error = status_error(code) if status == FAILED else None
		self.state.set_status(message, status, error)
		self.webhooks.tell(
			Update(message.number_id, lambda: self._make(message, status, error), message_id=message.id)
		)

	def _steps(self, message: Message, fault: Fault) -> list[tuple[str, float]]:
		settings = self.state.settings
		if fault.kind == faults.FAILED:
			return [(FAILED, settings.sent_delay)]
		steps = [(SENT, settings.sent_delay)]
		if message.type != "reaction":  # Meta tells only "sent" of reactions
			steps.append((DELIVERED, settings.delivered_delay))
		if settings.auto_read and len(steps) == 2:
			steps.append((READ, settings.read_delay))
		if fault.kind == faults.DISORDER:
			names = [status for status, _ in reversed(steps)]
			steps = [(status, delay) for status, (_, delay) in zip(names, steps, strict=True)]
		return steps

	def _climb(self, message: Message, steps: list[tuple[str, float]], fault: Fault) -> None:
		if not steps:
			return
		(status, delay), rest = steps[0], steps[1:]
		error = status_error(fault.code) if status == FAILED else None
		update = Update(
			message.number_id,
			lambda: self._make(message, status, error),
			lambda acknowledged: self._climb(message, rest, fault),
			message.id,
			copies=COPIES if fault.kind == faults.DUPLICATE else 1,
			silent=fault.kind == faults.SILENT,
		)
		self.webhooks.tell(update, delay)

	def _make(
		self, message: Message, status: str, error: dict[str, Any] | None
	) -> tuple[str, dict[str, Any]]:
		with self.state.changed:
			self.state.set_status(message, status, error)
			chat: Chat = self.state.chat(message.number_id, message.chat)
			value = status_value(self.state.settings, chat, message, status, self.state.clock())
		return "messages", value


STATUSES = (SENT, DELIVERED, READ, PLAYED, FAILED)
