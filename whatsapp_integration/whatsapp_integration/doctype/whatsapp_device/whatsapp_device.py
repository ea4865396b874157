import frappe
from frappe import _
from frappe.model.document import Document

from whatsapp_integration.core.config import OFFICIAL
from whatsapp_integration.core.errors import InvalidPhone
from whatsapp_integration.core.phone import normalise
from whatsapp_integration.install import apply_keys


class WhatsAppDevice(Document):
	def validate(self):
		self.strip_pasted_texts()
		self.normalise_phone_number()
		self.require_access()
		self.check_phone_number_id()

	def strip_pasted_texts(self):
		"""Tokens and ids are pasted, often with line breaks; none of them holds white space."""
		for field in ("phone_number_id", "waba_id", "access_token", "app_secret", "verify_token"):
			self.set(field, "".join((self.get(field) or "").split()) or None)

	def normalise_phone_number(self):
		if not self.phone_number:
			return
		try:
			self.phone_number = normalise(self.phone_number, self.region())
		except InvalidPhone as err:
			frappe.throw(
				"<br>".join((_(err.template).format(*err.values), _(err.advice))), title=_("Phone Number")
			)

	def region(self) -> str:
		"""ISO 3166 alpha-2 of the device's country, else of WhatsApp Settings; "" when neither is set."""
		country = self.country or frappe.db.get_single_value("WhatsApp Settings", "default_country")
		return ((country and frappe.db.get_value("Country", country, "code")) or "").upper()

	def require_access(self):
		if self.mode != OFFICIAL or not self.enabled:
			return
		missing = [field for field in ("phone_number_id", "access_token") if not self.get(field)]
		if missing:
			labels = ", ".join(_(self.meta.get_label(field)) for field in missing)
			frappe.throw(
				_("An Official device needs: {0}. Fill in the Cloud API tab, or disable the device.").format(
					labels
				),
				frappe.MandatoryError,
			)

	def check_phone_number_id(self):
		number_id = self.phone_number_id
		if not number_id:
			return
		if not (number_id.isascii() and number_id.isdigit()):
			frappe.throw(
				_("The Phone Number ID {0} is wrong: Meta's ids hold only digits.").format(number_id)
			)
		other = {"phone_number_id": number_id, "name": ("!=", self.name)}
		if name := frappe.db.get_value("WhatsApp Device", other):
			frappe.throw(_("Device {0} has the Phone Number ID {1} already.").format(name, number_id))


def on_doctype_update():
	apply_keys("WhatsApp Device")
