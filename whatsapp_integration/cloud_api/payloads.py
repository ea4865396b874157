"""Build the JSON of the Cloud API from our messages: pure, no transport.

Shapes: DOC/messages and `POST /{PHONE_NUMBER_ID}/messages` of Meta's OpenAPI description.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from whatsapp_integration.core.errors import InvalidPhone, _
from whatsapp_integration.core.messages import (
	Buttons,
	Contacts,
	Content,
	CtaUrl,
	Flow,
	Interactive,
	ListMenu,
	Location,
	Media,
	MediaContent,
	Outgoing,
	Reaction,
	Template,
	Text,
)

FLOW_MESSAGE_VERSION = "3"

_E164 = re.compile(r"\+[0-9]+")
_BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_URL_STRUCTURE = "%/?&=#"  # a value may hold a whole path and query, or be encoded already


def build_message(message: Outgoing, media_id: str = "") -> dict[str, Any]:
	"""Make the body of `POST /{PHONE_NUMBER_ID}/messages`.

	`media_id` is the uploaded file of a message whose media is a file of the host. The message's name travels
	along as `biz_opaque_callback_data`, which every status brings back. Raises InvalidPhone for a recipient
	that is neither E.164 with "+" nor a BSUID.
	"""
	content = message.content
	kind, body = _build_content(content, media_id, message.file.filename if message.file else "")
	payload = {
		"messaging_product": "whatsapp",
		"recipient_type": "individual",
		**_build_recipient(message.to),
		"type": kind,
		kind: body,
		"biz_opaque_callback_data": message.name,
	}
	if message.reply_to:
		payload["context"] = {"message_id": message.reply_to}
	return payload


def build_mark_read(message_id: str, typing: bool = False) -> dict[str, Any]:
	"""Make the body that shows blue ticks up to `message_id`, and "typing" for up to 25 seconds."""
	payload: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
	if typing:
		payload["typing_indicator"] = {"type": "text"}
	return payload


def encode_url_value(text: str) -> str:
	"""Percent-encode the value of a template's URL button; what is encoded already stays as it is.

	Meta refuses a space, ":", "|" or "ç" here (DOC/messages/template-messages).
	"""
	return quote(_BARE_PERCENT.sub("%25", text), safe=_URL_STRUCTURE)


def _build_recipient(to: str) -> dict[str, str]:
	if _BSUID.fullmatch(to):
		return {"recipient": to}
	if _E164.fullmatch(to):
		return {"to": to}
	# Without "+" Meta puts the business number's country code in front, and a stranger gets the message.
	raise InvalidPhone(
		_("{0} is neither a number with + and country code nor a WhatsApp user id."), to, code="invalid_phone"
	)


def _build_content(content: Content, media_id: str, filename: str) -> tuple[str, Any]:
	"""Return the API's word for the content, and the object that stands under that word."""
	if isinstance(content, MediaContent):
		return _build_media(content, media_id, filename)
	if isinstance(content, Interactive):
		return "interactive", _build_interactive(content)
	return content.KIND, _PLAIN[type(content)](content)


def _build_media(content: MediaContent, media_id: str, filename: str) -> tuple[str, dict[str, Any]]:
	kind = "audio" if content.KIND == "voice" else content.KIND
	body: dict[str, Any] = _media_source(content.media, media_id)
	if content.caption:
		body["caption"] = content.caption
	if kind == "document" and (content.media.filename or filename):
		body["filename"] = content.media.filename or filename
	if content.KIND == "voice":
		body["voice"] = True
	return kind, body


def _media_source(media: Media, media_id: str) -> dict[str, str]:
	found = media_id or media.media_id
	return {"id": found} if found else {"link": media.link}


def _build_text(content: Text) -> dict[str, Any]:
	return {"preview_url": content.preview_url, "body": content.body}


def _build_location(content: Location) -> dict[str, Any]:
	named = {"name": content.label, "address": content.address}
	return {
		"latitude": content.latitude,
		"longitude": content.longitude,
		**{key: value for key, value in named.items() if value},
	}


def _build_contacts(content: Contacts) -> list[dict[str, Any]]:
	return list(content.contacts)


def _build_reaction(content: Reaction) -> dict[str, str]:
	return {"message_id": content.message_id, "emoji": content.emoji}


def _build_template(content: Template) -> dict[str, Any]:
	body: dict[str, Any] = {"name": content.name, "language": {"code": content.language}}
	if content.components:
		body["components"] = [_build_component(component) for component in content.components]
	return body


def _build_component(component: dict[str, Any]) -> dict[str, Any]:
	if (component.get("type"), component.get("sub_type")) != ("button", "url"):
		return component
	return component | {"parameters": [_encode_parameter(item) for item in component.get("parameters", ())]}


def _encode_parameter(parameter: dict[str, Any]) -> dict[str, Any]:
	text = parameter.get("text")
	return parameter | {"text": encode_url_value(text)} if isinstance(text, str) else parameter


_PLAIN: dict[type[Content], Callable[[Any], Any]] = {
	Text: _build_text,
	Location: _build_location,
	Contacts: _build_contacts,
	Reaction: _build_reaction,
	Template: _build_template,
}


def _build_interactive(content: Interactive) -> dict[str, Any]:
	body: dict[str, Any] = {"type": _INTERACTIVE[type(content)][0]}
	if content.header:
		body["header"] = content.header
	body["body"] = {"text": content.body}
	if content.footer:
		body["footer"] = {"text": content.footer}
	body["action"] = _INTERACTIVE[type(content)][1](content)
	return body


def _build_buttons(content: Buttons) -> dict[str, Any]:
	return {
		"buttons": [
			{"type": "reply", "reply": {"id": button["id"], "title": button["title"]}}
			for button in content.buttons
		]
	}


def _build_list(content: ListMenu) -> dict[str, Any]:
	return {"button": content.button, "sections": list(content.sections)}


def _build_cta_url(content: CtaUrl) -> dict[str, Any]:
	return {"name": "cta_url", "parameters": {"display_text": content.display_text, "url": content.url}}


def _build_flow(content: Flow) -> dict[str, Any]:
	given = {
		"flow_id": content.flow_id,
		"flow_name": content.flow_name,
		"flow_cta": content.flow_cta,
		"flow_token": content.flow_token,
		"flow_action": content.flow_action,
		"flow_action_payload": content.flow_action_payload,
		"mode": "draft" if content.draft else "",
	}
	parameters = {key: value for key, value in given.items() if value}
	return {"name": "flow", "parameters": {"flow_message_version": FLOW_MESSAGE_VERSION, **parameters}}


_INTERACTIVE: dict[type[Interactive], tuple[str, Callable[[Any], dict[str, Any]]]] = {
	Buttons: ("button", _build_buttons),
	ListMenu: ("list", _build_list),
	CtaUrl: ("cta_url", _build_cta_url),
	Flow: ("flow", _build_flow),
}
