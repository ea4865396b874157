"""Rules of files: which hosts may have our token, what a downloaded file must be, and one upload per file."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests

from whatsapp_integration.cloud_api.bodies import CHUNK, stat_file
from whatsapp_integration.core.config import DeviceConfig
from whatsapp_integration.core.errors import FixRequest, RetryLater, _
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import MB, MediaFile

MAX_BYTES = 100 * MB  # DOC/cloud-api/reference/media
MEDIA_ID_LIFE = 29 * 86400  # seconds; Meta keeps an upload for 30 days
REMEMBERED = 1000  # uploads per sender; a campaign repeats one file, invoices never repeat

Origin = tuple[str, str, int]  # scheme, host, port

_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> Origin:
	"""Return where a URL leads. Raises ValueError where it leads nowhere."""
	parts = urlsplit(url)
	return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def trusted_origins(device: DeviceConfig) -> frozenset[Origin]:
	"""Return the places that may have this device's token: the Graph API and the media hosts, by https.

	Plain http only where the Graph API itself is plain: a local stand-in.
	"""
	graph = urlsplit(device.graph_url)
	return frozenset(
		origin_of(f"{scheme}://{host}")
		for scheme in {"https", graph.scheme}
		for host in (graph.netloc, *device.media_hosts)
	)


def read_file(response: requests.Response) -> bytes:
	"""Read a download. Raises FixRequest where it passes MAX_BYTES, RetryLater where it breaks off."""
	announced = _content_length(response)
	if announced > MAX_BYTES:
		raise _too_large()
	data = bytearray()
	try:
		for chunk in response.iter_content(CHUNK):
			data += chunk
			if len(data) > MAX_BYTES:
				raise _too_large()
	except requests.RequestException as err:
		raise _incomplete() from err
	if announced and len(data) != announced:
		raise _incomplete()
	return bytes(data)


def check_file(data: bytes, media: MediaInfo) -> None:
	"""Raise RetryLater unless `data` has the size and the SHA-256, base64 or hex, that Meta told."""
	size = getattr(media, "size", 0)
	if size and len(data) != size:
		raise _incomplete()
	digest = hashlib.sha256(data)
	in_base64 = base64.b64encode(digest.digest()).decode("ascii")  # webhooks
	if media.sha256 and media.sha256 != in_base64 and media.sha256.lower() != digest.hexdigest():  # look-ups
		raise RetryLater(
			_("The file is not the one that WhatsApp announced (SHA-256 differs)."), code="media_sha256"
		)


class MediaIds:
	"""Which file on disk became which media id, for one sender.

	However many threads ask for one file at once, one of them uploads it and the others wait for its id, or
	its error. A file that changed on disk is another file. `clock` gives unix seconds.
	"""

	def __init__(self, upload: Callable[[MediaFile], str], clock: Callable[[], float]):
		self._upload = upload
		self._clock = clock
		self._lock = threading.Lock()
		self._uploads: dict[tuple, _Upload] = {}

	def get(self, file: MediaFile) -> str:
		"""Return the media id of `file`, uploaded now or up to 29 days ago. Raises what the upload raises."""
		stat = stat_file(file)
		key = (file.path, stat.st_size, stat.st_mtime_ns, file.mime_type)
		with self._lock:
			found = self._uploads.get(key)
			is_ours = found is None or self._clock() - found.at >= MEDIA_ID_LIFE
			if is_ours:
				found = self._remember(key)
		if is_ours:
			self._run(key, found, file)
		return found.media_id.result()

	def _remember(self, key: tuple) -> _Upload:
		self._uploads.pop(key, None)
		if len(self._uploads) >= REMEMBERED:
			del self._uploads[next(iter(self._uploads))]
		self._uploads[key] = upload = _Upload(self._clock())
		return upload

	def _run(self, key: tuple, upload: _Upload, file: MediaFile) -> None:
		try:
			upload.media_id.set_result(self._upload(file))
		except BaseException as err:  # the others wait: whatever happened, they must hear of it
			with self._lock:
				if self._uploads.get(key) is upload:
					del self._uploads[key]
			upload.media_id.set_exception(err)


@dataclass(frozen=True)
class _Upload:
	at: float
	media_id: Future[str] = field(default_factory=Future)


def _content_length(response: requests.Response) -> int:
	"""Return the announced length, 0 where there is none or it is that of a compressed form."""
	length = response.headers.get("Content-Length", "")
	is_plain = response.headers.get("Content-Encoding", "identity") == "identity"
	return int(length) if is_plain and length.isdecimal() else 0


def _too_large() -> FixRequest:
	return FixRequest(_("The file is larger than {0} MB."), MAX_BYTES // MB, code="file_too_large")


def _incomplete() -> RetryLater:
	return RetryLater(_("The download broke off before the file was complete."), code="media_incomplete")
