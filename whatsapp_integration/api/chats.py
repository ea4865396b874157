"""Chats of the devices that the caller may use."""

import frappe

from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.services import inbox
from whatsapp_integration.store.keys import CHAT


@frappe.whitelist(methods=["POST"])
def mark_read(chat: str) -> None:
	"""Nothing in the chat is unread any more; the customer sees blue ticks soon after."""
	frappe.has_permission(CHAT, "write", doc=chat, throw=True)
	inbox.mark_read(SiteHost(), chat)
	frappe.enqueue("whatsapp_integration.tasks.send_read_receipt", enqueue_after_commit=True, chat=chat)
