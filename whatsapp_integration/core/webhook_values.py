"""Safe readers of JSON that others wrote: they take anything, return the type in their name, never raise.

A value of the wrong type becomes the empty value of the right one, so that a webhook's reader needs no `try`
and one malformed part costs only itself. Nothing here goes into nested values: depth costs nothing.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

ID_MAX = 140  # characters of an id or a name in the tables
_SECONDS_MAX = 4294967295.0  # the year 2106; what is later is no time of a message
_INT_MAX = 2**31 - 1
_DIGITS_MAX = 10**20  # larger numbers are nobody's id, and the largest can't even be written out
# A lone half of a surrogate pair fits no encoding, and PostgreSQL takes no zero character.
_UNWRITABLE = re.compile("[\ud800-\udfff\x00]")


def as_dict(value: Any) -> dict[str, Any]:
	return value if isinstance(value, dict) else {}


def as_items(value: Any) -> list[Any]:
	"""Read a list. What stands where a list belongs is read as its only item, so that it isn't lost."""
	if isinstance(value, list):
		return value
	return [] if value is None else [value]


def as_text(value: Any) -> str:
	"""Read a text; a number (ids come as both) is written out."""
	if isinstance(value, str):
		return _UNWRITABLE.sub("\ufffd", value)
	if isinstance(value, bool) or not isinstance(value, int | float):
		return ""
	if not -_DIGITS_MAX < value < _DIGITS_MAX:
		return ""
	return str(int(value)) if value == int(value) else repr(value)


def as_id(value: Any) -> str:
	"""Read an id: "" when it is longer than the column, because half an id is another id."""
	text = as_text(value).strip()
	return text if len(text) <= ID_MAX else ""


def as_name(value: Any) -> str:
	"""Read a name for people: cut to what the column holds."""
	return as_text(value).strip()[:ID_MAX]


def as_phone(value: Any) -> str:
	"""Read a phone number as WhatsApp writes it: its digits without "+", "" for anything else."""
	text = as_id(value).removeprefix("+")
	return text if text.isascii() and text.isdigit() and len(text) <= 20 else ""


def as_int(value: Any) -> int:
	"""Read a whole number of 32 bits (an error code), 0 for anything else."""
	number = as_number(value)
	return int(number) if number is not None and -_INT_MAX <= number <= _INT_MAX else 0


def as_number(value: Any) -> float | None:
	"""Read a finite number, also from a text; None for anything else."""
	if isinstance(value, bool) or not isinstance(value, int | float | str):
		return None
	try:
		number = float(value)
	except (ValueError, OverflowError):
		return None
	return number if math.isfinite(number) else None


def as_seconds(value: Any) -> float:
	"""Read unix seconds (a text in messages, a number elsewhere), 0 when it is no time."""
	number = as_number(value)
	return number if number is not None and 0 < number <= _SECONDS_MAX else 0


def as_bool(value: Any) -> bool | None:
	return value if isinstance(value, bool) else None


def from_json(text: str) -> dict[str, Any]:
	"""Read JSON that travels as a text inside a webhook, {} when it is none or no object."""
	try:
		return as_dict(json.loads(text))
	except (ValueError, RecursionError):
		return {}
