from frappe.model.document import Document


class WhatsAppLease(Document):
	pass
