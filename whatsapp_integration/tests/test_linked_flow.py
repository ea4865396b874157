"""Three phones of one company are linked with a site and talk with customers: a real whatsapp-worker and its browsers, a
manager at the form in another one, the sandbox in place of WhatsApp Web.

WHATSAPP_TEST_PICTURES is a folder for screenshots of the main points, WHATSAPP_TEST_LANGUAGE the user's language ("en").
"""

import base64
from pathlib import Path

import frappe

from whatsapp_integration import tasks
from whatsapp_integration.core.messages import Document, Media, Text
from whatsapp_integration.host.site import SETTINGS, SiteHost
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.store.keys import DEVICE, MESSAGE, WORKER
from whatsapp_integration.tests.linked_site import (
	CAIRO,
	CUSTOMERS,
	GIZA,
	LANGUAGE,
	LUXOR,
	MANAGER,
	NAMES,
	NUMBERS,
	PATIENCE,
	LinkedSite,
)
from whatsapp_integration.tests.test_linking_doors import tables_holding

PDF = b"%PDF-1.4 " + bytes(range(256)) * 40
PDF_NAME = "Invoice – فاتورة.pdf"
PNG = base64.b64decode(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class TestLinkedFlow(LinkedSite):
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
		browser.see(".modal.show .wa-link-person", NAMES[CAIRO], seconds=PATIENCE)
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
		browser.see(".modal.show .wa-link-person", NAMES[GIZA], seconds=PATIENCE)
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
		self.assertEqual((told["linked"]["name"], told["linked"]["number"]), (NAMES[LUXOR], NUMBERS[LUXOR]))
		listed = {row["name"]: row for row in manager.done("devices.list")["devices"]}
		for device, number in NUMBERS.items():
			self.assertEqual((listed[device]["status"], listed[device]["number"]), ("Connected", number))

	def send_with_all_at_once(self):
		owner = {"attached_to_doctype": DEVICE, "attached_to_name": CAIRO}  # goes with it
		file = frappe.get_doc(doctype="File", file_name=PDF_NAME, content=PDF, is_private=1, **owner).insert()
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
		browser.click(".custom-actions button", say("Troubleshoot", DEVICE))
		browser.see(".modal.show .wa-check", f"bench --site {frappe.local.site} whatsapp-worker")
		browser.picture("12-trouble")
		browser.close_dialog()
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
		self.assertIn(f"tab{MESSAGE}", tables_holding("Good morning from"))
		for secret in self.secrets:
			self.assertEqual(tables_holding(secret), [])
			self.assertNotIn(secret, self.said)

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
		for field, value in (
			("phone_number", NUMBERS[device]),
			("linked_name", NAMES[device]),
			("linked_platform", say("WhatsApp Business on Android")),
		):
			seen = self.browser.see(f".frappe-control[data-fieldname={field}]", value)
		self.browser.scroll_to(seen)


def say(text: str, context: str | None = None) -> str:
	return frappe._(text, LANGUAGE, context)
