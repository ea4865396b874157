"""Three phones of one company are linked with a site and talk with customers: a real whatsapp-worker and its browsers, a
manager at the form in another one, the sandbox in place of WhatsApp Web.

WHATSAPP_TEST_PICTURES is a folder for screenshots of the main points, WHATSAPP_TEST_LANGUAGE the user's language ("en").
"""

import base64
import os
import shutil
import unittest
from pathlib import Path

import frappe
from frappe.utils.password import update_password

import whatsapp_integration.sandbox.web
from whatsapp_integration import tasks
from whatsapp_integration.api import linked_phone
from whatsapp_integration.core.config import UNOFFICIAL
from whatsapp_integration.core.messages import Document, Media, Text
from whatsapp_integration.host.site import SETTINGS, SiteHost
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.services import outbox
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.store.keys import CHAT, DEVICE, MESSAGE, WORKER
from whatsapp_integration.tests import chaos
from whatsapp_integration.tests.browser import Browser
from whatsapp_integration.tests.compat import SiteTestCase, is_setup_complete
from whatsapp_integration.tests.rows import make_user
from whatsapp_integration.tests.test_linking_doors import tables_holding
from whatsapp_integration.tests.web import Realtime, SiteServer, Worker, as_bench_start, missing_asset

STAND_IN = Path(whatsapp_integration.sandbox.web.__file__).parent / "static" / "wpp.js"
CAIRO, GIZA, LUXOR = "_WA Cairo", "_WA Giza", "_WA Luxor"
NUMBERS = {CAIRO: "+201000000001", GIZA: "+201000000002", LUXOR: "+201000000003"}
CUSTOMERS = {CAIRO: "+201112223301", GIZA: "+201112223302", LUXOR: "+201112223303"}
MANAGER = "wa-linked-manager@example.com"
AGENT = "wa-linked-agent@example.com"
PDF = b"%PDF-1.4 " + bytes(range(256)) * 40
PDF_NAME = "Invoice – فاتورة.pdf"
PNG = base64.b64decode(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ARRIVED = {"Sent", "Delivered", "Read"}
LANGUAGE = os.environ.get("WHATSAPP_TEST_LANGUAGE", "en")
PATIENCE = 90  # seconds; browsers start one after the other
BUNDLES = (
	"desk.bundle.js",
	"form.bundle.js",
	"whatsapp_integration.bundle.js",
	"whatsapp_integration.bundle.css",
)
SETUP = {
	"typing_speed": 0,
	"pause_min": 0,
	"pause_max": 0,
	"min_free_memory": 1,
	"unofficial_per_minute": 10_000,
	"unofficial_per_hour": 10_000,
	"unofficial_per_day": 10_000,
	"warm_up_days": 0,
	"first_contacts_per_day": 10_000,
	"wa_js_version": "",
	"wa_js_path": str(STAND_IN),
}


class TestLinkedFlow(SiteTestCase):
	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		if reason := missing():
			raise unittest.SkipTest(f"Linked phones are not tested on the site: {reason}")
		cls.worker = None
		cls.secrets = []
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
			cls.box.web.add_account(number, f"Shop {device[4:]}")
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
		messages = frappe.get_all(MESSAGE, filters=ours, pluck="name")
		attached = {"attached_to_doctype": MESSAGE, "attached_to_name": ("in", messages)}
		for name in frappe.get_all("File", filters=attached, pluck="name"):
			frappe.delete_doc("File", name, force=True)
		for name in frappe.get_all("File", filters={"file_name": PDF_NAME}, pluck="name"):
			frappe.delete_doc("File", name, force=True)
		for doctype in (MESSAGE, CHAT):
			frappe.db.delete(doctype, ours)
		frappe.db.delete(WORKER)
		frappe.db.set_value(DEVICE, {"name": ("in", [*NUMBERS])}, "wanted_state", "Disconnected")
		frappe.db.set_value(DEVICE, {"name": ("in", [*NUMBERS])}, "status", "Disconnected")
		for device in NUMBERS:
			frappe.delete_doc(DEVICE, device, force=True)

	def test_three_phones_are_linked_and_talk_until_the_worker_stops_and_again_once_it_runs(self):
		with self.browser.picture_of_failure():
			self.log_in()
			self.learn_that_no_worker_runs()
			self.link_by_qr_code()
			self.link_by_pairing_code()
			self.link_over_rest()
			self.send_with_all_at_once()
			self.answer_from_the_number_they_wrote_to()
			self.receive_a_picture()
			self.look_around()
			self.stop_the_worker()
			self.keep_messages_queued()
			self.send_without_linking_anew()
			self.find_no_secret()
			self.stop_the_worker()

	def log_in(self):
		self.browser.log_in("desk", f"{self.web.url}/app/whatsapp", MANAGER, self.password)
		self.browser.see(".shortcut-widget-box", say("Devices"))

	def learn_that_no_worker_runs(self):
		browser = self.browser
		self.open_form(CAIRO)
		browser.see(".form-message", say("Not linked yet. Press Link."))
		browser.picture("01-unlinked")
		browser.click(".custom-actions button", say("Link", DEVICE))
		command = browser.see(".modal.show .wa-command code").text
		self.assertEqual(command, f"bench --site {frappe.local.site} whatsapp-worker")
		browser.picture("02-no-worker")
		self.assertEqual(self.row(CAIRO).status, "Disconnected")

	def link_by_qr_code(self):
		browser = self.browser
		self.start_worker()
		browser.click(".modal.show .btn-modal-primary", say("Try Again"))
		browser.see(".modal.show .wa-qr img", seconds=PATIENCE)
		self.assertTrue(browser.run("return document.querySelector('.wa-qr img').naturalWidth > 200"))
		browser.picture("03-qr-code")
		self.deny_others()
		self.scan(CAIRO)
		browser.see(".modal.show .wa-link-person", "Shop Cairo", seconds=PATIENCE)
		browser.see(".modal.show .wa-link-person", NUMBERS[CAIRO])
		browser.picture("04-linked")
		browser.close_dialog()
		browser.see(".form-message.green", say("Connected and ready to send."))
		self.see_phone(CAIRO)
		browser.picture("05-connected")

	def deny_others(self):
		for door in ("qr", "link", "link_with_code"):
			self.assertEqual(self.agent.call(f"devices.{door}", device=CAIRO).status_code, 403)

	def link_by_pairing_code(self):
		browser = self.browser
		self.open_form(GIZA)
		browser.click(".custom-actions button", say("Link with Code"))
		browser.type(".modal.show [data-fieldname=phone] input", NUMBERS[GIZA])
		browser.picture("06-ask-code")
		browser.click(".modal.show .btn-modal-primary", say("Get a Code"))
		code = browser.see(".modal.show .wa-pairing-code", seconds=PATIENCE).text
		browser.picture("07-pairing-code")
		self.secrets += [code, code.replace("-", "")]
		self.box.web.enter_pairing_code(code, NUMBERS[GIZA])
		browser.see(".modal.show .wa-link-person", "Shop Giza", seconds=PATIENCE)
		browser.close_dialog()
		browser.see(".form-message.green", say("Connected and ready to send."))
		self.see_phone(GIZA)

	def link_over_rest(self):
		manager = self.manager
		self.assertTrue(manager.done("devices.link", device=LUXOR)["is_asked"])
		self.wait("a QR code", lambda: SiteHost().link_code(LUXOR))
		image = manager.done("devices.qr", device=LUXOR)["image"]
		self.assertTrue(base64.b64decode(image.partition(",")[2]).startswith(b"\x89PNG"))
		self.scan(LUXOR)
		self.wait_connected(LUXOR)
		told = manager.done("devices.status", device=LUXOR)
		self.assertEqual((told["linked"]["name"], told["linked"]["number"]), ("Shop Luxor", NUMBERS[LUXOR]))
		listed = {row["name"]: row for row in manager.done("devices.list")["devices"]}
		for device, number in NUMBERS.items():
			self.assertEqual((listed[device]["status"], listed[device]["number"]), ("Connected", number))

	def send_with_all_at_once(self):
		file = frappe.get_doc(doctype="File", file_name=PDF_NAME, content=PDF, is_private=1).insert()
		invoice = Document(Media(file=file.file_url, filename=PDF_NAME), "Your invoice")
		requests = [
			SendRequest(content, to=CUSTOMERS[device], device=device)
			for device in NUMBERS
			for content in (Text(f"Good morning from {device}"), invoice)
		]
		self.wait_sent(self.enqueue(*requests))
		for device, number in NUMBERS.items():
			text, sent = self.accepted(device)
			self.assertEqual((text["body"], text["account"]), (f"Good morning from {device}", number[1:]))
			self.assertEqual(
				(sent["filename"], sent["size"], sent["caption"]), (PDF_NAME, len(PDF), "Your invoice")
			)

	def answer_from_the_number_they_wrote_to(self):
		asked = {
			device: self.box.web.write(number, CUSTOMERS[device], text="Are you open?")["id"]
			for device, number in NUMBERS.items()
		}
		rows = {device: self.wait_received(asked[device]) for device in NUMBERS}
		answers = [SendRequest(Text("Yes"), chat=row.chat, reply_to=row.remote_id) for row in rows.values()]
		self.wait_sent(self.enqueue(*answers))
		for device, number in NUMBERS.items():
			row, answer = rows[device], self.accepted(device)[-1]
			self.assertEqual((row.device, row.recipient), (device, CUSTOMERS[device]))
			self.assertEqual((answer["account"], answer["quoted"]), (number[1:], asked[device]))

	def receive_a_picture(self):
		picture = {"data": base64.b64encode(PNG).decode(), "mime_type": "image/png"}
		told = self.box.web.write(NUMBERS[GIZA], CUSTOMERS[GIZA], image=picture)
		row = self.wait_received(told["id"], media_state="Stored")
		file = frappe.get_doc("File", {"file_url": row.attachment, "attached_to_name": row.name})
		self.assertTrue(file.is_private)
		self.assertEqual(Path(file.get_full_path()).read_bytes(), PNG)

	def look_around(self):
		browser = self.browser
		self.open_form(LUXOR)
		self.choose_action("Troubleshoot")
		browser.see(".modal.show .modal-title", say("All is well"))
		browser.picture("08-troubleshoot")
		browser.close_dialog()
		self.go("List", WORKER)
		browser.see(".list-row", say("Alive", WORKER))
		browser.picture("09-workers")
		self.go("Form", SETTINGS)
		browser.click("[data-fieldname=whatsapp_web_tab]")
		browser.see("[data-fieldname=risk_note] .alert")
		browser.picture("10-settings")

	def keep_messages_queued(self):
		browser = self.browser
		self.open_form(CAIRO)
		browser.see(
			".form-message", say("Linked, but no browser is open. A running whatsapp-worker opens it.")
		)
		browser.picture("11-stopped")
		self.choose_action("Restart")
		browser.see(".modal.show .wa-command code", "whatsapp-worker")
		browser.close_dialog()
		texts = [
			SendRequest(
				Text("Back again"), to=CUSTOMERS[device], device=device, idempotency_key=f"_wa:{device}"
			)
			for device in NUMBERS
		]
		type(self).waiting = self.enqueue(*texts)
		tasks.dispatch()  # what the bench's own workers do
		self.assertEqual(self.statuses(self.waiting), {"Queued"})

	def send_without_linking_anew(self):
		linked_before = self.box.web.stats()["linked"]
		self.assertEqual(linked_before, len(NUMBERS))
		self.start_worker()
		self.wait_sent(self.waiting)
		self.assertEqual(self.box.web.stats()["linked"], linked_before)
		self.assertEqual({self.accepted(device)[-1]["body"] for device in NUMBERS}, {"Back again"})
		for device in NUMBERS:
			self.wait_connected(device)
		self.browser.see(".form-message.green", say("Connected and ready to send."))

	def find_no_secret(self):
		"""Neither in a table, the Error Log among them, nor in what the worker wrote."""
		self.assertEqual(len(self.secrets), 6)
		for secret in self.secrets:
			self.assertEqual(tables_holding(secret), [])
			self.assertNotIn(secret, self.said)

	# -- the worker --

	def start_worker(self):
		type(self).worker = Worker()
		self.wait("a worker", lambda: frappe.db.count(WORKER))

	def stop_the_worker(self):
		started = self.worker.processes()
		self.assertGreater(len(started), len(NUMBERS))
		self.assertEqual(self.worker.stop(), 0, self.worker.said())
		type(self).said = self.worker.said()
		type(self).worker = None
		self.assertEqual(Worker.living(started), [])
		self.assertEqual(chaos.processes_of(self.profiles), [])
		frappe.db.rollback()
		self.assertEqual(frappe.db.count(WORKER), 0)

	def scan(self, device: str):
		"""Point the phone at what the browser of this device shows."""
		code = SiteHost().link_code(device).code
		self.secrets += [code, code.rpartition(",")[2]]
		self.box.web.scan(code, NUMBERS[device])

	# -- rows --

	def wait(self, what: str, condition, seconds: float = PATIENCE):
		"""The value of a condition on the rows, which the worker changes, once it is true."""

		def look():
			frappe.db.rollback()  # a transaction sees no later commits of others
			return condition()

		return self.browser.wait(what, look, seconds)

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

	def accepted(self, device: str) -> list[dict]:
		"""What the customer of this device got, oldest first."""
		return self.box.web.messages(customer=CUSTOMERS[device], from_me=True)

	# -- the desk --

	def open_form(self, device: str):
		self.go("Form", DEVICE, device)
		self.browser.see(".page-head .title-text", device)

	def go(self, *route: str):
		"""Open a page of the desk as its links do: the tab is not loaded anew."""
		self.browser.run(f"frappe.set_route({frappe.as_json(route)})")

	def choose_action(self, label: str):
		self.browser.click(".inner-group-button button", say("Actions"))
		self.browser.click(".inner-group-button .dropdown-item", say(label, DEVICE))

	def see_phone(self, device: str):
		facts = {
			"linked_name": f"Shop {device[4:]}",
			"phone_number": NUMBERS[device],
			"linked_platform": "smba",
		}
		for field, value in facts.items():
			self.browser.see(f".frappe-control[data-fieldname={field}]", value)


def missing() -> str:
	"""Why this can't run here, "" when it can."""
	if bundle := missing_asset(*BUNDLES):
		return f"no {bundle} in sites/assets: run `bench build`"
	if not is_setup_complete():
		return "the setup wizard of this site is not finished"
	if frappe.db.count(DEVICE, {"mode": UNOFFICIAL, "name": ("not in", [*NUMBERS])}):
		return "the site has linked phones of its own, which the worker would open"
	return Browser.missing() or Realtime.missing()


def say(text: str, context: str | None = None) -> str:
	return frappe._(text, LANGUAGE, context)
