"""The message log: the queue, the log and the audit trail. Nothing here commits.

`due`, `attempted` and `media_due` are unix microseconds; Datetime columns are naive, in the host's time zone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from whatsapp_integration.core import status as st
from whatsapp_integration.store import bulk
from whatsapp_integration.store.keys import MESSAGE

TABLE = f"`tab{MESSAGE}`"
SECOND = 1_000_000  # microseconds
PRIORITIES = {"High": 1, "Normal": 5, "Bulk": 9}

_QUEUE_COLUMNS = (
	"`name`, `device`, `recipient`, `message_type`, `content`, `reply_to_id`, `attempts`, `due`, `chat`, `body`, `priority`, "
	"`remote_id`, `status`, `first_contact`"
)
_TIME_COLUMNS = {
	st.SENT: "sent_at",
	st.DELIVERED: "delivered_at",
	st.READ: "read_at",
	st.PLAYED: "played_at",
	st.FAILED: "failed_at",
}


def insert(db, rows: Sequence[dict[str, Any]], *, now: datetime, user: str) -> list[str]:
	"""Write message rows; those whose idempotency key or (device, remote_id) is taken are left alone."""
	return bulk.insert(db, MESSAGE, rows, now=now, user=user)


def get(db, names: Sequence[str], columns: str = "`name`, `status`") -> dict[str, dict]:
	"""Rows by name."""
	found = {}
	for part in bulk.chunks(list(names)):
		rows = db.sql(
			f"SELECT {columns} FROM {TABLE} WHERE `name` IN {bulk.places(part)}", list(part), as_dict=True
		)
		found.update((row["name"], row) for row in rows)
	return found


def by_idempotency_key(db, keys: Sequence[str]) -> dict[str, dict]:
	"""Rows by their key, those that others committed since this transaction began included."""
	found = {}
	for part in bulk.chunks(list(keys)):
		rows = db.sql(
			f"SELECT `name`, `idempotency_key`, `status`, `device`, `recipient`, `message_type`, `content` FROM {TABLE} "
			f"WHERE `idempotency_key` IN {bulk.places(part)}{bulk.locking(db)}",
			list(part),
			as_dict=True,
		)
		found.update((row["idempotency_key"], row) for row in _as_text(rows))
	return found


# -- the queue --


def next_due(db, device: str, now: int, limit: int) -> list[dict]:
	"""The messages of a device whose time has come, the most urgent first, in the order they were asked for."""
	parts, values = [], []
	for priority in sorted(
		PRIORITIES.values()
	):  # each reads its part of the index in order, and no further than asked
		parts.append(
			f"SELECT * FROM (SELECT {_QUEUE_COLUMNS} FROM {TABLE} WHERE `device` = %s AND `status` = 'Queued' "
			f"AND `priority` = %s AND `due` <= %s ORDER BY `due` LIMIT %s) AS p{priority}"
		)
		values += [device, priority, now, limit]
	rows = db.sql(" UNION ALL ".join(parts), values, as_dict=True)
	return _as_text(sorted(rows, key=lambda row: (row["priority"], row["due"]))[:limit])


def due_unknown(db, device: str, now: int, attempts: int, since: int, limit: int) -> list[dict]:
	"""Messages whose outcome is unknown and whose id was chosen beforehand: it is time to look for them in their chats.

	Those that were tried `attempts` times, or by a phone that was linked before `since`, are left to a person.
	"""
	rows = db.sql(
		f"SELECT {_QUEUE_COLUMNS} FROM {TABLE} WHERE `device` = %s AND `status` = 'Unknown' AND `due` <= %s "
		"AND `attempts` < %s AND `attempted` >= %s AND `remote_id` IS NOT NULL ORDER BY `due` LIMIT %s",
		[device, now, attempts, since, limit],
		as_dict=True,
	)
	return _as_text(rows)


def postponed(
	db,
	device: str,
	now: int,
	clock: datetime,
	recipients: Sequence[str],
	statuses: Sequence[str] = (st.QUEUED,),
) -> dict[str, list[tuple[int, int]]]:
	"""Messages to these recipients that would have gone before, but wait for a retry or a limit → (priority, due) of each.

	What the caller scheduled for later (`send_at` after `clock`) holds nobody up.
	"""
	rows = db.sql(
		f"SELECT `recipient`, `priority`, `due` FROM {TABLE} WHERE `device` = %s AND `status` IN {bulk.places(statuses)} "
		f"AND `due` > %s AND (`send_at` IS NULL OR `send_at` <= %s) AND `recipient` IN {bulk.places(recipients)}",
		[device, *statuses, now, clock, *recipients],
	)
	waiting: dict[str, list[tuple[int, int]]] = {}
	for recipient, priority, due in rows:
		waiting.setdefault(recipient, []).append((priority, due))
	return waiting


def first_contacts(db, device: str, since: int) -> set[str]:
	"""Whom a device has written to for the first time since then."""
	rows = db.sql(
		f"SELECT DISTINCT `recipient` FROM {TABLE} WHERE `device` = %s AND `attempted` > %s AND `first_contact` = 1",
		[device, since],
	)
	return {recipient for (recipient,) in rows}


def sent_counts(db, device: str, now: int, windows: Iterable[int]) -> dict[int, int]:
	"""How many messages were attempted in the last so many seconds, for each window."""
	counts = {}
	for seconds in windows:
		counts[seconds] = db.sql(
			f"SELECT COUNT(*) FROM {TABLE} WHERE `device` = %s AND `attempted` > %s",
			[device, now - seconds * SECOND],
		)[0][0]
	return counts


def attempts_to(db, device: str, since: int, recipients: Sequence[str]) -> dict[str, list[float]]:
	"""Unix seconds of the latest attempts to each of the recipients, ascending."""
	rows = db.sql(
		f"SELECT `recipient`, `attempted` FROM {TABLE} WHERE `device` = %s AND `attempted` > %s "
		f"AND `recipient` IN {bulk.places(recipients)} ORDER BY `attempted`",
		[device, since, *recipients],
	)
	times: dict[str, list[float]] = {}
	for recipient, attempted in rows:
		times.setdefault(recipient, []).append(attempted / SECOND)
	return times


def claim(db, device: str, names: Sequence[str], owner: str, now: int) -> set[str]:
	"""Move rows of a device from Queued, and Unknown ones that are looked for, to Sending for `owner`; returns those that
	nobody cancelled, settled or gave to another device meanwhile."""
	claimed: set[str] = set()
	for part in bulk.chunks(list(names)):
		where = f"`device` = %s AND `name` IN {bulk.places(part)}"
		db.sql(
			f"UPDATE {TABLE} SET `status` = 'Sending', `lease_owner` = %s, `attempted` = %s, `attempts` = `attempts` + 1 "
			f"WHERE {where} AND `status` IN ('Queued', 'Unknown')",
			[owner, now, device, *part],
		)
		rows = db.sql(
			f"SELECT `name` FROM {TABLE} WHERE {where} AND `status` = 'Sending' AND `lease_owner` = %s",
			[device, *part, owner],
		)
		claimed.update(name for (name,) in rows)
	return claimed


def requeue_unsent(db, owner: str, handed_over: Collection[str]) -> None:
	"""Queue what `owner` claimed without learning that the claim counted: it was never handed to a sender."""
	rows = db.sql(f"SELECT `name` FROM {TABLE} WHERE `status` = 'Sending' AND `lease_owner` = %s", [owner])
	for part in bulk.chunks([name for (name,) in rows if name not in handed_over]):
		db.sql(
			f"UPDATE {TABLE} SET `status` = 'Queued', `attempts` = `attempts` - 1 "
			f"WHERE `name` IN {bulk.places(part)} AND `status` = 'Sending'",
			list(part),
		)


def plan_ids(db, rows: Sequence[dict[str, Any]]) -> None:
	"""Note the ids that were chosen for messages before they leave: {"name", "remote_id"}."""
	bulk.update_each(db, MESSAGE, rows, guard="`remote_id` IS NULL")


def postpone(db, rows: Sequence[dict[str, Any]]) -> None:
	"""Give waiting rows a new `due`."""
	bulk.update_each(db, MESSAGE, rows, guard="`status` IN ('Queued', 'Unknown')")


def settle(db, rows: Sequence[dict[str, Any]], owner: str, now: datetime) -> None:
	"""Write what became of claimed rows. A row: {"name", "status", "due", "attempts", "remote_id", "error_code", "error_text",
	"advice"}.

	A row whose truth came by webhook meanwhile is no longer Sending and is left alone.
	"""
	bulk.update_each(
		db,
		MESSAGE,
		[{**row, "failed_at": now if row["status"] == st.FAILED else None, "modified": now} for row in rows],
		guard="`status` IN ('Sending', 'Unknown') AND `lease_owner` = %s",
		values=[owner],
	)


def settle_sent(db, rows: Sequence[dict[str, Any]], now: datetime) -> None:
	"""Write what the provider said of rows that it took: {"name", "remote_id", "wa_id"}.

	A webhook may have been quicker: the id is written all the same, the status never goes back. A row that is Failed by
	now was taken and then refused: the answer is the older news.
	"""
	bulk.update_each(db, MESSAGE, rows)
	names = [row["name"] for row in rows]
	_raise_status(db, names, st.SENT, dict.fromkeys(names, now), now)


def movable(db, device: str, now: int, limit: int, *, after: tuple[int, str]) -> list[dict]:
	"""Queued messages to phone numbers whose time has come and that certainly never left, in order, behind (due, name)."""
	due, name = after
	rows = db.sql(
		f"SELECT {_QUEUE_COLUMNS} FROM {TABLE} WHERE `device` = %s AND `status` = 'Queued' AND `due` <= %s "
		"AND (`due` > %s OR (`due` = %s AND `name` > %s)) AND `remote_id` IS NULL AND SUBSTR(`recipient`, 1, 1) = '+' "
		"ORDER BY `due`, `name` LIMIT %s",
		[device, now, due, due, name, limit],
		as_dict=True,
	)
	return _as_text(rows)


def readdress(db, rows: Sequence[dict[str, Any]], now: datetime) -> None:
	"""Give queued rows to another device: {"name", "device", "chat", "moved_from", "reply_to_id", "first_contact"}."""
	rows = [{**row, "modified": now} for row in rows]
	bulk.update_each(db, MESSAGE, rows, guard="`status` = 'Queued' AND `remote_id` IS NULL")


def open_ids(db, device: str, since: int, limit: int) -> list[dict]:
	"""Messages of a device that were sent since then and not read yet: {"recipient", "wa_id", "remote_id"}, newest first."""
	return db.sql(
		f"SELECT `recipient`, `wa_id`, `remote_id` FROM {TABLE} WHERE `device` = %s AND `attempted` > %s "
		"AND `status` IN ('Sent', 'Delivered') AND `remote_id` IS NOT NULL ORDER BY `attempted` DESC LIMIT %s",
		[device, since, limit],
		as_dict=True,
	)


def orphans_to_unknown(
	db, device: str, owner: str, alive: Collection[str], text: str, advice: str, now: datetime
) -> None:
	"""What is Sending though no dispatcher has it: nobody knows whether those messages left.

	`owner` has `alive`; everything else was left behind by one that died.
	"""
	rows = db.sql(
		f"SELECT `name`, `lease_owner` FROM {TABLE} WHERE `device` = %s AND `status` = 'Sending'", [device]
	)
	orphans = [name for name, holder in rows if holder != owner or name not in alive]
	for part in bulk.chunks(orphans):
		db.sql(
			f"UPDATE {TABLE} SET `status` = 'Unknown', `error_code` = 'unknown', `error_text` = %s, `advice` = %s, "
			f"`modified` = %s WHERE `name` IN {bulk.places(part)} AND `status` = 'Sending'",
			[text, advice, now, *part],
		)


def release_held(db, device: str, now: int) -> None:
	"""Queue the held messages whose time has come."""
	db.sql(
		f"UPDATE {TABLE} SET `status` = 'Queued' WHERE `device` = %s AND `status` = 'Held' AND `due` <= %s",
		[device, now],
	)


def fail_unknown(db, device: str, before: int, text: str, advice: str, now: datetime) -> list[str]:
	"""Give up on outcomes of a device that stayed unknown; returns the names."""
	rows = db.sql(
		f"SELECT `name` FROM {TABLE} WHERE `device` = %s AND `status` = 'Unknown' AND `attempted` < %s",
		[device, before],
	)
	names = [name for (name,) in rows]
	for part in bulk.chunks(names):
		db.sql(
			f"UPDATE {TABLE} SET `status` = 'Failed', `error_text` = %s, `advice` = %s, `failed_at` = %s, `modified` = %s "
			f"WHERE `name` IN {bulk.places(part)} AND `status` = 'Unknown'",
			[text, advice, now, now, *part],
		)
	return names


def move(
	db, names: Sequence[str], status: str, sources: Collection[str], now: datetime, **values: Any
) -> set[str]:
	"""Move rows from one of `sources` to `status` by a person's word; returns those that stand there now."""
	sources = sorted(sources)
	sets = "".join(f", `{column}` = %s" for column in values)
	for part in bulk.chunks(list(names)):
		db.sql(
			f"UPDATE {TABLE} SET `status` = %s, `modified` = %s{sets} WHERE `name` IN {bulk.places(part)} "
			f"AND `direction` = 'Outgoing' AND `status` IN {bulk.places(sources)}",
			[status, now, *values.values(), *part, *sources],
		)
	return {name for name, row in get(db, names).items() if row["status"] == status}


