"""May this message be sent? One pure function over facts, asked for every message before its row is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from whatsapp_integration.core.config import OFFICIAL, DeviceConfig
from whatsapp_integration.core.errors import NeedsTemplate, Refused, WhatsAppError, _

# States in which a device sends nothing; its messages stay queued until somebody mends it.
STOPPED_STATES = frozenset({"Auth Failed", "Blocked", "Logged Out", "Paused"})
WINDOW_HOURS = 24
_ALWAYS_ALLOWED = frozenset({"template", "reaction"})


@dataclass(frozen=True)
class Facts:
	"""What the decision rests on. `window_end` is None where no customer message was ever seen: only Meta knows then."""

	device: DeviceConfig
	kind: str
	leaves_at: datetime
	window_end: datetime | None = None


def refusal(facts: Facts) -> WhatsAppError | None:
	"""The reason not to send this message at all, or None."""
	if not facts.device.enabled:
		return Refused(
			_("Device {0} is disabled. Enable it or choose another one."),
			facts.device.name,
			code="device_disabled",
		)
	if _is_window_shut(facts):
		return NeedsTemplate(
			_(
				"The customer last wrote more than {0} hours ago, so WhatsApp takes only an approved template."
			),
			WINDOW_HOURS,
			code="131047",
		)
	return None


def _is_window_shut(facts: Facts) -> bool:
	if facts.device.mode != OFFICIAL or facts.kind in _ALWAYS_ALLOWED or facts.window_end is None:
		return False
	return facts.leaves_at > facts.window_end
