"""What the page's own words mean for the device."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from whatsapp_integration.core.errors import _

DISCONNECTED = "Disconnected"
INITIALIZING = "Initializing"
QR_READY = "QR Ready"
AUTHENTICATED = "Authenticated"
CONNECTED = "Connected"
RECONNECTING = "Reconnecting"
DEGRADED = "Degraded"
LOGGED_OUT = "Logged Out"
AUTH_FAILED = "Auth Failed"
BLOCKED = "Blocked"


@dataclass(frozen=True)
class Ending:
	"""How a session ended. `state` is what the device is now; `retries` whether a new session may do better.

	`reason` and `advice` are untranslated sentences of ours, with `values` for the places of the reason.
	"""

	state: str
	reason: str = ""
	values: tuple = ()
	advice: str = ""
	retries: bool = False
	forgets: bool = False  # the profile holds no link any more
	screenshot: bytes = field(default=b"", repr=False)


class Screen(Enum):
	STARTING = "starting"
	UNLINKED = "unlinked"  # shows a QR code
	LOADING = "loading"  # linked, but not (or no longer) talking to WhatsApp
	CONNECTED = "connected"
	CONFLICT = "conflict"  # open in a second place of the same profile
	OUTDATED = "outdated"
	BLOCKED = "blocked"
	ENDED = "ended"  # the link is over


_MODES = {
	"QR": Screen.UNLINKED,
	"MAIN": Screen.CONNECTED,
	"CONFLICT": Screen.CONFLICT,
	"PROXYBLOCK": Screen.BLOCKED,
	"TOS_BLOCK": Screen.BLOCKED,
	"SMB_TOS_BLOCK": Screen.BLOCKED,
	"DEPRECATED_VERSION": Screen.OUTDATED,
}
# Reasons for the end of a link that a new QR code does not mend.
_BANS = frozenset({"account_temporarily_banned", "account_locked"})
# How the reasons begin that come from the session kept here (LogoutReason of wa-js): the phone did not end the link.
_BROKEN = (
	"account_sync_", "cache_", "critical_sync_", "history_sync_", "missing_", "storage_", "syncd_", "web_fail_",
)  # fmt: skip

_BLOCKED_ADVICE = _(
	"Open WhatsApp on the phone and read what it says. Let the number rest, send less and only to people who expect it, "
	"then press Restart."
)
_LINK_ADVICE = _("Press Link and scan the QR code with the phone.")


def read_screen(state: dict[str, Any]) -> Screen:
	"""Which screen the state of the bridge tells of.

	wa-js calls the QR screen "ready" too, so only an authenticated page in stream mode MAIN counts as connected.
	"""
	mode, is_linked = _MODES.get(state["mode"]), state["authenticated"]
	if state["ending"]:
		return Screen.BLOCKED if state["ending"] in _BANS else Screen.ENDED
	if not state["ready"]:
		return Screen.STARTING
	if mode in (Screen.CONFLICT, Screen.BLOCKED, Screen.OUTDATED):
		return mode
	if not is_linked:
		return Screen.UNLINKED if mode is Screen.UNLINKED and state["main_ready"] else Screen.STARTING
	return Screen.CONNECTED if mode is Screen.CONNECTED and state["full_ready"] else Screen.LOADING


def logged_out(reason: str, *values: str) -> Ending:
	return Ending(LOGGED_OUT, reason, values, _LINK_ADVICE, forgets=True)


def ended(word: str) -> Ending:
	"""The end of a link for one of wa-js' reasons."""
	if word.startswith(_BROKEN):
		reason = _("WhatsApp Web can't open the session that is kept here ({0}).")
		return Ending(AUTH_FAILED, reason, (word,), _("Press Relink and scan the QR code with the phone."))
	return logged_out(_("The link was ended on the phone ({0})."), word)


def blocked(word: str) -> Ending:
	"""`word` is WhatsApp's own: a stream mode, or a reason for the end of a link."""
	return Ending(BLOCKED, _("WhatsApp has blocked this number ({0})."), (word,), _BLOCKED_ADVICE)
