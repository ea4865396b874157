"""`try`: the whole app against the sandbox, each step proven from the rows, then log and one line of JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from whatsapp_integration.cli.console import check_line, log_to, spinner, stop_on_signal
from whatsapp_integration.cli.data import DataFolder, WatchedHost
from whatsapp_integration.cli.engine import Engine
from whatsapp_integration.cli.listener import Listener
from whatsapp_integration.cli.log import build_table
from whatsapp_integration.cli.samples import write_files
from whatsapp_integration.cli.stage import CUSTOMER, DEVICE, NotProven, Stage
from whatsapp_integration.cli.steps import all_steps
from whatsapp_integration.core import status as st
from whatsapp_integration.core.config import OFFICIAL_LIMITS, Retry
from whatsapp_integration.core.errors import WhatsAppError
from whatsapp_integration.host.base import Settings
from whatsapp_integration.store.overview import all_devices

if TYPE_CHECKING:
	from whatsapp_integration.sandbox.server import Sandbox

READ_TIMEOUT = 2.0  # seconds; how long the step with the unknown outcome takes
RETRY = Retry(base=0.3, ceiling=5)
LIMITS = replace(
	OFFICIAL_LIMITS, pair_seconds=0
)  # the sandbox has none, and a slow machine would wait minutes for ours
REACHED = {  # what the JSON counts → the statuses that have got that far
	"sent": {st.SENT, st.DELIVERED, st.READ, st.PLAYED},
	"delivered": {st.DELIVERED, st.READ, st.PLAYED},
	"read": {st.READ, st.PLAYED},
	"received": {st.RECEIVED},
	"failed": {st.FAILED},
	"unknown": {st.UNKNOWN},
}


class Trial:
	"""One run in `folder` against a running sandbox, in a `with`. `device` has the "columns" and "secrets"."""

	def __init__(
		self,
		console: Console,
		folder: Path,
		box: Sandbox,
		device: dict[str, dict[str, str]],
		*,
		patience: float,
	):
		self.console = console
		self.box = box
		self._device = device
		self._patience = patience
		overrides = {"graph_url": box.url, "read_timeout": READ_TIMEOUT, "limits": LIMITS}
		self._data = DataFolder(folder, {DEVICE: device["secrets"]}, Settings(retry=RETRY), overrides)
		self._exits = ExitStack()

	def __enter__(self) -> Trial:
		log_to(self.console)
		with self._exits as exits:
			with self._data.opened() as host:
				_refuse_other_devices(host)
				host.add_device(DEVICE, **self._device["columns"])
			engine = exits.enter_context(Engine(self._data))
			listener = exits.enter_context(Listener(engine.open_host))
			host = replace(self._data, webhook_url=listener.url).open(engine.wake, engine.changed.set)
			exits.callback(host.close)
			samples = write_files(self._data.path / "samples")
			self.stage = Stage(self.box, host, engine, samples, self._patience, host.now())
			self._exits = exits.pop_all()
		return self

	def __exit__(self, *exc_info: object) -> None:
		self._exits.close()

	def run(self, *, keep: bool = False) -> bool:
		"""Do the steps, stop at the first that is not proven, and print log and summary; JSON is the last line.

		With `keep` everything stays open afterwards, until SIGINT or SIGTERM.
		"""
		self._print_address("Sandbox with phone page: ")
		is_proven = self._do_steps()
		rows = self.stage.all_rows()
		self.console.print()
		self.console.print(build_table(self.console, rows, "Message log", times=False))
		summary = summarize(is_proven, rows, self.box.messages())
		with stop_on_signal() if keep else nullcontext() as stopped:
			if keep:
				self._say_how_to_play()
			click.echo(json.dumps(summary))
			if stopped:
				stopped.wait()
		return summary["ok"]

	def _say_how_to_play(self) -> None:
		"""The phone page gives the read receipts from now on."""
		self.box.configure(auto_read=False)
		command = "python -m whatsapp_integration send"
		options = f"--data {self._data.path} --device {DEVICE} --to {CUSTOMER} --text Hello"
		self._print_address("Open the phone page: ")
		self.console.print(Text(f"Send more: {command} {options}"), soft_wrap=True)
		self.console.print(Text("Ctrl+C stops everything.", "dim"))

	def _print_address(self, label: str) -> None:
		self.console.print(Text.assemble(label, (f"{self.box.url}/", "bold cyan")), soft_wrap=True)

	def _do_steps(self) -> bool:
		steps = all_steps()
		with self._progress() as progress:
			task = progress.add_task("", total=len(steps))
			for title, step in steps:
				progress.update(task, description=title)
				try:
					proof = step(self.stage)
				except (NotProven, WhatsAppError, ValueError) as err:
					self.console.print(check_line(False, title, f"not proven: {err}"))
					return False
				self.console.print(check_line(True, title, proof))
				progress.advance(task)
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


def summarize(
	is_proven: bool, rows: Sequence[dict[str, Any]], taken: Sequence[dict[str, Any]]
) -> dict[str, Any]:
	"""Count the rows by how far they came; a read message counts as sent and as delivered too.

	`taken` is what the sandbox accepted: a message that it took twice is a duplicate.
	"""
	counts = {name: sum(row["status"] in statuses for row in rows) for name, statuses in REACHED.items()}
	times = Counter(message["callback_data"] for message in taken)
	duplicates = sum(amount - 1 for amount in times.values())
	return {"ok": is_proven and not duplicates and not counts["unknown"], **counts, "duplicates": duplicates}


def _refuse_other_devices(host: WatchedHost) -> None:
	"""The engine of `try` talks to the sandbox only: another device's messages must not go there."""
	others = [row["name"] for row in all_devices(host.db) if row["name"] != DEVICE]
	if others:
		raise click.ClickException(
			f"{host.folder} holds other devices ({', '.join(others)}), whose messages would go to the sandbox. "
			"Choose another folder with --data."
		)
