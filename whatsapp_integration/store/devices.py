"""Devices, as far as the engine reads and writes them. Secrets are the host's business. Nothing here commits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from whatsapp_integration.core.config import UNOFFICIAL
from whatsapp_integration.store import bulk
from whatsapp_integration.store.keys import DEVICE

TABLE = f"`tab{DEVICE}`"
_COLUMNS = "`name`, `mode`, `enabled`, `status`, `phone_number_id`, `waba_id`"
_LINKED_COLUMNS = "`name`, `enabled`, `status`, `status_reason`, `phone_number`, `wanted_state`, `request`, `requested`, `linked_host`, `linked_since`"


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
	"""Set the state of a device and why; False when it was in that state already."""
	rows = db.sql(f"SELECT `status`, `status_reason` FROM {TABLE} WHERE `name` = %s", [name])
	if not rows:
		return False
	old_state, old_reason = rows[0]
	if (old_state, old_reason or "") != (state, reason):
		set_values(db, name, status=state, status_reason=reason)
	return old_state != state


def locked_status(db, name: str) -> str:
	"""The state as it is now, which nobody changes before this transaction ends."""
	rows = db.sql(f"SELECT `status` FROM {TABLE} WHERE `name` = %s{bulk.locking(db)}", [name])
	return rows[0][0] if rows else ""


# -- linked devices --


def linked(db) -> list[dict]:
	"""Every linked device with what its keeper has to know."""
	return db.sql(
		f"SELECT {_LINKED_COLUMNS} FROM {TABLE} WHERE `mode` = %s ORDER BY `name`", [UNOFFICIAL], as_dict=True
	)


def take_request(db, name: str, request: str) -> bool:
	"""Take what a person asked for off the row; False when somebody else has, or asked for something else since."""
	lock = bulk.locking(db)
	rows = db.sql(f"SELECT `request` FROM {TABLE} WHERE `name` = %s{lock}", [name])
	if not rows or rows[0][0] != request:
		return False
	set_values(db, name, request="")
	return True


def note_down(db, name: str, since: int) -> None:
	"""Remember since when a device is down (unix microseconds); 0 says that it is up."""
	db.sql(
		f"UPDATE {TABLE} SET `down_since` = %s WHERE `name` = %s AND (%s = 0 OR `down_since` = 0)",
		[since, name, since],
	)


def fail_overs(db) -> list[dict]:
	"""The devices whose messages may leave through another one that can send now."""
	return db.sql(
		"SELECT d.`name`, d.`mode`, d.`status`, d.`down_since`, d.`fail_over_device`, d.`fail_over_minutes` "
		f"FROM {TABLE} d JOIN {TABLE} other ON other.`name` = d.`fail_over_device` "
		"WHERE d.`enabled` = 1 AND other.`enabled` = 1 AND other.`status` = 'Connected'",
		as_dict=True,
	)
