"""Rows as the terminal of an embedded host shows them. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whatsapp_integration.store.bulk import places
from whatsapp_integration.store.keys import CHAT, DEVICE, MESSAGE, WEBHOOK_EVENT


def find_messages(
	db: Any,
	*,
	device: str = "",
	to: str = "",
	direction: str = "",
	statuses: Sequence[str] = (),
	kinds: Sequence[str] = (),
	since: datetime | None = None,
	limit: int = 1000,
) -> list[dict[str, Any]]:
	"""The newest messages that fit, oldest first. `to` is a number or the end of one."""
	wanted: list[tuple[str, Sequence]] = []
	for condition, value in (
		("`device` = %s", device),
		("`direction` = %s", direction),
		("`creation` >= %s", since),
	):
		if value:
			wanted.append((condition, [value]))
	if to:
		wanted.append(("SUBSTR(`recipient`, -LENGTH(%s)) = %s", [to, to]))
	for column, values in (("status", statuses), ("message_type", kinds)):
		if values:
			wanted.append((f"`{column}` IN {places(values)}", values))
	where = " AND ".join(condition for condition, _values in wanted) or "1=1"
	rows = db.sql(
		f"SELECT * FROM `tab{MESSAGE}` WHERE {where} ORDER BY `creation` DESC, `due` DESC LIMIT %s",
		[*(value for _condition, values in wanted for value in values), limit],
		as_dict=True,
	)
	return rows[::-1]


def by_remote_id(db: Any, device: str, remote_id: str) -> dict[str, Any] | None:
	"""The message that WhatsApp knows by this id."""
	query = f"SELECT * FROM `tab{MESSAGE}` WHERE `device` = %s AND `remote_id` = %s"
	return next(iter(db.sql(query, [device, remote_id], as_dict=True)), None)


def count_by_status(db: Any) -> dict[str, int]:
	return dict(db.sql(f"SELECT `status`, COUNT(*) FROM `tab{MESSAGE}` GROUP BY `status`"))


def count_events(db: Any) -> dict[str, int]:
	"""Webhook posts by status: Pending, Done, Failed."""
	return dict(db.sql(f"SELECT `status`, COUNT(*) FROM `tab{WEBHOOK_EVENT}` GROUP BY `status`"))


def all_devices(db: Any) -> list[dict[str, Any]]:
	return db.sql(f"SELECT * FROM `tab{DEVICE}` ORDER BY `name`", as_dict=True)


def find_device(db: Any, name: str) -> dict[str, Any]:
	(row,) = db.sql(f"SELECT * FROM `tab{DEVICE}` WHERE `name` = %s", [name], as_dict=True)
	return row


def snapshot(db: Any) -> dict[str, list[tuple]]:
	"""Every column of every message, chat and webhook event."""
	return {
		doctype: db.sql(f"SELECT * FROM `tab{doctype}` ORDER BY `name`")
		for doctype in (MESSAGE, CHAT, WEBHOOK_EVENT)
	}
