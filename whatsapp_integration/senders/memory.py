"""A real provider that sends nowhere: it keeps what it was given. For tests and for trying things out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from whatsapp_integration.core.config import MEMORY, DeviceConfig
from whatsapp_integration.core.errors import FixRequest, _
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import CONTENTS, Outgoing, Sent
from whatsapp_integration.senders.base import Sender

Answer = Sent | Exception | None  # None: take the message
Script = list[Answer] | dict[str, list[Answer]] | Callable[[Outgoing], Answer]


@dataclass
class Mailbox:
	"""What one device sent and was told to answer; it outlives its senders.

	`script` answers before the usual yes: a list is used up in order, a dict has such a list per recipient, a
	function is asked about every message.
	"""

	sent: list[Outgoing] = field(default_factory=list)
	read: list[tuple[str, bool]] = field(default_factory=list)  # message id, with typing
	media: dict[str, tuple[bytes, str]] = field(default_factory=dict)  # media id → bytes, MIME type
	script: Script = field(default_factory=list)
	lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


_mailboxes: dict[str, Mailbox] = {}


def mailbox(device_name: str) -> Mailbox:
	"""Return the mailbox of a device, an empty one the first time."""
	return _mailboxes.setdefault(device_name, Mailbox())


def clear_mailboxes() -> None:
	"""Forget all devices; a test begins with this."""
	_mailboxes.clear()


class MemorySender(Sender):
	"""Takes every message into the mailbox of its device, as "mem.1", "mem.2", …"""

	MODE = MEMORY
	KINDS = frozenset(CONTENTS)

	def __init__(self, device: DeviceConfig, script: Script | None = None):
		super().__init__(device)
		self.mailbox = mailbox(device.name)
		if script is not None:
			self.mailbox.script = script

	@property
	def sent(self) -> list[Outgoing]:
		"""The messages that were taken, in order; those refused by the script are not among them."""
		return self.mailbox.sent

	def mark_read(self, message_id: str, *, typing: bool = False) -> None:
		with self.mailbox.lock:
			self.mailbox.read.append((message_id, typing))

	def fetch_media(self, media: MediaInfo) -> tuple[bytes, str]:
		try:
			return self.mailbox.media[media.media_id]
		except KeyError:
			raise FixRequest(
				_("WhatsApp no longer has this file. Ask for it again."), code="media_gone"
			) from None

	def _deliver(self, message: Outgoing) -> Sent:
		answer = self._ask_script(message)
		if isinstance(answer, Exception):
			raise answer
		with self.mailbox.lock:
			self.mailbox.sent.append(message)
			return answer or Sent(
				f"mem.{len(self.mailbox.sent)}", wa_id=message.to.lstrip("+"), state="accepted"
			)

	def _ask_script(self, message: Outgoing) -> Answer:
		script = self.mailbox.script
		if callable(script):
			return script(message)
		with self.mailbox.lock:
			answers = script.get(message.to) if isinstance(script, dict) else script
			return answers.pop(0) if answers else None
