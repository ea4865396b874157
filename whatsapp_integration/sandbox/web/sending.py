"""What a page asks for once it is linked: numbers, messages, reactions, read marks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whatsapp_integration.sandbox.web import faults
from whatsapp_integration.sandbox.web.faults import Fault
from whatsapp_integration.sandbox.web.model import (
	ACK_DELIVERED,
	ACK_READ,
	ACK_SENT,
	Account,
	Message,
	Page,
	is_group,
	pn_jid,
)
from whatsapp_integration.sandbox.web.state import WebState, now_ms
from whatsapp_integration.sandbox.web.wire import Wire

# What a page sends in keys of the same name as Message's fields.
GIVEN = ("type", "body", "caption", "filename", "mimetype", "link_preview", "extra", "options", "timing")
HANGS = {"hang": True}
WAITS = {"retry": True}
NOBODY = {"result": "ERROR_UNKNOWN"}


class Sending:
	def __init__(self, state: WebState, wire: Wire):
		self.state = state
		self.wire = wire

	def account_of(self, page: Page) -> Account | None:
		companion = self.state.companions.get(page.session)
		return self.state.accounts[companion.account] if companion else None

	def _cut_off(self, page: Page, account: Account) -> dict[str, Any] | None:
		"""What a page is answered that can't reach WhatsApp now, None when it can."""
		if page.is_dead or self.state.faults.find((faults.BANNED,), account.number):
			return HANGS
		return WAITS if self.state.faults.find((faults.OFFLINE,), account.number) else None

	# ------------------------------------------------------------------ people

	def query(self, page: Page, jid: str) -> dict[str, Any] | None:
		"""Who has this number on WhatsApp, None for nobody and for who can't be asked, `hang` where no answer comes.

		By a LID, the number is told only where it may be known.
		"""
		account = self.account_of(page)
		person = self.state.customer_of(jid)
		if account is None or person is None:
			return None
		if cut := self._cut_off(page, account):
			return None if cut is WAITS else cut
		if self._fault((faults.NOT_ON_WHATSAPP,), account.number, person.number):
			return None
		pn = "" if person.lid_only else pn_jid(person.number)
		return {"pn": pn, "lid": person.lid, "name": person.name, "business": person.business}

	def find_chat(self, page: Page, jid: str) -> dict[str, Any] | None:
		"""A chat as pages keep it, made when there is none; None and `hang` as query() answers."""
		account = self.account_of(page)
		key = self.state.chat_of(jid)
		if account is None or not key:
			return None
		found = {} if is_group(key) else self.query(page, jid)
		if found is None or found.get("hang"):
			return found
		return self.wire.chat(account, key)

	def _fault(self, kinds: tuple[str, ...], account: str, customer: str) -> Fault | None:
		return self.state.faults.take(kinds, account, customer, self.state.settings.suffix_faults)

	# ------------------------------------------------------------------ messages

	def send(self, page: Page, data: dict[str, Any]) -> dict[str, Any]:
		"""Answers `result` (SendMsgResult) with `ack` and `t`, or `hang`, `retry` (when online again) or `throw`.

		Raises ValueError on nonsense.
		"""
		account = self.account_of(page)
		key = self.state.chat_of(str(data["to"]))
		if account is None or not key:
			return NOBODY
		if cut := self._cut_off(page, account):
			return cut
		customer = self.state.chat_number(key)
		fault = self._fault(faults.SEND_KINDS, account.number, customer) or Fault("")
		if fault.kind == faults.HANG:
			return HANGS
		if fault.kind == faults.THROWS:
			return {"throw": "the stand-in throws"}
		if fault.kind in faults.RESULTS:
			return {"result": faults.RESULTS[fault.kind]}
		message = self._accept(page, account, key, data, fault.kind == faults.NO_ACKS)
		answer = {"result": "OK", "ack": ACK_SENT, "t": int(message.at)}
		return {**answer, "hang": True} if fault.kind == faults.ACCEPTED_HANG else answer

	def _accept(
		self, page: Page, account: Account, key: str, data: dict[str, Any], is_silent: bool
	) -> Message:
		known = self.state.messages.get((account.number, str(data["id"])))
		if known:
			known.times_accepted += 1
			self.state.counts["duplicates"] += 1
			return known
		message = self._message(account, key, data)
		self.add_outgoing(message, but=page.session)
		if not is_silent:
			self.climb(message)
		return message

	def _message(self, account: Account, key: str, data: dict[str, Any]) -> Message:
		given = {name: data[name] for name in GIVEN if data.get(name) is not None}
		file = self.state.files.get(str(data.get("file") or ""))
		if data.get("file") and file is None:
			raise ValueError("the file was not uploaded")
		return Message(
			id=str(data["id"]),
			account=account.number,
			chat=key,
			from_me=True,
			at=self.state.clock(),
			quoted=str(data.get("quoted") or ""),
			ack=ACK_SENT,
			file=file.id if file else "",
			size=len(file.content) if file else 0,
			sha256=file.sha256 if file else "",
			**{**given, "timing": {**given.get("timing", {}), "accepted": now_ms()}},
		)

	def add_outgoing(self, message: Message, but: str = "") -> None:
		self.state.add_message(message)
		self.state.counts["accepted"] += 1
		self.state.tell_account(
			message.account, {"kind": "message", "message": self.wire.message(message)}, but
		)

	# ------------------------------------------------------------------ receipts

	def climb(self, message: Message) -> None:
		"""Let the receipts of an accepted message come, each in its time."""
		settings = self.state.settings
		reader = self.state.groups[message.chat].members[:1] if is_group(message.chat) else []
		steps = [(ACK_DELIVERED, settings.sent_delay + settings.delivered_delay)]
		if settings.auto_read:
			steps.append((ACK_READ, steps[0][1] + settings.read_delay))
		for ack, delay in steps:
			self.state.later(delay, self._step(message, ack, reader[0] if reader else ""))

	def _step(self, message: Message, ack: int, reader: str) -> Callable[[], None]:
		return lambda: self.acknowledge(message, ack, reader)

	def acknowledge(self, message: Message, ack: int, reader: str = "") -> bool:
		"""One receipt; a lower one than the message has changes nothing, below 0 is a failure."""
		if 0 <= ack <= message.ack:
			return False
		message.ack = ack
		self.state.counts[f"ack {ack}"] += 1
		self.state.tell_account(message.account, self.wire.receipt(message, reader))
		return True

	# ------------------------------------------------------------------ the rest

	def react(self, page: Page, message_id: str, emoji: str) -> dict[str, Any]:
		account = self.account_of(page)
		if account is None or self._cut_off(page, account):
			return HANGS
		target = self.state.find_message(message_id, account.number)
		target.reactions["me"] = emoji
		reaction = Message(
			f"{target.id}-reaction-{len(self.state.messages)}",
			account.number,
			target.chat,
			True,
			"reaction",
			self.state.clock(),
			body=emoji,
			quoted=target.id,
			ack=ACK_SENT,
		)
		self.state.add_message(reaction)
		return {"result": "OK"}

	def revoke(self, page: Page, message_id: str) -> dict[str, Any]:
		account = self.account_of(page)
		if account is None or self._cut_off(page, account):
			return HANGS
		message = self.state.find_message(message_id, account.number)
		message.revoked, message.body, message.caption, message.file = True, "", "", ""
		return {"result": "OK"}

	def mark_read(self, page: Page, jid: str) -> None:
		account = self.account_of(page)
		if account is None or self._cut_off(page, account):
			return
		for message in self.state.chat_messages(account.number, self.state.chat_of(jid)):
			message.unread = False
