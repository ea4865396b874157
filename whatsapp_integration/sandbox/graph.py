"""The Graph API of one WhatsApp account: /v25.0/… (any version), answers and errors in Meta's shape."""

from __future__ import annotations

import http.client
import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from whatsapp_integration.sandbox import defaults, faults
from whatsapp_integration.sandbox.errors import GraphError, no_such_object
from whatsapp_integration.sandbox.faults import Faults
from whatsapp_integration.sandbox.http import Later, Request, Response, answer
from whatsapp_integration.sandbox.media import UPLOADED_LIFE, MediaFile, check_upload
from whatsapp_integration.sandbox.payloads import display
from whatsapp_integration.sandbox.sending import Sending, server_error
from whatsapp_integration.sandbox.state import State

PATH = re.compile(r"(?:/v\d+\.\d+)?/([\w.]+)(?:/(\w+))?/?")
FILE_PATH = "/whatsapp_business/attachments/"
VERIFY_TIMEOUT = 10


class Graph:
	"""`handle` turns one request into an answer; it never raises and never blocks."""

	def __init__(self, state: State, sending: Sending, fault_table: Faults):
		self.state = state
		self.sending = sending
		self.faults = fault_table

	def handle(self, request: Request) -> Response | Later:
		try:
			self._authorize(request)
			if request.path == FILE_PATH:
				return self._download(request)
			match = PATH.fullmatch(request.path)
			if not match:
				raise GraphError(2500, message="Unknown path components: " + request.path)
			return self._route(request, match[1], match[2] or "")
		except GraphError as err:
			with self.state.changed:
				self.state.refusals[err.code] += 1
			return answer(err.to_dict(), err.status)

	def _authorize(self, request: Request) -> None:
		scheme, _, token = request.headers.get("authorization", "").partition(" ")
		token = (
			token.strip() if scheme.lower() in ("bearer", "oauth") else request.query.get("access_token", "")
		)
		if not token:
			raise GraphError(190, message="An access token is required to request this resource.")
		if not secrets.compare_digest(token.encode(), self.state.settings.access_token.encode()):
			raise GraphError(190)

	def _route(self, request: Request, node: str, edge: str) -> Response | Later:
		settings = self.state.settings
		if node in settings.numbers():
			routes = self._number_routes()
		elif node == settings.waba_id:
			routes = self._account_routes()
		elif node in self.state.media:
			routes = {("GET", ""): self._media_info, ("DELETE", ""): self._media_delete}
		else:
			raise no_such_object(request.method, node)
		action = routes.get((request.method, edge))
		if action is None:
			raise GraphError(2500, message=f"Unknown path components: /{edge}")
		return action(request, node)

	def _number_routes(self) -> dict[tuple[str, str], Callable[[Request, str], Response | Later]]:
		return {
			("POST", "messages"): self._messages,
			("POST", "marketing_messages"): self._marketing_messages,
			("POST", "media"): self._media_upload,
			("GET", ""): self._number_info,
			("POST", ""): self._number_webhook,
		}

	def _account_routes(self) -> dict[tuple[str, str], Callable[[Request, str], Response | Later]]:
		return {
			("GET", ""): self._account_info,
			("GET", "phone_numbers"): self._phone_numbers,
			("GET", "message_templates"): self._templates,
			("GET", "subscribed_apps"): self._subscriptions,
			("POST", "subscribed_apps"): self._subscribe,
			("DELETE", "subscribed_apps"): self._unsubscribe,
		}

	def _switched_fault(self, operation: str) -> Response | None:
		fault = self.faults.next(operation)
		if fault and fault.kind == faults.ERROR:
			raise GraphError(fault.code, "Asked for by a fault of the sandbox")
		return server_error() if fault and fault.kind == faults.SERVER_ERROR else None

	def _messages(self, request: Request, node: str) -> Response:
		return self.sending.post(node, _json(request))

	def _marketing_messages(self, request: Request, node: str) -> Response:
		return self.sending.post(node, _json(request), marketing=True)

	def _media_upload(self, request: Request, node: str) -> Response:
		fault = self._switched_fault("media")
		if fault:
			return fault
		fields, files = request.form()
		if fields.get("messaging_product") != "whatsapp":
			raise GraphError(100, message="(#100) The parameter messaging_product is required.")
		if "file" not in files:
			raise GraphError(100, message="(#100) The parameter file is required.")
		file = files["file"]
		mime_type, content = fields.get("type") or file.mimetype, file.stream.read()
		check_upload(mime_type, len(content))
		stored = self.state.add_media(node, content, mime_type, file.filename or "", UPLOADED_LIFE)
		return answer({"id": stored.id})

	def _media(self, method: str, media_id: str) -> MediaFile:
		file = self.state.get_media(media_id)
		if file is None:
			raise no_such_object(method, media_id)
		return file

	def _media_info(self, request: Request, node: str) -> Response:
		fault = self._switched_fault("media")
		if fault:
			return fault
		file = self._media("GET", node)
		owner = request.query.get("phone_number_id")
		if owner and owner != file.number_id:
			raise no_such_object("GET", node)
		expires = int(self.state.clock() + self.state.settings.media_url_seconds)
		query = urlencode({"mid": file.id, "ext": expires, "hash": f"ARb{file.sha256_hex[:24]}"})
		return answer(
			{
				"url": f"{request.origin}{FILE_PATH}?{query}",
				"mime_type": file.mime_type,
				"sha256": file.sha256_hex,
				"file_size": str(len(file.content)),
				"id": file.id,
				"messaging_product": "whatsapp",
			}
		)

	def _media_delete(self, request: Request, node: str) -> Response:
		with self.state.changed:
			self._media("DELETE", node)
			del self.state.media[node]
		return answer({"success": True})

	def _download(self, request: Request) -> Response:
		fault = self._switched_fault("download")
		if fault:
			return fault
		file = self.state.get_media(request.query.get("mid", ""))
		expires = request.query.get("ext", "")
		if file is None or not expires.isdigit() or int(expires) < self.state.clock():
			return Response(404, b"", "text/plain")
		name = quote(file.filename or file.id)
		return Response(
			200, file.content, file.mime_type, {"Content-Disposition": f"inline;filename*=UTF-8''{name}"}
		)

	def _number_info(self, request: Request, node: str) -> Response:
		return answer(
			_pick(request, self._number(node), ("display_phone_number", "verified_name", "quality_rating"))
		)

	def _number(self, node: str) -> dict[str, Any]:
		settings = self.state.settings
		override = self.state.overrides.get(node)
		hooks = {"application": settings.callback_url, **({"phone_number": override[0]} if override else {})}
		return {
			"id": node,
			"display_phone_number": display(settings.numbers()[node]),
			"verified_name": settings.verified_name,
			"quality_rating": "GREEN",
			"status": "CONNECTED",
			"name_status": "APPROVED",
			"code_verification_status": "VERIFIED",
			"throughput": {"level": "STANDARD"},
			"platform_type": "CLOUD_API",
			"account_mode": "LIVE",
			"whatsapp_business_manager_messaging_limit": "TIER_2K",
			"webhook_configuration": hooks,
			"health_status": {"can_send_message": "AVAILABLE", "entities": []},
		}

	def _number_webhook(self, request: Request, node: str) -> Response | Later:
		wanted = _json(request).get("webhook_configuration")
		if not isinstance(wanted, dict) or not wanted.get("override_callback_uri"):
			with self.state.changed:
				self.state.overrides.pop(node, None)
			return answer({"success": True})
		return Later(lambda: self._override(node, wanted))

	def _account_info(self, request: Request, node: str) -> Response:
		whole = {
			"id": node,
			"name": self.state.settings.verified_name,
			"timezone_id": "1",
			"message_template_namespace": "ba30dd89_2ebd_41e4_b805_f2c05ae04cc9",
			"health_status": {"can_send_message": "AVAILABLE", "entities": []},
		}
		return answer(_pick(request, whole, ("name", "timezone_id", "message_template_namespace")))

	def _phone_numbers(self, request: Request, node: str) -> Response:
		default = ("display_phone_number", "verified_name", "quality_rating", "code_verification_status")
		rows = [
			_pick(request, self._number(number_id), default) for number_id in self.state.settings.numbers()
		]
		return answer(_page(request, rows))

	def _templates(self, request: Request, node: str) -> Response:
		fault = self._switched_fault("templates")
		if fault:
			return fault
		query, rows = request.query, []
		for template in self.state.templates.listed():
			if all(
				query.get(key, template[key]) == template[key]
				for key in ("name", "status", "language", "category")
			):
				whole = {"rejected_reason": "NONE", "quality_score": {"score": "UNKNOWN"}, **template}
				rows.append(_pick(request, whole, tuple(template)))
		return answer(_page(request, rows))

	def _subscriptions(self, request: Request, node: str) -> Response:
		if not self.state.settings.subscribed:
			return answer({"data": []})
		app = {
			"link": "https://www.facebook.com/games/?app_id=" + defaults.APP_ID,
			"name": "Sandbox",
			"id": defaults.APP_ID,
		}
		entry: dict[str, Any] = {"whatsapp_business_api_data": app}
		if node in self.state.overrides:
			entry["override_callback_uri"] = self.state.overrides[node][0]
		return answer({"data": [entry]})

	def _subscribe(self, request: Request, node: str) -> Response | Later:
		wanted = _json(request)
		if wanted.get("override_callback_uri"):
			return Later(lambda: self._override(node, wanted))
		with self.state.changed:
			self.state.overrides.pop(node, None)
		self.state.configure({"subscribed": True})
		return answer({"success": True})

	def _unsubscribe(self, request: Request, node: str) -> Response:
		with self.state.changed:
			self.state.overrides.pop(node, None)
		self.state.configure({"subscribed": False})
		return answer({"success": True})

	def _override(self, node: str, wanted: dict[str, Any]) -> Response:
		"""Meta asks the new address for the challenge at once; a wrong echo refuses the whole call."""
		url, token = str(wanted["override_callback_uri"]), str(wanted.get("verify_token", ""))
		problem = verify_callback(url, token)
		if problem:
			error = GraphError(
				2200,
				message=f"(#2200) Callback verification failed with the following errors: {problem}",
			)
			return answer(error.to_dict(), error.status)
		with self.state.changed:
			self.state.overrides[node] = (url, token)
		self.state.configure({"subscribed": True})
		return answer({"success": True})


