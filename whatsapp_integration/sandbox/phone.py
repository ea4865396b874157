"""The phone page and the data it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from whatsapp_integration.sandbox.http import Request, Response, answer
from whatsapp_integration.sandbox.numbers import customer_id
from whatsapp_integration.sandbox.payloads import display
from whatsapp_integration.sandbox.replies import choices
from whatsapp_integration.sandbox.state import ACCEPTED, DELIVERED, SENT, Chat, Message, State

STATIC = Path(__file__).parent / "static"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = (
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
	"frame-ancestors 'none'; img-src 'self' data: blob: http: https:; media-src 'self' blob: http: https:"
)
SHOWN = 200  # messages of a chat, chats of the list
UNREAD = (ACCEPTED, SENT, DELIVERED)
SHOWN_INLINE = re.compile(r"(image/(jpeg|png|webp|gif)|video/|audio/|application/pdf$)")


class Phone:
	def __init__(self, state: State):
		self.state = state

	def handle(self, request: Request) -> Response:
		path = request.path
		if path == "/":
			return self._static("phone.html")
		if path in ("/favicon.ico", "/favicon.svg"):
			return self._static("icon.svg")
		if path.startswith("/static/"):
			return self._static(path.removeprefix("/static/"))
		if path == "/phone/chats":
			return answer(self.chats())
		if path == "/phone/chat":
			return answer(self.chat(request.query.get("number_id", ""), request.query.get("customer", "")))
		if path.startswith("/phone/media/"):
			return self._media(path.removeprefix("/phone/media/"))
		return answer({"error": "not found"}, 404)

	def chats(self) -> dict[str, Any]:
		"""The list at the left: newest chat first."""
		with self.state.changed:
			settings = self.state.settings
			rows = [_chat_row(chat, self.state.clock()) for chat in self.state.chats.values()]
			rows.sort(key=lambda row: row["at"], reverse=True)
			return {
				"business": {"name": settings.verified_name},
				"numbers": [
					{"id": key, "number": display(value)} for key, value in settings.numbers().items()
				],
				"auto_read": settings.auto_read,
				"subscribed": settings.subscribed and bool(self.state.callback(settings.phone_number_id)),
				"chats": rows[:SHOWN],
			}

	def chat(self, number_id: str, customer: str) -> dict[str, Any]:
		"""One conversation, its last messages."""
		with self.state.changed:
			number_id = number_id or self.state.settings.phone_number_id
			found = self.state.chats.get((number_id, customer)) or self.state.chats.get(
				(number_id, customer_id(customer))
			)
			if found is None:
				return {"messages": [], "typing": False}
			shown = [m for m in found.messages if m.type not in ("reaction", "edit", "revoke")][-SHOWN:]
			return {
				**_chat_row(found, self.state.clock()),
				"messages": [self._bubble(message) for message in shown],
			}

	def _bubble(self, message: Message) -> dict[str, Any]:
		quoted = self.state.messages.get(message.context)
		return {
			"id": message.id,
			"incoming": message.incoming,
			"type": message.type,
			"part": message.part,
			"rendered": message.rendered,
			"choices": [] if message.incoming else choices(message),
			"at": message.at,
			"status": message.status,
			"error": message.error,
			"sender": message.sender,
			"reactions": [emoji for emoji in message.reactions.values() if emoji],
			"my_reaction": message.reactions.get("customer", ""),
			"quoted": {"incoming": quoted.incoming, "text": preview(quoted), "type": quoted.type}
			if quoted
			else None,
			"forwarded": message.forwarded,
			"edited": message.edited,
			"revoked": message.revoked,
		}

	def _media(self, media_id: str) -> Response:
		"""A file for the page. Types a browser might run as a page are downloaded instead of shown."""
		file = self.state.get_media(media_id)
		if file is None:
			return answer({"error": "not found"}, 404)
		shown = SHOWN_INLINE.match(file.base_type)
		name = quote(file.filename or f"file-{file.id}")
		headers = {
			"Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{name}",
			"X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "default-src 'none'; sandbox",
			"Cache-Control": "private, max-age=3600",
		}
		return Response(200, file.content, file.base_type if shown else "application/octet-stream", headers)

	def _static(self, name: str) -> Response:
		if name not in {file.name for file in STATIC.iterdir()} or Path(name).suffix not in TYPES:
			return answer({"error": "not found"}, 404)
		headers = {
			"Content-Security-Policy": POLICY,
			"X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer",
			"Cache-Control": "no-cache",
		}
		return Response(
			200, (STATIC / name).read_bytes(), f"{TYPES[Path(name).suffix]}; charset=utf-8", headers
		)


def preview(message: Message) -> str:
	"""One line of text, "" for kinds that the page names in its own language."""
	if message.type == "template":
		return (message.rendered or {}).get("body", "")
	part = message.part if isinstance(message.part, dict) else {}
	if message.type == "interactive":
		reply = part.get(part.get("type", ""), {})
		return reply.get("title", "") if message.incoming else part.get("body", {}).get("text", "")
	for key in ("body", "caption", "text", "filename", "name", "emoji"):
		if isinstance(part.get(key), str) and part[key]:
			return part[key]
	return ""


def _chat_row(chat: Chat, now: float) -> dict[str, Any]:
	shown = [message for message in chat.messages[-20:] if message.type not in ("edit", "revoke")]
	last = shown[-1] if shown else None
	recent = [
		message for message in chat.messages[-SHOWN:] if not message.incoming and message.type != "reaction"
	]
	return {
		"number_id": chat.number_id,
		"customer": chat.key,
		"name": chat.name,
		"user_id": chat.user_id,
		"group": chat.group,
		"unread": sum(message.status in UNREAD for message in recent),
		"typing": chat.typing_until > now,
		"at": last.at if last else 0,
		"last": _last(last) if last else None,
	}


def _last(message: Message) -> dict[str, Any]:
	return {"text": preview(message), "type": message.type, "revoked": message.revoked}
