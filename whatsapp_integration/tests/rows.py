"""Rows that the site tests begin from."""

import frappe


def make_user(email: str, *roles: str) -> str:
	if not frappe.db.exists("User", email):
		user = frappe.get_doc(doctype="User", email=email, first_name=email, send_welcome_email=0)
		user.insert(ignore_permissions=True)
	frappe.get_doc("User", email).add_roles(*roles)
	return email


def make_device(name: str, **values):
	row = {"doctype": "WhatsApp Device", "device_name": name, "access_token": "token", **values}
	row.setdefault("phone_number_id", str(10**14 + hash(name) % 10**13))
	return frappe.get_doc(row).insert(ignore_permissions=True)


def make_chat(device: str, remote_id: str, **values):
	return frappe.get_doc(doctype="WhatsApp Chat", device=device, remote_id=remote_id, **values).insert(
		ignore_permissions=True
	)


def make_message(device: str, **values):
	row = {
		"doctype": "WhatsApp Message Log",
		"device": device,
		"body": "Hello",
		"recipient": "+201001112222",
		**values,
	}
	return frappe.get_doc(row).insert(ignore_permissions=True)
