"""`device link`: a QR code or a pairing code in the terminal, until the phone is linked."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import datetime

import click
from rich.console import Console
from rich.text import Text

from whatsapp_integration.cli.console import check_line, clean, is_utf8, make_console
from whatsapp_integration.cli.data import find_data
from whatsapp_integration.cli.options import data_option
from whatsapp_integration.cli.waiting import wait_for
from whatsapp_integration.core.link_code import LinkCode
from whatsapp_integration.host.local import LocalHost
from whatsapp_integration.services import devices
from whatsapp_integration.store.overview import find_device

_ENDS = frozenset({"Connected", "Disconnected", "Degraded", "Logged Out", "Auth Failed", "Blocked"})


@click.command()
@click.argument("name")
@data_option
@click.option("--phone", default="", help="Link with a code that is typed on the phone of this number.")
@click.option("--relink", is_flag=True, help="Forget the session that is kept, then link anew.")
@click.option("--patience", default=330.0, show_default=True, help="Seconds to wait for the phone.")
@click.pass_context
def link(ctx: click.Context, name: str, data: str | None, phone: str, relink: bool, patience: float) -> None:
	"""Link a phone to device NAME through WhatsApp Web. A worker has to run.

	Automating WhatsApp Web is against WhatsApp's terms: numbers can be banned for good. Use one that you can
	afford to lose.
	"""
	console = make_console()
	with find_data(data).opened() as host:
		host.device(name)
		before = find_device(host.db, name)["linked_since"] if relink else None
		ask = devices.relink if relink else devices.link
		ask(host, name, phone)
		host.db.commit()
		row = None
		for step in _follow(host, name, patience, before):
			if isinstance(step, LinkCode):
				show_code(console, step)
			else:
				row = step
	is_linked = bool(row and row["status"] == "Connected")
	if is_linked:
		phone = f"{clean(row['linked_name'])} {row['phone_number']} {clean(row['linked_platform'])}"
		console.print(check_line(True, f"Device {name} is linked.", phone))
	else:
		is_told = row and row["status"] in _ENDS
		said = (row["status_reason"] or row["status"]) if is_told else "No phone was linked in time."
		console.print(check_line(False, f"Device {name} is not linked.", said))
	ctx.exit(0 if is_linked else 1)


def show_code(console: Console, code: LinkCode) -> None:
	"""Draw a QR code with letters, or print a pairing code; what to do with it stands below."""
	if code.is_pairing_code:
		console.print(Text(code.code, "bold cyan"))
		console.print("On the phone: Linked devices, Link a device, Link with phone number instead.")
		return
	console.print(draw(code.code, is_dense=is_utf8(console)), soft_wrap=True, highlight=False)
	console.print("On the phone: Linked devices, Link a device, then point it at this code.")


def draw(text: str, *, is_dense: bool = True) -> str:
	"""A QR code in letters; `is_dense` with half blocks, otherwise with plain signs for terminals without UTF-8."""
	import qrcode

	code = qrcode.QRCode(border=2, error_correction=qrcode.constants.ERROR_CORRECT_L)
	code.add_data(text)
	if is_dense:
		out = io.StringIO()
		code.print_ascii(out, invert=True)
		return out.getvalue()
	return "\n".join("".join("  " if dark else "##" for dark in row) for row in code.get_matrix())


def _follow(host: LocalHost, name: str, seconds: float, before: datetime | None) -> Iterator[LinkCode | dict]:
	"""Each new code, and at the end the row of the device as it is then. A link of the time `before` is the old one."""
	shown, deadline = None, time.monotonic() + seconds

	def look() -> LinkCode | dict | None:
		row = find_device(host.db, name)
		is_told = shown or row["status_reason"] or row["status"] != "Disconnected"
		is_old = before and row["linked_since"] == before
		if row["status"] in _ENDS and not row["request"] and is_told and not is_old:
			return row
		code = host.link_code(name)
		return code if code and not (shown and code.code == shown.code) else None

	while (left := deadline - time.monotonic()) > 0:
		found = wait_for(look, left)
		if not isinstance(found, LinkCode):
			yield found or find_device(host.db, name)
			return
		shown = found
		yield found
