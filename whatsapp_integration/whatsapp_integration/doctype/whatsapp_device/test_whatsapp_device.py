import frappe

from whatsapp_integration.tests.compat import SiteTestCase
from whatsapp_integration.tests.rows import make_device


class TestWhatsAppDevice(SiteTestCase):
	def test_a_local_number_is_kept_in_e164_by_the_country_of_the_device(self):
		device = make_device("_WA Cairo", phone_number="٠١٠٠ ١٢٣ ٤٥٦٧", country="Egypt")
		self.assertEqual(device.phone_number, "+201001234567")

	def test_a_wrong_number_is_refused_with_an_advice(self):
		with self.assertRaisesRegex(frappe.ValidationError, "country code"):
			make_device("_WA Wrong", phone_number="12", country="Egypt")

	def test_pasted_white_space_is_taken_out_of_the_token(self):
		device = make_device("_WA Paste", access_token=" EAAG\nxyz ")
		self.assertEqual(device.get_password("access_token"), "EAAGxyz")

	def test_an_enabled_official_device_needs_its_id_and_token(self):
		with self.assertRaisesRegex(frappe.MandatoryError, "Access Token"):
			make_device("_WA Empty", access_token="")
		make_device("_WA Later", access_token="", enabled=0)

	def test_a_phone_number_id_is_a_number_without_plus(self):
		with self.assertRaisesRegex(frappe.ValidationError, "only digits"):
			make_device("_WA Id", phone_number_id="+201001234567")

	def test_two_devices_can_not_have_the_same_id(self):
		make_device("_WA First", phone_number_id="123456789")
		with self.assertRaisesRegex(frappe.ValidationError, "_WA First has"):
			make_device("_WA Second", phone_number_id="123456789")

	def test_devices_without_an_id_do_not_collide(self):
		for name in ("_WA One", "_WA Two"):
			device = make_device(name, mode="Unofficial", phone_number_id="", access_token="")
			self.assertIsNone(frappe.db.get_value("WhatsApp Device", device.name, "phone_number_id"))

	def test_saving_again_keeps_the_token(self):
		device = make_device("_WA Again", access_token="EAAG")
		device = frappe.get_doc("WhatsApp Device", device.name)
		device.save()
		self.assertEqual(device.get_password("access_token"), "EAAG")
