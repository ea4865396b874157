"""What may be wrong with a linked phone, point by point, in the words of the form. Reads only."""

import frappe
from frappe import _

from whatsapp_integration.api.linked_phone import describe_worker, is_linked, workers_of_devices
from whatsapp_integration.core.config import UNOFFICIAL
from whatsapp_integration.core.errors import InvalidRequest
from whatsapp_integration.core.errors import _ as marked
from whatsapp_integration.core.limits import rate_windows
from whatsapp_integration.core.report import Check
from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.store import messages
from whatsapp_integration.store.bulk import micros
from whatsapp_integration.store.keys import DEVICE, MESSAGE, WORKER

LATE_SECONDS = 600  # a message that waits for longer is a sign of trouble
WINDOWS = {
	1: marked("{0} of {1} in a second"),
	60: marked("{0} of {1} in a minute"),
	3600: marked("{0} of {1} in an hour"),
	86400: marked("{0} of {1} in a day"),
}
LINK_ADVICE = marked("Press Link and scan the QR code with the phone.")
STATE_ADVICE = {
	"Disconnected": marked("Press Restart when the phone is linked, else Link."),
	"QR Ready": LINK_ADVICE,
	"Reconnecting": marked(
		"Wait a minute. If it stays so, look whether the phone has internet, then press Restart."
	),
	"Degraded": marked("Read the reason, look at the screenshot, then press Restart."),
	"Logged Out": LINK_ADVICE,
	"Auth Failed": marked("Press Relink: the session that is kept here does not open any more."),
	"Blocked": marked(
		"Open WhatsApp on the phone and read what it says. Let the number rest, send less and only to people who expect it, "
		"then press Restart."
	),
	"Paused": marked("Press Resume to let its messages go."),
}


def find_trouble(host: SiteHost, row: frappe._dict) -> list[Check]:
	"""The points that a linked phone's work rests on, in the order to mend them, in the reader's language.

	Raises InvalidRequest for an Official device.
	"""
	if row.mode != UNOFFICIAL:
		raise InvalidRequest(
			marked("Device {0} is no linked phone: it speaks to the Cloud API."), row.name, code="mode"
		)
	return [
		_check_enabled(row),
		_check_worker(host),
		_check_link(row),
		_check_session(host, row),
		_check_state(host, row),
		_check_limits(host, row),
		_check_queue(host, row),
	]


def _check_enabled(row: frappe._dict) -> Check:
	advice = "" if row.enabled else _("Tick Enabled and save.")
	return Check(_("The device is enabled"), bool(row.enabled), advice=advice)


def _check_worker(host: SiteHost) -> Check:
	alive = frappe.get_all(
		WORKER,
		filters={"alive_until": (">", micros(host.time()))},
		fields=["host", "device_count"],
		order_by="host",
	)
	seen = [_("{0} (browsers: {1})").format(worker.host, worker.device_count) for worker in alive]
	advice = "" if alive else _("Start it with: {0}").format(describe_worker(host)["start"])
	return Check(_("A whatsapp-worker is running"), bool(alive), ", ".join(seen), advice)


def _check_link(row: frappe._dict) -> Check:
	if not is_linked(row):
		return Check(_("A phone is linked"), False, advice=_(LINK_ADVICE))
	facts = (row.linked_name, row.phone_number)
	return Check(_("A phone is linked"), True, " · ".join(filter(None, facts)))


def _check_session(host: SiteHost, row: frappe._dict) -> Check:
	label = _("A worker holds the session")
	if holder := workers_of_devices(host).get(row.name):
		return Check(label, True, holder)
	if not row.linked_host:
		return Check(label, False, advice=_(LINK_ADVICE))
	return Check(
		label,
		False,
		_("The session is kept on {0}.").format(row.linked_host),
		_("See that a worker runs there. If that machine is gone, press Relink."),
	)


def _check_state(host: SiteHost, row: frappe._dict) -> Check:
	state = _(row.status, context=DEVICE)
	detail = f"{state}: {_(row.status_reason)}" if row.status_reason else state
	advice = _(STATE_ADVICE[row.status]) if row.status in STATE_ADVICE else ""
	if row.status == "Disconnected" and not describe_worker(host)["is_alive"]:
		advice = ""  # the worker comes first
	return Check(_("The device is connected"), row.status == "Connected", detail, advice)


def _check_limits(host: SiteHost, row: frappe._dict) -> Check:
	windows = rate_windows(host.device(row.name).limits)
	sent = messages.sent_counts(host.db, row.name, micros(host.time()), windows)
	ok = all(sent[seconds] < cap for seconds, cap in windows.items())
	detail = " · ".join(_(WINDOWS[seconds]).format(sent[seconds], cap) for seconds, cap in windows.items())
	advice = "" if ok else _("Nothing to do: messages wait until the limit lets them go.")
	return Check(_("No sending limit is reached"), ok, detail, advice)


def _check_queue(host: SiteHost, row: frappe._dict) -> Check:
	label, now = _("No message waits for long"), micros(host.time())
	due = {"device": row.name, "status": "Queued", "due": ("<=", now)}
	waiting = frappe.db.count(MESSAGE, due)
	if not waiting:
		return Check(label, True, _("No message is waiting."))
	seconds = (now - frappe.db.get_value(MESSAGE, due, "due", order_by="due asc")) / 1_000_000
	detail = _("{0} waiting, the oldest for {1} minutes.").format(waiting, int(seconds / 60))
	ok = seconds < LATE_SECONDS
	return Check(label, ok, detail, "" if ok else _("Mend what is red above; the queue empties by itself."))
