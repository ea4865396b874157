from frappe.model.document import Document


class WhatsAppUserLink(Document):
	pass
