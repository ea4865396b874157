from unittest.mock import patch

import frappe
from frappe.utils import add_days, now_datetime

from whatsapp_integration.tests.compat import SiteTestCase
from whatsapp_integration.whatsapp_integration.doctype.whatsapp_webhook_event.whatsapp_webhook_event import (
	WhatsAppWebhookEvent,
)


class TestWhatsAppWebhookEvent(SiteTestCase):
	def make_old(self, status, days):
		row = frappe.get_doc(
			doctype="WhatsApp Webhook Event", digest=frappe.generate_hash(), status=status
		).insert()
		frappe.db.set_value(
			"WhatsApp Webhook Event",
			row.name,
			"creation",
			add_days(now_datetime(), -days),
			update_modified=False,
		)
		return row.name

	def test_old_events_are_cleared_but_never_those_still_to_be_worked_on(self):
		done, pending, young = (
			self.make_old("Done", 40),
			self.make_old("Pending", 40),
			self.make_old("Done", 20),
		)
		with patch.object(frappe.db, "commit"):
			WhatsAppWebhookEvent.clear_old_logs(30)
		left = frappe.get_all(
			"WhatsApp Webhook Event", {"name": ("in", [done, pending, young])}, pluck="name"
		)
		self.assertEqual(sorted(left), sorted([pending, young]))
