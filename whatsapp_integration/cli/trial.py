"""`try`: the whole app against the sandbox, each step proven from the rows, then log and one line of JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from whatsapp_integration.cli.console import check_line, left_out_line, log_to, spinner, stop_on_signal
from whatsapp_integration.cli.data import DataFolder, WatchedHost
from whatsapp_integration.cli.engine import EngineRoom
from whatsapp_integration.cli.linked_steps import linked_steps
from whatsapp_integration.cli.listener import Listener
from whatsapp_integration.cli.log import build_table
from whatsapp_integration.cli.samples import write_files
from whatsapp_integration.cli.stage import (
	BRANCH,
	BRANCH_NUMBER,
	CUSTOMER,
	DEVICE,
	LinkedStage,
	NotProven,
	Stage,
)
from whatsapp_integration.cli.steps import all_steps
from whatsapp_integration.core import status as st
from whatsapp_integration.core.config import OFFICIAL_LIMITS, UNOFFICIAL, Pacing, Retry, WebConfig
from whatsapp_integration.core.errors import WhatsAppError
from whatsapp_integration.host.base import Settings
from whatsapp_integration.store.overview import all_devices
from whatsapp_integration.whatsapp_web import driver
from whatsapp_integration.whatsapp_web.errors import SetupError

if TYPE_CHECKING:
	from whatsapp_integration.sandbox.server import Sandbox

READ_TIMEOUT = 2.0  # seconds; how long the step with the unknown outcome takes
RETRY = Retry(base=0.3, ceiling=5)
LIMITS = replace(
	OFFICIAL_LIMITS, pair_seconds=0
)  # the sandbox has none, and a slow machine would wait minutes for ours
PACING = Pacing(typing_speed=0)  # nobody is there to be taken for a person
MIN_FREE_MEMORY = 500_000_000  # bytes; the page of the stand-in is a small one
INSTALL_BROWSER = "apt install chromium chromium-driver"
REACHED = {  # what the JSON counts → the statuses that have got that far
	"sent": {st.SENT, st.DELIVERED, st.READ, st.PLAYED},
	"delivered": {st.DELIVERED, st.READ, st.PLAYED},
	"read": {st.READ, st.PLAYED},
	"received": {st.RECEIVED},
	"failed": {st.FAILED},
	"unknown": {st.UNKNOWN},
}


@dataclass(frozen=True)
class _Section:
	title: str
	stage: Stage
	steps: list[tuple[str, Callable[[Any], str]]]


class Trial:
	"""One run in `folder` against a running sandbox, in a `with`.

	`device` has the "columns" and "secrets" of the official device; `web` is how the stand-in of WhatsApp Web is driven.
	"""

	def __init__(
		self,
		console: Console,
		folder: Path,
		box: Sandbox,
		device: dict[str, dict[str, str]],
		web: WebConfig,
		*,
		patience: float,
	):
		self.console = console
		self.box = box
		self._device = device
		self._patience = patience
		settings = Settings(retry=RETRY, web=replace(web, min_free_memory=MIN_FREE_MEMORY))
		overrides = {"graph_url": box.url, "read_timeout": READ_TIMEOUT, "limits": LIMITS, "pacing": PACING}
		self._data = DataFolder(folder, {DEVICE: device["secrets"]}, settings, overrides)
		self._exits = ExitStack()

	def __enter__(self) -> Trial:
		log_to(self.console)
		with self._exits as exits:
			with self._data.opened() as host:
				_refuse_other_devices(host)
				host.add_device(DEVICE, **self._device["columns"])
				host.add_device(BRANCH, **_UNLINKED)
			self._room = exits.enter_context(EngineRoom(self._data))
			listener = exits.enter_context(Listener(self._room.open_host))
			host = self._room.open_host(listener.url)
			exits.callback(host.close)
			samples = write_files(self._data.path / "samples")
			parts = (self.box, host, self._room, samples, self._patience, host.now())
			self.official, self.linked = Stage(*parts), LinkedStage(*parts, device=BRANCH)
			self._exits = exits.pop_all()
		return self

	def __exit__(self, *exc_info: object) -> None:
		self._exits.close()

	def run(self, *, keep: bool = False) -> bool:
		"""Do the steps, stop at the first that is not proven, and print logs and summary; JSON is the last line.

		Without a browser on this machine the steps of the linked phone are left out. With `keep` everything stays open
		afterwards, until SIGINT or SIGTERM.
		"""
		self._print_address("Sandbox with phone page: ")
		sections = [_Section("Official: the Cloud API", self.official, all_steps())]
		lacking = self._find_lacking()
		if not lacking:
			title = "Unofficial: a phone linked through WhatsApp Web"
			sections.append(_Section(title, self.linked, linked_steps()))
		is_proven = self._do_sections(sections)
		if lacking:
			self.console.print(left_out_line("The steps with a linked phone are left out", lacking))
		self._print_logs(sections)
		linked = "skipped" if lacking else "proven" if is_proven else "not proven"
		rows = self.official.all_rows() + self.linked.all_rows()
		summary = {**summarize(is_proven, rows, self._taken()), "linked": linked}
		self._end(summary, keep)
		return summary["ok"]

	def _print_logs(self, sections: Sequence[_Section]) -> None:
		for section in sections:
			rows = section.stage.all_rows()
			if rows:
				title = f"Message log of {section.stage.device}"
				self.console.print()
				self.console.print(build_table(self.console, rows, title, times=False))

	def _end(self, summary: dict[str, Any], keep: bool) -> None:
		with stop_on_signal() if keep else nullcontext() as stopped:
			if keep:
				self._stay_open(is_linked=summary["linked"] != "skipped")
			click.echo(json.dumps(summary))
			if stopped:
				stopped.wait()

	def _find_lacking(self) -> str:
		"""Why there is no browser to link a phone with, and what to do about it; "" where there is one.

		A browser that somebody named and that is none is an error of theirs.
		"""
		web = self.official.host.settings().web
		with self.console.status("Looking for Chromium …", spinner=spinner(self.console)):
			try:
				driver.find(web, Path(web.folder) / "driver")
			except SetupError as err:
				if web.browser_path or web.driver_path:
					raise click.UsageError(str(err)) from err
				return f"{err} On Debian or Ubuntu: {INSTALL_BROWSER}"
		return ""

	def _taken(self) -> list[str]:
		"""What names each message that the sandbox took, as often as it took it."""
		official = [message["callback_data"] for message in self.box.messages()]
		return official + [
			message["id"] for message in self.linked.taken() for _time in range(message["times_accepted"])
		]

	def _stay_open(self, *, is_linked: bool) -> None:
		"""The phone pages give the read receipts from now on."""
		self.box.configure(auto_read=False)
		if self._room.engine.stopped.is_set():
			self._room.restart()
		command = "python -m whatsapp_integration send"
		devices = f"{DEVICE} or {BRANCH}" if is_linked else DEVICE
		options = f"--data {self._data.path} --to {CUSTOMER} --text Hello --device"
		self._print_address("Open the phone page: ")
		if is_linked:
			self._print_address("That of the linked phone: ", "web/phone")
		self.console.print(Text(f"Send more: {command} {options} {devices}"), soft_wrap=True)
		self.console.print(Text("Ctrl+C stops everything.", "dim"))

	def _print_address(self, label: str, path: str = "") -> None:
		address = (f"{self.box.url}/{path}", "bold cyan")
		self.console.print(Text.assemble(label, address), soft_wrap=True)

	def _do_sections(self, sections: Sequence[_Section]) -> bool:
		with self._progress() as progress:
			task = progress.add_task("", total=sum(len(section.steps) for section in sections))
			for section in sections:
				self.console.print(Text(f"\n{section.title}", "bold"))
				for title, step in section.steps:
					progress.update(task, description=title)
					if not self._do_step(title, step, section.stage):
						return False
					progress.advance(task)
		return True

	def _do_step(self, title: str, step: Callable[[Any], str], stage: Stage) -> bool:
		try:
			proof = step(stage)
		except (NotProven, WhatsAppError, ValueError) as err:
			self.console.print(check_line(False, title, f"not proven: {err}"))
			return False
		self.console.print(check_line(True, title, proof))
		return True

	def _progress(self) -> Progress:
		return Progress(
			SpinnerColumn(spinner(self.console)),
			BarColumn(20),
			MofNCompleteColumn(),
			TextColumn("{task.description}", markup=False),
			console=self.console,
			transient=True,
			disable=not self.console.is_terminal,
		)


_UNLINKED = {  # nothing is left of an earlier run, whose sandbox is gone
	"mode": UNOFFICIAL,
	"status": "Disconnected",
	"wanted_state": "Disconnected",
	"request": "",
	"linked_name": None,
	"linked_since": None,
	"phone_number": BRANCH_NUMBER,
}


def summarize(is_proven: bool, rows: Sequence[dict[str, Any]], taken: Sequence[str]) -> dict[str, Any]:
	"""Count the rows by how far they came; a read message counts as sent and as delivered too.

	`taken` names what the sandbox accepted: a message that it took twice is a duplicate.
	"""
	counts = {name: sum(row["status"] in statuses for row in rows) for name, statuses in REACHED.items()}
	duplicates = sum(amount - 1 for amount in Counter(taken).values())
	return {"ok": is_proven and not duplicates and not counts["unknown"], **counts, "duplicates": duplicates}


def _refuse_other_devices(host: WatchedHost) -> None:
	"""The engine of `try` talks to the sandbox only: another device's messages must not go there."""
	others = [row["name"] for row in all_devices(host.db) if row["name"] not in (DEVICE, BRANCH)]
	if others:
		raise click.ClickException(
			f"{host.folder} holds other devices ({', '.join(others)}), whose messages would go to the sandbox. "
			"Choose another folder with --data."
		)
