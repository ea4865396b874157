"""Request bodies that know whether any of them was written.

A library's exception can't tell surely whether a request left; the body can: nobody acts on a POST whose body
never went out, whatever broke (name look-up, connect, TLS, proxy). `requests` takes such an object as a
stream of known length.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from whatsapp_integration.core.errors import FixRequest, RetryLater, _
from whatsapp_integration.core.messages import MediaFile, base_mime_type

CHUNK = 64 * 1024

_MIME_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")


class Body(ABC):
	"""What goes out after the headers. `is_started` turns true when its first byte is asked for."""

	content_type: str
	is_started = False

	@abstractmethod
	def __len__(self) -> int: ...

	def __iter__(self) -> Iterator[bytes]:
		self.is_started = True
		yield from self._chunks()

	@abstractmethod
	def _chunks(self) -> Iterator[bytes]: ...


class JsonBody(Body):
	"""Raises FixRequest for what JSON can't say."""

	content_type = "application/json"

	def __init__(self, payload: dict[str, Any]):
		try:
			self._data = json.dumps(payload, allow_nan=False).encode("ascii")
		except (TypeError, ValueError) as err:
			raise FixRequest(
				_("The message holds a value that can't be sent: {0}."), err, code="payload"
			) from err

	def __len__(self) -> int:
		return len(self._data)

	def _chunks(self) -> Iterator[bytes]:
		yield self._data


class FileBody(Body):
	"""The form of `POST /{PHONE_NUMBER_ID}/media`, its file read from disk as it goes out.

	`requests`' own `files=` would hold up to 100 MB in memory per thread. Raises FixRequest for a file that
	can't be read.
	"""

	def __init__(self, file: MediaFile):
		self._path = file.path
		self._size = stat_file(file).st_size
		mime_type = _require_mime_type(file)
		boundary = secrets.token_hex(16)
		# urllib3 writes the form around an empty file; ours goes between its two halves.
		form, self.content_type = encode_multipart_formdata(
			{"messaging_product": "whatsapp", "type": mime_type, "file": (file.filename, b"", mime_type)},
			boundary,
		)
		self._tail = f"\r\n--{boundary}--\r\n".encode("ascii")
		self._head = form[: -len(self._tail)]

	def __len__(self) -> int:
		return len(self._head) + self._size + len(self._tail)

	def _chunks(self) -> Iterator[bytes]:
		yield self._head
		yield from self._read_file()
		yield self._tail

	def _read_file(self) -> Iterator[bytes]:
		left = self._size
		with open(self._path, "rb") as stream:
			while left:
				chunk = stream.read(min(CHUNK, left))
				if not chunk:
					raise OSError("the file became shorter while it was read")
				left -= len(chunk)
				yield chunk


def stat_file(file: MediaFile) -> os.stat_result:
	"""Look at the file on disk. Raises FixRequest where it is gone or shut, else RetryLater."""
	try:
		return os.stat(file.path)
	except (FileNotFoundError, NotADirectoryError, PermissionError) as err:
		raise FixRequest(
			_("The file {0} can't be read. Attach it again."),
			file.filename,
			code="file",
			details=str(err.strerror),
		) from err
	except OSError as err:
		raise RetryLater(
			_("The file {0} can't be read just now."), file.filename, code="file", details=str(err.strerror)
		) from err


def _require_mime_type(file: MediaFile) -> str:
	mime_type = base_mime_type(file.mime_type)
	if not _MIME_TYPE.fullmatch(mime_type):
		raise FixRequest(_("The type of the file {0} is unknown."), file.filename, code="mime_type")
	return mime_type
