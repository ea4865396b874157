"""When to try again."""

from __future__ import annotations

from whatsapp_integration.core.config import Retry

PAIR_BASE = 4  # seconds; Meta asks for 4^attempt after the pair limit (error 131056)


def backoff(retry: Retry, attempt: int, jitter: float) -> float:
	"""Seconds to wait after failed attempt number `attempt` (1 is the first); `jitter` is a random number in [0, 1).

	The wait lies between half of the exponential step and all of it, so that messages that failed together do not come
	back together.
	"""
	step = min(retry.ceiling, retry.base * 2 ** min(attempt - 1, 30))
	return step * (0.5 + jitter / 2)


def pair_backoff(retry: Retry, attempt: int) -> float:
	"""Seconds to wait after the pair limit was hit for the `attempt`-th time."""
	return min(retry.ceiling, PAIR_BASE ** min(attempt - 1, 15))
