"""The one interface of every way to send, and the order of its steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from whatsapp_integration.core.config import DeviceConfig
from whatsapp_integration.core.errors import Unsupported, _
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import Outgoing, Sent
from whatsapp_integration.core.report import LineReport


class Sender(ABC):
	"""Sends the messages of one device. Its methods are called from several threads at once.

	A subclass names the message kinds it can send in `KINDS` and fills `_deliver`; whatever else it can do it overrides.
	What it can't do is a loud Unsupported.
	"""

	MODE: ClassVar[str]
	KINDS: ClassVar[frozenset[str]]
	PARALLEL: ClassVar[int] = 0  # messages on their way at once; 0 is as many as there are threads
	PLANS_IDS: ClassVar[bool] = (
		False  # sends with a message id chosen beforehand, and looks it up before it repeats
	)

	def __init__(self, device: DeviceConfig):
		self.device = device

	@property
	def is_ready(self) -> bool:
		"""Can this process send for the device now? Messages wait in the queue where it can't."""
		return True

	def send(self, message: Outgoing) -> Sent:
		"""Send one message and return what the provider said.

		Raises a SendError whose class says what to do next; InvalidRequest where the message breaks a limit.
		"""
		self.require_kind(message.content.KIND)
		message.content.check(self.MODE)
		return self._deliver(message)

	def connect(self, webhook_url: str) -> LineReport:
		"""Check that the line is ready and set it up as far as a program can; `webhook_url` is where events shall arrive."""
		raise self._unsupported(_("connecting"))

	def mark_read(self, message_id: str, *, typing: bool = False) -> None:
		"""Show the customer blue ticks up to `message_id`, and with `typing` that an answer is being written."""
		raise self._unsupported(_("marking as read"))

	def fetch_media(self, media: MediaInfo) -> tuple[bytes, str]:
		"""Download a received file: its bytes and its MIME type."""
		raise self._unsupported(_("downloading media"))

	def close(self) -> None:
		"""Let connections go; the sender is not used afterwards."""

	@abstractmethod
	def _deliver(self, message: Outgoing) -> Sent: ...

	@classmethod
	def require_kind(cls, kind: str) -> None:
		"""Raise Unsupported where this way can't send a kind of message."""
		if kind not in cls.KINDS:
			raise cls._unsupported(kind)

	@classmethod
	def _unsupported(cls, what: str) -> Unsupported:
		return Unsupported(
			_("A device in {0} mode does not support {1}."), cls.MODE, what, code="unsupported"
		)
