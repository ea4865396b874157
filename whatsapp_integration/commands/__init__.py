"""What bench learns: `bench whatsapp-worker` and `bench whatsapp-sandbox`. Every bench command imports this, so it needs click only."""

import os
import shutil

import click


@click.command("whatsapp-worker")
@click.option(
	"--print",
	"manager",
	type=click.Choice(["procfile", "supervisor", "systemd"]),
	help="Print what makes this process manager run the worker, and end.",
)
@click.pass_obj
def whatsapp_worker(context, manager: str | None) -> None:
	"""Hold the linked phones of a site and send for all its devices, until Ctrl+C or SIGTERM."""
	from frappe import _dict
	from frappe.commands import get_site

	site = get_site(_dict(context))
	if manager:
		from whatsapp_integration.cli.service_files import describe

		command = [shutil.which("bench") or "bench", "--site", site, "whatsapp-worker"]
		bench = os.path.dirname(os.getcwd())
		logs = os.path.join(bench, "logs")
		click.echo(describe(manager, command, folder=bench, site=site, logs=logs), nl=False)
		return
	from whatsapp_integration.commands.worker import run_worker

	run_worker(site)


@click.command("whatsapp-sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8585, show_default=True, help="Port to listen on; 0 takes a free one.")
def whatsapp_sandbox(host: str, port: int) -> None:
	"""Run a stand-in of the Cloud API and of WhatsApp Web, with phone pages to play on."""
	from whatsapp_integration.cli import run_sandbox

	run_sandbox(host, port)


commands = [whatsapp_worker, whatsapp_sandbox]
