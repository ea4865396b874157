"""Chats: one row per device and contact (or group). Nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whatsapp_integration.store import bulk
from whatsapp_integration.store.keys import CHAT

TABLE = f"`tab{CHAT}`"
PREVIEW_MAX = 140  # characters
_COLUMNS = "`name`, `device`, `remote_id`, `title`, `phone`, `user_id`, `window_end`, `last_incoming_id`, `last_message_at`, `is_group`"


def shorten(text: str | None) -> str:
	"""The one line of a message that the chat list shows."""
	line = " ".join((text or "").split())
	return line if len(line) <= PREVIEW_MAX else line[: PREVIEW_MAX - 1] + "…"


def find(db, device: str, remote_ids: Sequence[str], *, lock: str = "") -> dict[str, dict]:
	"""Chats of a device by the contact's id."""
	found = {}
	for part in bulk.chunks(list(remote_ids)):
		rows = db.sql(
			f"SELECT {_COLUMNS} FROM {TABLE} WHERE `device` = %s AND `remote_id` IN {bulk.places(part)}{lock}",
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
		found.update(find(db, device, missing, lock=bulk.locking(db)))
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


def note_messages(
	db,
	name: str,
	*,
	unread: int,
	title: str,
	window_end: datetime | None,
	last: str,
	last_at: datetime,
	last_direction: str,
	last_incoming_id: str | None,
	now: datetime,
) -> None:
	"""New messages in a chat, in one statement.

	`unread` are more to count; a last word from the phone itself (Outgoing) means that somebody read the chat. A name
	takes the place of a number as title, the window only grows, and the last message stays what it is where a newer one is
	there already.
	"""
	is_newer = "(`last_message_at` IS NULL OR `last_message_at` <= %s)"
	# MariaDB assigns from left to right, so what the conditions look at is set last.
	db.sql(
		f"UPDATE {TABLE} SET `modified` = %s, `status` = 'Open', "
		f"`unread_count` = CASE WHEN %s = 'Outgoing' AND {is_newer} THEN 0 ELSE `unread_count` + %s END, "
		"`title` = CASE WHEN %s <> '' AND COALESCE(`title`, '') IN ('', `phone`, `user_id`) THEN %s ELSE `title` END, "
		"`window_end` = CASE WHEN `window_end` IS NULL OR `window_end` < %s THEN %s ELSE `window_end` END, "
		f"`last_message` = CASE WHEN {is_newer} THEN %s ELSE `last_message` END, "
		f"`last_direction` = CASE WHEN {is_newer} THEN %s ELSE `last_direction` END, "
		f"`last_incoming_id` = CASE WHEN {is_newer} THEN COALESCE(%s, `last_incoming_id`) ELSE `last_incoming_id` END, "
		f"`last_message_at` = CASE WHEN {is_newer} THEN %s ELSE `last_message_at` END WHERE `name` = %s",
		[
			now,
			*(last_direction, last_at, unread),
			*(title, title),
			*(window_end, window_end),
			*(last_at, last),
			*(last_at, last_direction),
			*(last_at, last_incoming_id),
			*(last_at, last_at),
			name,
		],
	)


def set_receipt_due(db, names: Sequence[str], is_due: bool) -> None:
	"""Note that the customers of these chats are to see blue ticks, or that they do."""
	bulk.update_each(db, CHAT, [{"name": name, "receipt_due": int(is_due)} for name in names])


def receipts_due(db, devices: Sequence[str]) -> list[dict]:
	if not devices:
		return []
	return db.sql(
		f"SELECT {_COLUMNS} FROM {TABLE} WHERE `device` IN {bulk.places(devices)} AND `receipt_due` = 1",
		list(devices),
		as_dict=True,
	)


def mark_read(db, name: str, now: datetime) -> None:
	db.sql(f"UPDATE {TABLE} SET `unread_count` = 0, `modified` = %s WHERE `name` = %s", [now, name])
