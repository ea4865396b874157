import frappe
from frappe import _
from frappe.model.document import Document

from whatsapp_integration.api.linked_phone import is_linked
from whatsapp_integration.core import phone
from whatsapp_integration.core.config import OFFICIAL
from whatsapp_integration.core.errors import InvalidPhone
from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.install import apply_keys
from whatsapp_integration.store.keys import DEVICE, LEASE

# What the engine writes while a form is open: the form's own values are older.
ENGINE_FIELDS = (
	"status", "status_reason", "last_checked", "linked_name", "linked_platform", "linked_since", "linked_host", "linked_lid",
	"screenshot", "wanted_state", "request", "requested", "down_since", "verified_name", "display_phone_number",
	"quality_rating", "messaging_limit", "throughput_level",
)  # fmt: skip


class WhatsAppDevice(Document):
	def validate(self):
		self.keep_engine_values()
		self.strip_pasted_texts()
		self.normalise_phone_number()
		self.keep_linked_phone()
		self.require_access()
		self.check_phone_number_id()
		self.check_fail_over()

	def on_trash(self):
		self.refuse_while_linked()
		SiteHost().keep_link_code(self.name, None)
		self.delete_leases()

	def keep_engine_values(self):
		"""Rows locked and read anew: this transaction may have begun before the engine's commit."""
		if not self.is_new():
			self.update(frappe.db.get_value(DEVICE, self.name, ENGINE_FIELDS, as_dict=True, for_update=True))

	def strip_pasted_texts(self):
		"""Tokens and ids are pasted, often with line breaks; none of them holds white space."""
		for field in ("phone_number_id", "waba_id", "access_token", "app_secret", "verify_token"):
			self.set(field, "".join((self.get(field) or "").split()) or None)

	def normalise_phone_number(self):
		if not self.phone_number:
			return
		try:
			self.phone_number = phone.normalise(self.phone_number, self.region())
		except InvalidPhone as err:
			frappe.throw(
				"<br>".join((_(err.template).format(*err.values), _(err.advice))), title=_("Phone Number")
			)

	def region(self) -> str:
		"""ISO 3166 alpha-2 of the device's country, else of WhatsApp Settings; "" when neither is set."""
		country = self.country or frappe.db.get_single_value("WhatsApp Settings", "default_country")
		return ((country and frappe.db.get_value("Country", country, "code")) or "").upper()

	def keep_linked_phone(self):
		"""The session belongs to one phone: neither the mode nor the number changes under it."""
		if self.is_new() or not is_linked(self):
			return
		mode, number = frappe.db.get_value(DEVICE, self.name, ("mode", "phone_number"), for_update=True)
		self.phone_number = (
			self.phone_number or number
		)  # the engine may have learned it since the form was opened
		is_same = not number or phone.match_key(self.phone_number) == phone.match_key(number)
		if self.mode != mode or not is_same:
			frappe.throw(
				_(
					"A phone is linked to this device ({0}). Log it out before you change the mode or the number."
				).format(number or self.linked_name)
			)

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

	def check_fail_over(self):
		if not self.fail_over_device:
			return
		if not frappe.db.get_value(DEVICE, self.fail_over_device, "enabled"):
			frappe.throw(_("The fail-over device {0} is disabled.").format(self.fail_over_device))
		chain = [self.name]
		while (following := self._fail_over_of(chain[-1])) and following not in chain[1:]:
			chain.append(following)
			if following == self.name:
				frappe.throw(
					_("The fail-over leads back to this device: {0}. Choose another one.").format(
						" › ".join(chain)
					)
				)

	def _fail_over_of(self, name: str) -> str | None:
		if name == self.name:
			return self.fail_over_device
		return frappe.db.get_value(DEVICE, name, "fail_over_device")

	def refuse_while_linked(self):
		if self.mode != OFFICIAL and is_linked(self):
			frappe.throw(
				_("The phone of device {0} is still linked. Log the phone out first.").format(self.name)
			)

	def delete_leases(self):
		"""Also the notes of what was told of this device: a new one of the same name begins anew."""
		names = [name for name in frappe.get_all(LEASE, pluck="name") if _device_of(name) == self.name]
		frappe.db.delete(LEASE, {"name": ("in", names)})


def on_doctype_update():
	apply_keys("WhatsApp Device")


def _device_of(lease: str) -> str:
	"""The device in a lease's name: "dispatch:Sales", "session:Sales", "told:3600:Sales"."""
	work, _colon, device = lease.partition(":")
	return device.partition(":")[2] if work == "told" else device
