"""`bench --site SITE whatsapp-worker`: the worker of a site, in the foreground."""

import logging
import os
import sys

import click

from whatsapp_integration.cli.console import stop_on_signal
from whatsapp_integration.host.site import site_host
from whatsapp_integration.services.worker import Worker

LOOK_SECONDS = 0.5  # how soon a worker that ended by itself is noticed


def run_worker(site: str) -> None:
	"""Work until SIGINT or SIGTERM. What goes wrong is written to stderr, where process managers collect it."""
	logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
	sites = os.path.abspath(".")
	worker = Worker(lambda: site_host(site, sites))
	with stop_on_signal() as stopped, worker:
		click.echo(f"whatsapp-worker of {site} is running. Ctrl+C stops it.")
		while not (stopped.wait(LOOK_SECONDS) or worker.stopped.is_set()):
			pass
		click.echo("Stopping …")
	click.echo(f"The worker stopped: {worker.error}" if worker.error else "Stopped.", err=bool(worker.error))
	sys.stdout.flush()
	# A request to WhatsApp that still hangs would hold the process up, though nobody waits for its answer any more.
	os._exit(1 if worker.error else 0)
