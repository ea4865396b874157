"""What the stand-in remembers: chats, messages, files, counts. One lock guards it all."""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from whatsapp_integration.sandbox.limits import PairLimit, Throughput
from whatsapp_integration.sandbox.media import MediaFile, new_media_id
from whatsapp_integration.sandbox.numbers import user_id
from whatsapp_integration.sandbox.samples import SAMPLES
from whatsapp_integration.sandbox.settings import Settings
from whatsapp_integration.sandbox.templates import Templates

TYPING_SECONDS = 25
ACCEPTED, SENT, DELIVERED, READ, PLAYED, FAILED = "accepted", "sent", "delivered", "read", "played", "failed"
RANK = {ACCEPTED: 0, SENT: 1, DELIVERED: 2, READ: 3, PLAYED: 4, FAILED: 5}
POSTED, ACKNOWLEDGED, LOST = "posted", "acknowledged", "lost"  # of a customer's message; then READ


@dataclass
class Message:
	"""One message of either side. `part` is its typed object, `status` how far it came."""

	id: str
	number_id: str  # the business's phone number id
	chat: str  # wa_id, BSUID or group id
	incoming: bool  # from the customer to the business
	type: str
	part: Any
	at: float
	status: str
	to: str = ""  # as the business wrote it
	context: str = ""  # id of the quoted message
	callback_data: str = ""
	category: str = "service"
	billable: bool = False
	rendered: dict[str, Any] | None = None  # a template as the phone shows it
	sender: str = ""  # who wrote, in a group
	error: dict[str, Any] | None = None
	reactions: dict[str, str] = field(default_factory=dict)  # "customer" or "business" → emoji
	forwarded: bool = False
	edited: bool = False
	revoked: bool = False


@dataclass
class Chat:
	number_id: str
	key: str
	name: str
	user_id: str
	group: bool = False
	hide_number: bool = False
	username: str = ""
	messages: list[Message] = field(default_factory=list)
	last_in: float = 0
	typing_until: float = 0


class State:
	"""`changed` is notified after every change; hold it (it is the lock) while reading more than one thing."""

	def __init__(self, settings: Settings, clock: Callable[[], float] = time.time):
		self.changed = threading.Condition(threading.RLock())
		self.settings = settings
		self.clock = clock
		self.version = 0
		self.listeners: list[Callable[[], None]] = []
		self._empty()

	def _empty(self) -> None:
		self.chats: dict[tuple[str, str], Chat] = {}
		self.messages: dict[str, Message] = {}
		self.media: dict[str, MediaFile] = {}
		self.templates = Templates(SAMPLES)
		self.overrides: dict[str, tuple[str, str]] = {}  # WABA or number id → callback url, verify token
		self.counts: Counter[str] = Counter()
		self.refusals: Counter[int] = Counter()
		self.callback_data: Counter[str] = Counter()
		self.throughput, self.pairs = Throughput(), PairLimit()

	def reset(self) -> None:
		"""Forget everything but the settings."""
		with self.changed:
			self._empty()
			self.touch()

	def touch(self) -> None:
		"""Tell everybody that something changed. Call it with the lock held."""
		self.version += 1
		self.changed.notify_all()
		for listener in self.listeners:
			listener()

	def configure(self, values: dict[str, Any]) -> Settings:
		with self.changed:
			self.settings = self.settings.changed(values)
			self.touch()
			return self.settings

	def chat(self, number_id: str, key: str, group: bool = False) -> Chat:
		with self.changed:
			found = self.chats.get((number_id, key)) or self._chat_of_user(number_id, key)
			if found is None:
				found = Chat(number_id, key, "", "" if group else user_id(key, self.settings.waba_id), group)
				self.chats[number_id, key] = found
				self.touch()
			return found

	def _chat_of_user(self, number_id: str, key: str) -> Chat | None:
		if "." not in key:
			return None
		return next((c for c in self.chats.values() if c.number_id == number_id and c.user_id == key), None)

	def add(self, message: Message) -> None:
		with self.changed:
			chat = self.chat(message.number_id, message.chat)
			chat.messages.append(message)
			self.messages[message.id] = message
			if message.incoming:
				chat.last_in = message.at
				self.counts["received"] += 1
			else:
				chat.typing_until = 0
				self.counts["accepted"] += 1
				self._count_callback_data(message.callback_data)
			self.touch()

	def _count_callback_data(self, data: str) -> None:
		if data:
			self.callback_data[data] += 1
			self.counts["duplicates"] += self.callback_data[data] > 1

	def set_status(self, message: Message, status: str, error: dict[str, Any] | None = None) -> None:
		"""Raise a status; one that is lower than the message's own changes nothing."""
		with self.changed:
			if RANK.get(status, 0) < RANK.get(message.status, 0) or status == message.status:
				return
			message.status = status
			message.error = error or message.error
			self.counts[status] += 1
			self.touch()

	def add_media(
		self, number_id: str, content: bytes, mime_type: str, filename: str, life: float
	) -> MediaFile:
		with self.changed:
			file = MediaFile(new_media_id(), number_id, mime_type, content, filename, self.clock() + life)
			self.media[file.id] = file
			return file

	def get_media(self, media_id: str) -> MediaFile | None:
		with self.changed:
			file = self.media.get(media_id)
			return file if file and file.expires > self.clock() else None

	def in_window(self, chat: Chat) -> bool:
		return self.clock() - chat.last_in < self.settings.window_seconds

	def callback(self, number_id: str) -> str:
		"""Where webhooks of a number go: its own override, the account's, the app's."""
		settings = self.settings
		for key in (number_id, settings.waba_id):
			if key in self.overrides:
				return self.overrides[key][0]
		return settings.callback_url


def new_message_id(number: str, incoming: bool) -> str:
	"""A wamid of Meta's look: base64 of the number and a random part."""
	random_part = secrets.token_hex(9 if not incoming else 10).upper().encode()
	kind = b"\x15\x02\x00\x12\x18" if incoming else b"\x15\x02\x00\x11\x18"
	number_part = number.encode()[:40]
	raw = (
		b"\x1c\x18"
		+ bytes([len(number_part)])
		+ number_part
		+ kind
		+ bytes([len(random_part)])
		+ random_part
		+ b"\x00"
	)
	return "wamid." + base64.b64encode(raw).decode()
