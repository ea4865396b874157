"""One test base for Frappe 15 and 16."""

import frappe

try:
	from frappe.tests import IntegrationTestCase as SiteTestCase
except ImportError:
	from frappe.tests.utils import FrappeTestCase as SiteTestCase

__all__ = ["SiteTestCase", "is_setup_complete"]


def is_setup_complete() -> bool:
	"""Until then the desk opens the setup wizard, whatever is asked for."""
	if hasattr(frappe, "is_setup_complete"):
		return bool(frappe.is_setup_complete())
	return bool(frappe.utils.cint(frappe.get_system_settings("setup_complete")))
