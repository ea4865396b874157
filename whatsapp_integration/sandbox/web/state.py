"""What the stand-in of WhatsApp Web remembers, and the queues of what open pages have still to be told."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from whatsapp_integration.sandbox.settings import Settings
from whatsapp_integration.sandbox.web.faults import LID_ONLY, SUFFIXES, Faults
from whatsapp_integration.sandbox.web.model import (
	Account,
	Companion,
	Customer,
	File,
	Group,
	Message,
	Page,
	digits,
	is_group,
	lid_jid,
)
from whatsapp_integration.sandbox.web.timers import Timers

TOLD_MAX = 10_000  # that wait for a page that nobody closed properly; older ones are dropped


def now_ms() -> float:
	return time.time() * 1000


class WebState:
	"""`changed` is notified after every change; hold it (it is the lock) while reading more than one thing."""

	def __init__(self, settings: Callable[[], Settings], clock: Callable[[], float]):
		self.changed = threading.Condition(threading.RLock())
		self.timers = Timers()
		self.clock = clock
		self.listeners: list[Callable[[], None]] = []
		self._settings = settings
		self._empty()

	def _empty(self) -> None:
		self.accounts: dict[str, Account] = {}
		self.customers: dict[str, Customer] = {}
		self.groups: dict[str, Group] = {}
		self.messages: dict[tuple[str, str], Message] = {}  # account, id
		self.by_chat: dict[tuple[str, str], list[Message]] = {}  # account, chat; without reactions
		self.files: dict[str, File] = {}
		self.pages: dict[str, Page] = {}
		self.companions: dict[str, Companion] = {}
		self.ended: dict[str, str] = {}  # session → why it is linked no more
		self.leaks: list[dict[str, Any]] = []
		self.counts: Counter[str] = Counter()
		self.faults = Faults()
		self.add_account(self.settings.phone_number, self.settings.verified_name)

	@property
	def settings(self) -> Settings:
		return self._settings()

	def reset(self) -> None:
		"""Forget everything; pages that are open find out when they next ask."""
		with self.changed:
			self.timers.clear()
			self._empty()
			self.touch()

	def touch(self) -> None:
		"""Tell everybody that something changed. Call it with the lock held."""
		self.changed.notify_all()
		for listener in self.listeners:
			listener()

	def later(self, seconds: float, work: Callable[[], None]) -> None:
		"""Run `work` with the lock held, now or in so many seconds."""
		if seconds > 0:
			self.timers.after(seconds, lambda: self._locked(work))
		else:
			self._locked(work)

	def _locked(self, work: Callable[[], None]) -> None:
		with self.changed:
			work()
			self.touch()

	# ------------------------------------------------------------------ who there is

	def add_account(self, number: str, name: str, platform: str = "smba", lid_mode: str = "") -> Account:
		account = Account(digits(number), name, platform, lid_mode)
		self.accounts[account.number] = account
		return account

	def account(self, number: str) -> Account:
		"""Raises ValueError when the company has no such phone."""
		found = self.accounts.get(digits(number))
		if found is None:
			raise ValueError(f"there is no account {number}; there are: {', '.join(self.accounts)}")
		return found

	def customer(self, number: str) -> Customer:
		"""The person of a number, who begins to exist when first named."""
		number = digits(number)
		if number not in self.customers:
			by_suffix = self.settings.suffix_faults and SUFFIXES.get(number[-4:]) == LID_ONLY
			self.customers[number] = Customer(number, lid_only=by_suffix)
		return self.customers[number]

	def customer_of(self, jid: str) -> Customer | None:
		"""The person whom a page means; None for a LID that nobody has."""
		user, _, server = jid.partition("@")
		if server == "lid":
			return next((person for person in self.customers.values() if person.lid == jid), None)
		return self.customer(user) if user.isdigit() and 7 <= len(user) <= 15 else None

	def chat_of(self, jid: str) -> str:
		"""The jid that a chat is kept under, "" when there is nobody."""
		if is_group(jid):
			return jid if jid in self.groups else ""
		person = self.customer_of(jid)
		return person.jid if person else ""

	def chat_number(self, chat: str) -> str:
		"""The number behind a chat, "" for a group."""
		person = None if is_group(chat) else self.customer_of(chat)
		return person.number if person else ""

	def own_lid(self, account: str) -> str:
		return lid_jid(account)

	# ------------------------------------------------------------------ messages and files

	def add_message(self, message: Message) -> None:
		self.messages[message.account, message.id] = message
		if message.type != "reaction":
			self.by_chat.setdefault((message.account, message.chat), []).append(message)

	def chat_messages(self, account: str, chat: str) -> list[Message]:
		"""Oldest first; reactions are none of them."""
		return self.by_chat.get((account, chat), [])

	def find_message(self, message_id: str, account: str = "") -> Message:
		"""By its short id (3EB0…) or the serialised key. Raises ValueError when there is none."""
		short = message_id.split("_")[2] if message_id.count("_") > 1 else message_id
		for owner in [account] if account else self.accounts:
			if (owner, short) in self.messages:
				return self.messages[owner, short]
		raise ValueError(f"there is no message {message_id}")

	def add_file(self, content: bytes, mime_type: str, name: str) -> File:
		file = File(secrets.token_hex(8), content, mime_type or "application/octet-stream", name)
		with self.changed:
			self.files[file.id] = file
		return file

	# ------------------------------------------------------------------ pages and linked browsers

	def companions_of(self, account: str) -> list[Companion]:
		return [companion for companion in self.companions.values() if companion.account == account]

	def page_of(self, companion: Companion) -> Page | None:
		page = self.pages.get(companion.page)
		return page if page and page.is_open else None

	def open_pages(self, account: str = "") -> list[Page]:
		"""The pages of an account's linked browsers, or all that are open."""
		if not account:
			return [page for page in self.pages.values() if page.is_open]
		return [page for companion in self.companions_of(account) if (page := self.page_of(companion))]

	def page(self, page_id: str) -> Page:
		"""Raises LookupError when it is not known, as after a reset."""
		page = self.pages.get(page_id)
		if page is None:
			raise LookupError(page_id)
		page.seen = self.clock()
		return page

	def tell_account(self, account: str, item: dict[str, Any], but: str = "") -> None:
		"""Tell all linked browsers of an account but that of one session; who is away finds it in `missed`."""
		for companion in self.companions_of(account):
			if companion.session == but:
				continue
			page = self.page_of(companion)
			if page:
				self.tell(page, item)
			else:
				companion.missed.append(item)
				del companion.missed[:-TOLD_MAX]

	def tell(self, page: Page, item: dict[str, Any]) -> None:
		page.last_seq += 1
		page.queue.append({"seq": page.last_seq, **item})
		del page.queue[:-TOLD_MAX]

	def tell_all(self, pages: Iterable[Page], item: dict[str, Any]) -> None:
		for page in pages:
			self.tell(page, item)
