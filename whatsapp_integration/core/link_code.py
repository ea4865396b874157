"""What links a phone."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class LinkCode:
	"""A text to draw as QR code, or a pairing code to type. Whoever has it can take the account, so it is never stored."""

	code: str = field(repr=False)
	is_pairing_code: bool
	expires: float  # unix seconds
