"""How long a linked device takes to write a message, so that it writes like a person."""

from __future__ import annotations

from whatsapp_integration.core.config import Pacing


def writing_seconds(text: str, pacing: Pacing, jitter: float) -> float:
	"""Seconds to show "typing" before a message leaves; `jitter` is a random number in [0, 1).

	A person who pastes a long text or attaches a file does not type it, so the time is bounded.
	"""
	if not pacing.typing_speed:
		return 0
	typing = min(pacing.typing_max, len(text) / pacing.typing_speed) * (0.75 + jitter / 2)
	return pacing.pause_min + (pacing.pause_max - pacing.pause_min) * jitter + typing
