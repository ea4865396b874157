import frappe

from whatsapp_integration.tests.compat import SiteTestCase
from whatsapp_integration.tests.rows import make_device


class TestWhatsAppSettings(SiteTestCase):
	def save(self, **values):
		settings = frappe.get_single("WhatsApp Settings")
		settings.update(values)
		return settings.save()

	def test_the_defaults_are_valid(self):
		self.assertEqual(self.save().graph_version, "v25.0")

	def test_a_wrong_graph_url_is_refused(self):
		for url in (
			"graph.facebook.com",
			"ftp://graph.facebook.com",
			"http://graph.facebook.com",
			"https://",
			"",
		):
			with self.subTest(url), self.assertRaises(frappe.ValidationError):
				self.save(graph_url=url)

	def test_the_sandbox_may_be_reached_over_http(self):
		for url in ("http://127.0.0.1:4000/", "http://localhost:4000", "http://sandbox:4000"):
			self.assertFalse(self.save(graph_url=url).graph_url.endswith("/"))

	def test_a_wrong_version_is_refused(self):
		with self.assertRaises(frappe.ValidationError):
			self.save(graph_version="25")

	def test_ranges_are_checked(self):
		for field, value in (
			("read_timeout", 0),
			("retry_attempts", 0),
			("pair_burst", -1),
			("keep_messages_days", -1),
			("retry_ceiling_seconds", 1),
		):
			with self.subTest(field), self.assertRaises(frappe.ValidationError):
				self.save(**{field: value})

	def test_a_disabled_device_can_not_be_the_default(self):
		device = make_device("_WA Disabled", enabled=0)
		with self.assertRaisesRegex(frappe.ValidationError, "disabled"):
			self.save(default_device=device.name)

	def test_media_hosts_are_kept_one_a_line(self):
		self.assertEqual(
			self.save(media_hosts="a.example, b.example:8080 ").media_hosts, "a.example\nb.example:8080"
		)
		with self.assertRaises(frappe.ValidationError):
			self.save(media_hosts="https://a.example/path")

	def test_log_settings_follow_the_retention(self):
		self.save(keep_messages_days=90, keep_webhooks_days=7)
		self.assertEqual(self.cleared(), {"WhatsApp Message Log": 90, "WhatsApp Webhook Event": 7})
		self.save(keep_messages_days=0)
		self.assertEqual(self.cleared(), {"WhatsApp Webhook Event": 7})

	def cleared(self):
		rows = frappe.get_single("Log Settings").logs_to_clear
		return {row.ref_doctype: row.days for row in rows if row.ref_doctype.startswith("WhatsApp")}
