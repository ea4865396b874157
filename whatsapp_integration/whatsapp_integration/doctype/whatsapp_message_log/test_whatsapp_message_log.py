from unittest.mock import patch

import frappe
from frappe.utils import add_days, now_datetime

from whatsapp_integration.tests.compat import SiteTestCase
from whatsapp_integration.tests.rows import make_device, make_message
from whatsapp_integration.whatsapp_integration.doctype.whatsapp_message_log.whatsapp_message_log import (
	WhatsAppMessageLog,
)

DEVICE = "_WA Log Line"


class TestWhatsAppMessageLog(SiteTestCase):
	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		make_device(DEVICE)

	def setUp(self):
		commit = patch.object(frappe.db, "commit")  # clearing commits each batch; a test must not
		commit.start()
		self.addCleanup(commit.stop)

	def keep(self, days):
		frappe.db.set_single_value("WhatsApp Settings", "keep_messages_days", days)

	def make_old(self, status, days=100):
		name = make_message(DEVICE, status=status).name
		frappe.db.set_value(
			"WhatsApp Message Log", name, "creation", add_days(now_datetime(), -days), update_modified=False
		)
		return name

	def test_messages_without_ids_do_not_collide(self):
		for _count in range(2):
			row = make_message(DEVICE, remote_id="", idempotency_key="")
			self.assertEqual(
				frappe.db.get_value("WhatsApp Message Log", row.name, ["remote_id", "idempotency_key"]),
				(None, None),
			)

	def test_one_device_has_a_message_id_once(self):
		make_message(DEVICE, remote_id="wamid.1")
		frappe.db.savepoint("one_message")
		with self.assertRaises(frappe.UniqueValidationError):
			make_message(DEVICE, remote_id="wamid.1")
		frappe.db.rollback(save_point="one_message")  # or PostgreSQL refuses every statement that follows

	def test_nothing_is_cleared_when_messages_are_kept_for_ever(self):
		self.keep(0)
		name = self.make_old("Read")
		WhatsAppMessageLog.clear_old_logs(30)
		self.assertTrue(frappe.db.exists("WhatsApp Message Log", name))

	def test_old_messages_are_cleared_but_never_those_on_their_way(self):
		self.keep(90)
		old = [self.make_old(status) for status in ("Read", "Failed", "Cancelled", "Received")]
		waiting = [self.make_old(status) for status in ("Queued", "Held", "Sending", "Unknown")]
		young = self.make_old("Read", days=80)
		WhatsAppMessageLog.clear_old_logs(30)
		left = frappe.get_all("WhatsApp Message Log", {"name": ("in", [*old, *waiting, young])}, pluck="name")
		self.assertEqual(sorted(left), sorted([*waiting, young]))

	def test_the_private_files_of_a_cleared_message_go_with_it(self):
		self.keep(90)
		name = self.make_old("Received")
		file = frappe.get_doc(
			doctype="File",
			file_name=f"wa-{name}.txt",
			content="received",
			is_private=1,
			attached_to_doctype="WhatsApp Message Log",
			attached_to_name=name,
		).insert()
		WhatsAppMessageLog.clear_old_logs(30)
		self.assertFalse(frappe.db.exists("File", file.name))
