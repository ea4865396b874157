"""Webhook posts: verified on their raw bytes, stored, and applied behind the answer."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from whatsapp_integration.core import webhook
from whatsapp_integration.core.errors import WhatsAppError, _
from whatsapp_integration.services import inbox
from whatsapp_integration.store import leases, webhook_events
from whatsapp_integration.store.bulk import micros

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host

MAX_BYTES = 3 * 1024 * 1024  # DOC/webhooks/overview
BATCH = 100  # posts applied in one transaction
FLOOD = 10  # so many posts waiting at once are one
GATHER_SECONDS = 0.5  # in a flood, posts gather so long: one large transaction costs less than many small
ATTEMPTS = 5
RETRY_SECONDS = 30
LEASE = "webhooks"
LEASE_SECONDS = 120


class TooLarge(WhatsAppError):
	"""The body is larger than anything Meta sends: answer 413."""


class Forbidden(WhatsAppError):
	"""Nobody proved to be Meta: answer 403."""


def receive(host: Host, body: bytes, signature: str | None) -> None:
	"""Store a post whose signature one of our app secrets explains. Meta repeats posts: a known one is left.

	The caller commits before it answers 200. Raises TooLarge or Forbidden.
	"""
	if len(body) > MAX_BYTES:
		raise TooLarge(_("The body is larger than {0} bytes."), MAX_BYTES)
	_verify(host, body, signature)
	digest = hashlib.sha256(body).hexdigest()
	text = body.decode("utf-8", "replace")
	webhook_events.keep(host.db, digest, text, due=micros(host.time()), now=host.now(), user=host.user())
	host.wake("webhooks")


def is_json(body: bytes) -> bool:
	"""Can this body be read at all?"""
	return _read_json(body) is not None


def _verify(host: Host, body: bytes, signature: str | None) -> None:
	"""The post must be signed by one of our apps, and speak of none of our other apps' lines."""
	app_secrets = host.app_secrets()
	signing_secret = _find_signing_secret(app_secrets, body, signature)
	if signing_secret is None:
		app_secrets = host.app_secrets(fresh=True)
		signing_secret = _find_signing_secret(app_secrets, body, signature)
	if signing_secret is None:
		is_configured = any(app_secrets)
		raise Forbidden(_("The signature is wrong.") if is_configured else _("No app secret is configured."))
	if len(app_secrets) > 1 and _names_foreign_line(app_secrets, signing_secret, body):
		raise Forbidden(_("The signature belongs to another app than the device."))


def _find_signing_secret(app_secrets: Collection[str], body: bytes, signature: str | None) -> str | None:
	return next((secret for secret in app_secrets if webhook.verify_signature(body, signature, secret)), None)


def _names_foreign_line(app_secrets: Mapping[str, Collection[str]], signing_secret: str, body: bytes) -> bool:
	payload = _read_json(body)
	named = webhook.phone_number_ids(payload) | webhook.waba_ids(payload)
	foreign = {line for secret, lines in app_secrets.items() if secret != signing_secret for line in lines}
	return bool(named & (foreign - set(app_secrets[signing_secret])))


def process(host: Host, owner: str, *, seconds: float = 200) -> int:
	"""Apply the posts that wait, unless another process does it already; begins no further batch after `seconds`.

	Returns how many were applied.
	"""
	done, deadline = 0, host.time() + seconds
	try:
		while host.time() < deadline and (rows := _next(host, owner)):
			if not _apply_together(host, rows):
				for row in rows:
					_apply_alone(host, row)
			done += len(rows)
			if FLOOD <= len(rows) < BATCH:
				time.sleep(GATHER_SECONDS)
	finally:
		host.db.rollback()
		leases.release(host.db, owner)
		host.db.commit()
	return done


def _next(host: Host, owner: str) -> list[dict[str, Any]]:
	return webhook_events.next_due(host.db, micros(host.time()), BATCH) if _lease(host, owner) else []


def _lease(host: Host, owner: str) -> bool:
	now = micros(host.time())
	expires = now + micros(LEASE_SECONDS)
	has_lease = leases.acquire(host.db, LEASE, owner, now=now, expires=expires, stamp=host.now())
	host.db.commit()
	return has_lease


def _apply_together(host: Host, rows: Sequence[dict[str, Any]]) -> bool:
	"""Apply many posts in one transaction; False, with nothing changed, where one of them makes trouble."""
	parsed = [_parse(row["body"]) for row in rows]
	if any(events is None for events in parsed):
		return False
	try:
		outcome = inbox.apply(host, [event for events in parsed for event in events])
		if outcome.deferred:  # apply each by itself, to know which one has to wait
			host.db.rollback()
			return False
		settled = [_settled(row, "Done", len(events)) for row, events in zip(rows, parsed, strict=True)]
		webhook_events.settle(host.db, settled, host.now())
		host.db.commit()
	except Exception:  # whatever it was, it is found out and recorded one by one
		host.db.rollback()
		return False
	return True


def _apply_alone(host: Host, row: dict[str, Any]) -> None:
	events = _parse(row["body"])
	if events is None:
		_finish(host, _settled(row, "Failed", 0, error=host.say(_("The body is no JSON that can be read."))))
		return
	try:
		outcome = inbox.apply(host, events)
	except (
		Exception
	) as err:  # one bad post must not stop the others; it is kept with its error and tried again
		host.db.rollback()
		host.log_error(host.say(_("WhatsApp webhook event {0}"), row["name"]), repr(err))
		_finish(host, _again(host, row, len(events), f"{type(err).__name__}: {err}"[:1000]))
		return
	if outcome.deferred and row["attempts"] + 1 < ATTEMPTS:
		text = host.say(_("Waits for a message that has not arrived yet."))
		_finish(host, _again(host, row, len(events), text))
	else:
		_finish(host, _settled(row, "Done", len(events), ignored=outcome.ignored + outcome.deferred))


def _parse(body: str) -> list | None:
	payload = _read_json(body)
	return None if payload is None else webhook.parse(payload)


def _read_json(body: str | bytes) -> Any:
	"""The JSON value, None where there is none. NaN and infinities, which JSON does not know, become null."""
	try:
		return json.loads(body, parse_constant=lambda _name: None, parse_float=_finite)
	except (ValueError, RecursionError):
		return None


def _finite(text: str) -> float | None:
	number = float(text)
	return number if math.isfinite(number) else None


def _again(host: Host, row: dict[str, Any], events: int, error: str) -> dict[str, Any]:
	attempts = row["attempts"] + 1
	status = "Pending" if attempts < ATTEMPTS else "Failed"
	if status == "Failed":
		host.alert(host.say(_("A webhook of WhatsApp could not be applied: {0}"), row["name"]), error)
	due = micros(host.time() + RETRY_SECONDS * 2**attempts)
	return {**_settled(row, status, events, error=error), "due": due}


def _settled(
	row: dict[str, Any], status: str, events: int, *, ignored: int = 0, error: str | None = None
) -> dict[str, Any]:
	return {
		"name": row["name"],
		"status": status,
		"due": row["due"],
		"attempts": row["attempts"] + 1,
		"events": events,
		"ignored": ignored,
		"error": error,
	}


def _finish(host: Host, settled: dict[str, Any]) -> None:
	webhook_events.settle(host.db, [settled], host.now())
	host.db.commit()
