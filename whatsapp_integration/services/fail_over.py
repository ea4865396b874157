"""Fail-over: when a device is down for too long, what waits for it leaves through the device that an admin has named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whatsapp_integration.core import policy
from whatsapp_integration.core.config import OFFICIAL, UNOFFICIAL
from whatsapp_integration.services import devices as device_service
from whatsapp_integration.services import outbox
from whatsapp_integration.store import devices, leases, messages
from whatsapp_integration.store.bulk import micros

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host

BATCH = 200  # messages of one transaction


def move_waiting(host: Host) -> int:
	"""Move what may be moved; returns how many messages. Commits.

	Only queued messages to one person of which no attempt was ever made under a chosen id: one whose outcome is unknown
	would be there twice.
	"""
	moved = 0
	now = host.time()
	lines = {row["name"]: row for row in devices.fail_overs(host.db)}
	for name, line in lines.items():
		since = _down_since(host, line) / messages.SECOND
		if not since or now - since < line["fail_over_minutes"] * 60:
			continue
		after = (0, "")
		while rows := messages.movable(host.db, name, micros(now), BATCH, after=after):
			moved += len(outbox.readdress(host, rows, line["fail_over_device"]))
			after = (rows[-1]["due"], rows[-1]["name"])
			host.db.commit()
	host.db.commit()
	if moved:
		host.wake("dispatch")
	return moved


def _down_since(host: Host, line: dict[str, Any]) -> int:
	"""Unix microseconds; 0 while it is up or somebody paused it. A worker that died tells nothing: its lease runs out."""
	may_send = line["mode"] == OFFICIAL and line["status"] not in policy.STOPPED_STATES
	if may_send or line["status"] == device_service.PAUSED:
		return 0
	if line["down_since"]:
		return line["down_since"]
	expires = leases.expires(host.db, leases.of_session(line["name"])) if line["mode"] == UNOFFICIAL else 0
	return expires if expires < micros(host.time()) else 0
