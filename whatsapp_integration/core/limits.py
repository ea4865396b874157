"""How much may be sent now. Everything is counted from the times of earlier attempts, so a restart forgets nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from whatsapp_integration.core.config import Limits


def rate_windows(limits: Limits) -> dict[int, int]:
	"""The windows that limit a device: seconds → messages."""
	windows = {1: limits.per_second, 60: limits.per_minute, 3600: limits.per_hour, 86400: limits.per_day}
	return {seconds: cap for seconds, cap in windows.items() if cap}


def allowance(windows: Mapping[int, int], sent: Mapping[int, int], wanted: int) -> int:
	"""How many of `wanted` messages fit, given how many were `sent` in each window (seconds → count)."""
	return max(0, min([wanted, *(cap - sent.get(seconds, 0) for seconds, cap in windows.items())]))


def warmed_up(limits: Limits, age: float, first_day: int, days: int) -> Limits:
	"""The limits of a phone that was linked `age` days ago: from `first_day` messages the daily limit grows evenly to its
	full height after `days` days."""
	if not days or age >= days or first_day >= (limits.per_day or first_day + 1):
		return limits
	full = limits.per_day or 10 * first_day
	return replace(limits, per_day=int(first_day + (full - first_day) * max(0, age) / days))


def pair_history(limits: Limits) -> float:
	"""How many seconds of attempts to one recipient `pair_ready_at` has to see."""
	return limits.pair_seconds * (limits.pair_burst + 1) if limits.pair_seconds else 0


def pair_ready_at(attempts: Sequence[float], now: float, limits: Limits) -> float:
	"""When the next message to one recipient may leave: `now`, or the unix second to wait for.

	`attempts` are the unix seconds of earlier ones, ascending. Up to `pair_burst` messages may leave within one pair
	window; each of them is borrowed and has to be waited out afterwards (DOC/about-the-platform, pair rate limits).
	"""
	window_end = repaid_at = 0.0
	burst = 0
	for at in attempts:
		if at < window_end:
			burst += 1
		else:
			burst, window_end = 1, at + limits.pair_seconds
		repaid_at = max(repaid_at, at) + limits.pair_seconds
	may_borrow = now < window_end and burst < limits.pair_burst
	return now if may_borrow or now >= repaid_at else repaid_at
