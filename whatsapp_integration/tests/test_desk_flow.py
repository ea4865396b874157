"""A manager sets a line up in the desk and talks with a customer: a real Chromium, the sandbox in Meta's place.

WHATSAPP_TEST_PICTURES is a folder for screenshots of the main points, WHATSAPP_TEST_LANGUAGE the user's language ("en").
"""

import os
import unittest

import frappe
from frappe.utils.password import update_password

from whatsapp_integration import tasks
from whatsapp_integration.sandbox import defaults
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.store.keys import CHAT, DEVICE, MESSAGE, WEBHOOK_EVENT
from whatsapp_integration.tests.browser import Browser
from whatsapp_integration.tests.compat import SiteTestCase, is_setup_complete
from whatsapp_integration.tests.rows import make_user
from whatsapp_integration.tests.web import Jobs, Realtime, SiteServer, as_bench_start, missing_asset

LINE = "_WA Desk Line"
NUMBER_ID = "700100200300500"  # not the sandbox's usual one, which a device of the site may have
CUSTOMER = "+201001234567"
MANAGER = "wa-desk-manager@example.com"
GREETING = "Good morning صباح الخير"
ANSWER = "Thank you, all is well الحمد لله"
LANGUAGE = os.environ.get("WHATSAPP_TEST_LANGUAGE", "en")
BUNDLES = (
	"desk.bundle.js",
	"form.bundle.js",
	"whatsapp_integration.bundle.js",
	"whatsapp_integration.bundle.css",
)


