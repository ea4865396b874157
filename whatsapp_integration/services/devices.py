"""Devices: connect, stop, pause and resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatsapp_integration.core.config import OFFICIAL, DeviceConfig
from whatsapp_integration.core.errors import WhatsAppError, _
from whatsapp_integration.core.report import LineReport
from whatsapp_integration.senders.factory import create_sender
from whatsapp_integration.store import devices
from whatsapp_integration.store.keys import DEVICE

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host


def connect(host: Host, name: str) -> LineReport:
	"""Check a line with its provider, set it up as far as possible, and keep what was learned on the device."""
	device = host.device(name)
	# Meta posts to https only; a stand-in on http takes any address.
	webhook_url = host.webhook_url()
	if not webhook_url.startswith("https://") and device.graph_url.startswith("https://"):
		webhook_url = ""
	sender = create_sender(device)
	report = sender.connect(webhook_url)
	sender.close()
	failed = next((check for check in report.checks if not check.ok), None)
	reason = f"{host.say(failed.label)}: {host.say(failed.detail)}".strip(": ") if failed else ""
	state = _state_after(device, report)
	devices.set_values(
		host.db, name, **report.facts, status=state, status_reason=reason, last_checked=host.now()
	)
	host.publish({DEVICE: [name]})
	host.wake("dispatch")
	return report


def _state_after(device: DeviceConfig, report: LineReport) -> str:
	if report.is_refused:
		return "Auth Failed"
	if device.status == "Paused" or not report.facts:
		return (
			device.status
		)  # somebody's wish, or an answer that did not come, which says nothing about the line
	return "Connected" if report.ok else "Degraded"


def stop(host: Host, name: str, state: str, error: WhatsAppError) -> None:
	"""Stop a device that may not send now, and tell the admins once. The caller commits."""
	reason = host.say(error.template, *error.values)
	if not devices.change_state(host.db, name, state, reason):
		return
	subject = host.say(_("WhatsApp device {0} has stopped: {1}"), name, host.say(state))
	host.alert(subject, f"{reason}\n\n{host.say(error.advice)}", device=name)
	host.publish({DEVICE: [name]})


def pause(host: Host, name: str) -> None:
	"""Keep the messages of a device queued until somebody resumes it."""
	devices.change_state(host.db, name, "Paused", "")
	host.publish({DEVICE: [name]})


def resume(host: Host, name: str) -> None:
	"""Let a paused or stopped device send again."""
	state = "Connected" if host.device(name).mode == OFFICIAL else "Disconnected"
	devices.change_state(host.db, name, state, "")
	host.publish({DEVICE: [name]})
	host.wake("dispatch")
