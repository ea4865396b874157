"""What a person types into a Device form to use the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
	from whatsapp_integration.sandbox.settings import Settings


def show_credentials(console: Console, url: str, settings: Settings) -> None:
	"""The address of the phone page, and a table of the credentials."""
	console.print(Text.assemble("Phone page: ", (f"{url}/", "bold cyan")), soft_wrap=True)
	table = Table(
		"Field",
		"Value",
		box=box.SIMPLE_HEAD,
		pad_edge=False,
		title="Type into the Device form",
		title_justify="left",
	)
	for label, value in (
		("Graph URL (WhatsApp Settings)", url),
		("Phone number", settings.phone_number),
		("Phone Number ID", settings.phone_number_id),
		("WABA ID", settings.waba_id),
		("Access token", settings.access_token),
		("App secret", settings.app_secret),
		("Verify token", settings.verify_token),
	):
		table.add_row(label, Text(value, "bold"))
	console.print(table)
	console.print(Text("Ctrl+C stops it. Numbers that end in 0001 to 0013 misbehave on purpose.", "dim"))
