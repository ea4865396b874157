"""The embedded host: a SQLite file, a folder of files and secrets from the environment. No Frappe, no server."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from whatsapp_integration.core.config import (
	OFFICIAL,
	OFFICIAL_LIMITS,
	UNOFFICIAL,
	UNOFFICIAL_LIMITS,
	DeviceConfig,
)
from whatsapp_integration.core.errors import InvalidContent, InvalidRequest, _
from whatsapp_integration.core.link_code import LinkCode
from whatsapp_integration.core.messages import MediaFile
from whatsapp_integration.host.base import Database, Host, Settings, guess_mime_type
from whatsapp_integration.host.schema import create_tables
from whatsapp_integration.store import bulk, devices
from whatsapp_integration.store.keys import DEVICE

log = logging.getLogger("whatsapp_integration")

SECRET_FIELDS = ("access_token", "app_secret", "verify_token")
_NAMED_PLACE = re.compile(r"%\((\w+)\)s")
_DATETIME_FORMAT = "%Y-%m-%d %H:%M:%S.%f"


class SqliteDatabase(Database):
	"""`frappe.db`'s methods on a SQLite file. A transaction begins with the first write."""

	db_type = "sqlite"

	def __init__(self, path: Path):
		self.after_commit: list[Callable[[], None]] = []
		sqlite3.register_converter("DATETIME", _read_datetime)
		self._connection = sqlite3.connect(
			path, timeout=30, isolation_level="IMMEDIATE", detect_types=sqlite3.PARSE_DECLTYPES
		)
		self._connection.execute("PRAGMA journal_mode = WAL")
		self._connection.execute("PRAGMA synchronous = NORMAL")
		with self._connection:
			create_tables(self._connection)

	def sql(self, query: str, values: Sequence | dict = (), as_dict: bool = False) -> Any:
		if isinstance(values, dict):
			query = _NAMED_PLACE.sub(r":\1", query)
			values = {key: _write_value(value) for key, value in values.items()}
		else:
			query = query.replace("%s", "?")
			values = [_write_value(value) for value in values]
		cursor = self._connection.execute(query.replace("%%", "%"), values)
		rows = cursor.fetchall()
		if not as_dict:
			return rows
		columns = [column[0] for column in cursor.description]
		return [dict(zip(columns, row, strict=True)) for row in rows]

	def bulk_insert(
		self, doctype: str, fields: list[str], values: Sequence, ignore_duplicates: bool = False
	) -> None:
		columns = ", ".join(f"`{column}`" for column in fields)
		places = ", ".join("?" * len(fields))
		self._connection.executemany(
			f"INSERT INTO `tab{doctype}` ({columns}) VALUES ({places})"
			+ (" ON CONFLICT DO NOTHING" if ignore_duplicates else ""),
			[[_write_value(value) for value in row] for row in values],
		)

	def commit(self) -> None:
		self._connection.commit()
		callbacks, self.after_commit = self.after_commit, []
		for callback in callbacks:
			callback()

	def rollback(self) -> None:
		self._connection.rollback()
		self.after_commit.clear()

	def close(self) -> None:
		self._connection.close()


