"""What the phone page shows: the company's phones, the codes to scan, and the chats with customers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from whatsapp_integration.sandbox.web.control import WebControl
from whatsapp_integration.sandbox.web.model import ACK_READ, Message, is_group
from whatsapp_integration.sandbox.web.state import WebState

SHOWN = 200  # messages of a chat


class WebPhone:
	def __init__(self, state: WebState, control: WebControl):
		self.state = state
		self.control = control

	def overview(self) -> dict[str, Any]:
		with self.state.changed:
			return {
				"accounts": self.control.accounts(),
				"codes": self.control.codes(),
				"companions": self.control.companions(),
				"faults": self.control.faults(),
				"groups": [asdict(group) for group in self.state.groups.values()],
				"chats": self._chats(),
				"auto_read": self.state.settings.auto_read,
				"stats": self.control.stats(),
			}

	def _chats(self) -> list[dict[str, Any]]:
		rows = []
		for (account, chat), messages in self.state.by_chat.items():
			last = messages[-1]
			row = {
				"account": account,
				"chat": chat,
				**self._who(chat),
				"unread": sum(item.from_me and item.ack < ACK_READ for item in messages[-SHOWN:]),
				"at": last.at,
				"last": {"type": last.type, "text": _preview(last), "revoked": last.revoked},
			}
			rows.append(row)
		return sorted(rows, key=lambda row: row["at"], reverse=True)

	def _who(self, chat: str) -> dict[str, Any]:
		if is_group(chat):
			group = self.state.groups[chat]
			return {"number": "", "name": group.subject, "group": True, "members": group.members}
		person = self.state.customer_of(chat)
		number, name = (person.number, person.name) if person else ("", "")
		return {"number": number, "name": name, "group": False, "lid_only": bool(person and person.lid_only)}

	def chat(self, number: str, chat: str) -> dict[str, Any]:
		with self.state.changed:
			shown = self.state.chat_messages(number, chat)[-SHOWN:]
			return {"messages": [self._bubble(message) for message in shown]}

	def _bubble(self, message: Message) -> dict[str, Any]:
		quoted = self.state.messages.get((message.account, message.quoted))
		return {
			"id": message.id,
			"from_me": message.from_me,
			"from_phone": message.from_phone,
			"type": message.type,
			"body": message.body if message.type in ("chat", "vcard") else "",
			"caption": message.caption,
			"author": message.author,
			"at": message.at,
			"ack": message.ack,
			"unread": message.unread,
			"file": message.file,
			"filename": message.filename,
			"size": message.size,
			"extra": message.extra,
			"reactions": [emoji for emoji in message.reactions.values() if emoji],
			"edited": message.edited,
			"revoked": message.revoked,
			"times_accepted": message.times_accepted,
			"quoted": {"type": quoted.type, "text": _preview(quoted)} if quoted else None,
		}


def _preview(message: Message) -> str:
	if message.type == "chat":
		return message.body
	return message.caption or message.filename or message.extra.get("loc", "")
