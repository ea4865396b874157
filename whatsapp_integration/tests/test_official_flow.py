"""A message goes out and comes back: REST, the queue, the sandbox in Meta's place, webhooks, files."""

import base64
import threading
from pathlib import Path

import frappe

from whatsapp_integration import tasks
from whatsapp_integration.sandbox import defaults
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.store.keys import CHAT, DEVICE, MESSAGE, WEBHOOK_EVENT
from whatsapp_integration.tests.compat import SiteTestCase
from whatsapp_integration.tests.rows import make_user
from whatsapp_integration.tests.web import Client, SiteServer

LINE = "_WA Flow Line"
CLOSED_LINE = "_WA Flow Closed Line"
NUMBER_ID = "700100200300400"  # not the sandbox's usual one, which a device of the site may have
CUSTOMER = "+201001234567"
AGENT = "wa-agent@example.com"
BOSS = "wa-boss@example.com"
PNG = bytes.fromhex(
	"89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c4890000000a49444154789c6300010000050001"
	"0d0a2db40000000049454e44ae426082".replace(" ", "")
)


class TestOfficialFlow(SiteTestCase):
	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		make_user(AGENT, "WhatsApp User")
		make_user(BOSS, "WhatsApp Manager")
		cls.web = SiteServer()
		cls.addClassCleanup(cls.web.stop)
		cls.box = Sandbox(phone_number_id=NUMBER_ID, sent_delay=0, delivered_delay=0, read_delay=0)
		cls.box.start()
		cls.addClassCleanup(cls.box.stop)
		cls.settings = frappe.get_single("WhatsApp Settings").as_dict()
		settings = frappe.get_single("WhatsApp Settings")
		settings.update({"graph_url": cls.box.url, "retry_base_seconds": 1})
		settings.save()
		cls.make_line(LINE, phone_number=defaults.PHONE_NUMBER, phone_number_id=NUMBER_ID)
		cls.make_line(CLOSED_LINE, phone_number_id="555000", users=[{"user": BOSS}])
		frappe.db.commit()
		cls.agent, cls.boss = cls.web.client(AGENT), cls.web.client(BOSS)
		cls.addClassCleanup(cls.remove_rows)

	@classmethod
	def make_line(cls, name, **values):
		frappe.get_doc(
			doctype=DEVICE,
			device_name=name,
			waba_id=defaults.WABA_ID,
			access_token=defaults.ACCESS_TOKEN,
			app_secret=defaults.APP_SECRET,
			verify_token=defaults.VERIFY_TOKEN,
			**values,
		).insert()

	@classmethod
	def remove_rows(cls):
		frappe.db.rollback()
		settings = frappe.get_single("WhatsApp Settings")
		settings.update({key: cls.settings[key] for key in ("graph_url", "retry_base_seconds")})
		settings.save()
		for doctype in (MESSAGE, CHAT):
			frappe.db.delete(doctype, {"device": ("in", (LINE, CLOSED_LINE))})
		frappe.db.delete(WEBHOOK_EVENT)
		for name in (LINE, CLOSED_LINE):
			frappe.delete_doc(DEVICE, name, force=True)
		frappe.db.commit()

	def setUp(self):
		frappe.db.rollback()
		self.box.reset()
		self.box.configure(callback_url=f"{self.web.url}/api/method/whatsapp_integration.api.webhook.receive")

	def work(self):
		"""What the scheduler and the woken jobs do, until nothing is left. A worker of the bench may be doing it too."""
		for _round in range(100):
			tasks.dispatch()
			self.assertTrue(self.box.wait_idle())
			tasks.process_webhooks()
			tasks.fetch_media()
			frappe.db.rollback()
			if not self.is_busy():
				return
			threading.Event().wait(0.1)
		self.fail("Messages or webhooks are still waiting.")

	def is_busy(self) -> bool:
		waiting = {"device": LINE, "status": ("in", ("Queued", "Sending"))}
		files = {"device": LINE, "media_state": "Pending"}
		return bool(
			frappe.db.count(MESSAGE, waiting)
			or frappe.db.count(MESSAGE, files)
			or frappe.db.count(WEBHOOK_EVENT, {"status": "Pending"})
		)

	def send(self, **values) -> str:
		return self.agent.done("messages.send", device=LINE, **{"to": CUSTOMER, **values})["message"]

	def row(self, name: str):
		frappe.db.rollback()
		return frappe.get_doc(MESSAGE, name)

	def test_connecting_says_what_is_there_and_points_the_webhooks_here(self):
		self.box.configure(callback_url="")
		host_name, frappe.local.conf.host_name = frappe.local.conf.host_name, self.web.url
		self.addCleanup(setattr, frappe.local.conf, "host_name", host_name)
		report = self.boss.done("devices.connect", device=LINE)
		frappe.db.rollback()
		labels = {check["label"]: check["ok"] for check in report["checks"]}
		self.assertTrue(labels["Access token"] and labels["Number is ready to send"])
		self.assertEqual(frappe.db.get_value(DEVICE, LINE, "verified_name"), defaults.VERIFIED_NAME)

	def test_a_message_is_sent_delivered_and_read(self):
		name = self.send(text="Hello مرحبا")
		self.work()
		self.assertEqual(self.row(name).status, "Read")
		(accepted,) = self.box.messages(to=CUSTOMER)
		self.assertEqual(accepted["callback_data"], name)
		status = self.agent.done("messages.status", message=name)
		self.assertEqual((status["status"], bool(status["delivered_at"])), ("Read", True))

	def test_an_answer_with_a_file_arrives_in_the_same_chat(self):
		name = self.send(text="Please send the photo")
		self.work()
		self.box.reply(CUSTOMER, text="Here it is")
		self.box.reply(CUSTOMER, image={"data": base64.b64encode(PNG).decode(), "mime_type": "image/png"})
		self.work()
		chat = self.row(name).chat
		rows = frappe.get_all(
			MESSAGE, {"chat": chat, "direction": "Incoming"}, ["message_type", "body", "attachment"]
		)
		self.assertEqual(sorted(row.message_type for row in rows), ["image", "text"])
		image = next(row.attachment for row in rows if row.message_type == "image")
		file = frappe.get_doc("File", {"file_url": image})
		self.assertEqual(file.is_private, 1)
		self.assertEqual(Path(file.get_full_path()).read_bytes(), PNG)

	def test_a_document_file_travels_as_an_upload(self):
		file = frappe.get_doc(
			doctype="File", file_name="bill.txt", content="Total 100", is_private=1, owner=AGENT
		)
		with self.set_user(AGENT):
			file.insert(ignore_permissions=True)
		frappe.db.commit()
		self.addCleanup(file.delete, ignore_permissions=True)
		name = self.send(file=file.name, caption="Your bill")
		self.work()
		row = self.row(name)
		self.assertEqual((row.status, row.message_type, row.attachment), ("Read", "document", file.file_url))

	def test_a_failure_says_why(self):
		name = self.send(to="+201001230001", text="Hello")
		self.work()
		row = self.row(name)
		self.assertEqual((row.status, row.error_code), ("Failed", "131026"))

	def test_the_door_is_shut_for_others(self):
		refused = self.agent.call("messages.send", device=CLOSED_LINE, to=CUSTOMER, text="Hello")
		self.assertIn("may not send with device", refused.text)
		self.assertEqual(self.agent.call("devices.connect", device=LINE).status_code, 403)
		self.assertEqual(
			Client(self.web.url).call("messages.send", to=CUSTOMER, text="Hello").status_code, 403
		)

	def test_bad_input_gets_a_clear_error_and_never_a_500(self):
		wrong = [
			({"to": "+12", "text": "Hello"}, "too short"),
			({"to": CUSTOMER, "text": ""}, "exactly one of text"),
			({"to": CUSTOMER, "text": "x" * 4097}, "4097 characters"),
			({"to": CUSTOMER, "text": "Hello", "device": "Nowhere"}, "no device Nowhere"),
			({"to": CUSTOMER, "text": "Hello", "send_at": "soon"}, "no date and time"),
			({"to": CUSTOMER, "content": "{", "message_type": "buttons"}, "no JSON"),
			({"to": CUSTOMER, "content": {"body": 5}}, "wrong value"),
			({"to": CUSTOMER, "file": "/private/files/none.pdf"}, "is missing"),
			({"to": CUSTOMER, "media_url": "http://127.0.0.1/x.png"}, "address"),
			({"to": CUSTOMER, "text": "half \ud83d"}, "half of a character"),
			({"text": "Hello"}, "who gets the message"),
		]
		for values, expected in wrong:
			with self.subTest(values=values):
				response = self.agent.call("messages.send", **{"device": LINE, **values})
				self.assertEqual(response.status_code, 417, response.text)
				self.assertIn(expected, response.text)

	def test_the_webhook_answers_a_challenge_in_plain_text(self):
		query = {
			"hub.mode": "subscribe",
			"hub.challenge": "115820",
			"hub.verify_token": defaults.VERIFY_TOKEN,
		}
		address = f"{self.web.url}/api/method/whatsapp_integration.api.webhook.receive"
		answer = Client(self.web.url).session.get(address, params=query)
		self.assertEqual((answer.status_code, answer.text), (200, "115820"))
		self.assertEqual(
			Client(self.web.url).session.get(address, params={**query, "hub.verify_token": "x"}).status_code,
			403,
		)

	def test_unsigned_and_garbled_posts_are_refused_and_never_a_500(self):
		session = Client(self.web.url).session
		address = f"{self.web.url}/api/method/whatsapp_integration.api.webhook.receive"
		bodies = [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5000, b'{"entry": NaN}']
		for body in bodies:
			for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
				with self.subTest(body=body[:20], kind=kind):
					answer = session.post(address, data=body, headers={"Content-Type": kind})
					self.assertIn(answer.status_code, (400, 403, 413, 417), answer.text[:300])
		self.assertEqual(session.post(address, data=b"x" * (3 * 1024 * 1024 + 1)).status_code, 413)
