import frappe
from frappe.model.document import Document
from frappe.utils import add_days, now_datetime

from whatsapp_integration.install import apply_keys

CLEAR_BATCH = 1000


class WhatsAppWebhookEvent(Document):
	@staticmethod
	def clear_old_logs(days: int = 30) -> None:
		"""Delete events older than `days`, never those still to be worked on. Called by Frappe's Log Settings."""
		filters = {"creation": ("<", add_days(now_datetime(), -days)), "status": ("!=", "Pending")}
		while names := frappe.get_all(
			"WhatsApp Webhook Event", filters=filters, pluck="name", order_by="creation", limit=CLEAR_BATCH
		):
			frappe.db.delete("WhatsApp Webhook Event", {"name": ("in", names)})
			frappe.db.commit()


def on_doctype_update():
	apply_keys("WhatsApp Webhook Event")
