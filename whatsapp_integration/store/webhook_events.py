"""Webhook posts as they came, until they are applied. `due` is unix microseconds. Nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whatsapp_integration.store import bulk
from whatsapp_integration.store.keys import WEBHOOK_EVENT

TABLE = f"`tab{WEBHOOK_EVENT}`"


def keep(db, digest: str, body: str, *, due: int, now: datetime, user: str) -> None:
	"""Keep a post; one with the same digest is there already and nothing happens."""
	row = {
		"name": digest[:32],
		"digest": digest,
		"status": "Pending",
		"body": body,
		"due": due,
		"attempts": 0,
	}
	stamp = {"creation": now, "modified": now, "owner": user, "modified_by": user}
	bulk.insert_one(db, WEBHOOK_EVENT, row | stamp)


def next_due(db, now: int, limit: int) -> list[dict]:
	return db.sql(
		f"SELECT `name`, `body`, `attempts`, `due` FROM {TABLE} WHERE `status` = 'Pending' AND `due` <= %s ORDER BY `due` LIMIT %s",
		[now, limit],
		as_dict=True,
	)


def settle(db, rows: Sequence[dict[str, Any]], now: datetime) -> None:
	"""{"name", "status", "due", "attempts", "error", "events", "ignored"}"""
	bulk.update_each(db, WEBHOOK_EVENT, [{**row, "processed_at": now, "modified": now} for row in rows])
