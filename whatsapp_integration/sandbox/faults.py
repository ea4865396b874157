"""Faults on demand, by the end of the recipient's number or by `POST /sandbox/faults`.

| number ends in | what happens |
|---|---|
| 0001 | accepted, then status failed with 131026 (not on WhatsApp) |
| 0002 | error 131000 once for this number, then all is well |
| 0003 | accepted with webhooks, but the answer never comes (the connection is held `hold_seconds`) |
| 0004 | HTTP 502 with an HTML page; not accepted |
| 0005 | accepted, the answer comes `slow_seconds` late |
| 0006 | accepted, every webhook is posted three times |
| 0007 | accepted, the webhooks come in the order read, delivered, sent |
| 0008 | error 131056 (pair rate limit) |
| 0009 | error 130429 (throughput) |
| 0010 | accepted, then status failed with 131049 (marketing held back) |
| 0011 | error 190 (token) |
| 0012 | accepted with webhooks, then a TCP reset instead of the answer |
| 0013 | accepted and delivered, but no webhook ever comes |
| 99 and six digits | error with that code: …99131031 answers 131031, …99000368 answers 368 |
| 98 and six digits | accepted, then status failed with that code |
"""

from __future__ import annotations

import random
import re
import threading
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from whatsapp_integration.sandbox.errors import ERRORS

ERROR, FAILED, TIMEOUT, SERVER_ERROR, SLOW = "error", "failed", "timeout", "server_error", "slow"
DUPLICATE, DISORDER, RESET, SILENT = "duplicate", "disorder", "reset", "silent"
KINDS = (ERROR, FAILED, TIMEOUT, SERVER_ERROR, SLOW, DUPLICATE, DISORDER, RESET, SILENT)
OPERATIONS = ("messages", "read", "media", "download", "templates", "any")


@dataclass(frozen=True)
class Fault:
	"""`kind` error answers `code` (its default when only a code is given); failed is the same as a later status."""

	kind: str = ERROR
	code: int = 0
	times: int = 0  # 0: for ever
	probability: float = 1
	to: str = ""  # number or its end; "" is everybody
	on: str = "messages"

	@classmethod
	def from_dict(cls, data: dict[str, Any]) -> Fault:
		"""Raises ValueError on an unknown key, kind, operation or wrong number."""
		unknown = set(data) - {item.name for item in fields(cls)}
		if unknown:
			raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
		fault = cls(
			kind=str(data.get("kind", ERROR)),
			code=int(data.get("code", 0)),
			times=int(data.get("times", 0)),
			probability=float(data.get("probability", 1)),
			to=re.sub(r"\D", "", str(data.get("to", ""))),
			on=str(data.get("on", "messages")),
		)
		if fault.kind not in KINDS or fault.on not in OPERATIONS:
			raise ValueError(f"kind is one of {', '.join(KINDS)}; on is one of {', '.join(OPERATIONS)}")
		if fault.kind in (ERROR, FAILED) and "code" not in data:
			raise ValueError("code is missing")
		return fault

	def to_dict(self) -> dict[str, Any]:
		return asdict(self)

	def matches(self, operation: str, recipient: str) -> bool:
		return self.on in (operation, "any") and recipient.endswith(self.to)


SUFFIXES: dict[str, Fault] = {
	"0001": Fault(FAILED, 131026),
	"0002": Fault(ERROR, 131000, times=1),
	"0003": Fault(TIMEOUT),
	"0004": Fault(SERVER_ERROR),
	"0005": Fault(SLOW),
	"0006": Fault(DUPLICATE),
	"0007": Fault(DISORDER),
	"0008": Fault(ERROR, 131056),
	"0009": Fault(ERROR, 130429),
	"0010": Fault(FAILED, 131049),
	"0011": Fault(ERROR, 190),
	"0012": Fault(RESET),
	"0013": Fault(SILENT),
}
_ANY_CODE = re.compile(r"9([89])(\d{6})")


class Faults:
	"""The switched faults and the memory of the numbers whose fault comes only once."""

	def __init__(self, chance=random.random):
		self._lock = threading.Lock()
		self._chance = chance
		self._switched: list[Fault] = []
		self._met: set[str] = set()

	def add(self, fault: Fault) -> None:
		with self._lock:
			self._switched.append(fault)

	def clear(self) -> None:
		with self._lock:
			self._switched.clear()
			self._met.clear()

	def listed(self) -> list[Fault]:
		with self._lock:
			return list(self._switched)

	def next(self, operation: str, recipient: str = "", by_suffix: bool = True) -> Fault | None:
		"""The fault of this call, switched ones first. Counts it."""
		with self._lock:
			return self._next_switched(operation, recipient) or (
				self._next_by_suffix(recipient) if by_suffix and operation == "messages" else None
			)

	def _next_switched(self, operation: str, recipient: str) -> Fault | None:
		for index, fault in enumerate(self._switched):
			if not fault.matches(operation, recipient) or self._chance() >= fault.probability:
				continue
			if fault.times == 1:
				del self._switched[index]
			elif fault.times:
				self._switched[index] = replace(fault, times=fault.times - 1)
			return fault
		return None

	def _next_by_suffix(self, recipient: str) -> Fault | None:
		fault = SUFFIXES.get(recipient[-4:])
		if fault and fault.times:
			if recipient in self._met:
				return None
			self._met.add(recipient)
		return fault or _any_code(recipient)


def _any_code(recipient: str) -> Fault | None:
	match = _ANY_CODE.fullmatch(recipient[-8:])
	if not match or int(match[2]) not in ERRORS:
		return None
	return Fault(ERROR if match[1] == "9" else FAILED, int(match[2]))
