"""Fetches the files of received messages and keeps them privately."""

from __future__ import annotations

import mimetypes
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from whatsapp_integration.core import retry
from whatsapp_integration.core.config import UNOFFICIAL, DeviceConfig
from whatsapp_integration.core.errors import RetryLater, WhatsAppError, _
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import base_mime_type
from whatsapp_integration.senders.base import Sender
from whatsapp_integration.senders.factory import create_sender
from whatsapp_integration.store import devices, leases, messages
from whatsapp_integration.store.bulk import micros

if TYPE_CHECKING:
	from whatsapp_integration.host.base import Host

BATCH = 4  # files in memory at once, 100 MB each at the most
LEASE = "media"
LEASE_SECONDS = 600
HIDDEN_SECONDS = 600  # a file whose fetching killed the process is tried again after this


def fetch_due(
	host: Host,
	owner: str,
	*,
	linked: Sequence[str] = (),
	stopped: threading.Event | None = None,
	create_sender: Callable[[DeviceConfig], Sender] = create_sender,
) -> int:
	"""Fetch every file whose time has come, unless another process does it already; returns how many are stored now.

	Files of official devices, or of the `linked` ones whose sessions live in this process: of those one at a time each, so
	that a page that hangs keeps no other device's files waiting. None is begun once `stopped` is set.
	"""
	stored = 0
	senders: dict[str, Sender | WhatsAppError] = {}
	running: dict[Future, dict[str, Any]] = {}
	with ThreadPoolExecutor(BATCH, thread_name_prefix="whatsapp-media") as pool:
		while True:
			busy = {row["device"] for row in running.values()} if linked else set()
			names = [name for name in linked or _official(host) if name not in busy]
			room = 0 if stopped and stopped.is_set() else BATCH - len(running)
			for row in _claim(host, owner, names, room, is_linked=bool(linked)):
				sender = senders.setdefault(row["device"], _sender(host, row["device"], create_sender))
				running[pool.submit(_fetch, sender, row)] = row
			if not running:
				break
			for future in wait(running, return_when=FIRST_COMPLETED).done:
				stored += _settle(host, running.pop(future), future.result())
	for sender in senders.values():
		if isinstance(sender, Sender):
			sender.close()
	leases.release(host.db, owner)
	host.db.commit()
	return stored


def _official(host: Host) -> list[str]:
	return [line["name"] for line in devices.all_lines(host.db) if line["mode"] != UNOFFICIAL]


def _claim(host: Host, owner: str, names: list[str], room: int, *, is_linked: bool) -> list[dict[str, Any]]:
	now = host.time()
	until = micros(now + LEASE_SECONDS)
	rows: list[dict[str, Any]] = []
	if not (room and messages.is_media_due(host.db, names, micros(now))):
		host.db.commit()
		return rows
	# The devices of a linked worker are its own by their sessions' leases.
	may = is_linked or leases.acquire(host.db, LEASE, owner, now=micros(now), expires=until, stamp=host.now())
	if may:
		hidden = micros(now + HIDDEN_SECONDS)
		for part in [[name] for name in names] if is_linked else [names]:
			limit = 1 if is_linked else room
			rows += messages.claim_media(host.db, part, micros(now), hidden, min(limit, room - len(rows)))
	host.db.commit()
	return rows


def _settle(host: Host, row: dict[str, Any], result: tuple[bytes, str] | WhatsAppError) -> bool:
	settled = _settled(host, row, result)
	messages.settle_media(host.db, [settled])
	host.publish({messages.MESSAGE: [row["name"]]})
	host.db.commit()
	return settled["media_state"] == "Stored"


def _sender(
	host: Host, device: str, create_sender: Callable[[DeviceConfig], Sender]
) -> Sender | WhatsAppError:
	try:
		return create_sender(host.device(device))
	except WhatsAppError as err:
		return err


def _fetch(sender: Sender | WhatsAppError, row: dict[str, Any]) -> tuple[bytes, str] | WhatsAppError:
	if isinstance(sender, WhatsAppError):
		return sender
	info = MediaInfo(row["media_id"], row["mime_type"] or "", row["media_sha256"] or "")
	try:
		return sender.fetch_media(info)
	except WhatsAppError as err:
		return err
	except Exception as err:  # one strange file must not stop the others
		return RetryLater("{0}", type(err).__name__, code="unexpected")


def _settled(host: Host, row: dict[str, Any], result: tuple[bytes, str] | WhatsAppError) -> dict[str, Any]:
	attempts, settings = row["media_attempts"] + 1, host.settings()
	settled = {
		"name": row["name"],
		"media_state": "Stored",
		"media_due": 0,
		"media_attempts": attempts,
		"attachment": None,
		"error_text": None,
	}
	try:
		if not isinstance(result, WhatsAppError):
			content, mime_type = result
			settled["attachment"] = host.save_file(row["name"], _filename(row, mime_type), content)
			return settled
	except WhatsAppError as err:
		result = err
	settled["error_text"] = host.say(
		_("The file could not be fetched: {0}"), host.say(result.template, *result.values)
	)
	if isinstance(result, RetryLater) and attempts < settings.media_attempts:
		wait = result.after or retry.backoff(settings.retry, attempts, random.random())
		settled |= {"media_state": "Pending", "media_due": micros(host.time() + wait)}
	else:
		settled["media_state"] = "Failed"
	return settled


def _filename(row: dict[str, Any], mime_type: str) -> str:
	"""The sender's own name for a document, or the kind and the row with the ending of the type."""
	if row["media_filename"]:
		return row["media_filename"]
	ending = mimetypes.guess_extension(base_mime_type(mime_type or row["mime_type"] or "")) or ""
	return f"{row['message_type']}-{row['name']}{ending}"
