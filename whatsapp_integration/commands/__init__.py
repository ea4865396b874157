"""What bench learns: `bench whatsapp-sandbox`. Every bench command imports this, so it needs click only."""

import click


@click.command("whatsapp-sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8585, show_default=True, help="Port to listen on; 0 takes a free one.")
def whatsapp_sandbox(host: str, port: int) -> None:
	"""Run a stand-in of the Cloud API, with a phone page to play the customer on."""
	from whatsapp_integration.cli import run_sandbox

	run_sandbox(host, port)


commands = [whatsapp_sandbox]
