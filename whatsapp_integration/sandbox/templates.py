"""The approved templates of the sandbox, what Meta checks when one is sent, and how a phone shows it.

Checks: DOC/templates/components, DOC/support/error-codes (1320xx).
"""

from __future__ import annotations

import re
from typing import Any

from whatsapp_integration.sandbox.errors import GraphError, invalid, missing

PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
MEDIA_HEADERS = ("IMAGE", "VIDEO", "DOCUMENT", "LOCATION")
BODY_MAX = 1024
_UNSAFE_IN_URL = re.compile(r"[^A-Za-z0-9\-._~/?#\[\]@!$&'()*+,;=%]")


class Templates:
	"""Templates by name and language; the same pair again replaces the old one."""

	def __init__(self, samples: list[dict[str, Any]]):
		self._items: dict[tuple[str, str], dict[str, Any]] = {}
		for sample in samples:
			self.add(sample)

	def add(self, template: dict[str, Any]) -> dict[str, Any]:
		"""Raises ValueError when name, language or components are missing."""
		for key in ("name", "language", "components"):
			if not template.get(key):
				raise ValueError(f"a template needs {key}")
		number = 594425479261500 + len(self._items)
		defaults = {
			"id": str(number),
			"status": "APPROVED",
			"category": "UTILITY",
			"parameter_format": "POSITIONAL",
		}
		whole = {**defaults, **template}
		self._items[whole["name"], whole["language"]] = whole
		return whole

	def listed(self) -> list[dict[str, Any]]:
		return list(self._items.values())

	def get(self, name: str, language: str) -> dict[str, Any] | None:
		return self._items.get((name, language))

	def check(self, body: dict[str, Any]) -> dict[str, Any]:
		"""The template that a valid `template` object of POST /messages names; raises GraphError otherwise."""
		name, language = body.get("name"), (body.get("language") or {}).get("code")
		if not name:
			raise missing("template['name']")
		if not language:
			raise missing("template['language']['code']")
		template = self.get(name, language)
		if template is None or template["status"] in ("PENDING", "REJECTED"):
			raise GraphError(132001, f"template name ({name}) does not exist in {language}")
		if template["status"] in ("PAUSED", "DISABLED"):
			raise GraphError(132015 if template["status"] == "PAUSED" else 132016)
		given = _by_type(body.get("components", []))
		_check_text(template, "BODY", given.get("body"))
		_check_header(template, given.get("header"))
		_check_buttons(template, given)
		return template


def component(template: dict[str, Any], kind: str) -> dict[str, Any]:
	return next((item for item in template["components"] if item["type"] == kind), {})


def render(template: dict[str, Any], components: list[dict[str, Any]]) -> dict[str, Any]:
	"""What the customer sees: header (text or the media parameter), body, footer, buttons."""
	given = _by_type(components)
	header, head = component(template, "HEADER"), given.get("header", {})
	shown: dict[str, Any] = {
		"body": fill(
			component(template, "BODY").get("text", ""), given.get("body", {}).get("parameters", [])
		),
		"footer": component(template, "FOOTER").get("text", ""),
		"buttons": [
			_shown_button(button, given.get(f"button{index}", {}).get("parameters", []))
			for index, button in enumerate(component(template, "BUTTONS").get("buttons", []))
		],
	}
	if header.get("format") == "TEXT":
		shown["header"] = {"type": "text", "text": fill(header.get("text", ""), head.get("parameters", []))}
	elif header:
		shown["header"] = next(iter(head.get("parameters", [])), {"type": header["format"].lower()})
	return shown