# -- what comes back --


def match_statuses(
	db, device: str, remote_ids: Sequence[str], names: Sequence[str]
) -> tuple[dict[str, str], set[str]]:
	"""Find the rows that statuses speak of: remote id → name, and those of `names` that are rows of this device."""
	by_remote_id: dict[str, str] = {}
	for part in bulk.chunks(list(remote_ids)):
		rows = db.sql(
			f"SELECT `remote_id`, `name` FROM {TABLE} WHERE `device` = %s AND `remote_id` IN {bulk.places(part)}",
			[device, *part],
		)
		by_remote_id.update(rows)
	known: set[str] = set()
	for part in bulk.chunks(list(names)):
		rows = db.sql(
			f"SELECT `name` FROM {TABLE} WHERE `device` = %s AND `direction` = 'Outgoing' AND `name` IN {bulk.places(part)}",
			[device, *part],
		)
		known.update(name for (name,) in rows)
	return by_remote_id, known


def set_remote_ids(db, remote_ids: Mapping[str, str]) -> None:
	"""Name → the provider's id, for rows whose answer never came."""
	rows = [{"name": name, "remote_id": remote_id} for name, remote_id in remote_ids.items()]
	bulk.update_each(db, MESSAGE, rows, guard="`remote_id` IS NULL")


