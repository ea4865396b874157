from frappe.model.document import Document

from whatsapp_integration.install import apply_keys


class WhatsAppChat(Document):
	def validate(self):
		self.remote_id = self.remote_id or None  # the unique key (device, remote_id) ignores NULL, not ""


def on_doctype_update():
	apply_keys("WhatsApp Chat")
