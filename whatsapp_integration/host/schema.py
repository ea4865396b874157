"""SQLite tables made from the DocType JSON files, so that every table is defined once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whatsapp_integration.store.keys import INDEXES, UNIQUE, index_name

DOCTYPES = Path(__file__).parent.parent / "whatsapp_integration" / "doctype"

_STANDARD_COLUMNS = {
	"name": "TEXT PRIMARY KEY",
	"creation": "DATETIME",
	"modified": "DATETIME",
	"modified_by": "TEXT",
	"owner": "TEXT",
	"docstatus": "INTEGER NOT NULL DEFAULT 0",
	"idx": "INTEGER NOT NULL DEFAULT 0",
}
_CHILD_COLUMNS = {"parent": "TEXT", "parentfield": "TEXT", "parenttype": "TEXT"}
_TYPES = {
	"Check": "INTEGER NOT NULL DEFAULT 0",
	"Int": "INTEGER NOT NULL DEFAULT 0",
	"Long Int": "INTEGER",
	"Float": "REAL NOT NULL DEFAULT 0",
	"Datetime": "DATETIME",
}
_NO_COLUMN = {
	"Section Break", "Column Break", "Tab Break", "HTML", "Button", "Heading", "Fold", "Image", "Table", "Table MultiSelect",
}  # fmt: skip


def doctypes() -> Iterator[dict[str, Any]]:
	"""The DocType definitions of the app."""
	for path in sorted(DOCTYPES.glob("*/*.json")):
		definition = json.loads(path.read_text(encoding="utf-8"))
		if definition.get("doctype") == "DocType":
			yield definition


def create_tables(connection: sqlite3.Connection) -> None:
	"""Make the tables, and the columns that a newer version of the app added."""
	connection.execute("CREATE TABLE IF NOT EXISTS `tabSingles` (`doctype` TEXT, `field` TEXT, `value` TEXT)")
	for definition in doctypes():
		if not definition.get("issingle"):
			_create_table(connection, definition)
	for kind, keys in (("UNIQUE INDEX", UNIQUE), ("INDEX", INDEXES)):
		for doctype, column_sets in keys.items():
			for columns in column_sets:
				_create_index(connection, kind, doctype, columns)


def _columns(definition: dict[str, Any]) -> dict[str, str]:
	columns = _STANDARD_COLUMNS | (_CHILD_COLUMNS if definition.get("istable") else {})
	for field in definition["fields"]:
		if field["fieldtype"] not in _NO_COLUMN:
			columns[field["fieldname"]] = _TYPES.get(field["fieldtype"], "TEXT")
	return columns


def _create_table(connection: sqlite3.Connection, definition: dict[str, Any]) -> None:
	doctype, columns = definition["name"], _columns(definition)
	spelled = ", ".join(f"`{column}` {kind}" for column, kind in columns.items())
	connection.execute(f"CREATE TABLE IF NOT EXISTS `tab{doctype}` ({spelled})")
	present = {row[1] for row in connection.execute(f"PRAGMA table_info(`tab{doctype}`)")}
	for column in columns.keys() - present:
		connection.execute(f"ALTER TABLE `tab{doctype}` ADD COLUMN `{column}` {columns[column]}")
	for field in definition["fields"]:
		if field.get("unique"):
			_create_index(connection, "UNIQUE INDEX", doctype, (field["fieldname"],))


def _create_index(connection: sqlite3.Connection, kind: str, doctype: str, columns: tuple[str, ...]) -> None:
	name = index_name(doctype, columns)
	spelled = ", ".join(f"`{column}`" for column in columns)
	connection.execute(f"CREATE {kind} IF NOT EXISTS `{name}` ON `tab{doctype}` ({spelled})")
