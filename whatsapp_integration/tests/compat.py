"""One test base for Frappe 15 and 16."""

try:
	from frappe.tests import IntegrationTestCase as SiteTestCase
except ImportError:
	from frappe.tests.utils import FrappeTestCase as SiteTestCase

__all__ = ["SiteTestCase"]
