"""Devices: stop, pause, resume, and the check-up with Meta."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from whatsapp_integration.cloud_api.client import CloudApiClient
from whatsapp_integration.core import phone
from whatsapp_integration.core.config import OFFICIAL, DeviceConfig
from whatsapp_integration.core.errors import FixCredentials, InvalidPhone, Unsupported, WhatsAppError, _
from whatsapp_integration.store import devices
from whatsapp_integration.store.keys import DEVICE

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host


@dataclass(frozen=True)
class Check:
	"""One point of the check-up, in words for the admin."""

	label: str
	ok: bool
	detail: str = ""
	advice: str = ""


@dataclass
class Report:
	checks: list[Check] = field(default_factory=list)

	@property
	def ok(self) -> bool:
		return all(check.ok for check in self.checks)


def stop(host: Host, name: str, state: str, error: WhatsAppError) -> None:
	"""Stop a device that may not send now, and tell the admins once. The caller commits."""
	if not devices.change_state(host.db, name, state, host.say(error.template, *error.values)):
		return
	host.alert(
		host.say(_("WhatsApp device {0} has stopped: {1}"), name, host.say(state)),
		host.say(error.template, *error.values) + "\n\n" + host.say(error.advice),
		device=name,
	)
	host.publish({DEVICE: [name]})


def pause(host: Host, name: str) -> None:
	"""Keep the messages of a device queued until somebody resumes it."""
	devices.change_state(host.db, name, "Paused", "")
	host.publish({DEVICE: [name]})


def resume(host: Host, name: str) -> None:
	"""Let a paused or stopped device send again."""
	devices.change_state(host.db, name, "Connected" if host.device(name).mode == OFFICIAL else "Disconnected", "")
	host.publish({DEVICE: [name]})
	host.wake("dispatch")
