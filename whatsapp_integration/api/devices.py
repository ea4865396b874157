"""Devices: connect, test, pause and resume; link a phone and look after it. For those who may write the device."""

from dataclasses import asdict

import frappe
from frappe import _
from frappe.rate_limiter import rate_limit

from whatsapp_integration.api import linked_phone, trouble
from whatsapp_integration.api.doors import clear_errors, require_device
from whatsapp_integration.core.errors import InvalidPhone
from whatsapp_integration.core.errors import _ as marked
from whatsapp_integration.core.messages import Text
from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.services import devices, outbox
from whatsapp_integration.store.keys import DEVICE

MINUTE = 60
ASKS = 20  # a minute and address: each opens or closes a browser
LOOKS = 120  # a minute and address: several pages may follow a link at once


@frappe.whitelist(methods=["POST"])
def connect(device: str) -> dict:
	"""Check the line with Meta: {"ok", "checks": [{"label", "ok", "detail", "advice"}]}."""
	require_device(device, "write")
	with clear_errors():
		report = devices.connect(SiteHost(), device)
	checks = [
		{"label": _(check.label), "ok": check.ok, "detail": _(check.detail), "advice": _(check.advice)}
		for check in report.checks
	]
	return {"ok": report.ok, "checks": checks}


@frappe.whitelist(methods=["POST"])
def send_test(device: str, to: str, text: str) -> dict:
	"""Queue a text from this device: {"message", "status"}."""
	require_device(device, "read")
	with clear_errors():
		receipt = outbox.send(
			SiteHost(), outbox.SendRequest(Text(text), to=to, device=device, priority="High")
		)
	return {"message": receipt.name, "status": receipt.status}


@frappe.whitelist(methods=["POST"])
def pause(device: str) -> dict:
	"""Keep the device's messages queued: {"status"}."""
	require_device(device, "write")
	devices.pause(SiteHost(), device)
	return {"status": frappe.db.get_value("WhatsApp Device", device, "status")}


@frappe.whitelist(methods=["POST"])
def resume(device: str) -> dict:
	"""Let the device send again: {"status"}."""
	require_device(device, "write")
	devices.resume(SiteHost(), device)
	return {"status": frappe.db.get_value("WhatsApp Device", device, "status")}


# -- linked phones --


@frappe.whitelist(methods=["POST"])
@rate_limit(limit=ASKS, seconds=MINUTE)
def link(device: str) -> dict:
	"""Have a worker offer a QR code, which `qr` shows. Answers as `status` does, like all that follow."""
	require_device(device, "write")
	with clear_errors():
		devices.link(SiteHost(), device)
	return _state(device)


@frappe.whitelist(methods=["POST"])
@rate_limit(limit=ASKS, seconds=MINUTE)
def link_with_code(device: str, phone: str = "") -> dict:
	"""Have a worker offer a pairing code for this number, else for the device's; `qr` shows it."""
	require_device(device, "write")
	with clear_errors():
		devices.link(SiteHost(), device, phone.strip() or _number(device))
	return _state(device)


@frappe.whitelist(methods=["POST"])
@rate_limit(limit=ASKS, seconds=MINUTE)
def relink(device: str, phone: str = "") -> dict:
	"""Forget the session that is kept and link anew: by QR code, or by pairing code for a number."""
	require_device(device, "write")
	with clear_errors():
		devices.relink(SiteHost(), device, phone.strip())
	return _state(device)


@frappe.whitelist(methods=["POST"])
@rate_limit(limit=ASKS, seconds=MINUTE)
def logout(device: str) -> dict:
	"""End the link on the phone too, and forget the session."""
	require_device(device, "write")
	with clear_errors():
		devices.log_out(SiteHost(), device)
	return _state(device)


@frappe.whitelist(methods=["POST"])
@rate_limit(limit=ASKS, seconds=MINUTE)
def restart(device: str) -> dict:
	"""Close the device's browser and open it again; the phone stays linked."""
	require_device(device, "write")
	with clear_errors():
		devices.restart(SiteHost(), device)
	return _state(device)


@frappe.whitelist(methods=["GET", "POST"])
def status(device: str) -> dict:
	"""{"status", "reason", "wanted_state", "is_asked", "linked", "worker"}, described in docs/api.md."""
	require_device(device, "write")
	return _state(device)


@frappe.whitelist(methods=["POST"])  # no cache between us and the page keeps the answer to a POST
@rate_limit(limit=LOOKS, seconds=MINUTE)
def qr(device: str) -> dict:
	"""The state, and what links a phone now: {…, "image" or "pairing_code", "expires_in", "refresh", "attempt_left"}."""
	require_device(device, "write")
	host, row = SiteHost(), linked_phone.read_device(device)
	return {**linked_phone.describe(host, row), **linked_phone.offer(host, row)}


@frappe.whitelist(methods=["GET", "POST"])
def list() -> dict:
	"""Every device that the caller may manage, and whether a worker runs: {"devices": […], "worker": {…}}."""
	frappe.has_permission(DEVICE, "write", throw=True)
	host = SiteHost()
	rows = frappe.get_list(DEVICE, fields=linked_phone.FIELDS, order_by="name", limit=0)
	return {"devices": linked_phone.list_rows(host, rows), "worker": linked_phone.describe_worker(host)}


@frappe.whitelist(methods=["GET", "POST"])
def troubleshoot(device: str) -> dict:
	"""Look for what is wrong with a linked phone: {"ok", "checks": [{"label", "ok", "detail", "advice"}], "screenshot"}."""
	require_device(device, "write")
	row = linked_phone.read_device(device)
	with clear_errors():
		checks = trouble.find_trouble(SiteHost(), row)
	ok = all(check.ok for check in checks)
	return {"ok": ok, "checks": [asdict(check) for check in checks], "screenshot": row.screenshot or None}


def _state(device: str) -> dict:
	return linked_phone.describe(SiteHost(), linked_phone.read_device(device))


def _number(device: str) -> str:
	"""The device's own number. Raises InvalidPhone where it has none yet."""
	if number := frappe.db.get_value(DEVICE, device, "phone_number"):
		return number
	raise InvalidPhone(marked("Enter the phone number of the WhatsApp account that is to be linked."))
