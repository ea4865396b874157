"""What the doors share: errors in the reader's language, and which rows a caller may touch."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe import _

from whatsapp_integration.core.errors import WhatsAppError
from whatsapp_integration.store.keys import DEVICE, MESSAGE


@contextmanager
def clear_errors() -> Iterator[None]:
	"""Say our errors in the caller's language, with what to do about them."""
	try:
		yield
	except WhatsAppError as err:
		texts = [_(err.template).format(*err.values), _(err.advice) if err.advice else ""]
		text = "<br>".join(frappe.utils.escape_html(text) for text in texts if text)
		kind = frappe.PermissionError if err.code == "not_permitted" else frappe.ValidationError
		frappe.throw(text, kind, title=_("WhatsApp"))


def require_device(device: str, permission: str) -> None:
	"""Throw unless the caller has this permission on the device."""
	if not frappe.db.exists(DEVICE, device):
		frappe.throw(
			_("There is no device {0}.").format(frappe.utils.escape_html(device)), frappe.DoesNotExistError
		)
	frappe.has_permission(DEVICE, permission, doc=device, throw=True)


def names_list(names: str | list) -> list[str]:
	"""One name, a list of names, or a list in JSON text."""
	if isinstance(names, str) and names.lstrip().startswith("["):
		try:
			names = json.loads(names)
		except (ValueError, RecursionError):
			frappe.throw(_("The list of messages is no JSON that can be read."))
	names = [names] if isinstance(names, str) else names
	return [name for name in names if isinstance(name, str)]


def readable_messages(names: list[str]) -> list[str]:
	"""Those of the message rows that the caller may see; throws where that is none."""
	found = frappe.get_list(MESSAGE, filters={"name": ("in", names)}, pluck="name", limit=0) if names else []
	if not found:
		frappe.throw(_("None of these messages exists, or you may not see them."), frappe.PermissionError)
	return found


def report_moved(names: list[str], moved: set[str]) -> dict:
	"""Tell of each row whether it was moved, and of the others why not: {"done": [names], "left": [{"name", "reason"}]}."""
	left = [name for name in names if name not in moved]
	rows = frappe.get_all(MESSAGE, filters={"name": ("in", left)}, fields=["name", "status"]) if left else []
	reasons = [
		{"name": row.name, "reason": _("Its status is {0}.").format(_(row.status, context=MESSAGE))}
		for row in rows
	]
	return {"done": sorted(moved), "left": reasons}
