"""The engine's promises, kept on a Frappe site."""

from dataclasses import replace

import frappe
from frappe.utils.password import set_encrypted_password

from whatsapp_integration.host import site
from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.store import bulk
from whatsapp_integration.store.keys import CHAT, DEVICE, LEASE, MESSAGE
from whatsapp_integration.tests.compat import SiteTestCase
from whatsapp_integration.tests.engine_contract import (
	DEVICE_VALUES,
	SECRET,
	SETTINGS,
	EngineContract,
	MovableClock,
)


class Host(MovableClock, SiteHost):
	def settings(self):
		return SETTINGS

	def wake(self, work):
		"""The test does the work itself."""


class TestEngineOnSite(EngineContract, SiteTestCase):
	def make_host(self):
		host = Host()
		row = {"name": self.device, "device_name": self.device, **DEVICE_VALUES}
		bulk.insert(frappe.db, DEVICE, [row], now=host.now(), user="Administrator")
		set_encrypted_password(DEVICE, self.device, SECRET, "app_secret")
		frappe.db.commit()
		self.addCleanup(self.remove_rows)
		site._app_secrets.clear()  # read a moment ago by the tests before
		return host

	def test_texts_from_outside_are_harmless_on_every_page(self):
		self.apply(
			replace(
				self.received(body="5 < 6 <img src=x onerror=alert(1)>"), profile_name="<b onclick=x>Mona"
			)
		)
		(row,), (chat,) = self.rows(), self.rows(CHAT)
		shown = [row["body"], row["contact_name"], chat["title"], chat["last_message"]]
		self.assertFalse([text for text in shown if "<" in text])
		self.assertEqual(row["body"], "5 &lt; 6 &lt;img src=x onerror=alert(1)&gt;")

	def remove_rows(self):
		frappe.db.rollback()
		for doctype in (MESSAGE, CHAT):
			frappe.db.delete(doctype, {"device": self.device})
		frappe.db.delete("File", {"attached_to_doctype": MESSAGE, "attached_to_field": "attachment"})
		frappe.db.delete(LEASE, {"name": f"dispatch:{self.device}"})
		frappe.db.delete("__Auth", {"doctype": DEVICE, "name": self.device})
		frappe.db.delete(DEVICE, {"name": self.device})
		frappe.db.commit()
