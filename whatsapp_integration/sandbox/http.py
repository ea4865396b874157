"""Requests and answers as values, so that every door of the sandbox is a function from one to the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.datastructures import FileStorage
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

RESET = "reset"  # close the connection with a TCP reset instead of answering
HOLD = "hold"  # keep the connection open without an answer for `delay` seconds, then close it
STREAM = "stream"  # answer the head and keep the connection for server-sent events


@dataclass(frozen=True)
class Request:
	method: str
	path: str
	query_string: str = ""
	headers: dict[str, str] = field(default_factory=dict)  # names in lower case
	body: bytes = b""

	@property
	def query(self) -> dict[str, str]:
		return dict(parse_qsl(self.query_string, keep_blank_values=True))

	@property
	def origin(self) -> str:
		"""The sandbox's own address as this client sees it."""
		return f"http://{self.headers.get('host', 'localhost')}"

	def json(self) -> dict[str, Any]:
		"""The body as a JSON object, {} when empty. Raises ValueError when it is something else."""
		data = json.loads(self.body or b"{}")
		if not isinstance(data, dict):
			raise ValueError("the body must be a JSON object")
		return data

	def form(self) -> tuple[dict[str, str], dict[str, FileStorage]]:
		"""Fields and files of a multipart or urlencoded body."""
		mimetype, options = parse_options_header(self.headers.get("content-type", ""))
		_, fields, files = FormDataParser().parse(BytesIO(self.body), mimetype, len(self.body), options)
		return fields.to_dict(), files.to_dict()


@dataclass(frozen=True)
class Response:
	status: int = 200
	body: bytes = b""
	content_type: str = "application/json; charset=UTF-8"
	headers: dict[str, str] = field(default_factory=dict)
	delay: float = 0  # seconds before it is sent
	ending: str = ""  # "", RESET, HOLD or STREAM

	def later(self, seconds: float) -> Response:
		return replace(self, delay=self.delay + seconds)


@dataclass(frozen=True)
class Later:
	"""An answer that takes blocking work; the front runs `work` in a thread."""

	work: Callable[[], Response]


def answer(data: Any, status: int = 200, delay: float = 0) -> Response:
	return Response(status, json.dumps(data).encode(), delay=delay)
