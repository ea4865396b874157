"""Runs in the bench's Python: make the benchmark's device, count what arrived, and clean up.

usage: webhook_site.py SITE NUMBER_ID add SECRET | count PREFIX | remove
"""

import sys
import time

import frappe
import redis

from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.services import webhooks
from whatsapp_integration.store.keys import CHAT, DEVICE, MESSAGE, WEBHOOK_EVENT

NAME = "Webhook Benchmark"
PARKING = 14  # as in webhook.py


def add(number_id: str, secret: str) -> None:
	remove()
	if parking().dbsize():
		sys.exit(f"Redis database {PARKING} of the queue server is in use.")
	values = {"device_name": NAME, "phone_number_id": number_id, "access_token": "none", "app_secret": secret}
	frappe.get_doc(doctype=DEVICE, **values).insert()


def count(prefix: str) -> int:
	"""Apply what still waits, and count the rows of this run."""
	frappe.cache.delete_value("whatsapp_wake:webhooks")  # a parked job never takes its mark away
	while frappe.db.count(WEBHOOK_EVENT, {"status": "Pending"}):
		if not webhooks.process(SiteHost(), "benchmark"):
			time.sleep(0.1)  # a worker of the bench is at it
			frappe.db.rollback()
	return frappe.db.count(MESSAGE, {"device": NAME, "remote_id": ("like", f"{prefix}%")})


def parking() -> redis.Redis:
	return redis.from_url(f"{frappe.conf.redis_queue.rstrip('/')}/{PARKING}")


def remove() -> None:
	for doctype in (MESSAGE, CHAT):
		frappe.db.delete(doctype, {"device": NAME})
	frappe.db.delete(WEBHOOK_EVENT, {"body": ("like", "%100000000000001%")})
	frappe.delete_doc(DEVICE, NAME, ignore_missing=True, force=True)


site, number_id, action, *arguments = sys.argv[1:]
frappe.init(site)
frappe.connect()
frappe.set_user("Administrator")
if action == "add":
	add(number_id, *arguments)
elif action == "count":
	print(count(*arguments))
else:
	remove()
	parking().flushdb()
frappe.db.commit()
