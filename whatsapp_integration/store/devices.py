"""Devices, as far as the engine reads and writes them. Secrets are the host's business. Nothing here commits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from whatsapp_integration.store import bulk
from whatsapp_integration.store.keys import DEVICE

TABLE = f"`tab{DEVICE}`"
_COLUMNS = "`name`, `mode`, `enabled`, `status`, `phone_number_id`, `waba_id`"


def sendable(db, stopped_states: Sequence[str]) -> list[str]:
	"""Names of the devices that may send now."""
	states = sorted(stopped_states)
	rows = db.sql(
		f"SELECT `name` FROM {TABLE} WHERE `enabled` = 1 AND `status` NOT IN {bulk.places(states)} ORDER BY `name`",
		states,
	)
	return [name for (name,) in rows]


def all_lines(db) -> list[dict]:
	"""Every device with what events are matched by."""
	return db.sql(f"SELECT {_COLUMNS} FROM {TABLE}", as_dict=True)


def group_by_secret(lines: Iterable[dict], read_secret: Callable[[str], str]) -> dict[str, frozenset[str]]:
	"""Secret → ids of the numbers and accounts of the lines that have it; "" for those without one and disabled ones."""
	ids_by_secret: dict[str, set[str]] = {}
	for line in lines:
		ids = {line["phone_number_id"], line["waba_id"]} - {None, ""}
		secret = read_secret(line["name"]) if line["enabled"] else ""
		ids_by_secret.setdefault(secret, set()).update(ids)
	return {secret: frozenset(ids) for secret, ids in ids_by_secret.items()}


def set_values(db, name: str, **values: Any) -> None:
	sets = ", ".join(f"`{column}` = %s" for column in values)
	db.sql(f"UPDATE {TABLE} SET {sets} WHERE `name` = %s", [*values.values(), name])


def change_state(db, name: str, state: str, reason: str) -> bool:
	"""Set the state of a device and why; False when it is in that state already."""
	rows = db.sql(f"SELECT `status` FROM {TABLE} WHERE `name` = %s", [name])
	if not rows or rows[0][0] == state:
		return False
	set_values(db, name, status=state, status_reason=reason)
	return True
