"""SQL that every table of the store needs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Any

CHUNK = 200  # rows of one statement: bounded text, and far below the parameter limit of every database


def micros(seconds: float) -> int:
	"""Unix seconds as the whole microseconds that queue columns hold."""
	return int(seconds * 1_000_000)


def new_name() -> str:
	"""A random row name, safe to give to Meta as callback data."""
	return secrets.token_hex(8)


def locking(db) -> str:
	"""The ending of a SELECT that has to see what others committed since this transaction began, and keep it so."""
	return "" if db.db_type == "sqlite" else " FOR UPDATE"


def places(values: Sequence) -> str:
	"""The places of an IN list: "(%s, %s)"."""
	return "(" + ", ".join(["%s"] * len(values)) + ")"


def chunks(items: Sequence, size: int = CHUNK) -> Iterator[Sequence]:
	for start in range(0, len(items), size):
		yield items[start : start + size]


def insert(db, doctype: str, rows: Sequence[dict[str, Any]], *, now, user: str) -> list[str]:
	"""Write new rows and leave alone those whose unique key is taken; returns the names that were really written.

	All rows must have the same keys. Rows without a name get one.
	"""
	if not rows:
		return []
	for row in rows:
		row.setdefault("name", new_name())
	stamp = {"creation": now, "modified": now, "owner": user, "modified_by": user}
	fields = [*rows[0], *stamp]
	db.bulk_insert(
		doctype, fields, [[*row.values(), *stamp.values()] for row in rows], ignore_duplicates=True
	)
	names = [row["name"] for row in rows]
	return [name for part in chunks(names) for (name,) in _existing(db, doctype, part)]


def insert_one(db, doctype: str, row: dict[str, Any]) -> None:
	"""Write one complete row, unless its unique key is taken; the short way where every millisecond counts."""
	columns = ", ".join(f"`{column}`" for column in row)
	ignore, conflict = ("IGNORE ", "") if db.db_type == "mariadb" else ("", " ON CONFLICT DO NOTHING")
	values = list(row.values())
	db.sql(f"INSERT {ignore}INTO `tab{doctype}` ({columns}) VALUES {places(values)}{conflict}", values)


def update_each(
	db, doctype: str, rows: Sequence[dict[str, Any]], *, guard: str = "1=1", values: Sequence = ()
) -> None:
	"""Give every row its own values in one statement a chunk. A row is {"name": …, column: value, …}, all of one shape.

	`guard` is a further condition with its `values`; a row that does not meet it is left alone.
	"""
	for part in chunks(rows):
		columns = [column for column in part[0] if column != "name"]
		sets, params = [], []
		for column in columns:
			cases = " ".join(["WHEN %s THEN %s"] * len(part))
			sets.append(f"`{column}` = CASE `name` {cases} ELSE `{column}` END")
			params += [item for row in part for item in (row["name"], row[column])]
		names = [row["name"] for row in part]
		db.sql(
			f"UPDATE `tab{doctype}` SET {', '.join(sets)} WHERE `name` IN {places(names)} AND {guard}",
			[*params, *names, *values],
		)


def _existing(db, doctype: str, names: Sequence[str]):
	return db.sql(f"SELECT `name` FROM `tab{doctype}` WHERE `name` IN {places(names)}", list(names))