def _shown_button(button: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
	return {**button, "shown_url": fill(button["url"], parameters)} if "url" in button else button


def fill(text: str, parameters: list[dict[str, Any]]) -> str:
	"""Put the values of text, currency and date_time parameters into their places."""
	values = {}
	for index, parameter in enumerate(parameters, 1):
		values[parameter.get("parameter_name") or str(index)] = _value(parameter)
	return PLACE.sub(lambda match: values.get(match[1], match[0]), text)


def _value(parameter: dict[str, Any]) -> str:
	kind = parameter.get("type")
	if kind in ("currency", "date_time"):
		return str(parameter.get(kind, {}).get("fallback_value", ""))
	return str(parameter.get("text", ""))


def _by_type(components: Any) -> dict[str, dict[str, Any]]:
	"""Components by type; buttons as "button0", "button1" …"""
	if not isinstance(components, list) or not all(isinstance(item, dict) for item in components):
		raise invalid("template['components'] must be an array of objects")
	found = {}
	for item in components:
		kind = str(item.get("type", "")).lower()
		if kind not in ("header", "body", "button", "carousel", "limited_time_offer"):
			raise invalid(f"Unknown component type {item.get('type')!r}")
		if not all(isinstance(value, dict) for value in item.get("parameters", [])):
			raise invalid(f"{kind}: parameters must be an array of objects")
		found[f"button{item.get('index', 0)}" if kind == "button" else kind] = item
	return found


def _check_text(template: dict[str, Any], kind: str, given: dict[str, Any] | None) -> None:
	text, where = component(template, kind).get("text", ""), kind.lower()
	names, parameters = list(dict.fromkeys(PLACE.findall(text))), (given or {}).get("parameters", [])
	if len(names) != len(parameters):
		raise GraphError(
			132000,
			f"{where}: number of localizable_params ({len(parameters)}) does not match the expected number of "
			f"params ({len(names)})",
		)
	for parameter in parameters:
		_check_parameter(template, names, parameter, where)
	if len(fill(text, parameters)) > BODY_MAX:
		raise GraphError(132005, f"{where}: the translated text exceeds {BODY_MAX} characters")


def _check_parameter(
	template: dict[str, Any], names: list[str], parameter: dict[str, Any], where: str
) -> None:
	kind = parameter.get("type")
	if kind not in ("text", "currency", "date_time"):
		raise GraphError(132012, f"{where}: Format mismatch, expected TEXT, received {str(kind).upper()}")
	if kind == "text" and not parameter.get("text"):
		raise missing(f"{where}: text")
	if template["parameter_format"] == "NAMED" and parameter.get("parameter_name") not in names:
		raise GraphError(
			100, f"{where}: Parameter name is missing or empty", message="(#100) Invalid parameter"
		)
	if re.search(r"[\n\t]| {5,}", _value(parameter)):
		raise GraphError(
			132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
		)


def _check_header(template: dict[str, Any], given: dict[str, Any] | None) -> None:
	header = component(template, "HEADER")
	expected = header.get("format")
	if expected not in MEDIA_HEADERS:
		_check_text(template, "HEADER", given)
		return
	parameters = (given or {}).get("parameters", [])
	received = str(parameters[0].get("type", "")).upper() if parameters else "UNKNOWN"
	if received != expected:
		raise GraphError(132012, f"header: Format mismatch, expected {expected}, received {received}")
	value = parameters[0].get(received.lower())
	if not isinstance(value, dict):
		raise missing(f"header: {received.lower()}")
	if expected != "LOCATION" and not (value.get("id") or value.get("link")):
		raise missing(f"header: {received.lower()}['id']")


def _check_buttons(template: dict[str, Any], given: dict[str, dict[str, Any]]) -> None:
	buttons = component(template, "BUTTONS").get("buttons", [])
	for key, item in given.items():
		if key.startswith("button") and not (key[6:].isdecimal() and int(key[6:]) < len(buttons)):
			raise GraphError(132000, f"buttons: the template has no button at index {key[6:]}")
		if key.startswith("button") and not item.get("sub_type"):
			raise missing("button: sub_type")
	for index, button in enumerate(buttons):
		_check_button(index, button, given.get(f"button{index}", {}).get("parameters", []))


def _check_button(index: int, button: dict[str, Any], parameters: list[dict[str, Any]]) -> None:
	needs_value = button["type"] == "COPY_CODE" or bool(PLACE.search(button.get("url", "")))
	if needs_value and not parameters:
		raise GraphError(
			131008, f"buttons: Button at index {index} of type {_camel(button)} requires a parameter"
		)
	if button["type"] == "URL" and parameters:
		value = str(parameters[0].get("text", ""))
		if not value or _UNSAFE_IN_URL.search(value):
			raise invalid(
				f"buttons: Button at index {index} of type Url has a parameter that is not URL-encoded"
			)


def _camel(button: dict[str, Any]) -> str:
	return button["type"].title().replace("_", "")
