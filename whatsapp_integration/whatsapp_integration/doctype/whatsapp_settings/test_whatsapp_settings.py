import frappe

from whatsapp_integration.tests.compat import SiteTestCase
from whatsapp_integration.tests.rows import make_device
from whatsapp_integration.whatsapp_integration.doctype.whatsapp_settings.whatsapp_settings import (
	on_doctype_update,
)


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

	def test_whatsapp_web_is_opened_over_https_or_on_this_network_and_its_path_is_kept(self):
		for url in (
			"web.whatsapp.com",
			"http://web.whatsapp.com/",
			"https://web.whatsapp.com/?a=1",
			"https://",
			"",
		):
			with self.subTest(url), self.assertRaises(frappe.ValidationError):
				self.save(web_url=url)
		for url in ("https://web.whatsapp.com/", "http://127.0.0.1:4000/web/", "http://sandbox:4000/web"):
			self.assertEqual(self.save(web_url=f" {url} ").web_url, url)

	def test_a_version_of_wa_js_is_a_whole_one_or_none(self):
		for version in ("4.6", "latest", "4.6.0 || rm", "4.6.0/../..", "4.6.0\nx"):
			with self.subTest(version), self.assertRaises(frappe.ValidationError):
				self.save(wa_js_version=version)
		for version, kept in (("v4.6.1", "4.6.1"), (" 4.7.0-alpha.1 ", "4.7.0-alpha.1"), ("", "")):
			self.assertEqual(self.save(wa_js_version=version).wa_js_version, kept)

	def test_settings_that_come_with_an_update_have_their_defaults_and_what_was_emptied_stays_empty(self):
		self.save(media_hosts="")
		frappe.db.delete("Singles", {"doctype": "WhatsApp Settings", "field": "link_minutes"})
		on_doctype_update()
		settings = frappe.get_doc("WhatsApp Settings")
		self.assertEqual(settings.link_minutes, 5)
		self.assertFalse(settings.media_hosts)

	def test_ranges_are_checked(self):
		for field, value in (
			("read_timeout", 0),
			("retry_attempts", 0),
			("pair_burst", -1),
			("keep_messages_days", -1),
			("retry_ceiling_seconds", 1),
			("link_minutes", 0),
			("min_free_memory", 0),
			("typing_speed", -1),
			("pause_max", 0.1),
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
