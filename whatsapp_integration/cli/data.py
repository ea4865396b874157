"""The data folder of the embedded host: where it is, its secrets, and how each thread opens it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.host.base import Settings
from whatsapp_integration.host.local import LocalHost, secret_variable

DEFAULT_FOLDER = "whatsapp-data"
SECRETS_FILE = "secrets.json"


class WatchedHost(LocalHost):
	"""Calls `on_change` when rows changed."""

	def __init__(self, folder: Path, *, on_change: Callable[[], None], **options: Any):
		super().__init__(folder, **options)
		self._on_change = on_change

	def publish(
		self, changed: dict[str, Sequence[str]], *, new: dict[str, Sequence[str]] | None = None
	) -> None:
		self.db.after_commit.append(self._on_change)


@dataclass(frozen=True)
class DataFolder:
	"""All that is needed to open a data folder. A host is used by one thread, so every thread opens its own."""

	path: Path
	secrets: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
	settings: Settings = field(default_factory=Settings)
	overrides: dict[str, Any] = field(default_factory=dict)  # of every DeviceConfig
	webhook_url: str = ""

	def open(
		self, on_wake: Callable[[str], None] = lambda work: None, on_change: Callable[[], None] = lambda: None
	) -> WatchedHost:
		return WatchedHost(
			self.path,
			secrets=self.secrets,
			settings=self.settings,
			overrides=self.overrides,
			on_wake=on_wake,
			on_change=on_change,
			webhook_url=self.webhook_url,
		)

	@contextmanager
	def opened(self) -> Iterator[WatchedHost]:
		host = self.open()
		try:
			yield host
		finally:
			host.close()


def data_folder(data: str | None) -> Path:
	"""The folder that was asked for: the option, $WHATSAPP_HOME, or a folder below the present one."""
	return Path(data or os.environ.get("WHATSAPP_HOME") or DEFAULT_FOLDER)


def make_folder(path: Path) -> Path:
	"""Make a data folder that only its owner can read; an existing one is left as it is."""
	path.mkdir(mode=0o700, parents=True, exist_ok=True)
	return path


def find_data(
	data: str | None, graph_url: str | None = None, webhook_url: str = "", web: WebConfig | None = None
) -> DataFolder:
	"""An existing data folder with its secrets."""
	path = data_folder(data)
	if not (path / "whatsapp.db").is_file():
		raise click.ClickException(
			f"There is no data in {path}. Begin with the command: device add. Or name another folder with --data."
		)
	overrides = {"graph_url": graph_url} if graph_url else {}
	settings = Settings(web=web or WebConfig())
	return DataFolder(path, read_secrets(path), settings, overrides, webhook_url)


def read_secrets(path: Path) -> dict[str, dict[str, str]]:
	"""The secrets kept in the folder, except those that an environment variable replaces."""
	kept = _read_file(path)
	return {
		device: {
			name: value for name, value in values.items() if not os.environ.get(secret_variable(device, name))
		}
		for device, values in kept.items()
	}


def keep_secrets(path: Path, device: str, values: dict[str, str]) -> None:
	"""Keep secrets of a device in a file that only its owner can read."""
	kept = _read_file(path)
	kept[device] = {**kept.get(device, {}), **values}
	draft = path / f"{SECRETS_FILE}.new"
	draft.unlink(missing_ok=True)
	handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
	with open(handle, "w", encoding="utf-8") as file:
		json.dump(kept, file, indent="\t")
	draft.replace(path / SECRETS_FILE)


def _read_file(path: Path) -> dict[str, dict[str, str]]:
	try:
		return json.loads((path / SECRETS_FILE).read_text(encoding="utf-8"))
	except FileNotFoundError:
		return {}
	except ValueError as err:
		raise click.ClickException(f"{path / SECRETS_FILE} is damaged: {err}") from err