def raise_statuses(db, changes: Mapping[str, Mapping[str, datetime]], now: datetime) -> None:
	"""Move rows up: status → {name: when}. What would go back is left alone, its time is noted all the same."""
	for status in (st.SENT, st.DELIVERED, st.READ, st.PLAYED):
		if times := changes.get(status):
			_raise_status(db, list(times), status, times, now)


def fail(db, rows: Sequence[dict[str, Any]], now: datetime) -> None:
	"""Fail rows by webhook: {"name", "error_code", "error_text", "advice", "failed_at"}; delivered ones stay delivered."""
	sources = sorted(st.SOURCES[st.FAILED])
	bulk.update_each(
		db,
		MESSAGE,
		[{**row, "status": st.FAILED, "modified": now} for row in rows],
		guard=f"`status` IN {bulk.places(sources)}",
		values=sources,
	)


def set_pricing(db, rows: Sequence[dict[str, Any]]) -> None:
	"""{"name", "pricing_category", "billable"}"""
	bulk.update_each(db, MESSAGE, rows)


def update_by_remote_id(db, device: str, remote_id: str, **values: Any) -> str:
	"""Change the row that a provider's id names; returns its name, "" where there is none (yet)."""
	rows = db.sql(f"SELECT `name` FROM {TABLE} WHERE `device` = %s AND `remote_id` = %s", [device, remote_id])
	if not rows:
		return ""
	sets = ", ".join(f"`{column}` = %s" for column in values)
	db.sql(f"UPDATE {TABLE} SET {sets} WHERE `name` = %s", [*values.values(), rows[0][0]])
	return rows[0][0]