class LocalHost(Host):
	"""A data folder. Each thread and process opens its own.

	Secrets come from the environment as WHATSAPP_<DEVICE>_<FIELD> (for example WHATSAPP_MAIN_ACCESS_TOKEN), or from
	`secrets` handed in: {device: {field: value}}. `on_wake` is called after a commit with the work that should begin now.
	"""

	conflicts = (sqlite3.OperationalError,)

	def __init__(
		self,
		folder: Path | str,
		*,
		secrets: dict[str, dict[str, str]] | None = None,
		settings: Settings | None = None,
		overrides: dict[str, Any] | None = None,
		on_wake: Callable[[str], None] = lambda work: None,
		webhook_url: str = "",
	):
		self.folder = Path(folder)
		self.files = self.folder / "files"
		self.files.mkdir(parents=True, exist_ok=True)
		self._path = self.folder / "whatsapp.db"
		self.db = SqliteDatabase(self._path)
		self.alerts: list[tuple[str, str]] = []
		self._secrets = secrets or {}
		self._settings = settings or Settings()
		self._overrides = overrides or {}
		self._on_wake = on_wake
		self._webhook_url = webhook_url

	def close(self) -> None:
		self.db.close()

	def is_lost(self, error: Exception) -> bool:
		return isinstance(error, sqlite3.ProgrammingError) and "closed database" in str(error)

	def reconnect(self) -> None:
		self.db = SqliteDatabase(self._path)

	def add_device(self, name: str, **values: Any) -> None:
		"""Register a device, or change it; `values` are columns of WhatsApp Device."""
		known = self.db.sql(f"SELECT `name` FROM `tab{DEVICE}` WHERE `name` = %s", [name])
		row = {
			"name": name,
			"device_name": name,
			"mode": "Official",
			"enabled": 1,
			"status": "Disconnected" if values.get("mode") == UNOFFICIAL else "Connected",
			"wanted_state": "Disconnected",
			**values,
		}
		if known:
			devices.set_values(self.db, name, **{"modified": self.now(), **values})
		elif not bulk.insert(self.db, DEVICE, [row], now=self.now(), user=self.user()):
			self.db.rollback()
			raise InvalidRequest(
				_("Another device has this Phone Number ID already."), code="phone_number_id"
			)
		self.db.commit()

	def now(self) -> datetime:
		return self.to_datetime(self.time())

	def time(self) -> float:
		return time.time()

	def to_datetime(self, seconds: float) -> datetime:
		return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)

	def to_unix(self, moment: datetime) -> float:
		return moment.replace(tzinfo=timezone.utc).timestamp()

	def settings(self) -> Settings:
		folder = self._settings.web.folder or str(self.folder / "whatsapp-web")
		return replace(self._settings, web=replace(self._settings.web, folder=folder))

	def device(self, name: str) -> DeviceConfig:
		rows = self.db.sql(f"SELECT * FROM `tab{DEVICE}` WHERE `name` = %s", [name], as_dict=True)
		if not rows:
			raise InvalidRequest(_("There is no device {0}."), name, code="unknown_device")
		row = rows[0]
		values = {
			"name": name,
			"mode": row["mode"],
			"enabled": bool(row["enabled"]),
			"status": row["status"],
			"phone_number": row["phone_number"] or "",
			"country": row["country"] or self._settings.default_country,
			"phone_number_id": row["phone_number_id"] or "",
			"waba_id": row["waba_id"] or "",
			"limits": OFFICIAL_LIMITS
			if row["mode"] == OFFICIAL
			else self._warmed_up(UNOFFICIAL_LIMITS, row["linked_since"], bool(row["warm_up"])),
			"retry": self._settings.retry,
			"linked_since": self.to_unix(row["linked_since"]) if row["linked_since"] else 0,
		}
		return DeviceConfig(
			**values | {field: self._secret(name, field) for field in SECRET_FIELDS} | self._overrides
		)

	def app_secrets(self, *, fresh: bool = False) -> dict[str, frozenset[str]]:
		return self._by_secret("app_secret")

	def verify_tokens(self) -> tuple[str, ...]:
		return tuple(filter(None, self._by_secret("verify_token")))

	def webhook_url(self) -> str:
		return self._webhook_url

	def open_file(self, reference: str) -> MediaFile:
		path = (self.files / reference).resolve()
		if not path.is_relative_to(self.files.resolve()) or not path.is_file():
			raise InvalidContent(_("The file {0} is missing."), reference, code="file_missing")
		return MediaFile(str(path), path.name, guess_mime_type(path.name), path.stat().st_size)

	def save_file(self, message: str, filename: str, content: bytes) -> str:
		folder = self.files / "received" / message
		folder.mkdir(parents=True, exist_ok=True)
		name = re.sub(r"[^\w.\- ]", "_", Path(filename).name).strip(". ") or "file"
		(folder / name[-120:]).write_bytes(content)
		return str((folder / name[-120:]).relative_to(self.files))

	def save_screenshot(self, device: str, png: bytes) -> None:
		reference = self.save_file(device, "screenshot.png", png)
		devices.set_values(self.db, device, screenshot=reference)

	def keep_link_code(self, device: str, code: LinkCode | None) -> None:
		"""In a file that only its owner can read, for other processes of the same folder."""
		path = self._link_code_path(device)
		path.unlink(missing_ok=True)
		if code:
			handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
			with open(handle, "w", encoding="utf-8") as file:
				json.dump(asdict(code), file)

	def link_code(self, device: str) -> LinkCode | None:
		try:
			code = LinkCode(**json.loads(self._link_code_path(device).read_text(encoding="utf-8")))
		except (FileNotFoundError, ValueError):  # none, or just being written
			return None
		return code if code.expires > self.time() else None

	def _link_code_path(self, device: str) -> Path:
		return self.folder / f"link-{hashlib.sha256(device.encode()).hexdigest()[:16]}.json"

	def add_file(self, path: Path | str) -> str:
		"""Copy a file into the data folder; returns its reference."""
		source = Path(path)
		folder = self.files / "sent" / secrets.token_hex(8)
		folder.mkdir(parents=True)
		(folder / source.name).write_bytes(source.read_bytes())
		return str((folder / source.name).relative_to(self.files))

	def user(self) -> str:
		return "Administrator"

	def may_use(self, device: str) -> bool:
		return True

	def alert(self, subject: str, text: str, *, device: str = "") -> None:
		self.alerts.append((subject, text))
		log.warning("%s: %s", subject, text)

	def publish(
		self, changed: dict[str, Sequence[str]], *, new: dict[str, Sequence[str]] | None = None
	) -> None:
		"""Nobody watches an embedded host's rows."""

	def wake(self, work: str) -> None:
		self.db.after_commit.append(lambda: self._on_wake(work))

	def log_error(self, title: str, text: str) -> None:
		log.error("%s: %s", title, text)

	def _by_secret(self, field: str) -> dict[str, frozenset[str]]:
		return devices.group_by_secret(devices.all_lines(self.db), lambda name: self._secret(name, field))

	def _secret(self, device: str, field: str) -> str:
		return self._secrets.get(device, {}).get(field) or os.environ.get(secret_variable(device, field), "")


def secret_variable(device: str, field: str) -> str:
	"""The environment variable that holds a secret of a device."""
	return re.sub(r"\W", "_", f"WHATSAPP_{device}_{field}").upper()


def _write_value(value: Any) -> Any:
	return value.strftime(_DATETIME_FORMAT) if isinstance(value, datetime) else value


def _read_datetime(value: bytes) -> datetime:
	return datetime.strptime(value.decode(), _DATETIME_FORMAT)
