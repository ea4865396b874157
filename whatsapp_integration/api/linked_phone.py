"""What the doors tell of a linked phone: its state, and the code that links it. Reads only."""

import frappe
from frappe import _

from whatsapp_integration.api import qr_image
from whatsapp_integration.core.link_code import LinkCode
from whatsapp_integration.host.site import SETTINGS, SiteHost
from whatsapp_integration.services.devices import REQUEST_SECONDS
from whatsapp_integration.store import workers
from whatsapp_integration.store.bulk import micros
from whatsapp_integration.store.keys import DEVICE, LEASE, WORKER

FIELDS = (
	"name", "mode", "enabled", "status", "status_reason", "wanted_state", "request", "requested", "phone_number",
	"linked_name", "linked_platform", "linked_since", "linked_host", "screenshot",
)  # fmt: skip
# States that no linked phone has, whatever the row still says of an earlier link; and those that only a linked one has.
UNLINKED_STATES = ("QR Ready", "Logged Out")
LINKED_STATES = ("Authenticated", "Connected", "Reconnecting", "Degraded", "Blocked")
SESSION = "session:"  # the lease of whoever keeps a device's session begins so
SECOND = 1_000_000  # microseconds


def read_device(device: str) -> frappe._dict:
	return frappe.db.get_value(DEVICE, device, FIELDS, as_dict=True)


def is_linked(row: frappe._dict) -> bool:
	"""Is a session kept that is linked with a phone? Takes a row or a document of WhatsApp Device."""
	if not row.linked_since or row.status in UNLINKED_STATES:
		return False
	return row.status in LINKED_STATES or row.wanted_state == "Connected"


def describe(host: SiteHost, row: frappe._dict) -> dict:
	"""{"status", "reason", "wanted_state", "is_asked", "linked", "worker"}.

	`is_asked` says that no worker has begun yet with what was asked for. `linked` is None or {"name", "number", "platform",
	"since", "host"}; `worker` is {"is_alive", "start"}, `start` being the command.
	"""
	return {
		"status": row.status,
		"reason": _(row.status_reason or ""),
		"wanted_state": row.wanted_state,
		"is_asked": bool(row.request) and row.requested > micros(host.time() - REQUEST_SECONDS),
		"linked": _phone(row),
		"worker": describe_worker(host),
	}


def describe_worker(host: SiteHost) -> dict:
	is_alive = workers.is_any_alive(host.db, micros(host.time()))
	return {"is_alive": is_alive, "start": host.how_to_start_worker()}


def offer(host: SiteHost, row: frappe._dict) -> dict:
	"""What a page shows while a phone is being linked.

	{"image": data URL} or {"pairing_code": "ABCD-EFGH"} with "expires_in" where there is a code now; always "refresh" (ask
	again after so many seconds), "attempt" (how long an attempt lasts) and "attempt_left". All in seconds.
	"""
	seconds = host.settings().web.link_seconds
	left = max(0.0, row.requested / SECOND + seconds - host.time()) if row.requested else 0.0
	refresh = frappe.get_cached_doc(SETTINGS).qr_refresh_seconds
	return {
		"refresh": refresh,
		"attempt": seconds,
		"attempt_left": left,
		**_show(host, host.link_code(row.name)),
	}


def list_rows(host: SiteHost, rows: list[frappe._dict]) -> list[dict]:
	"""Devices in short: {"name", "mode", "enabled", "status", "reason", "number", "linked", "worker"}.

	`worker` is the machine whose worker keeps the device's session now, "" where none does.
	"""
	holders = workers_of_devices(host)
	return [
		{
			"name": row.name,
			"mode": row.mode,
			"enabled": bool(row.enabled),
			"status": row.status,
			"reason": _(row.status_reason or ""),
			"number": row.phone_number or "",
			"linked": _phone(row),
			"worker": holders.get(row.name, ""),
		}
		for row in rows
	]


def workers_of_devices(host: SiteHost) -> dict[str, str]:
	"""Device → the machine of the living worker that keeps its session."""
	now = micros(host.time())
	alive = frappe.get_all(WORKER, filters={"alive_until": (">", now)}, fields=["name", "host"])
	machines = {worker.name: worker.host for worker in alive}
	kept = frappe.get_all(
		LEASE,
		filters={"name": ("like", f"{SESSION}%"), "expires": (">", now), "lease_owner": ("in", [*machines])},
		fields=["name", "lease_owner"],
	)
	return {row.name.removeprefix(SESSION): machines[row.lease_owner] for row in kept}


def _phone(row: frappe._dict) -> dict | None:
	if not is_linked(row):
		return None
	return {
		"name": row.linked_name or "",
		"number": row.phone_number or "",
		"platform": row.linked_platform or "",
		"since": str(row.linked_since),
		"host": row.linked_host or "",
	}


def _show(host: SiteHost, code: LinkCode | None) -> dict:
	if code is None:
		return {}
	left = max(0.0, code.expires - host.time())
	if not code.is_pairing_code:
		return {"image": qr_image.draw(code.code), "expires_in": left}
	signs = "".join(filter(str.isalnum, code.code))
	return {"pairing_code": f"{signs[:4]}-{signs[4:]}", "expires_in": left}
