"""The control API of the sandbox, for tests, benchmarks and the phone page: /sandbox/…"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whatsapp_integration.sandbox.faults import SUFFIXES, Fault, Faults
from whatsapp_integration.sandbox.http import STREAM, Request, Response, answer
from whatsapp_integration.sandbox.ladder import STATUSES, Ladder
from whatsapp_integration.sandbox.media import RECEIVED_LIFE
from whatsapp_integration.sandbox.numbers import customer_id
from whatsapp_integration.sandbox.replies import Replies
from whatsapp_integration.sandbox.state import Message, State
from whatsapp_integration.sandbox.webhooks import Update, Webhooks

SECRETS = ("access_token", "app_secret", "verify_token")


class Control:
	"""Methods are the in-process form, `handle` the HTTP form. ValueError becomes a 400."""

	def __init__(
		self, state: State, webhooks: Webhooks, ladder: Ladder, replies: Replies, fault_table: Faults
	):
		self.state = state
		self.webhooks = webhooks
		self.ladder = ladder
		self.replies = replies
		self.faults = fault_table
		self._routes: dict[tuple[str, str], Callable[[Request], Any]] = {
			("GET", "messages"): lambda request: self.messages(**_filters(request)),
			("GET", "stats"): lambda request: self.stats(),
			("GET", "config"): lambda request: self.config(),
			("POST", "config"): lambda request: self.configure(request.json()),
			("GET", "faults"): lambda request: self.list_faults(),
			("POST", "faults"): lambda request: self.add_fault(request.json()),
			("DELETE", "faults"): lambda request: self.clear_faults(),
			("POST", "reply"): lambda request: self.reply(request.json()),
			("POST", "read"): lambda request: self.read(**_named(request, "customer", "number_id")),
			("POST", "status"): lambda request: self.status(
				**_named(request, "message_id", "status", "code")
			),
			("POST", "replay"): lambda request: self.replay(**_named(request, "message_id", "times")),
			("POST", "webhook"): lambda request: self.webhook(**_named(request, "field", "value")),
			("POST", "templates"): lambda request: self.add_template(request.json()),
			("POST", "upload"): self._upload,
			("POST", "reset"): lambda request: self.reset(),
			("GET", "events"): lambda request: Response(content_type="text/event-stream", ending=STREAM),
		}

	def handle(self, request: Request) -> Response:
		route = self._routes.get((request.method, request.path.removeprefix("/sandbox/").rstrip("/")))
		if route is None:
			return answer({"error": f"unknown; there are: {self._listing()}"}, 404)
		if request.method != "GET" and not _is_same_origin(request):
			return answer({"error": "another web page may not do that"}, 403)
		try:
			result = route(request)
		except (ValueError, TypeError) as err:
			return answer({"error": str(err)}, 400)
		return result if isinstance(result, Response) else answer(result)

	def messages(
		self, to: str = "", callback_data: str = "", incoming: str | bool = ""
	) -> list[dict[str, Any]]:
		"""What was accepted, oldest first; `incoming` true lists what customers wrote instead."""
		wanted = str(incoming).lower() in ("1", "true", "yes")
		key = customer_id(to) if to else ""
		with self.state.changed:
			return [
				as_dict(message)
				for message in self.state.messages.values()
				if message.incoming == wanted
				and (not to or key == message.chat or to in (message.to, message.chat))
				and (not callback_data or message.callback_data == callback_data)
			]

	def stats(self) -> dict[str, Any]:
		"""Counts since the last reset. `webhooks_sent` are POSTs, `updates_…` the statuses and messages in them."""
		with self.state.changed:
			counts, refusals = dict(self.state.counts), dict(self.state.refusals)
		posts = dict(self.webhooks.counts)
		return {
			"accepted": counts.pop("accepted", 0),
			"duplicates": counts.pop("duplicates", 0),
			"received": counts.pop("received", 0),
			"refused": {str(code): amount for code, amount in refusals.items()},
			"statuses": counts,
			"webhooks_sent": posts.get("posts", 0),
			"webhooks_acknowledged": posts.get("acknowledged", 0),
			"webhooks_failed": posts.get("failed", 0),
			"webhooks_retried": posts.get("retried", 0),
			"webhooks_pending": self.webhooks.pending(),
			"updates_acknowledged": posts.get("updates_acknowledged", 0),
			"updates_failed": posts.get("updates_failed", 0),
			"updates_unsubscribed": posts.get("unsubscribed", 0),
			"updates_dropped": posts.get("dropped", 0),
		}

	def config(self) -> dict[str, Any]:
		return {**self.state.settings.to_dict(), "overrides": dict(self.state.overrides)}

	def configure(self, values: dict[str, Any]) -> dict[str, Any]:
		self.state.configure(values)
		return self.config()

	def list_faults(self) -> dict[str, Any]:
		return {
			"switched": [fault.to_dict() for fault in self.faults.listed()],
			"suffixes": {suffix: fault.to_dict() for suffix, fault in SUFFIXES.items()},
		}

	def add_fault(self, data: dict[str, Any]) -> dict[str, Any]:
		fault = Fault.from_dict(data)
		self.faults.add(fault)
		return fault.to_dict()

	def clear_faults(self) -> dict[str, Any]:
		self.faults.clear()
		return {"success": True}

	def reply(self, data: dict[str, Any]) -> dict[str, Any]:
		return as_dict(self.replies.post(dict(data)))

	def read(self, customer: str, number_id: str = "") -> dict[str, Any]:
		number_id = number_id or self.state.settings.phone_number_id
		known = (number_id, customer) in self.state.chats
		return {"read": self.ladder.read(number_id, customer if known else customer_id(customer))}

	def status(self, message_id: str, status: str, code: int = 131000) -> dict[str, Any]:
		"""Make one status of an accepted message come now."""
		message = self.state.messages.get(message_id)
		if message is None or message.incoming or status not in STATUSES:
			raise ValueError(f"message_id is an accepted message, status one of {', '.join(STATUSES)}")
		self.ladder.report(message, status, int(code))
		return as_dict(message)

	def replay(self, message_id: str, times: int = 1) -> dict[str, Any]:
		return {"posts": self.webhooks.replay(message_id, int(times))}

	def webhook(self, field: str, value: dict[str, Any]) -> dict[str, Any]:
		"""Post any webhook: template, account and quality events, or things nobody knows."""
		number_id = value.get("metadata", {}).get("phone_number_id", self.state.settings.phone_number_id)
		self.webhooks.tell(Update(number_id, lambda: (field, value)))
		return {"success": True}

	def add_template(self, template: dict[str, Any]) -> dict[str, Any]:
		with self.state.changed:
			return self.state.templates.add(template)

	def reset(self) -> dict[str, Any]:
		self.webhooks.clear()
		self.faults.clear()
		self.state.reset()
		return {"success": True}

	def _upload(self, request: Request) -> dict[str, Any]:
		mime_type = request.headers.get("content-type") or "application/octet-stream"
		name = request.query.get("filename", "")
		number_id = self.state.settings.phone_number_id
		file = self.state.add_media(number_id, request.body, mime_type, name, RECEIVED_LIFE)
		return {"id": file.id}

	def _listing(self) -> str:
		return ", ".join(f"{method} /sandbox/{name}" for method, name in self._routes)


def as_dict(message: Message) -> dict[str, Any]:
	"""A message as the control API lists it; `message` is its typed object."""
	return {
		"id": message.id,
		"phone_number_id": message.number_id,
		"to": message.to,
		"wa_id": message.chat,
		"type": message.type,
		"message": message.part,
		"callback_data": message.callback_data,
		"context": message.context,
		"status": message.status,
		"error": message.error,
		"reactions": message.reactions,
		"time": message.at,
	}


def _filters(request: Request) -> dict[str, str]:
	return {key: request.query[key] for key in ("to", "callback_data", "incoming") if key in request.query}


def _named(request: Request, *names: str) -> dict[str, Any]:
	return {key: value for key, value in request.json().items() if key in names}


def _is_same_origin(request: Request) -> bool:
	"""Programs send no Origin; a browser's must be our own page, so that no other site plays with the sandbox."""
	origin = request.headers.get("origin")
	return origin is None or origin == request.origin
