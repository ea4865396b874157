"""What a person types into the forms to use the sandbox."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
	from whatsapp_integration.sandbox.settings import Settings


def show_credentials(console: Console, url: str, settings: Settings, web_url: str, wa_js: str) -> None:
	"""The addresses of the phone pages, and what to type to use each of the two stand-ins."""
	_print_address(console, "Phone page: ", f"{url}/")
	cloud_api = (
		("Graph URL (WhatsApp Settings)", url),
		("Phone Number", settings.phone_number),
		("Phone Number ID", settings.phone_number_id),
		("WhatsApp Business Account ID", settings.waba_id),
		("Access Token", settings.access_token),
		("App Secret", settings.app_secret),
		("Verify Token", settings.verify_token),
	)
	_print_table(console, "For an Official device, in its form", cloud_api)
	_print_address(console, "Phone page of linked phones, to scan codes with: ", f"{web_url}phone")
	whatsapp_web = (("WhatsApp Web URL", web_url), ("wa-js Path", wa_js))
	_print_table(console, "For Unofficial devices, in WhatsApp Settings", whatsapp_web)
	options = f"--web-url {web_url} --wa-js {shlex.quote(wa_js)}"
	console.print(
		f"Without Frappe: python -m whatsapp_integration worker {options}", markup=False, soft_wrap=True
	)
	misbehaving = "Numbers that end in 0001 to 0013 misbehave on purpose, for linked phones those in 0404, 0408, 0499, 0500."
	console.print(Text(f"{misbehaving} Ctrl+C stops it.", "dim"))


def _print_address(console: Console, label: str, address: str) -> None:
	console.print(Text.assemble(label, (address, "bold cyan")), soft_wrap=True)


def _print_table(console: Console, title: str, rows: tuple[tuple[str, str], ...]) -> None:
	"""Values are broken over lines where the terminal is narrow, never cut."""
	table = Table("Field", "Value", box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
	table.columns[1].overflow = "fold"
	for label, value in rows:
		table.add_row(label, Text(value, "bold"))
	console.print(table)
