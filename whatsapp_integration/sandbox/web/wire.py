"""How the page is told of accounts, chats and messages: plain JSON of which it makes WhatsApp's objects."""

from __future__ import annotations

from typing import Any

from whatsapp_integration.sandbox.web.model import Account, Message, is_group, lid_jid, pn_jid
from whatsapp_integration.sandbox.web.state import WebState

SHOWN = 50  # messages of a chat that a page is given when it loads, besides the unread ones


class Wire:
	def __init__(self, state: WebState):
		self.state = state

	def me(self, account: Account) -> dict[str, Any]:
		return {
			"pn": pn_jid(account.number),
			"lid": account.lid,
			"name": account.name,
			"platform": account.platform,
			"lid_mode": account.lid_mode,
		}

	def chats(self, account: Account) -> list[dict[str, Any]]:
		"""All chats of an account with their last messages."""
		keys = dict.fromkeys(self.state.groups)
		keys.update(dict.fromkeys(chat for owner, chat in self.state.by_chat if owner == account.number))
		return [self.chat(account, key) for key in keys]

	def chat(self, account: Account, key: str) -> dict[str, Any]:
		messages = self.state.chat_messages(account.number, key)
		unread = sum(message.unread for message in messages)
		kept = messages[-max(SHOWN, len(messages) - self._first_unread(messages)) :]
		head = {"key": key, "jid": self.seen_as(account, key), "unread": unread}
		return {
			**head,
			**(self._group(key) if is_group(key) else self._person(key)),
			"messages": [self.message(message) for message in kept],
		}

	@staticmethod
	def _first_unread(messages: list[Message]) -> int:
		return next((index for index, message in enumerate(messages) if message.unread), len(messages))

	def _person(self, key: str) -> dict[str, Any]:
		person = self.state.customer_of(key)
		if person is None:
			return {"name": "", "lid": "", "pn": "", "group": False}
		pn = "" if person.lid_only else pn_jid(person.number)
		return {
			"name": person.name,
			"lid": person.lid,
			"pn": pn,
			"group": False,
			"business": person.business,
		}

	def _group(self, key: str) -> dict[str, Any]:
		group = self.state.groups[key]
		return {
			"name": group.subject,
			"group": True,
			"members": [
				{"lid": lid_jid(number), "name": self.state.customer(number).name} for number in group.members
			],
		}

	def seen_as(self, account: Account, key: str) -> str:
		"""The jid that the page names a chat by."""
		if is_group(key) or account.lid_mode != "chats":
			return key
		person = self.state.customer_of(key)
		return person.lid if person else key

	def _arrives_as(self, account: Account, message: Message) -> str:
		"""The chat's jid in keys of messages and receipts that come in."""
		if is_group(message.chat) or not account.lid_mode:
			return message.chat
		person = self.state.customer_of(message.chat)
		return person.lid if person else message.chat

	def message(self, message: Message) -> dict[str, Any]:
		account = self.state.accounts[message.account]
		remote = (
			self.seen_as(account, message.chat) if message.from_me else self._arrives_as(account, message)
		)
		quoted = self.state.messages.get((message.account, message.quoted))
		author = lid_jid(message.author) if message.author else ""
		return {
			"id": message.id,
			"from_me": message.from_me,
			"chat": message.chat,
			"remote": remote,
			"author": (account.lid if message.from_me else author) if is_group(message.chat) else "",
			"name": account.name if message.from_me else self._name(message),
			"type": message.type,
			"body": message.body,
			"caption": message.caption,
			"t": int(message.at),
			"order": message.at,
			"ack": message.ack,
			"file": message.file,
			"filename": message.filename,
			"mimetype": message.mimetype,
			"size": message.size,
			"sha256": message.sha256,
			"forwarded": message.forwarded,
			"encrypted_first": message.encrypted_first,
			"quoted": self._quoted(account, quoted) if quoted else None,
			"reactions": dict(message.reactions),
			"edited": message.edited,
			"revoked": message.revoked,
			**message.extra,
		}

	def _name(self, message: Message) -> str:
		number = message.author or self.state.chat_number(message.chat)
		return self.state.customer(number).name if number else ""

	def _quoted(self, account: Account, quoted: Message) -> dict[str, Any]:
		number = quoted.author or self.state.chat_number(quoted.chat)
		theirs = lid_jid(number) if is_group(quoted.chat) or account.lid_mode else quoted.chat
		mine = account.lid if is_group(quoted.chat) else pn_jid(account.number)
		return {
			"id": quoted.id,
			"participant": mine if quoted.from_me else theirs,
			"type": quoted.type,
			"body": quoted.body,
			"caption": quoted.caption,
		}

	def receipt(self, message: Message, reader: str = "") -> dict[str, Any]:
		"""A receipt: `remote` may be the LID of a chat that was written to by its number."""
		account = self.state.accounts[message.account]
		return {
			"kind": "ack",
			"id": message.id,
			"chat": message.chat,
			"remote": self._arrives_as(account, message),
			"participant": lid_jid(reader) if reader else "",
			"ack": message.ack,
		}
