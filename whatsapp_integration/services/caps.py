"""The limits that people should hear of: full windows, and the budget for first contacts."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from whatsapp_integration.core.config import DeviceConfig
from whatsapp_integration.core.errors import _
from whatsapp_integration.store import leases, messages
from whatsapp_integration.store.bulk import micros

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host

HOUR, DAY = 3600, 24 * 3600
POSTPONE_SECONDS = 900  # what is over the budget looks again after this

_REACHED = {
	HOUR: _("Device {0} has sent its {1} messages of this hour; the others wait."),
	DAY: _("Device {0} has sent its {1} messages of this day; the others wait."),
}
_ADVICE = _("The limits protect the number. They are set on the device and in WhatsApp Settings.")


def tell(host: Host, device: DeviceConfig, seconds: int, cap: int) -> None:
	"""Tell the admins once a window that it is full. The caller commits."""
	if seconds in _REACHED:
		_tell_once(host, device, f"{seconds}", seconds, host.say(_REACHED[seconds], device.name, cap))


def within_first_contacts(host: Host, device: DeviceConfig, rows: list[dict], now: float) -> list[dict]:
	"""The rows that the budget for first contacts lets through; the others look again later."""
	budget = device.limits.first_contacts
	if not budget or not any(row["first_contact"] for row in rows):
		return rows
	known = messages.first_contacts(host.db, device.name, micros(now - DAY))
	kept, over = [], []
	for row in rows:
		if row["first_contact"] and row["recipient"] not in known:
			if len(known) >= budget:
				over.append({"name": row["name"], "due": micros(now + POSTPONE_SECONDS) + len(over)})
				continue
			known.add(row["recipient"])
		kept.append(row)
	if over:
		messages.postpone(host.db, over)
		text = host.say(
			_("Device {0} has written to {1} new people today; messages to more of them wait."),
			device.name,
			budget,
		)
		_tell_once(host, device, "first", DAY, text)
	return kept


def _tell_once(host: Host, device: DeviceConfig, what: str, seconds: int, text: str) -> None:
	"""A lease that nobody renews is a note that was written once."""
	now = host.time()
	note = {"now": micros(now), "expires": micros(now + seconds), "stamp": host.now()}
	if leases.acquire(host.db, f"told:{what}:{device.name}", secrets.token_hex(8), **note):
		host.alert(text, host.say(_ADVICE), device=device.name)
