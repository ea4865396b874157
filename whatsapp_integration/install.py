"""What installing and uninstalling do beyond Frappe's own sync of the DocType files."""

import shutil

import frappe
from frappe.custom.doctype.custom_field.custom_field import create_custom_fields

from whatsapp_integration.store import keys

MODULE = "WhatsApp Integration"
ROLES = ("WhatsApp Manager", "WhatsApp User")
COMPANY_FIELD = "WhatsApp Device-company"


def after_install() -> None:
	frappe.get_single(
		"WhatsApp Settings"
	).save()  # writes the defaults, which are read straight from the database
	if "erpnext" in frappe.get_installed_apps():
		add_company_field()


def after_app_install(app_name: str) -> None:
	if app_name == "erpnext":
		add_company_field()


def before_app_uninstall(app_name: str) -> None:
	if app_name == "erpnext":
		frappe.delete_doc("Custom Field", COMPANY_FIELD, ignore_missing=True)


def before_uninstall() -> None:
	"""Remove what Frappe leaves behind: files, secrets, the rows that name our DocTypes, and our roles."""
	doctypes = frappe.get_all("DocType", filters={"module": MODULE}, pluck="name")
	delete_files({"attached_to_doctype": ("in", doctypes)})
	shutil.rmtree(frappe.get_site_path("private", "whatsapp-web"), ignore_errors=True)  # the links to phones
	for table, column in _tables_naming_doctypes():
		frappe.db.delete(table, {column: ("in", doctypes)})
	frappe.db.delete("Has Role", {"role": ("in", ROLES)})
	for role in ROLES:
		frappe.delete_doc("Role", role, ignore_missing=True, force=True)


def after_uninstall() -> None:
	from frappe.core.doctype.scheduled_job_type.scheduled_job_type import sync_jobs

	frappe.clear_cache()
	sync_jobs()  # takes our scheduled jobs away
	frappe.db.commit()  # nobody commits after this hook


def add_company_field() -> None:
	create_custom_fields(
		{
			"WhatsApp Device": [
				{
					"fieldname": "company",
					"fieldtype": "Link",
					"label": "Company",
					"options": "Company",
					"insert_after": "country",
					"in_standard_filter": 1,
					"module": MODULE,
				}
			]
		}
	)


def apply_keys(doctype: str) -> None:
	"""Make the unique keys and indexes that `store.keys` declares; each controller's on_doctype_update calls it."""
	for columns in keys.UNIQUE.get(doctype, ()):
		name = keys.index_name(doctype, columns) + "_key"  # by this ending Frappe knows it on PostgreSQL
		frappe.db.add_unique(doctype, list(columns), name)
	for columns in keys.INDEXES.get(doctype, ()):
		frappe.db.add_index(doctype, list(columns), keys.index_name(doctype, columns))


def delete_files(filters: dict) -> None:
	"""Delete the private files that match, from the disk too."""
	for name in frappe.get_all("File", filters={**filters, "is_private": 1}, pluck="name"):
		frappe.delete_doc("File", name, ignore_permissions=True, delete_permanently=True, force=True)


def _tables_naming_doctypes() -> list[tuple[str, str]]:
	return [
		("__Auth", "doctype"),
		("__UserSettings", "doctype"),
		("Singles", "doctype"),
		("Logs To Clear", "ref_doctype"),
		("Version", "ref_doctype"),
		("DocShare", "share_doctype"),
		("Comment", "reference_doctype"),
		("ToDo", "reference_type"),
	]
