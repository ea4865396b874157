"""What Meta refuses in the body of POST /messages (DOC/messages, limits as of 2026-09)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whatsapp_integration.sandbox.errors import GraphError, invalid, missing
from whatsapp_integration.sandbox.interactive import check_interactive

TEXT_MAX = 4096
CAPTION_MAX = 1024
CALLBACK_DATA_MAX = 512
MEDIA_TYPES = ("image", "video", "audio", "document", "sticker")


def check_envelope(body: dict[str, Any]) -> None:
	"""Everything around the typed part of a message."""
	if body.get("messaging_product") != "whatsapp":
		raise GraphError(100, message="(#100) The parameter messaging_product is required.")
	if not body.get("to") and not body.get("recipient"):
		raise GraphError(100, message="(#100) The parameter to is required.")
	for key in ("to", "recipient", "type", "biz_opaque_callback_data"):
		if not isinstance(body.get(key, ""), str):
			raise GraphError(100, message=f"(#100) Param {key} must be a string.")
	if body.get("recipient_type", "individual") not in ("individual", "group"):
		raise GraphError(100, message="(#100) Param recipient_type must be one of {INDIVIDUAL, GROUP}.")
	_at_most(body.get("biz_opaque_callback_data", ""), CALLBACK_DATA_MAX, "biz_opaque_callback_data")
	context = body.get("context")
	if context is not None and not (isinstance(context, dict) and context.get("message_id")):
		raise missing("context['message_id']")
	if context and not isinstance(context["message_id"], str):
		raise GraphError(100, message="(#100) Param context['message_id'] must be a string.")


def check_content(body: dict[str, Any]) -> None:
	"""The typed part, except what needs the state: templates, media ids and message ids."""
	kind = body.get("type", "text")
	check = _CHECKS.get(kind)
	if check is None:
		names = ", ".join(sorted(name.upper() for name in _CHECKS))
		raise GraphError(100, message=f'(#100) Param type must be one of {{{names}}} - got "{kind}".')
	if not body.get(kind):
		raise missing(kind)
	if not isinstance(body[kind], list if kind == "contacts" else dict):
		raise GraphError(
			100, message=f"(#100) Param {kind} must be a JSON {'array' if kind == 'contacts' else 'object'}."
		)
	check(kind, body[kind])


def _at_most(text: Any, limit: int, where: str) -> None:
	if not isinstance(text, str):
		raise GraphError(100, message=f"(#100) Param {where} must be a string.")
	if len(text) > limit:
		raise GraphError(100, message=f"(#100) Param {where} must be at most {limit} characters long.")


def _check_text(kind: str, part: dict[str, Any]) -> None:
	if not part.get("body"):
		raise missing("text['body']")
	_at_most(part["body"], TEXT_MAX, "text['body']")
	if not isinstance(part.get("preview_url", False), bool):
		raise GraphError(100, message="(#100) Param text['preview_url'] must be a boolean.")


def _check_media(kind: str, part: dict[str, Any]) -> None:
	if bool(part.get("id")) == bool(part.get("link")):
		raise GraphError(
			100, f"{kind}: exactly one of id and link must be given", message="(#100) Invalid parameter"
		)
	if "link" in part and not str(part["link"]).startswith(("http://", "https://")):
		raise GraphError(100, message=f"(#100) Param {kind}['link'] is not a valid URI.")
	for key, kinds in (
		("caption", ("image", "video", "document")),
		("filename", ("document",)),
		("voice", ("audio",)),
	):
		if key in part and kind not in kinds:
			raise GraphError(100, message=f'(#100) Unexpected key "{key}" on param "{kind}".')
	_at_most(part.get("caption", ""), CAPTION_MAX, f"{kind}['caption']")


def _check_location(kind: str, part: dict[str, Any]) -> None:
	for key, limit in (("latitude", 90), ("longitude", 180)):
		if part.get(key) is None:
			raise missing(f"location['{key}']")
		try:
			inside = -limit <= float(part[key]) <= limit
		except (TypeError, ValueError):
			inside = False
		if not inside:
			raise invalid(f"location: {key} must be a number from -{limit} to {limit}")


def _check_contacts(kind: str, part: list[Any]) -> None:
	for index, contact in enumerate(part):
		name = contact.get("name") if isinstance(contact, dict) else None
		if not isinstance(name, dict) or not name.get("formatted_name"):
			raise missing(f"contacts[{index}]['name']['formatted_name']")


def _check_reaction(kind: str, part: dict[str, Any]) -> None:
	if not part.get("message_id"):
		raise missing("reaction['message_id']")
	if not isinstance(part.get("emoji"), str):
		raise missing("reaction['emoji']")
	if len(part["emoji"]) > 16 or (part["emoji"].isascii() and part["emoji"]):
		raise invalid("reaction: emoji must be exactly one emoji")


def _check_template(kind: str, part: dict[str, Any]) -> None:
	if not isinstance(part.get("language", {}), dict):
		raise GraphError(100, message="(#100) Param template['language'] must be a JSON object.")


_CHECKS: dict[str, Callable[[str, Any], None]] = {
	"text": _check_text,
	**dict.fromkeys(MEDIA_TYPES, _check_media),
	"location": _check_location,
	"contacts": _check_contacts,
	"reaction": _check_reaction,
	"template": _check_template,
	"interactive": check_interactive,
}
