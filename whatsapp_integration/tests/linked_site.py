"""A company with three phones, for tests of the site with a real whatsapp-worker; the sandbox is in place of WhatsApp Web."""

import os
import shutil
import time
import unittest
from pathlib import Path

import frappe
from frappe.utils.password import update_password

import whatsapp_integration.sandbox.web
from whatsapp_integration.api import linked_phone
from whatsapp_integration.core.config import UNOFFICIAL
from whatsapp_integration.host.site import SETTINGS, SiteHost
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.services import outbox
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.store import workers
from whatsapp_integration.store.bulk import micros
from whatsapp_integration.store.keys import CHAT, DEVICE, MESSAGE, WORKER
from whatsapp_integration.tests import chaos
from whatsapp_integration.tests.browser import Browser
from whatsapp_integration.tests.compat import SiteTestCase, is_setup_complete
from whatsapp_integration.tests.rows import make_user
from whatsapp_integration.tests.web import Realtime, SiteServer, Worker, as_bench_start, missing_asset

STAND_IN = Path(whatsapp_integration.sandbox.web.__file__).parent / "static" / "wpp.js"
CAIRO, GIZA, LUXOR = "_WA Cairo", "_WA Giza", "_WA Luxor"
NUMBERS = {CAIRO: "+201000000001", GIZA: "+201000000002", LUXOR: "+201000000003"}
NAMES = {CAIRO: "Shop Cairo", GIZA: "Shop Giza", LUXOR: "Shop Luxor"}
CUSTOMERS = {CAIRO: "+201112223301", GIZA: "+201112223302", LUXOR: "+201112223303"}
MANAGER = "wa-linked-manager@example.com"
AGENT = "wa-linked-agent@example.com"
ARRIVED = {"Sent", "Delivered", "Read"}
LANGUAGE = os.environ.get("WHATSAPP_TEST_LANGUAGE", "en")
PATIENCE = 90  # seconds; browsers start one after the other
BUNDLES = (
	"desk.bundle.js",
	"form.bundle.js",
	"whatsapp_integration.bundle.js",
	"whatsapp_integration.bundle.css",
)
MANY = 10_000
SETUP = {
	"typing_speed": 0,
	"pause_min": 0,
	"pause_max": 0,
	"min_free_memory": 1,
	"unofficial_per_minute": MANY,
	"unofficial_per_hour": MANY,
	"unofficial_per_day": MANY,
	"warm_up_days": 0,
	"first_contacts_per_day": MANY,
	"wa_js_version": "",
	"wa_js_path": str(STAND_IN),
}


