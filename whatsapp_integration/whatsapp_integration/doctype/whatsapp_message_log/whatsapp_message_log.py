import frappe
from frappe.model.document import Document
from frappe.utils import add_days, cint, now_datetime

from whatsapp_integration.core.status import HELD, QUEUED, SENDING, UNKNOWN
from whatsapp_integration.install import apply_keys, delete_files

CLEAR_BATCH = 1000


class WhatsAppMessageLog(Document):
	def validate(self):
		self.remote_id = self.remote_id or None  # the unique key (device, remote_id) ignores NULL, not ""

	@staticmethod
	def clear_old_logs(days: int = 0) -> None:
		"""Delete old messages with their private files, never those still on their way. Called by Log Settings.

		Of `days` and WhatsApp Settings' keep_messages_days the longer wins; 0 in WhatsApp Settings keeps all.
		"""
		keep = cint(frappe.db.get_single_value("WhatsApp Settings", "keep_messages_days"))
		if not keep:
			return
		filters = {
			"creation": ("<", add_days(now_datetime(), -max(keep, days))),
			"status": ("not in", [QUEUED, HELD, SENDING, UNKNOWN]),
		}
		while names := frappe.get_all(
			"WhatsApp Message Log", filters=filters, pluck="name", order_by="creation", limit=CLEAR_BATCH
		):
			delete_files({"attached_to_doctype": "WhatsApp Message Log", "attached_to_name": ("in", names)})
			frappe.db.delete("WhatsApp Message Log", {"name": ("in", names)})
			frappe.db.commit()


def on_doctype_update():
	apply_keys("WhatsApp Message Log")
