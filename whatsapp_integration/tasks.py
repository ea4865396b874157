"""Background jobs: the scheduler's, and those that are woken by a commit. Each may run any number of times at once."""

import os
import socket

from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.services import media, outbox, webhooks
from whatsapp_integration.services.dispatcher import Dispatcher


def dispatch():
	SiteHost().work("dispatch", lambda host: Dispatcher(host).drain())


def process_webhooks():
	owner = f"{socket.gethostname()}:{os.getpid()}"
	SiteHost().work("webhooks", lambda host: webhooks.process(host, owner))


def fetch_media():
	SiteHost().work("media", media.fetch_due)


def settle_unknown():
	outbox.settle_unknown(SiteHost())
