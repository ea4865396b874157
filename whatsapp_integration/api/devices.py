"""Connect, test, pause and resume a device. For those who may write it."""

import frappe
from frappe import _

from whatsapp_integration.api.doors import clear_errors, require_device
from whatsapp_integration.core.messages import Text
from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.services import devices, outbox


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
