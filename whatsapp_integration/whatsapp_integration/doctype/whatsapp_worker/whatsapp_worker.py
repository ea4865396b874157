from frappe.model.document import Document


class WhatsAppWorker(Document):
	pass
