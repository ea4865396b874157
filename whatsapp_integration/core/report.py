"""The check-up of a line, in words for the admin."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Check:
	"""One point. `label`, `detail` and `advice` are untranslated sentences of ours, or words of Meta's."""

	label: str
	ok: bool
	detail: str = ""
	advice: str = ""


@dataclass
class LineReport:
	"""All points, and the facts of the number that were read on the way: columns of WhatsApp Device."""

	checks: list[Check] = field(default_factory=list)
	is_refused: bool = False  # the credentials are wrong, as opposed to an answer that did not come
	facts: dict[str, str] = field(default_factory=dict)

	@property
	def ok(self) -> bool:
		return all(check.ok for check in self.checks)
