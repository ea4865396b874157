"""Send messages and look after them. Described with examples in docs/api.md."""

import frappe

from whatsapp_integration.api.doors import clear_errors, names_list, readable_messages, report_moved
from whatsapp_integration.api.send_request import read_send_request
from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.services import outbox
from whatsapp_integration.store.keys import MESSAGE

STATUS_FIELDS = (
	"name", "creation", "status", "device", "recipient", "wa_id", "remote_id", "attempts", "error_code", "error_text", "advice",
	"send_at", "sent_at", "delivered_at", "read_at", "played_at", "failed_at",
)  # fmt: skip


@frappe.whitelist(methods=["POST"])
def send(
	to: str | None = None,
	text: str | None = None,
	message_type: str | None = None,
	content: str | dict | None = None,
	file: str | None = None,
	media_url: str | None = None,
	caption: str | None = None,
	device: str | None = None,
	chat: str | None = None,
	reply_to: str | None = None,
	priority: str = "Normal",
	send_at: str | None = None,
	reference_doctype: str | None = None,
	reference_name: str | None = None,
	idempotency_key: str | None = None,
) -> dict:
	"""Queue one message: {"message": row name, "status", "is_duplicate"}."""
	with clear_errors():
		receipt = outbox.send(SiteHost(), read_send_request(**locals()))
	return {"message": receipt.name, "status": receipt.status, "is_duplicate": receipt.is_duplicate}


@frappe.whitelist(methods=["GET", "POST"])
def status(message: str) -> dict:
	"""What became of one message."""
	doc = frappe.get_doc(MESSAGE, message)
	doc.check_permission("read")
	return {field: doc.get(field) for field in STATUS_FIELDS}


@frappe.whitelist(methods=["POST"])
def retry(messages: str | list) -> dict:
	"""Queue Failed, Held and Unknown messages again: {"done": [names], "left": [{"name", "reason"}]}."""
	names = readable_messages(names_list(messages))
	return report_moved(names, outbox.retry(SiteHost(), names))


@frappe.whitelist(methods=["POST"])
def cancel(messages: str | list) -> dict:
	"""Take waiting messages out of the queue: {"done": [names], "left": [{"name", "reason"}]}."""
	names = readable_messages(names_list(messages))
	return report_moved(names, outbox.cancel(SiteHost(), names))
