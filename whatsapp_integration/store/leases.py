"""Who may work on what: one row a lease, taken by one owner until it expires.

The clock is the caller's unix time in microseconds. Nothing here commits.
"""

from __future__ import annotations

from datetime import datetime

from whatsapp_integration.store import bulk
from whatsapp_integration.store.keys import LEASE


def of_session(device: str) -> str:
	"""The lease on the browser session of a linked device."""
	return f"session:{device}"


def acquire(db, name: str, owner: str, *, now: int, expires: int, stamp: datetime) -> bool:
	"""Take or renew a lease. True when `owner` has it until `expires`; the caller commits before it relies on it.

	`stamp` is the present in the host's time zone, for the row's creation.
	"""
	db.sql(
		f"UPDATE `tab{LEASE}` SET `lease_owner` = %s, `expires` = %s WHERE `name` = %s AND (`lease_owner` = %s OR `expires` < %s)",
		[owner, expires, name, owner, now],
	)
	if _owner(db, name) is None:
		row = {"name": name, "lease_owner": owner, "expires": expires}
		bulk.insert(db, LEASE, [row], now=stamp, user="Administrator")
	return _owner(db, name) == owner


def release(db, owner: str) -> None:
	"""Give all leases of `owner` back."""
	db.sql(f"UPDATE `tab{LEASE}` SET `expires` = 0, `lease_owner` = '' WHERE `lease_owner` = %s", [owner])


def owners(db, prefix: str) -> list[str]:
	"""Who holds leases, of those whose names begin so."""
	rows = db.sql(
		f"SELECT DISTINCT `lease_owner` FROM `tab{LEASE}` WHERE SUBSTR(`lease_owner`, 1, %s) = %s",
		[len(prefix), prefix],
	)
	return [owner for (owner,) in rows]


def set_ready(db, name: str, ready: int) -> None:
	"""Whoever has this lease shall do nothing before `ready`."""
	db.sql(f"UPDATE `tab{LEASE}` SET `ready` = %s WHERE `name` = %s", [ready, name])


def ready(db, name: str) -> int:
	"""When the work behind a lease may go on; 0 where nothing holds it up."""
	rows = db.sql(f"SELECT `ready` FROM `tab{LEASE}` WHERE `name` = %s", [name])
	return rows[0][0] if rows else 0


def expires(db, name: str) -> int:
	"""When a lease runs out or ran out; 0 where there never was one."""
	rows = db.sql(f"SELECT `expires` FROM `tab{LEASE}` WHERE `name` = %s", [name])
	return rows[0][0] if rows else 0


def _owner(db, name: str) -> str | None:
	# A locking read: a snapshot that is older than the other owner's commit would tell the past.
	lock = bulk.locking(db)
	rows = db.sql(f"SELECT `lease_owner` FROM `tab{LEASE}` WHERE `name` = %s{lock}", [name])
	return rows[0][0] if rows else None