class TestDeskFlow(SiteTestCase):
	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		if reason := missing():
			raise unittest.SkipTest(f"The desk is not tested in a browser: {reason}")
		cls.web = SiteServer()
		cls.addClassCleanup(cls.web.stop)
		# "delivered" is told by the test, so that "Sent" stays long enough to be seen
		cls.box = Sandbox(phone_number_id=NUMBER_ID, sent_delay=0, delivered_delay=3600, auto_read=False)
		cls.box.start()
		cls.addClassCleanup(cls.box.stop)
		cls.prepare_site()
		realtime = Realtime()
		cls.addClassCleanup(realtime.stop)
		started = as_bench_start(host_name=cls.web.url, socketio_port=realtime.port)
		cls.addClassCleanup(started.close)
		jobs = Jobs(tasks.dispatch, tasks.process_webhooks, tasks.fetch_media)
		cls.addClassCleanup(jobs.stop)
		cls.browser = Browser(os.environ.get("WHATSAPP_TEST_PICTURES", ""))
		cls.addClassCleanup(cls.browser.close)

	@classmethod
	def prepare_site(cls):
		cls.begun = frappe.utils.now()
		cls.graph_url = frappe.db.get_single_value("WhatsApp Settings", "graph_url")
		cls.addClassCleanup(cls.restore_site)
		cls.remove_rows()
		cls.set_graph_url(cls.box.url)
		cls.password = frappe.generate_hash()
		frappe.db.set_value("User", make_user(MANAGER, "WhatsApp Manager"), "language", LANGUAGE)
		update_password(MANAGER, cls.password)
		frappe.db.commit()

	@classmethod
	def restore_site(cls):
		frappe.db.rollback()
		cls.set_graph_url(cls.graph_url)
		cls.remove_rows()
		frappe.db.delete(WEBHOOK_EVENT, {"creation": (">=", cls.begun)})
		for doctype in ("Contact", "User"):
			frappe.delete_doc(doctype, MANAGER, force=True)
		frappe.db.commit()

	@classmethod
	def set_graph_url(cls, url: str):
		settings = frappe.get_single("WhatsApp Settings")
		settings.graph_url = url
		settings.save()

	@classmethod
	def remove_rows(cls):
		for doctype in (MESSAGE, CHAT):
			frappe.db.delete(doctype, {"device": LINE})
		frappe.delete_doc(DEVICE, LINE, force=True)

	def test_a_manager_connects_a_line_and_talks_with_a_customer(self):
		with self.browser.picture_of_failure():
			self.log_in()
			self.fill_in_the_device()
			self.connect_to_meta()
			self.send_the_test_message()
			self.watch_it_being_delivered()
			self.watch_it_being_read()
			self.watch_the_answer_arrive()

	def log_in(self):
		browser = self.browser
		# The desk is loaded once per tab: socket.io 4.7 loses a site's rooms when its only socket leaves while the next
		# one is still being let in.
		browser.open("device", f"{self.web.url}/app/whatsapp")  # asks who it is, and goes on there
		browser.type("#login_email", MANAGER)
		browser.type("#login_password", self.password)
		browser.click(".btn-login")
		browser.see(".shortcut-widget-box", say("Devices"))
		browser.picture("01-workspace")

	def fill_in_the_device(self):
		browser = self.browser
		browser.click(".shortcut-widget-box", say("Devices"))
		browser.click(".page-actions .primary-action", say("WhatsApp Device"))
		browser.see(field("device_name"))
		browser.picture("02-new-device")
		browser.type(field("device_name"), LINE)
		browser.type(field("phone_number"), defaults.PHONE_NUMBER)
		browser.click("[data-fieldname=cloud_api_tab]")
		browser.type(field("phone_number_id"), NUMBER_ID)
		browser.type(field("waba_id"), defaults.WABA_ID)
		browser.type(field("access_token"), defaults.ACCESS_TOKEN)
		browser.type(field("app_secret"), defaults.APP_SECRET)
		browser.type(field("verify_token"), defaults.VERIFY_TOKEN)
		browser.picture("03-cloud-api")
		browser.press_control("s")
		browser.see("button", say("Connect to Meta"))
		self.expect_no_reload()
		browser.picture("04-saved-device")

	def connect_to_meta(self):
		browser = self.browser
		browser.click("button", say("Connect to Meta"))
		browser.see(".modal.show .modal-title", say("Connected to Meta"))
		browser.picture("05-connected")
		checks = browser.shown(".modal.show .wa-check")
		green = browser.shown(".modal.show .wa-check .indicator.green")
		self.assertGreaterEqual(len(checks), 5)
		self.assertEqual(len(green), len(checks))
		browser.close_dialog()
		browser.click("[data-fieldname=details_tab]")
		browser.see(".form-message.green", say("Connected and ready to send."))
		browser.picture("06-connected-device")

	def send_the_test_message(self):
		browser = self.browser
		browser.click("button", say("Send Test Message"))
		browser.type(f".modal.show {field('to')}", CUSTOMER)
		browser.type(".modal.show [data-fieldname=text] textarea", GREETING)
		browser.picture("07-test-message")
		browser.click(".modal.show .btn-modal-primary")
		self.see_steps(".modal.show", "Queued", "Sent")
		browser.picture("08-sent")

	def watch_it_being_delivered(self):
		browser = self.browser
		(accepted,) = self.box.messages(to=CUSTOMER)
		self.box.status(accepted["id"], "delivered")
		self.see_steps(".modal.show", "Queued", "Sent", "Delivered")
		browser.picture("09-delivered")
		link = browser.see(".modal.show a[href*=whatsapp-message-log]").get_attribute("href")
		browser.open("message", link)
		self.see_steps(".page-container", "Queued", "Sent", "Delivered")
		self.expect_no_reload()
		browser.picture("10-message-delivered")

	def watch_it_being_read(self):
		browser = self.browser
		browser.open("phone", self.box.url)
		browser.click(".chat")
		browser.see("#log .bubble", GREETING)
		browser.picture("11-phone")
		browser.show("message")
		self.see_steps(".page-container", "Queued", "Sent", "Delivered", "Read")
		browser.see(".page-head .indicator-pill", say("Read", "WhatsApp Message Log"))
		self.assertTrue(browser.is_same_page())
		browser.picture("12-message-read")
		browser.show("device")
		self.see_steps(".modal.show", "Queued", "Sent", "Delivered", "Read")
		self.assertTrue(browser.is_same_page())
		browser.picture("13-read")

	def watch_the_answer_arrive(self):
		browser = self.browser
		browser.close_dialog()
		self.open_the_list_of_messages()
		self.open_the_chat()
		browser.show("phone")
		browser.type("#text", ANSWER)
		browser.click("#send")
		browser.see("#log .mine .bubble", ANSWER)
		browser.picture("16-phone-answered")
		browser.show("message")
		browser.see("[data-fieldname=conversation] .wa-bubble.wa-in", ANSWER)
		self.assertTrue(browser.is_same_page())
		browser.picture("17-chat-answered")
		browser.show("device")
		browser.see(".list-row", ANSWER)
		self.assertTrue(browser.is_same_page())
		browser.picture("18-list-answered")

	def open_the_list_of_messages(self):
		browser = self.browser
		browser.click(".inner-group-button button", say("View"))
		browser.click(".inner-group-button .dropdown-item", say("Messages"))
		browser.see(".list-row", GREETING)
		# A list forgets the news that come while it loads, and it loads again when its filters are set.
		at_rest = "return !cur_list.last_args && !frappe.request.ajax_count"
		browser.wait("the list to be at rest", lambda: browser.run(at_rest))
		browser.picture("14-list")

	def open_the_chat(self):
		browser = self.browser
		browser.show("message")
		browser.click("[data-fieldname=chat] .control-value a")
		browser.see("[data-fieldname=conversation] .wa-bubble.wa-out", GREETING)
		browser.picture("15-chat")

	def expect_no_reload(self):
		"""From here on this tab hears of news, and `is_same_page` tells whether it was reloaded."""
		connected = "return frappe.realtime.socket.connected"
		self.browser.wait("the socket.io connection", lambda: self.browser.run(connected))
		self.browser.mark_page()

	def see_steps(self, within: str, *expected: str):
		"""Wait until exactly these steps of the message's life are shown as done."""
		labels = [say(label, "WhatsApp Message Log") for label in expected]

		def are_done():
			done = self.browser.shown(f"{within} .wa-steps .wa-done")
			return [element.text.splitlines()[0] for element in done] == labels

		self.browser.wait(f"the steps {', '.join(expected)} in {within}", are_done)


def missing() -> str:
	"""Why this can't run here, "" when it can."""
	if bundle := missing_asset(*BUNDLES):
		return f"no {bundle} in sites/assets: run `bench build`"
	if not is_setup_complete():
		return "the setup wizard of this site is not finished"
	return Browser.missing() or Realtime.missing()


def field(name: str) -> str:
	return f".frappe-control[data-fieldname={name}] input"


def say(text: str, context: str | None = None) -> str:
	return frappe._(text, LANGUAGE, context)
