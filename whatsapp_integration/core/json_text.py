"""JSON that every database takes."""

from __future__ import annotations

import json
from typing import Any

DEPTH_MAX = 31  # MariaDB refuses a JSON value that nests deeper than 32


def to_json(value: Any) -> str:
	"""JSON text in ASCII. Raises ValueError for what is no JSON: NaN, an infinity, or what nests without end."""
	try:
		return json.dumps(value, allow_nan=False, separators=(",", ":"))
	except RecursionError as err:
		raise ValueError("nests too deep") from err


def depth(text: str) -> int:
	"""How deep a JSON text nests, at most: brackets within strings count too."""
	level = deepest = 0
	for character in text:
		if character in "[{":
			level += 1
			deepest = max(deepest, level)
		elif character in "]}":
			level -= 1
	return deepest
