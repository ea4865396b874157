"""What the product needs from the place it runs in: a Frappe site or the embedded host."""

from __future__ import annotations

import logging
import mimetypes
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from whatsapp_integration.core.config import DeviceConfig, Limits, Retry, WebConfig
from whatsapp_integration.core.limits import warmed_up
from whatsapp_integration.core.link_code import LinkCode
from whatsapp_integration.core.messages import MediaFile

log = logging.getLogger("whatsapp_integration")

# Endings of what WhatsApp takes: Python knows few of them where the machine has no mime.types, and "opus" by another name.
_MIME_TYPES = {
	"3gp": "video/3gpp",
	"aac": "audio/aac",
	"amr": "audio/amr",
	"doc": "application/msword",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"m4a": "audio/mp4",
	"mp3": "audio/mpeg",
	"mp4": "video/mp4",
	"ogg": "audio/ogg",
	"opus": "audio/ogg",
	"ppt": "application/vnd.ms-powerpoint",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"webp": "image/webp",
	"xls": "application/vnd.ms-excel",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class Settings:
	"""WhatsApp Settings, read once a run."""

	default_device: str = ""
	default_country: str = ""
	retry: Retry = field(default_factory=Retry)
	warm_up_first_day: int = 50  # messages of a newly linked phone, rising to its limit …
	warm_up_days: int = 14  # … within so many days; 0 is no warm-up
	unknown_after_hours: float = 24  # an outcome still unknown then is Failed, for a person to look at
	media_attempts: int = 5
	alert_recipients: tuple[str, ...] = ()
	web: WebConfig = field(default_factory=WebConfig)


class Database(ABC):
	"""The few methods of `frappe.db` that the store uses, with its names and its meaning.

	`sql` takes MariaDB spelling with backticks and `%s` or `%(name)s` places. `bulk_insert` writes many rows at once and
	with `ignore_duplicates` leaves rows alone whose unique key is taken.
	"""

	db_type: str  # mariadb, postgres or sqlite

	@abstractmethod
	def sql(self, query: str, values: Sequence | dict = (), as_dict: bool = False) -> Any: ...

	@abstractmethod
	def bulk_insert(
		self, doctype: str, fields: list[str], values: Sequence, ignore_duplicates: bool = False
	) -> None: ...

	@abstractmethod
	def commit(self) -> None: ...

	@abstractmethod
	def rollback(self) -> None: ...


class Host(ABC):
	"""One site, or one embedded data folder. Used by one thread."""

	db: Any  # a Database, or frappe.db itself
	conflicts: tuple[
		type[Exception], ...
	] = ()  # what the database raises when two writers collide: roll back and try again

	def _warmed_up(self, limits: Limits, linked_since: datetime | None, is_on: bool) -> Limits:
		"""The limits of a linked phone today."""
		if not (is_on and linked_since):
			return limits
		settings = self.settings()
		days = (self.time() - self.to_unix(linked_since)) / 86400
		return warmed_up(limits, days, settings.warm_up_first_day, settings.warm_up_days)

	def is_lost(self, error: Exception) -> bool:
		"""Does an error mean that the connection to the database is gone? Then `reconnect` and do it all again."""
		return False

	def reconnect(self) -> None:
		"""Take a new connection to the database; what was not committed is gone."""

	def recover(self, error: Exception) -> bool:
		"""Take a new connection where an error means that the old one is gone; False where it means something else.

		A database that is still down is left for the next try.
		"""
		if not self.is_lost(error):
			return False
		log.warning("The connection to the database is lost (%s): a new one is taken", error)
		try:
			self.reconnect()
		except Exception as err:
			log.warning("There is no connection to the database: %s", err)
		return True

	def refresh(self) -> None:
		"""Forget what was kept in memory, so that a process that lives for days sees new settings."""

	@abstractmethod
	def now(self) -> datetime:
		"""The present, naive, in the host's time zone: what goes into Datetime columns."""

	@abstractmethod
	def time(self) -> float:
		"""The present in unix seconds: what queue times are counted in (clock changes don't touch it)."""

	@abstractmethod
	def to_datetime(self, seconds: float) -> datetime:
		"""Unix seconds as a naive datetime in the host's time zone."""

	@abstractmethod
	def to_unix(self, moment: datetime) -> float:
		"""A naive datetime of the host's time zone as unix seconds."""

	@abstractmethod
	def settings(self) -> Settings: ...

	@abstractmethod
	def device(self, name: str) -> DeviceConfig:
		"""The device with its secrets. Raises InvalidRequest for an unknown one."""

	@abstractmethod
	def app_secrets(self, *, fresh: bool = False) -> dict[str, frozenset[str]]:
		"""The app secrets that may sign webhooks → ids of the numbers and accounts of the devices that have it; under "" those
		of the devices that take none.

		Read for every post, so a host may answer from memory unless `fresh`.
		"""

	@abstractmethod
	def verify_tokens(self) -> tuple[str, ...]:
		"""The verify tokens that may answer Meta's challenge."""

	@abstractmethod
	def webhook_url(self) -> str:
		"""The public address of this host's webhook, "" where it has none."""

	@abstractmethod
	def open_file(self, reference: str) -> MediaFile:
		"""Find the file behind a reference of a Media. Raises InvalidContent when it is missing."""

	@abstractmethod
	def save_file(self, message: str, filename: str, content: bytes) -> str:
		"""Keep a received file privately, attached to a message row; returns its reference."""

	@abstractmethod
	def save_screenshot(self, device: str, png: bytes) -> None:
		"""Keep the picture of a device's page privately, in place of the last one."""

	@abstractmethod
	def keep_link_code(self, device: str, code: LinkCode | None) -> None:
		"""Keep a code outside the database until it expires, or take it back at once (None)."""

	@abstractmethod
	def link_code(self, device: str) -> LinkCode | None:
		"""The code that links a phone now."""

	def how_to_start_worker(self) -> str:
		"""The command that starts the process which holds the linked devices."""
		return "python -m whatsapp_integration worker"

	def say(self, template: str, *values) -> str:
		"""A sentence of ours in the language of the people who read the log, clean."""
		return template.format(*values)

	def clean(self, text: str) -> str:
		"""A text from outside, harmless on every page that shows it; the message's content keeps it as it came."""
		return text

	@abstractmethod
	def user(self) -> str:
		"""Who acts: the owner of the rows written now."""

	@abstractmethod
	def may_use(self, device: str) -> bool:
		"""May the one who acts send with this device?"""

	@abstractmethod
	def alert(self, subject: str, text: str, *, device: str = "") -> None:
		"""Once the caller has committed, tell the people who look after the app that something needs them."""

	@abstractmethod
	def publish(
		self, changed: dict[str, Sequence[str]], *, new: dict[str, Sequence[str]] | None = None
	) -> None:
		"""Once the caller has committed, tell open pages which rows changed and which are new: DocType → names."""

	@abstractmethod
	def wake(self, work: str) -> None:
		"""Have background work begin right after the commit: "dispatch", "webhooks" or "media"."""

	@abstractmethod
	def log_error(self, title: str, text: str) -> None: ...


def guess_mime_type(filename: str) -> str:
	"""The MIME type that a file's name tells, the same on every machine for all that WhatsApp takes."""
	ending = filename.rpartition(".")[2].lower()
	return _MIME_TYPES.get(ending) or mimetypes.guess_type(filename)[0] or "application/octet-stream"
