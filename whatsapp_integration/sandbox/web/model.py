"""The things of WhatsApp Web as values: accounts, customers, groups, messages, linked browsers and their open pages."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

ACK_ERROR, ACK_CLOCK, ACK_SENT, ACK_DELIVERED, ACK_READ, ACK_PLAYED = -1, 0, 1, 2, 3, 4
# How an account was moved to LIDs: not at all; receipts and incoming messages carry them; chats are named by them too.
LID_MODES = ("", "acks", "chats")
PLATFORMS = ("smba", "smbi", "android", "iphone")


def digits(number: str) -> str:
	"""A number as people write it, as its digits. Raises ValueError when it can't be one."""
	found = re.sub(r"\D", "", str(number).partition("@")[0])
	if not 7 <= len(found) <= 15:
		raise ValueError(f"{number!r} is no number with its country code")
	return found


def pn_jid(number: str) -> str:
	return f"{number}@c.us"


def lid_jid(number: str) -> str:
	"""The LID of a person: stable, 15 digits that have nothing to do with the number."""
	digest = hashlib.blake2b(f"lid/{number}".encode(), digest_size=8).digest()
	return f"{10**14 + int.from_bytes(digest, 'big') % (9 * 10**14)}@lid"


def is_group(jid: str) -> bool:
	return jid.endswith("@g.us")


def new_message_id() -> str:
	return "3EB0" + secrets.token_hex(9).upper()


@dataclass
class Account:
	"""A phone of the company."""

	number: str  # digits
	name: str  # push name
	platform: str = "smba"
	lid_mode: str = ""

	@property
	def lid(self) -> str:
		return lid_jid(self.number)


@dataclass
class Customer:
	number: str  # digits
	name: str = ""
	lid_only: bool = False  # the company sees the LID, never the number
	business: bool = False

	@property
	def lid(self) -> str:
		return lid_jid(self.number)

	@property
	def jid(self) -> str:
		"""What their chat is kept under."""
		return self.lid if self.lid_only else pn_jid(self.number)


@dataclass
class Group:
	id: str  # …@g.us
	subject: str
	members: list[str] = field(default_factory=list)  # numbers of customers, without the company's


@dataclass
class File:
	id: str
	content: bytes
	mime_type: str
	name: str

	@property
	def sha256(self) -> str:
		return hashlib.sha256(self.content).hexdigest()


@dataclass
class Message:
	"""One message of a chat of an account. Times in `timing` and `emitted` are milliseconds since 1970."""

	id: str
	account: str
	chat: str  # jid of a customer or group
	from_me: bool
	type: str  # wa-js's: chat, image, video, audio, ptt, document, sticker, location, vcard, multi_vcard, reaction
	at: float  # seconds since 1970
	body: str = ""
	caption: str = ""
	author: str = ""  # number of who wrote it, in a group
	file: str = ""  # id of a File
	filename: str = ""
	mimetype: str = ""
	size: int = 0
	sha256: str = ""
	quoted: str = ""  # id of the quoted message
	ack: int = ACK_CLOCK
	link_preview: bool | None = None  # as the page was asked; None of messages that nobody asked it for
	times_accepted: int = 1
	from_phone: bool = False
	forwarded: bool = False
	unread: bool = False  # of an incoming one: the company has not opened the chat since
	encrypted_first: bool = False  # pages meet it as a ciphertext before its text
	extra: dict[str, Any] = field(default_factory=dict)  # lat, lng, duration, vcards
	reactions: dict[str, str] = field(default_factory=dict)  # "me" or a number → emoji
	edited: bool = False
	revoked: bool = False
	options: dict[str, Any] = field(default_factory=dict)  # other options of the send call
	timing: dict[str, float] = field(default_factory=dict)
	emitted: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Page:
	"""One load of the page in one browser. What it is told waits in `queue` until it says that it has it."""

	id: str
	user_agent: str
	session: str = ""
	code: str = ""  # the QR code it shows now, "" for none
	pairing: dict[str, Any] = field(default_factory=dict)  # code, phone, until
	queue: list[dict[str, Any]] = field(default_factory=list)
	last_seq: int = 0
	is_open: bool = True
	is_dead: bool = False  # nothing goes in or out any more, until it is loaded again
	opened: float = 0
	seen: float = 0


@dataclass
class Companion:
	"""A linked browser; `session` and `secret` are what its profile keeps."""

	session: str
	secret: str
	account: str
	device: int
	linked_at: float
	page: str = ""  # id of the page that speaks for it
	missed: list[dict[str, Any]] = field(default_factory=list)  # what it was to be told while it had no page
