"""A linked phone on a real site loses nothing and sends nothing twice, whatever of its worker is killed."""

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import frappe

import whatsapp_integration.sandbox.web
from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.core.messages import Text
from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.services import devices, outbox
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.tests import chaos
from whatsapp_integration.tests.compat import SiteTestCase
from whatsapp_integration.tests.web import Worker
from whatsapp_integration.whatsapp_web.driver import find
from whatsapp_integration.whatsapp_web.errors import SetupError

MESSAGES = 60
PATIENCE = 120  # seconds
DEVICE = "Chaos"
NUMBER = "+201000000077"
STAND_IN = Path(whatsapp_integration.sandbox.web.__file__).parent / "static" / "wpp.js"
WAITING = ("Queued", "Sending", "Unknown")


class TestLinkedChaos(SiteTestCase):
	def setUp(self):
		try:
			find(WebConfig(), Path(frappe.get_site_path("private")))
		except SetupError as err:
			self.skipTest(f"no browser to link a phone with: {err} {err.advice}")
		# What waits in WhatsApp Web when its browser dies, it sends by itself later.
		self.box = Sandbox(web_resend_pending=True)
		self.box.start()
		self.addCleanup(self.box.stop)
		self.box.web.add_account(NUMBER, DEVICE)
		self._set_up_site()
		self.worker = Worker()
		self.addCleanup(lambda: self.worker.stop())
		self.profiles = Path(SiteHost().settings().web.folder) / "profiles"

	def _set_up_site(self):
		settings = frappe.get_single("WhatsApp Settings")
		before = settings.as_dict()
		settings.update(
			{
				"web_url": f"{self.box.url}/web/",
				"wa_js_path": str(STAND_IN),
				"typing_speed": 0,
				"min_free_memory": 1,
				"ack_seconds": 5,
				"retry_attempts": 20,
				"retry_base_seconds": 1,
				"retry_ceiling_seconds": 2,
				"warm_up_days": 0,
				"first_contacts_per_day": 0,
			}
		)
		for field in ("unofficial_per_minute", "unofficial_per_hour", "unofficial_per_day"):
			settings.set(field, 0)
		settings.save()
		device = frappe.new_doc("WhatsApp Device", device_name=DEVICE, mode="Unofficial", phone_number=NUMBER)
		device.insert()
		frappe.db.commit()
		self.addCleanup(self._clean_up, before)

	def _clean_up(self, before):
		settings = frappe.get_single("WhatsApp Settings")
		kept = {key: before[key] for key in before if key in settings.as_dict() and key != "modified"}
		settings.update(kept)
		settings.save()
		for doctype in ("WhatsApp Message Log", "WhatsApp Chat"):
			frappe.db.delete(doctype, {"device": DEVICE})
		frappe.db.set_value(
			"WhatsApp Device", DEVICE, {"wanted_state": "Disconnected", "status": "Disconnected"}
		)
		frappe.delete_doc("WhatsApp Device", DEVICE, force=True)
		frappe.db.commit()

	def wait(self, condition, what):
		deadline = time.monotonic() + PATIENCE
		while True:
			frappe.db.commit()  # a new look at what others have committed
			if value := condition():
				return value
			state = frappe.db.get_value("WhatsApp Device", DEVICE, ["status", "status_reason"])
			self.assertLess(
				time.monotonic(), deadline, f"{what()}; the device is {state}\n{self.worker.said()}"
			)
			time.sleep(0.1)

	def wait_connected(self):
		status = "no state"

		def is_connected():
			nonlocal status
			status = frappe.db.get_value("WhatsApp Device", DEVICE, "status")
			return status == "Connected"

		self.wait(is_connected, lambda: f"it is {status}")

	def count_waiting(self):
		return frappe.db.count("WhatsApp Message Log", {"device": DEVICE, "status": ("in", WAITING)})

	def kill_database_connections(self):
		"""Those of the worker: all of this site but our own."""
		own = frappe.db.sql("SELECT CONNECTION_ID()")[0][0]
		for connection in frappe.db.sql("SHOW PROCESSLIST", as_dict=True):
			if connection.db == frappe.conf.db_name and connection.Id != own:
				frappe.db.sql(f"KILL {int(connection.Id)}")

	def kill_worker(self):
		os.kill(self.worker.pid, signal.SIGKILL)
		self.worker.stop()
		self.worker = Worker()

	def kill_browser(self):
		chaos.kill_browser(self.profiles)

	def term_worker(self):
		self.assertEqual(self.worker.stop(), 0, self.worker.said())
		self.assertEqual(chaos.processes_of(self.profiles), [])
		self.worker = Worker()

	def test_kills_at_random_moments_lose_nothing_and_send_nothing_twice(self):
		if frappe.db.db_type != "mariadb":
			self.skipTest("the connections are killed by MariaDB's own statement")
		self.wait(lambda: frappe.db.count("WhatsApp Worker"), lambda: "no worker")
		devices.link(SiteHost(), DEVICE)
		frappe.db.commit()
		code = self.wait(lambda: SiteHost().link_code(DEVICE), lambda: "no code")
		self.box.web.scan(code.code, NUMBER)
		self.wait_connected()
		sessions = [companion["session"] for companion in self.box.web.companions(NUMBER)]
		requests = [
			SendRequest(Text(f"Hello {n}"), to=f"+2010022{n:05d}", device=DEVICE) for n in range(MESSAGES)
		]
		outbox.enqueue(SiteHost(), requests)
		frappe.db.commit()

		struck = chaos.run_until_sent(
			[self.kill_database_connections, self.kill_worker, self.kill_browser, self.term_worker],
			self.count_waiting,
			lambda left: self.wait(
				lambda: self.count_waiting() <= left, lambda: f"{self.count_waiting()} wait, not {left}"
			),
			messages=MESSAGES,
			chance=random.Random(os.environ.get("CRASH_SEED")),
		)

		self.assertEqual(len(struck), 4, f"only these blows fell: {struck}")
		accepted = self.box.web.messages(from_me=True)
		bodies = Counter(message["body"] for message in accepted)
		self.assertEqual(len(bodies), MESSAGES, "a message was lost")
		self.assertEqual(max(bodies.values()), 1, "a message was sent twice under another id")
		self.assertEqual(
			max(message["times_accepted"] for message in accepted), 1, "a message was sent twice"
		)
		now = [companion["session"] for companion in self.box.web.companions(NUMBER)]
		self.assertEqual(now, sessions, "a new QR code was needed")
		rows = frappe.get_all("WhatsApp Message Log", {"device": DEVICE}, pluck="status")
		self.assertLessEqual(set(rows), {"Sent", "Delivered", "Read"})
		self.wait_connected()
		self.assertEqual(self.worker.stop(), 0)
		self.assertEqual(chaos.processes_of(self.profiles), [])
