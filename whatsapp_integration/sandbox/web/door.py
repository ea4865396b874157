"""The HTTP of the stand-in: /web/… for pages and the phone page, POST /sandbox/web/<verb> for tests."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from whatsapp_integration.sandbox.http import STREAM, Later, Request, Response, answer
from whatsapp_integration.sandbox.web import faults
from whatsapp_integration.sandbox.web.control import READING, VERBS, WebControl
from whatsapp_integration.sandbox.web.linking import Linking
from whatsapp_integration.sandbox.web.model import File, Page
from whatsapp_integration.sandbox.web.phone import WebPhone
from whatsapp_integration.sandbox.web.sending import Sending
from whatsapp_integration.sandbox.web.state import WebState, now_ms

STATIC = Path(__file__).parent / "static"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
# As strict as WhatsApp's own page: a script element or markup made of text by a driver would fail there too.
POLICY = (
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
	"media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
	"require-trusted-types-for 'script'; trusted-types 'none'"
)
SHOWN_INLINE = re.compile(r"(image/(jpeg|png|webp|gif)|video/|audio/|application/pdf$)")
# What a page that is cut off from its account still hears of.
HEARD_OFFLINE = ("online", "mode", "backend", "logout", "needs_update", "reload", "busy")


class Door:
	def __init__(
		self, state: WebState, linking: Linking, sending: Sending, control: WebControl, phone: WebPhone
	):
		self.state = state
		self.linking = linking
		self.sending = sending
		self.control = control
		self.phone = phone
		self._calls: dict[str, Callable[[Page, dict[str, Any]], Any]] = {
			"refs": lambda page, data: linking.refs(page),
			"show": lambda page, data: linking.show(page, str(data["code"])),
			"pairing": lambda page, data: linking.pairing_code(page, str(data["phone"])),
			"pull": self._pull,
			"query": lambda page, data: sending.query(page, str(data["jid"])),
			"chat": lambda page, data: sending.find_chat(page, str(data["jid"])),
			"find": self._find,
			"send": sending.send,
			"react": lambda page, data: sending.react(page, str(data["id"]), str(data["emoji"])),
			"revoke": lambda page, data: sending.revoke(page, str(data["id"])),
			"read": lambda page, data: sending.mark_read(page, str(data["jid"])),
			"settle": self._settle,
			"logout": lambda page, data: linking.unlink(page),
			"bye": lambda page, data: linking.leave(page),
		}

	def handle(self, request: Request) -> Response | Later:
		path = request.path.rstrip("/")
		if path.startswith("/sandbox/web"):
			return self._control(path.removeprefix("/sandbox/web").lstrip("/"), request)
		name = path.removeprefix("/web").lstrip("/")
		if request.method == "GET":
			return self._get(name, request)
		if not _is_same_origin(request):
			return answer({"error": "another web page may not do that"}, 403)
		if name == "upload":
			return Later(lambda: self._upload(request))
		return self._call(name, request)

	# ------------------------------------------------------------------ read

	def _get(self, name: str, request: Request) -> Response | Later:
		if name in ("", "phone"):
			return _static("phone.html" if name else "index.html")
		if name.startswith("static/"):
			return _static(name.removeprefix("static/"))
		if name == "qr.png":
			return Later(lambda: _qr(request.query.get("code", "")))
		if name.startswith("file/"):
			return self._file(name.removeprefix("file/"))
		if name == "events":
			return Response(content_type="text/event-stream", ending=STREAM)
		if name == "phone/data":
			return answer(self.phone.overview())
		if name == "phone/chat":
			return answer(self.phone.chat(request.query.get("number", ""), request.query.get("chat", "")))
		return answer({"error": "not found"}, 404)

	def _file(self, file_id: str) -> Response:
		"""A file for a page. Types a browser might run as a page are downloaded instead of shown."""
		file: File | None = self.state.files.get(file_id)
		if file is None:
			return answer({"error": "not found"}, 404)
		kind = file.mime_type.partition(";")[0].strip().lower()
		shown = SHOWN_INLINE.match(kind)
		headers = {
			"Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(file.name or file.id)}",
			"X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "default-src 'none'; sandbox",
			"Cache-Control": "private, max-age=3600",
		}
		return Response(200, file.content, kind if shown else "application/octet-stream", headers)

	# ------------------------------------------------------------------ asked by pages

	def _upload(self, request: Request) -> Response:
		mime_type = request.query.get("mime_type", "")
		file = self.state.add_file(request.body, mime_type, request.query.get("name", ""))
		return answer({"id": file.id, "sha256": file.sha256, "size": len(file.content)})

	def _call(self, name: str, request: Request) -> Response:
		try:
			data = request.json()
			with self.state.changed:
				result = self._answer(name, data)
				if name not in ("pull", "query", "chat", "find"):
					self.state.touch()
		except LookupError as err:
			return answer({"error": f"unknown: {err}"}, 410)
		except (ValueError, TypeError) as err:
			return answer({"error": str(err)}, 400)
		delay = self.state.settings.sent_delay if name == "send" else 0
		return answer(result, delay=delay)

	def _answer(self, name: str, data: dict[str, Any]) -> Any:
		if name == "boot":
			return self.linking.boot(data)
		if name == "leak":
			self.state.leaks.append({**data, "at": self.state.clock()})
			return None
		call = self._calls.get(name)
		if call is None:
			raise ValueError(f"unknown call {name}")
		return call(self.state.page(str(data["page"])), data)

	def _pull(self, page: Page, data: dict[str, Any]) -> dict[str, Any]:
		"""`got`: numbers of what the page has done; `emitted`: the events that its wa-js emitted, with Date.now()."""
		if data.get("emitted"):
			self._note_emitted(page, data["emitted"])
		got = set(data.get("got", ()))
		page.queue = [item for item in page.queue if item["seq"] not in got]
		if page.is_dead:
			return {"items": []}
		account = self.sending.account_of(page)
		is_offline = account and self.state.faults.find((faults.OFFLINE,), account.number)
		return {"items": [item for item in page.queue if not is_offline or item["kind"] in HEARD_OFFLINE]}

	def _note_emitted(self, page: Page, emitted: list[dict[str, Any]]) -> None:
		account = self.sending.account_of(page)
		for event in emitted:
			message = self.state.messages.get((account.number if account else "", str(event.get("id"))))
			if message:
				message.emitted.append({**event, "told": now_ms()})
		self.state.touch()

	def _find(self, page: Page, data: dict[str, Any]) -> dict[str, Any] | None:
		account = self.sending.account_of(page)
		message = self.state.messages.get((account.number if account else "", str(data["id"])))
		return self.sending.wire.message(message) if message else None

	def _settle(self, page: Page, data: dict[str, Any]) -> None:
		"""The promise of a send was settled, at Date.now() `at`."""
		account = self.sending.account_of(page)
		message = self.state.messages.get((account.number if account else "", str(data["id"])))
		if message:
			message.timing["settled"] = float(data["at"])

	# ------------------------------------------------------------------ asked by tests

	def _control(self, verb: str, request: Request) -> Response:
		if verb not in VERBS:
			return answer({"error": f"unknown; there are: {', '.join(VERBS)}"}, 404)
		if request.method != "POST" and verb not in READING:
			return answer({"error": "use POST"}, 405)
		if not _is_same_origin(request):
			return answer({"error": "another web page may not do that"}, 403)
		work = getattr(self.control, verb)
		try:
			given = request.json()
			inspect.signature(work).bind(**given)
			return answer(work(**given))
		except (ValueError, TypeError, KeyError) as err:
			return answer({"error": str(err)}, 400)


def _qr(code: str) -> Response:
	import qrcode

	if not 0 < len(code) <= 2000:
		return answer({"error": "code is missing or too long"}, 400)
	picture = io.BytesIO()
	qrcode.make(code, border=2, box_size=6).save(picture)
	return Response(200, picture.getvalue(), "image/png", {"Cache-Control": "private, max-age=300"})


def _static(name: str) -> Response:
	if name not in {file.name for file in STATIC.iterdir()} or Path(name).suffix not in TYPES:
		return answer({"error": "not found"}, 404)
	headers = {
		"Content-Security-Policy": POLICY,
		"X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "no-referrer",
		"Cache-Control": "no-cache",
	}
	return Response(200, (STATIC / name).read_bytes(), f"{TYPES[Path(name).suffix]}; charset=utf-8", headers)


def _is_same_origin(request: Request) -> bool:
	"""Programs send no Origin; a browser's must be our own page, so that no other site plays with the sandbox."""
	origin = request.headers.get("origin")
	return origin is None or origin == request.origin
