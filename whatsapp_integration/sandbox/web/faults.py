"""Misbehaviours on demand, by the end of the customer's number or by `POST /sandbox/web/misbehave`.

| number ends in | kind | what happens |
|---|---|---|
| 0404 | not_on_whatsapp | queryWidExists answers null, a chat can't be found |
| 0408 | hang | a send is never accepted and its promise never settles |
| 0202 | accepted_hang | a send is accepted and acknowledged, its promise never settles |
| 0503 | error_network | a send resolves with ERROR_NETWORK, not accepted |
| 0410 | error_expired | a send resolves with ERROR_EXPIRED, not accepted |
| 0500 | throws | a send rejects with a plain string, not accepted |
| 0499 | no_acks | accepted, but no receipt ever comes |
| 0700 | lid_only | the company sees this customer's LID, never the number |

Kinds of a page, for an account (its linked browsers) or for all pages; those marked * stay until `behave`:

| kind | what happens |
|---|---|
| conflict | stream mode CONFLICT, as if WhatsApp were opened elsewhere, until the page is loaded again |
| banned * | backend event account_temporarily_banned, stream mode TOS_BLOCK; sends and questions hang |
| account_locked | logged out with the reason account_locked |
| deprecated * | stream mode DEPRECATED_VERSION, needs_update |
| offline * | conn.online false, stream info OFFLINE; sends wait for `behave`, who exists is answered null |
| reload | the page loads itself again |
| busy | the page's only thread is kept busy for `seconds`, 0 is for ever |
| dead | all looks well, but nothing goes in or out, and nothing asked is answered, until the page is loaded again |
| slow_boot * | pages stay on the loading screen for `seconds` |
| not_ready * | pages load, but wa-js never becomes ready |
| missing * | pages load, but the functions named in `functions` (["chat.sendTextMessage"]) are gone |

A tab is crashed from outside only: CDP `Page.crash`, in Selenium `driver.execute_cdp_cmd("Page.crash", {})`,
which raises because the tab is gone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from whatsapp_integration.sandbox.web.model import digits

NOT_ON_WHATSAPP, LID_ONLY = "not_on_whatsapp", "lid_only"
HANG, ACCEPTED_HANG, THROWS, NO_ACKS = "hang", "accepted_hang", "throws", "no_acks"
RESULTS = {
	"error_network": "ERROR_NETWORK",
	"error_expired": "ERROR_EXPIRED",
	"error_cancelled": "ERROR_CANCELLED",
	"error_upload": "ERROR_UPLOAD",
	"error_unknown": "ERROR_UNKNOWN",
}
SEND_KINDS = (HANG, ACCEPTED_HANG, THROWS, NO_ACKS, *RESULTS)
BANNED, DEPRECATED, OFFLINE = "banned", "deprecated", "offline"
STATES = (BANNED, DEPRECATED, OFFLINE)
SLOW_BOOT, NOT_READY, MISSING = "slow_boot", "not_ready", "missing"
BOOTS = (SLOW_BOOT, NOT_READY, MISSING)
CONFLICT, LOCKED, RELOAD, BUSY, DEAD = "conflict", "account_locked", "reload", "busy", "dead"
MOMENTS = (CONFLICT, LOCKED, RELOAD, BUSY, DEAD)
KINDS = (NOT_ON_WHATSAPP, LID_ONLY, *SEND_KINDS, *STATES, *BOOTS, *MOMENTS)
SUFFIXES = {
	"0404": NOT_ON_WHATSAPP,
	"0408": HANG,
	"0202": ACCEPTED_HANG,
	"0503": "error_network",
	"0410": "error_expired",
	"0500": THROWS,
	"0499": NO_ACKS,
	"0700": LID_ONLY,
}


@dataclass(frozen=True)
class Fault:
	"""`account` and `customer` are numbers, "" is every one; `times` 0 is until `behave`."""

	kind: str
	account: str = ""
	customer: str = ""
	times: int = 0
	seconds: float = 0
	functions: tuple[str, ...] = ()

	@classmethod
	def from_dict(cls, data: dict[str, Any]) -> Fault:
		"""Raises ValueError on an unknown key or kind, TypeError without a kind."""
		unknown = set(data) - {item.name for item in fields(cls)}
		if unknown or data.get("kind") not in KINDS:
			raise ValueError(f"kind is one of {', '.join(KINDS)}; unknown keys: {', '.join(sorted(unknown))}")
		return cls(
			kind=data["kind"],
			account=digits(data["account"]) if data.get("account") else "",
			customer=digits(data["customer"]) if data.get("customer") else "",
			times=int(data.get("times", 0)),
			seconds=float(data.get("seconds", 0)),
			functions=tuple(data.get("functions", ())),
		)

	def to_dict(self) -> dict[str, Any]:
		return {**asdict(self), "functions": list(self.functions)}

	def is_about(self, account: str, customer: str) -> bool:
		return self.account in ("", account) and self.customer in ("", customer)


class Faults:
	"""The switched ones. Not locked: WebState's lock guards it."""

	def __init__(self) -> None:
		self._switched: list[Fault] = []

	def add(self, fault: Fault) -> None:
		self._switched.append(fault)

	def remove(self, kind: str, account: str, customer: str) -> list[Fault]:
		"""Switch off; "" is every one. Returns what was switched off."""
		gone = [
			fault
			for fault in self._switched
			if kind in ("", fault.kind)
			and account in ("", fault.account)
			and customer in ("", fault.customer)
		]
		self._switched = [fault for fault in self._switched if fault not in gone]
		return gone

	def listed(self) -> list[Fault]:
		return list(self._switched)

	def find(self, kinds: tuple[str, ...], account: str = "", customer: str = "") -> Fault | None:
		"""The first switched one of these kinds, without using it up."""
		return next(
			(fault for fault in self._switched if fault.kind in kinds and fault.is_about(account, customer)),
			None,
		)

	def take(
		self, kinds: tuple[str, ...], account: str, customer: str, by_suffix: bool = True
	) -> Fault | None:
		"""The fault of one use: a switched one, which counts down, else that of the number's end."""
		fault = self.find(kinds, account, customer)
		if fault is None:
			kind = SUFFIXES.get(customer[-4:]) if by_suffix else None
			return Fault(kind) if kind in kinds else None
		if fault.times:
			index = self._switched.index(fault)
			self._switched[index : index + 1] = (
				[replace(fault, times=fault.times - 1)] if fault.times > 1 else []
			)
		return fault
