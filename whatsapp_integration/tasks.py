"""Background jobs: the scheduler's, and those that are woken by a commit. Each may run any number of times at once."""

import os
import socket

from whatsapp_integration.host import site
from whatsapp_integration.services import media, outbox, webhooks
from whatsapp_integration.services.dispatcher import Dispatcher


def dispatch():
	host = site.SiteHost()
	site.begin("dispatch")
	if Dispatcher(host).drain():
		host.wake("dispatch")
		host.db.commit()


def process_webhooks():
	site.begin("webhooks")
	webhooks.process(site.SiteHost(), f"{socket.gethostname()}:{os.getpid()}")


def fetch_media():
	site.begin("media")
	media.fetch_due(site.SiteHost())


def settle_unknown():
	outbox.settle_unknown(site.SiteHost())
