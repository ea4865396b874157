"""The control surface for tests and the phone page: `Sandbox(...).web`, and POST /sandbox/web/<verb>."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from whatsapp_integration.sandbox.web import faults
from whatsapp_integration.sandbox.web.faults import SUFFIXES, Fault
from whatsapp_integration.sandbox.web.linking import LOCKED, STREAM_MODES, USER_INITIATED, Linking
from whatsapp_integration.sandbox.web.model import (
	LID_MODES,
	PLATFORMS,
	Companion,
	Group,
	Message,
	digits,
	is_group,
)
from whatsapp_integration.sandbox.web.sending import Sending
from whatsapp_integration.sandbox.web.state import WebState
from whatsapp_integration.sandbox.web.writing import Writing

SEEN_SECONDS = 45  # a page is asked every 20 s whether it is there
COUNTED = ("accepted", "duplicates", "received", "linked", "logged_out", "pages")


class WebControl:
	"""Numbers may be written in any way; ValueError says what makes no sense. Every method is an HTTP verb too.

	Over HTTP the arguments are one JSON object and the answer is JSON; what raises answers 400 with `error`.
	"""

	def __init__(self, state: WebState, linking: Linking, sending: Sending, writing: Writing):
		self._state = state
		self._linking = linking
		self._sending = sending
		self._writing = writing

	# ------------------------------------------------------------------ phones of the company

	def add_account(
		self, number: str, name: str = "", platform: str = "smba", lid_mode: str = ""
	) -> dict[str, Any]:
		"""A phone of the company; of a number that exists, the rest is changed.

		`lid_mode`: "" is an account from before the move to LIDs; "acks" has LIDs in receipts and incoming messages;
		"chats" names the chats by them too.
		"""
		if platform not in PLATFORMS or lid_mode not in LID_MODES:
			raise ValueError(f"platform is one of {PLATFORMS}, lid_mode one of {LID_MODES}")
		with self._state.changed:
			account = self._state.add_account(
				number, name or f"Shop {digits(number)[-4:]}", platform, lid_mode
			)
			self._state.touch()
			return {**asdict(account), "lid": account.lid}

	def accounts(self) -> list[dict[str, Any]]:
		with self._state.changed:
			return [{**asdict(item), "lid": item.lid} for item in self._state.accounts.values()]

	def codes(self) -> list[dict[str, Any]]:
		"""What open pages show at the moment: `code` of a QR, `pairing_code` with its `phone`, "" for none."""
		with self._state.changed:
			return [
				{
					"page": page.id,
					"code": page.code,
					"pairing_code": page.pairing.get("code", ""),
					"phone": page.pairing.get("phone", ""),
				}
				for page in self._state.open_pages()
				if page.code or page.pairing
			]

	def scan(self, code: str, number: str) -> dict[str, Any]:
		"""Link the browser that shows this code now. Returns the linked browser as in companions()."""
		return self._changing(lambda: self._companion(self._linking.scan(code, number)))

	def enter_pairing_code(self, code: str, number: str) -> dict[str, Any]:
		"""Link the browser that shows this pairing code for this number; letters of any case, dashes allowed."""
		return self._changing(lambda: self._companion(self._linking.enter_code(code, number)))

	def companions(self, number: str = "") -> list[dict[str, Any]]:
		"""Linked browsers, oldest first: session, account, device, linked_at, is_online, page, user_agent."""
		with self._state.changed:
			wanted = self._state.account(number).number if number else ""
			return [
				self._companion(item)
				for item in self._state.companions.values()
				if wanted in ("", item.account)
			]

	def log_out(self, number: str, reason: str = USER_INITIATED, session: str = "") -> int:
		"""Unlink an account's browsers (or the one of a session) from its phone. Returns how many."""
		account = self._state.account(number).number

		def end() -> int:
			found = [item for item in self._state.companions_of(account) if session in ("", item.session)]
			for companion in found:
				self._linking.end(companion, reason)
			return len(found)

		return self._changing(end)

	# ------------------------------------------------------------------ people

	def customer(
		self,
		number: str,
		name: str | None = None,
		lid_only: bool | None = None,
		business: bool | None = None,
	) -> dict[str, Any]:
		"""Say something about a customer. Returns number, lid, jid (which the company sees), name, lid_only."""

		def change() -> dict[str, Any]:
			person = self._state.customer(number)
			given = {"name": name, "lid_only": lid_only, "business": business}
			for key, value in given.items():
				if value is not None:
					setattr(person, key, value)
			return {**asdict(person), "lid": person.lid, "jid": person.jid}

		return self._changing(change)

	def add_group(self, subject: str, members: list[str], group_id: str = "") -> str:
		"""A group that every account is in, of customers' numbers. Returns its id (…@g.us)."""

		def add() -> str:
			new_id = group_id or f"1203630{len(self._state.groups) + 10**10}@g.us"
			numbers = [self._state.customer(member).number for member in members]
			self._state.groups[new_id] = Group(new_id, subject, numbers)
			return new_id

		return self._changing(add)

	def write(self, number: str, customer: str, **what: Any) -> dict[str, Any]:
		"""A message of a customer, or of the account's own phone (`from_phone`): all keys in writing.Writing.write."""
		return self._changing(lambda: as_dict(self._writing.write(number, customer, **what)))

	def react(
		self, message_id: str, emoji: str, customer: str = "", from_phone: bool = False
	) -> dict[str, Any]:
		"""A customer's reaction, "" takes it back. Without `customer`, the chat's; ids as short ones or whole keys."""

		def react() -> dict[str, Any]:
			message = self._state.find_message(message_id)
			who = digits(customer) if customer else message.author or self._state.chat_number(message.chat)
			if not who and not from_phone:
				raise ValueError("in a group, name the customer who reacts")
			self._writing.react(message, who, emoji, from_phone)
			return as_dict(message)

		return self._changing(react)

	def edit(self, message_id: str, text: str) -> dict[str, Any]:
		"""Who wrote a text edits it."""
		message = self._state.find_message(message_id)
		self._changing(lambda: self._writing.edit(message, text))
		return as_dict(message)

	def revoke(self, message_id: str) -> dict[str, Any]:
		"""Who wrote a message deletes it for everyone."""
		message = self._state.find_message(message_id)
		self._changing(lambda: self._writing.revoke(message))
		return as_dict(message)

	def read(self, customer: str, number: str = "") -> int:
		"""A customer (or a group, by its id) opens the chat with an account, without `number` with all of them."""

		def read() -> int:
			chat = customer if is_group(customer) else self._state.customer(customer).jid
			accounts = [self._state.account(number)] if number else list(self._state.accounts.values())
			return sum(self._writing.read(account, chat) for account in accounts)

		return self._changing(read)

	def ack(self, message_id: str, ack: int, participant: str = "") -> dict[str, Any]:
		"""One receipt now: 1 sent, 2 delivered, 3 read, 4 played, -1 failed; a lower one changes nothing."""
		message = self._state.find_message(message_id)
		self._changing(lambda: self._sending.acknowledge(message, int(ack), participant))
		return as_dict(message)

	# ------------------------------------------------------------------ misbehaviours

	def misbehave(self, kind: str, **about: Any) -> dict[str, Any]:
		"""Switch a misbehaviour on: `account`, `customer`, `times`, `seconds`, `functions` (web.faults tells which)."""
		fault = Fault.from_dict({"kind": kind, **about})
		self._changing(lambda: self._begin(fault))
		return fault.to_dict()

	def behave(self, kind: str = "", account: str = "", customer: str = "") -> int:
		"""Switch misbehaviours off, without arguments all of them. Returns how many."""

		def end() -> int:
			about = [digits(number) if number else "" for number in (account, customer)]
			gone = self._state.faults.remove(kind, *about)
			for fault in gone:
				self._tell_state(fault, is_on=False)
			return len(gone)

		return self._changing(end)

	def faults(self) -> dict[str, Any]:
		with self._state.changed:
			switched = [fault.to_dict() for fault in self._state.faults.listed()]
		return {"switched": switched, "suffixes": SUFFIXES, "kinds": list(faults.KINDS)}

	def _begin(self, fault: Fault) -> None:
		if fault.kind in faults.MOMENTS:
			self._happen(fault)
			return
		self._state.faults.add(fault)
		if fault.kind == faults.LID_ONLY:
			self._state.customer(fault.customer).lid_only = True
		self._tell_state(fault, is_on=True)

	def _happen(self, fault: Fault) -> None:
		pages = self._state.open_pages(fault.account)
		if fault.kind == faults.LOCKED:
			for companion in list(self._state.companions.values()):
				if fault.account in ("", companion.account):
					self._linking.end(companion, LOCKED)
		elif fault.kind == faults.DEAD:
			for page in pages:
				page.is_dead = True
		elif fault.kind == faults.CONFLICT:
			self._state.tell_all(pages, {"kind": "mode", "mode": "CONFLICT"})
		else:
			self._state.tell_all(pages, {"kind": fault.kind, "seconds": fault.seconds})

	def _tell_state(self, fault: Fault, is_on: bool) -> None:
		pages = self._state.open_pages(fault.account)
		if fault.kind == faults.OFFLINE:
			self._state.tell_all(pages, {"kind": "online", "online": not is_on})
		if fault.kind == faults.BANNED and is_on:
			self._state.tell_all(pages, {"kind": "backend", "name": "account_temporarily_banned"})
		if fault.kind == faults.DEPRECATED and is_on:
			self._state.tell_all(pages, {"kind": "needs_update"})
		if fault.kind in STREAM_MODES:
			mode = STREAM_MODES[fault.kind] if is_on else "MAIN"
			self._state.tell_all(pages, {"kind": "mode", "mode": mode})

	# ------------------------------------------------------------------ looking

	def messages(self, **filters: Any) -> list[dict[str, Any]]:
		"""All messages, oldest first, as as_dict() tells; `filters` are keys of that with the value wanted.

		`account` and `customer` may be written in any way; `from_me=True, from_phone=False` is what pages sent.
		"""
		with self._state.changed:
			customer = filters.pop("customer", "")
			if customer:
				filters["chat"] = self._state.customer(customer).jid
			if "account" in filters:
				filters["account"] = digits(filters["account"])
			rows = [as_dict(message) for message in self._state.messages.values()]
			return [row for row in rows if all(row.get(key) == value for key, value in filters.items())]

	def leaks(self) -> list[dict[str, Any]]:
		"""What pages would have told others: a bundle that was started without the privacy settings."""
		with self._state.changed:
			return list(self._state.leaks)

	def stats(self) -> dict[str, Any]:
		"""Counts since the last reset: COUNTED, "ack 2" and so on of receipts, and how many there are now."""
		with self._state.changed:
			return {
				**dict.fromkeys(COUNTED, 0),
				**self._state.counts,
				"companions": len(self._state.companions),
				"open_pages": len(self._state.open_pages()),
				"leaks": len(self._state.leaks),
			}

	def reset(self) -> None:
		"""Forget everything; open pages load themselves again."""
		self._state.reset()

	def wait_for(self, condition: Callable[[], Any], timeout: float = 10) -> Any:
		"""Wait until `condition()` is true after some change; its value, something false at the time limit.

		The lock is held while it is asked, so it must not ask a browser, which would ask the server.
		"""
		with self._state.changed:
			return self._state.changed.wait_for(condition, timeout)

	def _changing(self, work: Callable[[], Any]) -> Any:
		with self._state.changed:
			result = work()
			self._state.touch()
			return result

	def _companion(self, companion: Companion) -> dict[str, Any]:
		page = self._state.page_of(companion)
		is_seen = page is not None and self._state.clock() - page.seen < SEEN_SECONDS
		return {
			"session": companion.session,
			"account": companion.account,
			"device": companion.device,
			"linked_at": companion.linked_at,
			"is_online": is_seen,
			"page": page.id if page else "",
			"user_agent": page.user_agent if page else "",
		}


def as_dict(message: Message) -> dict[str, Any]:
	"""A message as tests see it: the fields of model.Message."""
	return asdict(message)


READING = ("accounts", "codes", "companions", "faults", "messages", "leaks", "stats")  # GET will do
VERBS = (
	"add_account",
	"accounts",
	"codes",
	"scan",
	"enter_pairing_code",
	"companions",
	"log_out",
	"customer",
	"add_group",
	"write",
	"react",
	"edit",
	"revoke",
	"read",
	"ack",
	"misbehave",
	"behave",
	"faults",
	"messages",
	"leaks",
	"stats",
	"reset",
)
