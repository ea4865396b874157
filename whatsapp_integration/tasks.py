"""Background jobs: the scheduler's, and those that are woken by a commit. Each may run any number of times at once."""

import os
import socket

from rq import get_current_job

from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.services import devices, fail_over, inbox, media, outbox, webhooks
from whatsapp_integration.services.dispatcher import Dispatcher


def dispatch():
	SiteHost().work("dispatch", lambda host: Dispatcher(host).drain())


def process_webhooks():
	_yield_to_the_web()
	SiteHost().work("webhooks", lambda host: webhooks.process(host, _owner("webhooks")))


def fetch_media():
	SiteHost().work("media", lambda host: media.fetch_due(host, _owner("media")))


def send_read_receipt(chat: str):
	inbox.send_read_receipt(SiteHost(), chat)


def watch_linked_devices():
	devices.note_orphans(SiteHost())
	fail_over.move_waiting(SiteHost())


def settle_unknown():
	outbox.settle_unknown(SiteHost())


def _owner(work: str) -> str:
	return f"{work}:{socket.gethostname()}:{os.getpid()}"


def _yield_to_the_web():
	"""In a flood of webhooks the answers to Meta go first, so a worker's job asks for less of the processor."""
	if get_current_job():
		os.nice(19)
