"""Meta's two rate limits, counted per business number."""

from __future__ import annotations

from collections import deque


class Throughput:
	"""At most `mps` messages in any second of one number."""

	def __init__(self) -> None:
		self._times: dict[str, deque[float]] = {}

	def take(self, number: str, now: float, mps: int) -> bool:
		if not mps:
			return True
		times = self._times.setdefault(number, deque())
		while times and times[0] <= now - 1:
			times.popleft()
		if len(times) >= mps:
			return False
		times.append(now)
		return True


class PairLimit:
	"""One message in `period` seconds to the same recipient, of which `burst` may be borrowed at once."""

	def __init__(self) -> None:
		self._paid_until: dict[tuple[str, str], float] = {}

	def take(self, pair: tuple[str, str], now: float, period: float, burst: int) -> bool:
		if not period:
			return True
		paid_until = max(self._paid_until.get(pair, now), now)
		if paid_until - now > (max(burst, 1) - 1) * period:
			return False
		self._paid_until[pair] = paid_until + period
		return True
