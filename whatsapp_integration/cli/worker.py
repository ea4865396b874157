"""The worker: engine and webhook door of a data folder, in the foreground."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console

from whatsapp_integration.cli.console import cannot_listen, log_to, make_console, spinner, stop_on_signal
from whatsapp_integration.cli.data import DataFolder, data_folder, find_data
from whatsapp_integration.cli.engine import Engine
from whatsapp_integration.cli.listener import PATH, Listener
from whatsapp_integration.cli.options import data_option, graph_option, web_options
from whatsapp_integration.cli.service_files import TEMPLATES, describe
from whatsapp_integration.core import status as st
from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.store.overview import all_devices, count_by_status, count_events

PORT = 8586
DEFAULT_WEBHOOK = f"http://127.0.0.1:{PORT}{PATH}"
STATUS_SECONDS = 1.0
SHOWN = (st.QUEUED, st.HELD, st.SENDING, st.UNKNOWN, st.SENT, st.DELIVERED, st.READ, st.FAILED, st.RECEIVED)


@click.command()
@data_option
@graph_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address the webhook door listens on.")
@click.option("--port", default=PORT, show_default=True, help="Its port.")
@web_options
@click.option(
	"--print",
	"manager",
	type=click.Choice(sorted(TEMPLATES)),
	help="Print what makes this process manager run the worker, and end.",
)
@click.pass_context
def worker(
	ctx: click.Context,
	data: str | None,
	graph_url: str | None,
	host: str,
	port: int,
	manager: str | None,
	**web: str,
) -> None:
	"""Send what is queued, take what WhatsApp posts and hold linked phones, until Ctrl+C or SIGTERM.

	Meta posts to https only: put a proxy or a tunnel before the webhook door, and give its address to
	device connect.
	"""
	if manager:
		click.echo(describe(manager, _command(ctx, data), folder=os.getcwd()), nl=False)
		return
	console = make_console()
	log_to(console)
	folder = find_data(data, graph_url, web=WebConfig(**web))
	engine = Engine(folder)
	try:
		listener = Listener(engine.open_host, host, port)
	except OSError as err:
		raise cannot_listen(host, port, err) from err
	with stop_on_signal() as stopped, engine, listener:
		_watch(console, folder, engine, listener, stopped)
	if engine.error:
		raise click.ClickException(f"The engine stopped: {engine.error}")
	console.print("Stopped.")


def _command(ctx: click.Context, data: str | None) -> list[str]:
	"""This command with all that it was told, also by the environment, which a service does not inherit."""
	words = [
		sys.executable,
		"-m",
		"whatsapp_integration",
		"worker",
		"--data",
		str(data_folder(data).absolute()),
	]
	for param in ctx.command.params:
		is_told = ctx.get_parameter_source(param.name) not in (ParameterSource.DEFAULT, None)
		if is_told and param.name not in ("data", "manager"):
			words += [param.opts[0], str(ctx.params[param.name])]
	return words


def _watch(
	console: Console, folder: DataFolder, engine: Engine, listener: Listener, stopped: threading.Event
) -> None:
	"""A line that says what waits and what was done, until somebody stops us."""
	with folder.opened() as host:
		names = ", ".join(row["name"] for row in all_devices(host.db)) or "none yet"
		console.print(f"Data     {folder.path}", markup=False)
		console.print(f"Devices  {names}", markup=False)
		console.print(f"Webhook  {listener.url}", markup=False)
		with console.status(_describe(host.db), spinner=spinner(console)) as status:
			while not stopped.wait(STATUS_SECONDS) and not engine.stopped.is_set():
				status.update(_describe(host.db))


def _describe(db: Any) -> str:
	counts, events = count_by_status(db), count_events(db)
	parts = [f"{status} {counts[status]}" for status in SHOWN if counts.get(status)]
	if events.get("Pending"):
		parts.append(f"webhooks waiting {events['Pending']}")
	return " · ".join(parts) or "No messages yet"
