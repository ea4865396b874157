import frappe
from frappe.desk.reportview import get as report_view
from frappe.desk.reportview import get_count
from frappe.desk.search import search_link

from whatsapp_integration.permissions import allowed_devices
from whatsapp_integration.tests.compat import SiteTestCase
from whatsapp_integration.tests.rows import make_chat, make_device, make_message, make_user

INSIDER = "wa-insider@example.com"
OUTSIDER = "wa-outsider@example.com"
MANAGER = "wa-manager@example.com"
STRANGER = "wa-stranger@example.com"

OPEN = "_WA Open Line"
CLOSED = "_WA Closed Line"


class TestPermissions(SiteTestCase):
	"""Two devices: one for everybody with the role, one only for the insider."""

	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		make_user(INSIDER, "WhatsApp User")
		make_user(OUTSIDER, "WhatsApp User")
		make_user(MANAGER, "WhatsApp Manager")
		make_user(STRANGER)
		make_device(OPEN)
		make_device(CLOSED, users=[{"user": INSIDER}])
		cls.chats = {
			device: make_chat(device, f"id-{device}", title=device).name for device in (OPEN, CLOSED)
		}
		cls.messages = {device: make_message(device).name for device in (OPEN, CLOSED)}

	def tearDown(self):
		frappe.set_user("Administrator")

	def listed(self, doctype, user, column="device"):
		frappe.set_user(user)
		rows = frappe.get_list(doctype, filters={column: ("in", [OPEN, CLOSED])}, pluck=column)
		return sorted(rows, reverse=True)

	def test_a_manager_may_use_every_device(self):
		self.assertIsNone(allowed_devices(MANAGER))
		self.assertIsNone(allowed_devices("Administrator"))

	def test_a_device_without_users_is_open_to_the_role_and_one_with_users_is_not(self):
		self.assertIn(OPEN, allowed_devices(OUTSIDER))
		self.assertNotIn(CLOSED, allowed_devices(OUTSIDER))
		self.assertIn(CLOSED, allowed_devices(INSIDER))

	def test_somebody_without_the_role_has_no_device(self):
		self.assertEqual(allowed_devices(STRANGER), [])
		for doctype in ("WhatsApp Device", "WhatsApp Chat", "WhatsApp Message Log"):
			with self.assertRaises(frappe.PermissionError):
				self.listed(doctype, STRANGER, "name")

	def test_lists_show_only_the_rows_of_ones_own_devices(self):
		for doctype, column in (
			("WhatsApp Device", "name"),
			("WhatsApp Chat", "device"),
			("WhatsApp Message Log", "device"),
		):
			with self.subTest(doctype):
				self.assertEqual(self.listed(doctype, OUTSIDER, column), [OPEN])
				self.assertEqual(self.listed(doctype, INSIDER, column), [OPEN, CLOSED])
				self.assertEqual(self.listed(doctype, MANAGER, column), [OPEN, CLOSED])

	def test_reports_and_counts_show_only_the_rows_of_ones_own_devices(self):
		for user, expected in ((OUTSIDER, [OPEN]), (INSIDER, [OPEN, CLOSED])):
			with self.subTest(user):
				frappe.set_user(user)
				self.ask_reportview(fields='["`tabWhatsApp Message Log`.`device`"]')
				rows = report_view()["values"]
				self.assertEqual(sorted((row[0] for row in rows), reverse=True), expected)
				self.ask_reportview(fields="[]", distinct="false")
				self.assertEqual(get_count(), len(expected))

	def ask_reportview(self, **values):
		frappe.local.form_dict = frappe._dict(
			doctype="WhatsApp Message Log",
			filters=frappe.as_json([["WhatsApp Message Log", "device", "in", [OPEN, CLOSED]]]),
			**values,
		)

	def test_link_searches_find_only_ones_own_devices_and_chats(self):
		for user, expected in ((OUTSIDER, {OPEN}), (INSIDER, {OPEN, CLOSED})):
			frappe.set_user(user)
			with self.subTest(user):
				self.assertEqual(self.search("WhatsApp Device", "_WA"), expected)
				self.assertEqual(
					self.search("WhatsApp Chat", "_WA"), {self.chats[device] for device in expected}
				)

	def search(self, doctype, text):
		found = search_link(doctype, text)
		return {row["value"] for row in (found if found is not None else frappe.response["results"])}

	def test_a_document_of_a_closed_device_can_not_be_opened_or_changed(self):
		for doctype, name in (
			("WhatsApp Device", CLOSED),
			("WhatsApp Chat", self.chats[CLOSED]),
			("WhatsApp Message Log", self.messages[CLOSED]),
		):
			doc = frappe.get_doc(doctype, name)
			for right in ("read", "write", "delete"):
				with self.subTest(doctype=doctype, right=right):
					self.assertFalse(doc.has_permission(right, user=OUTSIDER))
			self.assertTrue(doc.has_permission("read", user=INSIDER))
			self.assertTrue(doc.has_permission("delete", user=MANAGER))

	def test_a_user_may_work_on_chats_but_not_change_devices_or_the_log(self):
		self.assertTrue(frappe.has_permission("WhatsApp Chat", "write", user=INSIDER))
		self.assertFalse(frappe.has_permission("WhatsApp Chat", "create", user=INSIDER))
		for doctype in ("WhatsApp Device", "WhatsApp Message Log"):
			for right in ("write", "create", "delete"):
				self.assertFalse(frappe.has_permission(doctype, right, user=INSIDER))
		self.assertTrue(frappe.has_permission("WhatsApp Message Log", "export", user=INSIDER))

	def test_nobody_writes_the_message_log_by_hand(self):
		for right in ("write", "create"):
			self.assertFalse(frappe.has_permission("WhatsApp Message Log", right, user=MANAGER))

	def test_only_managers_see_webhook_events_and_settings(self):
		for doctype in ("WhatsApp Webhook Event", "WhatsApp Settings"):
			self.assertFalse(frappe.has_permission(doctype, "read", user=INSIDER))
			self.assertTrue(frappe.has_permission(doctype, "read", user=MANAGER))
		self.assertFalse(frappe.has_permission("WhatsApp Lease", "read", user=MANAGER))

	def test_a_user_sees_no_secret_of_a_device(self):
		frappe.set_user(INSIDER)
		doc = frappe.get_doc("WhatsApp Device", OPEN)
		doc.apply_fieldlevel_read_permissions()
		for field in ("access_token", "app_secret", "verify_token"):
			self.assertFalse(doc.get(field))