# -- files still to be fetched --


def is_media_due(db, devices: Sequence[str], now: int) -> bool:
	"""Does a file of these devices wait to be fetched?"""
	rows = devices and db.sql(
		f"SELECT `name` FROM {TABLE} WHERE `media_state` = 'Pending' AND `media_due` <= %s "
		f"AND `device` IN {bulk.places(devices)} LIMIT 1",
		[now, *devices],
	)
	return bool(rows)


def claim_media(db, devices: Sequence[str], now: int, until: int, limit: int) -> list[dict]:
	"""Take files of these devices whose time has come and keep other fetchers off them until `until`."""
	if not devices:
		return []
	rows = db.sql(
		"SELECT `name`, `device`, `media_id`, `mime_type`, `media_sha256`, `media_filename`, `message_type`, `media_attempts` "
		f"FROM {TABLE} WHERE `media_state` = 'Pending' AND `media_due` <= %s AND `device` IN {bulk.places(devices)} "
		"ORDER BY `media_due` LIMIT %s",
		[now, *devices, limit],
		as_dict=True,
	)
	bulk.update_each(db, MESSAGE, [{"name": row["name"], "media_due": until} for row in rows])
	return rows


def settle_media(db, rows: Sequence[dict[str, Any]]) -> None:
	"""{"name", "media_state", "media_due", "media_attempts", "attachment", "error_text"}"""
	bulk.update_each(db, MESSAGE, rows)


def _raise_status(
	db, names: Sequence[str], status: str, times: Mapping[str, datetime], now: datetime
) -> None:
	"""Set-based and monotonic in the statement itself, so racing webhooks can't undo one another."""
	column = _TIME_COLUMNS[status]
	bulk.update_each(
		db, MESSAGE, [{"name": name, column: times[name]} for name in names], guard=f"`{column}` IS NULL"
	)
	sources = sorted(st.SOURCES[status])
	for part in bulk.chunks(list(names)):
		db.sql(
			f"UPDATE {TABLE} SET `status` = %s, `error_code` = NULL, `error_text` = NULL, `advice` = NULL, "
			f"`failed_at` = NULL, `modified` = %s WHERE `name` IN {bulk.places(part)} AND `status` IN {bulk.places(sources)}",
			[status, now, *part, *sources],
		)


def _as_text(rows: list[dict]) -> list[dict]:
	"""The driver of PostgreSQL reads JSON columns by itself; the others give the text that was written."""
	for row in rows:
		if isinstance(row["content"], dict):
			row["content"] = json.dumps(row["content"], ensure_ascii=False, separators=(",", ":"))
	return rows
