"""The whatsapp-workers that are alive: one row each. The clock is unix time in microseconds. Nothing here commits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from whatsapp_integration.store import bulk
from whatsapp_integration.store.keys import WORKER

TABLE = f"`tab{WORKER}`"


def beat(db, name: str, row: dict[str, Any], *, now: datetime) -> None:
	"""Write what a worker says of itself: host, pid, devices …, and `alive_until`."""
	if db.sql(f"SELECT `name` FROM {TABLE} WHERE `name` = %s", [name]):
		bulk.update_each(db, WORKER, [{"name": name, **row, "heartbeat": now, "modified": now}])
	else:
		bulk.insert(
			db,
			WORKER,
			[{"name": name, **row, "started": now, "heartbeat": now}],
			now=now,
			user="Administrator",
		)


def remove(db, name: str) -> None:
	db.sql(f"DELETE FROM {TABLE} WHERE `name` = %s", [name])


def remove_dead(db, before: int) -> None:
	"""Forget the workers that were last alive before this."""
	db.sql(f"DELETE FROM {TABLE} WHERE `alive_until` < %s", [before])


def is_any_alive(db, now: int) -> bool:
	return bool(db.sql(f"SELECT `name` FROM {TABLE} WHERE `alive_until` > %s LIMIT 1", [now]))