class LinkedSite(SiteTestCase):
	"""`secrets` are the codes that phones were linked with; `said` is what the last worker wrote."""

	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		if reason := missing():
			raise unittest.SkipTest(f"Linked phones are not tested on the site: {reason}")
		cls.worker, cls.secrets, cls.said = None, [], ""
		cls.web = SiteServer()
		cls.addClassCleanup(cls.web.stop)
		cls.box = Sandbox()
		cls.box.start()
		cls.addClassCleanup(cls.box.stop)
		cls.prepare_site()
		cls.addClassCleanup(cls.end_processes)
		realtime = Realtime()
		cls.addClassCleanup(realtime.stop)
		started = as_bench_start(host_name=cls.web.url, socketio_port=realtime.port)
		cls.addClassCleanup(started.close)
		cls.browser = Browser(os.environ.get("WHATSAPP_TEST_PICTURES", ""))
		cls.addClassCleanup(cls.browser.close)

	@classmethod
	def prepare_site(cls):
		cls.profiles = Path(SiteHost().settings().web.folder) / "profiles"
		cls.old_profiles = set(cls.profiles.glob("*"))
		settings = frappe.get_single(SETTINGS)
		cls.kept = {field: settings.get(field) for field in ("web_url", *SETUP)}
		cls.addClassCleanup(cls.restore_site)
		cls.remove_rows()
		cls.set_up({**SETUP, "web_url": f"{cls.box.url}/web/"})
		cls.password = frappe.generate_hash()
		make_user(AGENT, "WhatsApp User")
		frappe.db.set_value("User", make_user(MANAGER, "WhatsApp Manager"), "language", LANGUAGE)
		update_password(MANAGER, cls.password)
		for device, number in NUMBERS.items():
			cls.box.web.add_account(number, NAMES[device])
			frappe.get_doc(doctype=DEVICE, device_name=device, mode=UNOFFICIAL).insert()
		frappe.db.commit()
		cls.manager, cls.agent = cls.web.client(MANAGER), cls.web.client(AGENT)

	@classmethod
	def set_up(cls, values: dict):
		frappe.get_single(SETTINGS).update(values).save()

	@classmethod
	def end_processes(cls):
		"""What a failure left running."""
		if cls.worker:
			cls.worker.stop()
			print(cls.worker.said())
		chaos.kill(chaos.chromedrivers_of(cls.profiles) + chaos.processes_of(cls.profiles))

	@classmethod
	def restore_site(cls):
		frappe.db.rollback()
		cls.set_up(cls.kept)
		cls.remove_rows()
		for user in (MANAGER, AGENT):
			for doctype in ("Contact", "User"):
				frappe.delete_doc(doctype, user, force=True)
		frappe.db.commit()
		for path in set(cls.profiles.glob("*")) - cls.old_profiles:
			shutil.rmtree(path) if path.is_dir() else path.unlink()

	@classmethod
	def remove_rows(cls):
		ours = {"device": ("in", [*NUMBERS])}
		for message in frappe.get_all(MESSAGE, filters=ours, pluck="name"):
			attached = {"attached_to_doctype": MESSAGE, "attached_to_name": message}
			for file in frappe.get_all("File", filters=attached, pluck="name"):
				frappe.delete_doc("File", file, force=True)
		for doctype in (MESSAGE, CHAT):
			frappe.db.delete(doctype, ours)
		for device in frappe.get_all(DEVICE, filters={"name": ("in", [*NUMBERS])}, pluck="name"):
			frappe.db.set_value(DEVICE, device, {"wanted_state": "Disconnected", "status": "Disconnected"})
			frappe.delete_doc(DEVICE, device, force=True)

	# -- the worker and the phones --

	def start_worker(self):
		type(self).worker = Worker()
		self.wait("a worker", is_worker_alive)

	def stop_the_worker(self):
		"""It ends by itself, in time, and leaves nothing behind."""
		pid, started = self.worker.pid, self.worker.processes()
		self.assertGreater(len(started), len(NUMBERS))
		self.assertEqual(self.worker.stop(), 0, self.worker.said())
		type(self).said = self.worker.said()
		type(self).worker = None
		self.assertEqual(Worker.living(started), [])
		self.assertEqual(chaos.processes_of(self.profiles), [])
		frappe.db.rollback()
		self.assertFalse(frappe.db.exists(WORKER, {"pid": pid}))

	def scan(self, device: str):
		"""Point the phone at what the browser of this device shows."""
		code = SiteHost().link_code(device).code
		self.secrets += [code, code.rpartition(",")[2]]
		self.box.web.scan(code, NUMBERS[device])

	def accepted(self, device: str) -> list[dict]:
		"""What the customer of this device got, oldest first."""
		return self.box.web.messages(customer=CUSTOMERS[device], from_me=True)

	# -- rows --

	def wait(self, what: str, condition):
		"""The value of a condition on the rows, which the worker changes, once it is true."""

		def look():
			self.assertTrue(not self.worker or self.worker.is_running(), "The worker has ended.")
			frappe.db.rollback()  # a transaction sees no later commits of others
			return condition()

		return self.browser.wait(what, look, PATIENCE)

	def row(self, device: str):
		return frappe.db.get_value(DEVICE, device, linked_phone.FIELDS, as_dict=True)

	def wait_connected(self, device: str):
		self.wait(f"{device} to be connected", lambda: self.row(device).status == "Connected")

	def enqueue(self, *requests: SendRequest) -> list[str]:
		receipts = outbox.enqueue(SiteHost(), requests)
		frappe.db.commit()
		return [receipt.name for receipt in receipts]

	def statuses(self, names: list[str]) -> set[str]:
		return set(frappe.get_all(MESSAGE, filters={"name": ("in", names)}, pluck="status"))

	def wait_sent(self, names: list[str]):
		self.wait("the messages to be sent", lambda: self.statuses(names) <= ARRIVED)

	def wait_received(self, remote_id: str, **where):
		wanted = {"remote_id": remote_id, "direction": "Incoming", **where}
		return self.wait(f"{wanted}", lambda: frappe.db.get_value(MESSAGE, wanted, "*", as_dict=True))


def is_worker_alive() -> bool:
	return workers.is_any_alive(frappe.db, micros(time.time()))


def missing() -> str:
	"""Why this can't run here, "" when it can."""
	if bundle := missing_asset(*BUNDLES):
		return f"no {bundle} in sites/assets: run `bench build`"
	if not is_setup_complete():
		return "the setup wizard of this site is not finished"
	if is_worker_alive():
		return "a whatsapp-worker of this site is running"
	if frappe.db.exists(DEVICE, {"mode": UNOFFICIAL, "name": ("not in", [*NUMBERS])}):
		return "the site has linked phones of its own, which the worker would open"
	return Browser.missing() or Realtime.missing()
