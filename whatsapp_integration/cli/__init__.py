"""The terminal: `python -m whatsapp_integration …`. Of its modules this one alone knows the sandbox."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from whatsapp_integration import __version__
from whatsapp_integration.cli.console import (
	cannot_listen,
	interrupt_on_term,
	make_console,
	show_errors,
	stop_on_signal,
)
from whatsapp_integration.cli.data import data_folder, make_folder
from whatsapp_integration.cli.device import device as device_command
from whatsapp_integration.cli.log import log as log_command
from whatsapp_integration.cli.options import SandboxSetting, browser_options, data_option
from whatsapp_integration.cli.send import send as send_command
from whatsapp_integration.cli.worker import worker as worker_command
from whatsapp_integration.core.config import WebConfig


class Door(click.Group):
	"""Says what went wrong, and what to do about it, instead of showing a traceback."""

	def invoke(self, ctx: click.Context) -> Any:
		with show_errors():
			return super().invoke(ctx)


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
	"""WhatsApp without Frappe: try it, play with a sandbox, or run a line from this machine."""


main.add_command(device_command)
main.add_command(send_command)
main.add_command(log_command)
main.add_command(worker_command)


@main.command("try")
@data_option
@click.option("--keep", is_flag=True, help="Leave everything open to play with, until Ctrl+C.")
@click.option("--port", default=0, help="Port of the sandbox and its phone page; 0 takes a free one.")
@click.option(
	"--set", "settings", type=SandboxSetting(), multiple=True, help="Change a setting of the sandbox."
)
@click.option("--patience", default=20.0, show_default=True, help="Seconds to wait for one step.")
@browser_options
@click.pass_context
def try_it(
	ctx: click.Context,
	data: str | None,
	keep: bool,
	port: int,
	settings: Sequence[tuple],
	patience: float,
	**browser: str,
) -> None:
	"""Send and receive every kind of message against the sandbox, and check each from the rows.

	Then link a phone by QR code in a browser without a window, and send and receive with it; without Chromium
	on this machine that part is left out, and said so.

	Works in a temporary folder, or with --keep or --data in the data folder. The last line is JSON; the exit
	code is 0 only if every step was proven.
	"""
	from whatsapp_integration.cli.trial import Trial

	with ExitStack() as exits:
		exits.enter_context(interrupt_on_term())
		folder = make_folder(data_folder(data)) if data or keep else exits.enter_context(_temporary_folder())
		box = exits.enter_context(_running_sandbox("127.0.0.1", port, dict(settings)))
		web = WebConfig(url=_web_url(box.url), wa_js_path=str(_wa_js_path()), **browser)
		trial = exits.enter_context(
			Trial(make_console(), folder, box, _trial_device(), web, patience=patience)
		)
		is_proven = trial.run(keep=keep)
	ctx.exit(0 if is_proven else 1)


@main.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8585, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option(
	"--set", "settings", type=SandboxSetting(), multiple=True, help="Change a setting, e.g. latency=0.2."
)
def sandbox_command(host: str, port: int, settings: Sequence[tuple]) -> None:
	"""Run a stand-in of the Cloud API and of WhatsApp Web, with phone pages to play on."""
	run_sandbox(host, port, **dict(settings))


def run_sandbox(host: str, port: int, **settings: Any) -> None:
	"""Serve the sandbox until SIGINT or SIGTERM. Read receipts come from the phone page."""
	from whatsapp_integration.cli.credentials import show_credentials

	settings = {"auto_read": False, **settings}
	with show_errors(), stop_on_signal() as stopped, _running_sandbox(host, port, settings) as box:
		show_credentials(make_console(), box.url, box.state.settings, _web_url(box.url), str(_wa_js_path()))
		stopped.wait()


@contextmanager
def _running_sandbox(host: str, port: int, settings: dict[str, Any]) -> Iterator[Any]:
	from whatsapp_integration.sandbox.server import Sandbox

	try:
		box = Sandbox(host, port, **settings)
		box.start()
	except ValueError as err:
		raise click.UsageError(str(err)) from err
	except OSError as err:
		raise cannot_listen(host, port, err) from err
	try:
		yield box
	finally:
		box.stop()


def _web_url(url: str) -> str:
	"""Where a sandbox plays WhatsApp Web."""
	return f"{url}/web/"


def _wa_js_path() -> Path:
	"""The file that plays wa-js in it."""
	from whatsapp_integration.sandbox.web.door import STATIC

	return STATIC / "wpp.js"


def _trial_device() -> dict[str, dict[str, str]]:
	"""What a person would type into the Device form."""
	from whatsapp_integration.sandbox import defaults

	return {
		"columns": {
			"status": "Disconnected",
			"phone_number": defaults.PHONE_NUMBER,
			"phone_number_id": defaults.PHONE_NUMBER_ID,
			"waba_id": defaults.WABA_ID,
		},
		"secrets": {
			"access_token": defaults.ACCESS_TOKEN,
			"app_secret": defaults.APP_SECRET,
			"verify_token": defaults.VERIFY_TOKEN,
		},
	}


@contextmanager
def _temporary_folder() -> Iterator[Path]:
	with tempfile.TemporaryDirectory(prefix="whatsapp-try-") as folder:
		yield Path(folder)
