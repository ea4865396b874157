"""Waiting on rows, never longer than told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

LOOK_AGAIN_SECONDS = 0.2  # another process changes rows without telling

Value = TypeVar("Value")


def wait_for(condition: Callable[[], Value], seconds: float, changed: threading.Event | None = None) -> Value:
	"""Ask `condition` after every `changed`, and now and then, until it says something true.

	Returns its last word after `seconds`.
	"""
	changed = changed or threading.Event()
	deadline = time.monotonic() + seconds
	while True:
		changed.clear()
		value = condition()
		left = deadline - time.monotonic()
		if value or left <= 0:
			return value
		changed.wait(min(left, LOOK_AGAIN_SECONDS))
