"""Checks of interactive messages (DOC/messages/interactive-*): buttons, lists, links, flows and the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whatsapp_integration.sandbox.errors import GraphError, invalid, missing

HEADER_MAX = FOOTER_MAX = 60
LIST_BODY_MAX = 4096
BODY_MAX = 1024


def check_interactive(kind: str, part: dict[str, Any]) -> None:
	"""Raise GraphError for what Meta would refuse in an `interactive` object."""
	shape = part.get("type")
	check = _ACTIONS.get(shape)
	if check is None:
		raise GraphError(
			100,
			message=f"(#100) Param interactive['type'] must be one of {{{', '.join(_ACTIONS)}}} - got \"{shape}\".",
		)
	_check_frame(shape, part)
	if not isinstance(part.get("action"), dict):
		raise missing("interactive['action']")
	check(part["action"])


def _check_frame(shape: str, part: dict[str, Any]) -> None:
	for name in ("header", "body", "footer"):
		if not isinstance(part.get(name, {}), dict):
			raise invalid(f"interactive['{name}'] must be an object")
	text = part.get("body", {}).get("text", "")
	if not text and shape != "product":
		raise missing("interactive['body']['text']")
	_length(text, "Body text", LIST_BODY_MAX if shape == "list" else BODY_MAX, least=0)
	if "footer" in part:
		_length(part["footer"].get("text"), "Footer text", FOOTER_MAX)
	if "header" in part:
		_check_header(shape, part["header"])


def _check_header(shape: str, header: dict[str, Any]) -> None:
	kind = header.get("type")
	kinds = ("text",) if shape in ("list", "product_list") else ("text", "image", "video", "document")
	if kind not in kinds:
		raise invalid(f"Header type must be one of {', '.join(kinds)}")
	if kind == "text":
		_length(header.get("text"), "Header text", HEADER_MAX)
	elif not isinstance(header.get(kind), dict) or bool(header[kind].get("id")) == bool(
		header[kind].get("link")
	):
		raise missing(f"interactive['header']['{kind}']['id']")


def _length(text: Any, name: str, most: int, least: int = 1) -> None:
	if not isinstance(text, str) or not least <= len(text) <= most:
		raise invalid(f"{name} length invalid. Min length: {least}, Max length: {most}")


def _unique(values: list[Any], name: str) -> None:
	if len(set(values)) != len(values):
		raise invalid(f"Duplicate {name} are not allowed")


def _objects(value: Any, name: str, most: int) -> list[dict[str, Any]]:
	if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
		raise missing(f"interactive['action']['{name}']")
	if not 1 <= len(value) <= most:
		raise invalid(f"Invalid {name} count. Min allowed {name}: 1, Max allowed {name}: {most}")
	return value


def _check_buttons(action: dict[str, Any]) -> None:
	replies = []
	for button in _objects(action.get("buttons"), "buttons", 3):
		reply = button.get("reply")
		if button.get("type") != "reply" or not isinstance(reply, dict):
			raise missing("interactive['action']['buttons']['reply']")
		_length(reply.get("title"), "Button title", 20)
		_length(reply.get("id"), "Button id", 256)
		replies.append(reply)
	_unique([reply["title"] for reply in replies], "button titles")
	_unique([reply["id"] for reply in replies], "button ids")


def _check_list(action: dict[str, Any]) -> None:
	_length(action.get("button"), "Button text", 20)
	sections = _objects(action.get("sections"), "sections", 10)
	rows = [row for section in sections for row in _objects(section.get("rows"), "rows", 10)]
	if len(rows) > 10:
		raise invalid("Total row count exceed max allowed count: 10")
	for section in sections:
		if "title" in section or len(sections) > 1:
			_length(section.get("title"), "Section title", 24)
	for row in rows:
		_length(row.get("id"), "Row id", 200)
		_length(row.get("title"), "Row title", 24)
		_length(row.get("description", ""), "Row description", 72, least=0)
	_unique([row["id"] for row in rows], "row ids")


def _parameters(action: dict[str, Any], name: str, *needed: str) -> dict[str, Any]:
	parameters = action.get("parameters")
	if action.get("name") != name or not isinstance(parameters, dict):
		raise missing("interactive['action']['parameters']")
	for key in needed:
		if not parameters.get(key):
			raise missing(f"interactive['action']['parameters']['{key}']")
	return parameters


def _check_cta_url(action: dict[str, Any]) -> None:
	parameters = _parameters(action, "cta_url", "display_text", "url")
	_length(parameters["display_text"], "Button text", 20)
	if not str(parameters["url"]).startswith(("http://", "https://")):
		raise invalid("url is not a valid URI")


def _check_flow(action: dict[str, Any]) -> None:
	parameters = _parameters(action, "flow", "flow_message_version", "flow_cta")
	if bool(parameters.get("flow_id")) == bool(parameters.get("flow_name")):
		raise missing("interactive['action']['parameters']['flow_id']")
	if parameters.get("flow_action", "navigate") not in ("navigate", "data_exchange"):
		raise invalid("flow_action must be one of navigate, data_exchange")


def _check_nothing(action: dict[str, Any]) -> None:
	"""Kinds whose action the sandbox takes as it is."""


_ACTIONS: dict[Any, Callable[[dict[str, Any]], None]] = {
	"button": _check_buttons,
	"list": _check_list,
	"cta_url": _check_cta_url,
	"flow": _check_flow,
	**dict.fromkeys(
		(
			"location_request_message",
			"request_contact_info",
			"catalog_message",
			"product",
			"product_list",
			"order_details",
			"order_status",
			"carousel",
		),
		_check_nothing,
	),
}
