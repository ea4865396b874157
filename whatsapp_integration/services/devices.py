"""Devices: connect, stop, pause and resume; link a phone, log it out, restart its session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whatsapp_integration.core import phone as phones
from whatsapp_integration.core import policy
from whatsapp_integration.core.config import OFFICIAL, UNOFFICIAL, DeviceConfig
from whatsapp_integration.core.errors import InvalidRequest, WhatsAppError, _
from whatsapp_integration.core.events import DeviceIdentified, DeviceStateChanged, QrIssued
from whatsapp_integration.core.link_code import LinkCode
from whatsapp_integration.core.report import LineReport
from whatsapp_integration.senders.factory import create_sender
from whatsapp_integration.store import devices, leases, workers
from whatsapp_integration.store.bulk import micros
from whatsapp_integration.store.keys import DEVICE

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host

PAUSED = "Paused"


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
	_set_state(host, name, state, reason)
	devices.set_values(host.db, name, **report.facts, last_checked=host.now())
	host.wake("dispatch")
	return report


def _state_after(device: DeviceConfig, report: LineReport) -> str:
	if report.is_refused:
		return "Auth Failed"
	if device.status == PAUSED or not report.facts:
		return (
			device.status
		)  # somebody's wish, or an answer that did not come, which says nothing about the line
	return "Connected" if report.ok else "Degraded"


def stop(host: Host, name: str, state: str, error: WhatsAppError) -> None:
	"""Stop a device that may not send now, and tell the admins once. The caller commits."""
	reason = host.say(error.template, *error.values)
	if _set_state(host, name, state, reason):
		_alert(host, name, state, reason, error.advice)


def _set_state(host: Host, name: str, state: str, reason: str = "") -> bool:
	"""Write the state, why, and since when the device is down; True when it is a new state."""
	is_new = devices.change_state(host.db, name, state, reason)
	devices.note_down(host.db, name, 0 if state in ("Connected", PAUSED) else micros(host.time()))
	host.publish({DEVICE: [name]})
	return is_new


def _alert(host: Host, name: str, state: str, reason: str, advice: str) -> None:
	subject = host.say(_("WhatsApp device {0}: {1}"), name, host.say(state))
	host.alert(subject, f"{reason}\n\n{host.say(advice)}".strip(), device=name)


def pause(host: Host, name: str) -> None:
	"""Keep the messages of a device queued until somebody resumes it. A linked phone stays linked and goes on receiving."""
	_set_state(host, name, PAUSED)


def resume(host: Host, name: str) -> None:
	"""Let a paused or stopped device send again."""
	# Of a linked phone the worker says at once whether it is connected.
	state = "Connected" if host.device(name).mode == OFFICIAL else "Disconnected"
	_set_state(host, name, state)
	host.wake("dispatch")


# -- linked phones: what a person asks for is written on the row, and the worker that keeps the device does it --

LINK = "link"
RELINK = "relink"
LOG_OUT = "logout"
RESTART = "restart"
REQUEST_SECONDS = 120  # a request that no worker took by then is forgotten: nobody waits for it any more


_KEPT_STATES = ("Authenticated", "Connected", "Initializing", "QR Ready", "Reconnecting")


def link(host: Host, name: str, phone: str = "") -> None:
	"""Offer a QR code to link a phone with, or for a phone number a pairing code that is typed on the phone.

	Raises InvalidRequest for a device that can't be linked, a number that is none, and where no worker is running.
	"""
	_ask(host, name, f"{LINK}:{_pairing_digits(host, name, phone)}", wanted_state="Connected")


def relink(host: Host, name: str, phone: str = "") -> None:
	"""Forget the session that is kept here, then link anew."""
	_ask(host, name, f"{RELINK}:{_pairing_digits(host, name, phone)}", wanted_state="Connected")


def log_out(host: Host, name: str) -> None:
	"""End the link on the phone too, and forget the session."""
	_ask(host, name, LOG_OUT, wanted_state="Disconnected")


def restart(host: Host, name: str) -> None:
	"""Close the browser and open it again; the phone stays linked."""
	_ask(host, name, RESTART, wanted_state="Connected")


def require_worker(host: Host) -> None:
	"""Raise InvalidRequest where nothing drives linked devices now, saying how to start it."""
	if not workers.is_any_alive(host.db, micros(host.time())):
		raise InvalidRequest(
			_("No whatsapp-worker is running; messages stay queued until one does. Start it with: {0}"),
			host.how_to_start_worker(),
			code="no_worker",
		)


def note_orphans(host: Host) -> int:
	"""Say of devices that no worker holds any more that they are down; returns how many. Commits."""
	now, orphans = micros(host.time()), 0
	for row in devices.linked(host.db):
		if row["status"] in _KEPT_STATES and leases.expires(host.db, leases.of_session(row["name"])) < now:
			event = DeviceStateChanged(
				state="Disconnected",
				reason=_("The whatsapp-worker that held this phone is gone. Start it with: {0}"),
				values=(host.how_to_start_worker(),),
				needs_people=True,
			)
			note_state(host, row["name"], event)
			orphans += 1
	host.db.commit()
	return orphans


def _pairing_digits(host: Host, name: str, phone: str) -> str:
	return phones.normalise(phone, host.device(name).country).lstrip("+") if phone else ""


def _ask(host: Host, name: str, request: str, *, wanted_state: str) -> None:
	device = host.device(name)
	if device.mode != UNOFFICIAL:
		raise InvalidRequest(
			_("Device {0} is no linked phone: it speaks to the Cloud API."), name, code="mode"
		)
	if not device.enabled:
		raise InvalidRequest(_("Device {0} is disabled. Enable it first."), name, code="device_disabled")
	require_worker(host)
	host.keep_link_code(name, None)
	devices.set_values(
		host.db, name, request=request, requested=micros(host.time()), wanted_state=wanted_state
	)
	host.publish({DEVICE: [name]})


# -- what a linked device tells; the callers commit --


def note_state(host: Host, name: str, event: DeviceStateChanged) -> None:
	"""Write the state of a session. A paused device stays paused while its phone only comes and goes."""
	reason = host.say(event.reason, *event.values) if event.reason else ""
	is_paused = devices.locked_status(host.db, name) == PAUSED
	if not is_paused or event.state in policy.STOPPED_STATES:
		_set_state(host, name, event.state, reason)
	if event.needs_people:
		_alert(host, name, event.state, reason, event.advice)
	if event.screenshot:
		try:
			host.save_screenshot(name, event.screenshot)
		except WhatsAppError as err:  # a picture that can't be kept is no reason to lose the state
			host.log_error(host.say(_("WhatsApp device {0}: the screenshot can't be kept"), name), str(err))


def note_phone(host: Host, name: str, event: DeviceIdentified) -> None:
	"""Write whose phone is linked."""
	values: dict[str, Any] = {
		"linked_name": host.clean(event.name)[:140],
		"linked_platform": event.platform[:140],
		"linked_lid": event.lid[:140],
		"last_checked": host.now(),
	}
	if event.is_new:
		values["linked_since"] = host.now()
	if not host.device(name).phone_number:
		values["phone_number"] = event.number
	devices.set_values(host.db, name, **values)
	host.publish({DEVICE: [name]})


def note_link_code(host: Host, name: str, event: QrIssued) -> None:
	"""Keep a code where the managers of the device may read it until it expires; never in the database."""
	code = LinkCode(event.code, event.is_pairing_code, host.time() + event.expires_in)
	host.keep_link_code(name, code if event.code else None)
	host.publish({DEVICE: [name]})