def verify_callback(url: str, token: str) -> str:
	"""GET the challenge as Meta does; returns what is wrong, "" when the address echoes it."""
	challenge = str(secrets.randbelow(10**10))
	parts = urlsplit(url)
	query = urlencode(
		{"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": token}, safe="."
	)
	connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
	try:
		connection = connect(parts.netloc, timeout=VERIFY_TIMEOUT)
		connection.request("GET", f"{parts.path or '/'}?{parts.query + '&' if parts.query else ''}{query}")
		reply = connection.getresponse()
		text = reply.read(1024).decode(errors="replace")
		connection.close()
	except (OSError, ValueError, http.client.HTTPException) as err:
		return f"{type(err).__name__}: {err}"
	if reply.status != 200:
		return f"HTTP Status Code = {reply.status}; HTTP Message = {reply.reason}"
	return "" if text == challenge else "The response does not match the challenge"


def _json(request: Request) -> dict[str, Any]:
	try:
		return request.json()
	except ValueError as err:
		raise GraphError(100, message=f"(#100) Invalid JSON in the body: {err}") from err


def _pick(request: Request, whole: dict[str, Any], default: tuple[str, ...]) -> dict[str, Any]:
	wanted = [
		name.partition("{")[0].strip() for name in request.query.get("fields", "").split(",") if name.strip()
	]
	for name in wanted:
		if name not in whole:
			if name in (
				"disable_info",
				"sub_category",
				"previous_category",
				"rejected_reason",
				"quality_score",
			):
				continue
			raise GraphError(100, message=f"(#100) Tried accessing nonexisting field ({name})")
	names = [*(wanted or default), "id"]
	return {name: whole[name] for name in dict.fromkeys(names) if name in whole}


def _page(request: Request, rows: list[dict[str, Any]]) -> dict[str, Any]:
	"""One page of a list with cursors; `next` only when there is more."""
	query = request.query
	limit = int(query["limit"]) if query.get("limit", "").isdigit() and int(query["limit"]) else 25
	start = int(query["after"]) if query.get("after", "").isdigit() else 0
	page, data = rows[start : start + limit], {}
	data["data"] = page
	if page:
		data["paging"] = {"cursors": {"before": str(start), "after": str(start + len(page))}}
		if start + len(page) < len(rows):
			more = urlencode({**query, "after": start + len(page)})
			data["paging"]["next"] = f"{request.origin}{request.path}?{more}"
	return data
