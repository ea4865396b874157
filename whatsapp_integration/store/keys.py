"""Unique keys and indexes over several columns, declared once for every host.

The unique keys carry the promises: two racing writers meet at the key, never at a read-then-write.
"""

MESSAGE = "WhatsApp Message Log"
CHAT = "WhatsApp Chat"
DEVICE = "WhatsApp Device"
WEBHOOK_EVENT = "WhatsApp Webhook Event"
LEASE = "WhatsApp Lease"
WORKER = "WhatsApp Worker"

UNIQUE: dict[str, list[tuple[str, ...]]] = {
	MESSAGE: [("device", "remote_id")],
	CHAT: [("device", "remote_id")],
}

INDEXES: dict[str, list[tuple[str, ...]]] = {
	MESSAGE: [
		("device", "status", "priority", "due"),  # what to send next
		("device", "attempted"),  # how much was sent lately
		("device", "recipient", "attempted"),  # the pair limit
		("chat", "creation"),  # a conversation, in order
		("media_state", "media_due"),  # files still to be fetched
		("reference_doctype", "reference_name"),  # the messages of a document
		("creation",),  # lists, number cards and log clearing
	],
	CHAT: [("phone",), ("device", "last_message_at"), ("device", "receipt_due")],
	WEBHOOK_EVENT: [("status", "due"), ("creation",)],
}


def index_name(doctype: str, columns: tuple[str, ...]) -> str:
	"""PostgreSQL and SQLite keep the indexes of all tables in one namespace, so the name tells the table."""
	return f"{doctype}_{'_'.join(columns)}".lower().replace(" ", "_")
