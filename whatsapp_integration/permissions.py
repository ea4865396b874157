"""Who sees which device, and with it its chats and messages: one rule for lists, reports, link searches and forms."""

import frappe

MANAGER = "WhatsApp Manager"
USER = "WhatsApp User"


def is_manager(user: str | None = None) -> bool:
	user = user or frappe.session.user
	return user == "Administrator" or not {"System Manager", MANAGER}.isdisjoint(frappe.get_roles(user))


def may_use_app() -> bool:
	return is_manager() or USER in frappe.get_roles()


def allowed_devices(user: str | None = None) -> list[str] | None:
	"""Names of the devices that `user` may use; None means every device.

	A device whose user list is empty is open to everybody with the role.
	"""
	user = user or frappe.session.user
	if is_manager(user):
		return None
	if USER not in frappe.get_roles(user):
		return []
	links = frappe.get_all(
		"WhatsApp User Link",
		filters={"parenttype": "WhatsApp Device", "parentfield": "users"},
		fields=["parent", "user"],
	)
	closed = {link.parent for link in links} - {link.parent for link in links if link.user == user}
	return [name for name in frappe.get_all("WhatsApp Device", pluck="name") if name not in closed]


def device_query(user: str | None = None, doctype: str | None = None) -> str:
	return _query("WhatsApp Device", "name", user)


def chat_query(user: str | None = None, doctype: str | None = None) -> str:
	return _query("WhatsApp Chat", "device", user)


def message_query(user: str | None = None, doctype: str | None = None) -> str:
	return _query("WhatsApp Message Log", "device", user)


def has_device_permission(doc, ptype: str | None = None, user: str | None = None) -> bool:
	return _is_allowed(doc.name, user)


def has_row_permission(doc, ptype: str | None = None, user: str | None = None) -> bool:
	return _is_allowed(doc.device, user)


def _query(doctype: str, column: str, user: str | None) -> str:
	devices = allowed_devices(user)
	if devices is None:
		return ""
	names = ", ".join(frappe.db.escape(name) for name in devices)
	return f"`tab{doctype}`.`{column}` in ({names})" if names else "1 = 0"


def _is_allowed(device: str, user: str | None) -> bool:
	devices = allowed_devices(user)
	return devices is None or device in devices
