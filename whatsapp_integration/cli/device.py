"""Devices of a data folder. Secrets come from the environment or a hidden prompt, never as an argument."""

from __future__ import annotations

import os
import sys
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from whatsapp_integration.cli.console import check_line, clean, make_console, spinner
from whatsapp_integration.cli.data import (
	DataFolder,
	data_folder,
	find_data,
	keep_secrets,
	make_folder,
	read_secrets,
)
from whatsapp_integration.cli.link import link
from whatsapp_integration.cli.options import data_option, graph_option
from whatsapp_integration.cli.worker import DEFAULT_WEBHOOK
from whatsapp_integration.core import phone
from whatsapp_integration.core.config import OFFICIAL, UNOFFICIAL, DeviceConfig
from whatsapp_integration.core.messages import MODES
from whatsapp_integration.core.report import LineReport
from whatsapp_integration.host.local import SECRET_FIELDS, secret_variable
from whatsapp_integration.senders.factory import create_sender
from whatsapp_integration.services import devices
from whatsapp_integration.store.overview import all_devices

STATE_STYLES = {
	"Connected": "green",
	"Paused": "yellow",
	"Degraded": "yellow",
	"Logged Out": "red",
	"Auth Failed": "red",
	"Blocked": "red",
}


@click.group()
def device() -> None:
	"""Add, check, pause and resume lines of WhatsApp."""


@device.command()
@click.argument("name")
@data_option
@click.option("--mode", type=click.Choice(MODES, case_sensitive=False), default=OFFICIAL, show_default=True)
@click.option("--phone-number", default="", help="The line's own number, with country code.")
@click.option("--phone-number-id", default="", help="From WhatsApp Manager.")
@click.option("--waba-id", default="", help="Id of the WhatsApp Business Account.")
@click.option(
	"--country", default="", metavar="CC", help="For numbers written without country code, e.g. EG."
)
def add(
	name: str,
	data: str | None,
	mode: str,
	phone_number: str,
	phone_number_id: str,
	waba_id: str,
	country: str,
) -> None:
	"""Add device NAME, or change it.

	Its secrets are read from WHATSAPP_<NAME>_ACCESS_TOKEN, …_APP_SECRET and …_VERIFY_TOKEN whenever they are
	needed. Those that are not set are asked for, in a terminal, and kept in a file of the data folder that
	only you can read.
	"""
	create_sender(DeviceConfig(name, mode=mode)).close()  # a mode that can't be used is refused here
	values = {
		"mode": mode,
		"phone_number": phone.normalise(phone_number, country) if phone_number else "",
		"phone_number_id": phone_number_id,
		"waba_id": waba_id,
		"country": country.upper(),
	}
	path = make_folder(data_folder(data))
	with DataFolder(path).opened() as host:
		host.add_device(name, **{column: value for column, value in values.items() if value})
	if mode == OFFICIAL:
		_ask_secrets(DataFolder(path, read_secrets(path)), name)
	console = make_console()
	following = "link" if mode == UNOFFICIAL else "connect"
	console.print(check_line(True, f"Device {name} is in {path}.", f"Go on with: device {following} {name}"))


@device.command("list")
@data_option
def list_devices(data: str | None) -> None:
	"""List the devices of the data folder."""
	console = make_console()
	with find_data(data).opened() as host:
		rows = all_devices(host.db)
	console.print(_build_table(rows) if rows else "No devices. Add one with: device add")


@device.command()
@click.argument("name")
@data_option
@graph_option
@click.option(
	"--webhook-url",
	envvar="WHATSAPP_WEBHOOK_URL",
	default=DEFAULT_WEBHOOK,
	show_default=True,
	help="Where Meta shall post; the worker has to run [$WHATSAPP_WEBHOOK_URL].",
)
@click.pass_context
def connect(ctx: click.Context, name: str, data: str | None, graph_url: str | None, webhook_url: str) -> None:
	"""Check token, number and subscription of device NAME, and subscribe its webhooks."""
	console = make_console()
	with find_data(data, graph_url, webhook_url).opened() as host:
		host.device(name)
		with console.status(f"Asking WhatsApp about {name} …", spinner=spinner(console)):
			report = devices.connect(host, name)
		host.db.commit()
	show_report(console, report)
	ctx.exit(0 if report.ok else 1)


@device.command()
@click.argument("name")
@data_option
def pause(name: str, data: str | None) -> None:
	"""Keep the messages of device NAME queued until it is resumed."""
	with find_data(data).opened() as host:
		host.device(name)
		devices.pause(host, name)
		host.db.commit()
	make_console().print(check_line(True, f"Device {name} is paused."))


@device.command()
@click.argument("name")
@data_option
def resume(name: str, data: str | None) -> None:
	"""Let device NAME send again."""
	with find_data(data).opened() as host:
		devices.resume(host, name)
		host.db.commit()
	make_console().print(check_line(True, f"Device {name} sends again."))


device.add_command(link)


def show_report(console: Console, report: LineReport) -> None:
	"""The check-up, point by point, with what to do about each that failed."""
	for check in report.checks:
		console.print(check_line(check.ok, check.label, check.detail))
		if check.advice:
			console.print(Padding(Text(clean(check.advice), "yellow"), (0, 0, 0, 2)))


def missing_secrets(folder: DataFolder, name: str) -> list[str]:
	"""The secrets of a device that are neither in the environment nor in the folder."""
	kept = folder.secrets.get(name, {})
	return [
		field
		for field in SECRET_FIELDS
		if not (kept.get(field) or os.environ.get(secret_variable(name, field)))
	]


def _ask_secrets(folder: DataFolder, name: str) -> None:
	missing = missing_secrets(folder, name)
	if missing and not _is_terminal():
		names = ", ".join(secret_variable(name, field) for field in missing)
		click.echo(f"Not set yet: {names}", err=True)
		return
	given = {}
	for field in missing:
		label = f"{field.replace('_', ' ').capitalize()} (hidden, Enter to leave it out)"
		given[field] = click.prompt(label, hide_input=True, default="", show_default=False).strip()
	if any(given.values()):
		keep_secrets(folder.path, name, {field: value for field, value in given.items() if value})


def _build_table(rows: list[dict[str, Any]]) -> Table:
	table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
	for title in ("Device", "Mode", "Number", "State", "Name at WhatsApp", "Quality"):
		table.add_column(title)
	for row in rows:
		state = row["status"] if row["enabled"] else "Disabled"
		told = Text(state, STATE_STYLES.get(state, "dim"))
		if row["status_reason"]:
			told.append(f"\n{clean(row['status_reason'])}", "dim")
		number = clean(row["phone_number"] or row["display_phone_number"])
		name = row["linked_name"] if row["mode"] == UNOFFICIAL else row["verified_name"]
		known = (Text(clean(value)) for value in (name, row["quality_rating"]))
		table.add_row(Text(row["name"]), Text(row["mode"]), Text(number), told, *known)
	return table


def _is_terminal() -> bool:
	return sys.stdin.isatty()
