"""Chats: one row per device and contact (or group). Nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whatsapp_integration.store import bulk
from whatsapp_integration.store.keys import CHAT

TABLE = f"`tab{CHAT}`"
PREVIEW_MAX = 140  # characters
_COLUMNS = "`name`, `device`, `remote_id`, `title`, `phone`, `user_id`, `window_end`, `last_incoming_id`"


def shorten(text: str | None) -> str:
	"""The one line of a message that the chat list shows."""
	line = " ".join((text or "").split())
	return line if len(line) <= PREVIEW_MAX else line[: PREVIEW_MAX - 1] + "…"


def find(db, device: str, remote_ids: Sequence[str]) -> dict[str, dict]:
	"""Chats of a device by the contact's id."""
	found = {}
	for part in bulk.chunks(list(remote_ids)):
		rows = db.sql(
			f"SELECT {_COLUMNS} FROM {TABLE} WHERE `device` = %s AND `remote_id` IN {bulk.places(part)}",
			[device, *part],
			as_dict=True,
		)
		found.update((row["remote_id"], row) for row in rows)
	return found


def get(db, name: str) -> dict | None:
	rows = db.sql(f"SELECT {_COLUMNS} FROM {TABLE} WHERE `name` = %s", [name], as_dict=True)
	return rows[0] if rows else None


def ensure(
	db, device: str, contacts: dict[str, dict[str, Any]], *, now: datetime, user: str
) -> dict[str, dict]:
	"""The chats of these contacts, made where missing. `contacts`: remote id → {"title", "phone", "user_id", "is_group"}."""
	found = find(db, device, list(contacts))
	# Sorted, so that two writers that make the same chats wait for one another instead of deadlocking.
	missing = sorted(contacts.keys() - found.keys())
	if missing:
		rows = [
			{
				"device": device,
				"remote_id": remote_id,
				"status": "Open",
				"unread_count": 0,
				**contacts[remote_id],
			}
			for remote_id in missing
		]
		bulk.insert(db, CHAT, rows, now=now, user=user)
		found.update(find(db, device, missing))
	return found


def note_outgoing(db, rows: Sequence[dict[str, Any]], at: datetime) -> None:
	"""The newest word came from us: {"name", "last_message"}."""
	bulk.update_each(
		db,
		CHAT,
		[{**row, "last_message_at": at, "last_direction": "Outgoing", "modified": at} for row in rows],
		guard="(`last_message_at` IS NULL OR `last_message_at` <= %s)",
		values=[at],
	)


def note_incoming(
	db, name: str, *, unread: int, window_end: datetime | None, title: str, now: datetime
) -> None:
	"""New messages of a customer: count them, reopen the chat, and move the end of the service window."""
	db.sql(
		f"UPDATE {TABLE} SET `unread_count` = `unread_count` + %s, `status` = 'Open', `modified` = %s, "
		"`title` = CASE WHEN COALESCE(`title`, '') = '' THEN %s ELSE `title` END, "
		"`window_end` = CASE WHEN `window_end` IS NULL OR `window_end` < %s THEN %s ELSE `window_end` END WHERE `name` = %s",
		[unread, now, title, window_end, window_end, name],
	)


def note_last(db, name: str, *, body: str, at: datetime, direction: str, incoming_id: str = "") -> None:
	"""The last message shown in the list, unless a newer one is there already."""
	incoming = ", `last_incoming_id` = %s" if incoming_id else ""
	db.sql(
		f"UPDATE {TABLE} SET `last_message` = %s, `last_message_at` = %s, `last_direction` = %s{incoming} "
		"WHERE `name` = %s AND (`last_message_at` IS NULL OR `last_message_at` <= %s)",
		[body, at, direction, *([incoming_id] if incoming_id else []), name, at],
	)


def mark_read(db, name: str, now: datetime) -> None:
	db.sql(f"UPDATE {TABLE} SET `unread_count` = 0, `modified` = %s WHERE `name` = %s", [now, name])
