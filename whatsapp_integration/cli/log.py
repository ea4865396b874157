"""The message log as a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from whatsapp_integration.cli.console import clean, make_console
from whatsapp_integration.cli.data import find_data
from whatsapp_integration.cli.options import data_option
from whatsapp_integration.core import status as st
from whatsapp_integration.core.messages import CONTENTS
from whatsapp_integration.store.overview import find_messages

WIDE = 110  # columns from which the error has a column of its own
TEXT_MAX = 160  # characters

# Status → sign and style.
STATUSES = {
	st.QUEUED: ("·", "dim"),
	st.HELD: ("‖", "yellow"),
	st.SENDING: ("→", "cyan"),
	st.UNKNOWN: ("?", "magenta"),
	st.SENT: ("✓", "default"),
	st.DELIVERED: ("✓✓", "green"),
	st.READ: ("✓✓", "bright_blue"),
	st.PLAYED: ("▶", "bright_blue"),
	st.FAILED: ("✘", "bold red"),
	st.CANCELLED: ("–", "dim"),
	st.RECEIVED: ("←", "bright_cyan"),
}


@click.command()
@data_option
@click.option("--device", default="", help="Only this device.")
@click.option(
	"--to", "--from", "to", default="", metavar="NUMBER", help="Only this number, or one that ends so."
)
@click.option("--status", "statuses", type=click.Choice(list(STATUSES), case_sensitive=False), multiple=True)
@click.option(
	"--kind", "kinds", metavar="KIND", multiple=True, help=f"For example {', '.join(list(CONTENTS)[:3])}."
)
@click.option("--direction", type=click.Choice(["Incoming", "Outgoing"], case_sensitive=False), default=None)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest so many.")
def log(
	data: str | None,
	device: str,
	to: str,
	statuses: Sequence[str],
	kinds: Sequence[str],
	direction: str | None,
	limit: int,
) -> None:
	"""Show the message log, the newest last."""
	console = make_console()
	with find_data(data).opened() as host:
		rows = find_messages(
			host.db,
			device=device,
			to=to.replace(" ", ""),
			direction=direction or "",
			statuses=statuses,
			kinds=kinds,
			limit=limit,
		)
	if rows:
		console.print(build_table(console, rows))
	else:
		console.print("No messages.")


def build_table(
	console: Console, rows: Sequence[dict[str, Any]], title: str = "", times: bool = True
) -> Table:
	"""Rows of the message log; in a narrow terminal the error stands below the text."""
	is_wide = console.width >= WIDE
	table = Table(
		title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, expand=False
	)
	if times:
		table.add_column("Time", style="dim", no_wrap=True)
	table.add_column("Kind", no_wrap=True)
	table.add_column("To / from", no_wrap=True)
	table.add_column("Status", no_wrap=True)
	table.add_column("Text" if is_wide else "Text, error", ratio=1, overflow="fold")
	if is_wide:
		table.add_column("Error", ratio=1)
	for row in rows:
		table.add_row(*_cells(row, is_wide, times))
	return table


def show_status(status: str) -> Text:
	sign, style = STATUSES.get(status, ("?", "default"))
	return Text(f"{sign} {status}", style)


def describe_error(row: dict[str, Any]) -> Text:
	"""The code, what went wrong and what to do about it; "" where nothing did."""
	if not row["error_text"]:
		return Text("")
	code = f"{row['error_code']}: " if row["error_code"] else ""
	advice = f" → {clean(row['advice'])}" if row["advice"] else ""
	return Text.assemble((code + clean(row["error_text"]), "red"), (advice, "yellow"))


def _cells(row: dict[str, Any], is_wide: bool, times: bool) -> list[Text]:
	text, error = Text(_text(row)), describe_error(row)
	number = clean(row["recipient"])
	cells = [Text(_local_time(row["creation"]))] if times else []
	cells += [Text(clean(row["message_type"])), Text(number), show_status(row["status"])]
	if is_wide:
		return [*cells, text, error]
	return [*cells, Text("\n").join(filter(len, (text, error)))]


def _text(row: dict[str, Any]) -> str:
	text = clean(row["body"] or row["media_filename"])
	if row["reaction"]:
		text = f"{text} [{clean(row['reaction'])}]"
	return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


def _local_time(moment: datetime) -> str:
	"""The host writes UTC; people read their own time."""
	return f"{moment.replace(tzinfo=timezone.utc).astimezone():%d %b %H:%M}"
