"""How a browser becomes a linked one, and stops being one."""

from __future__ import annotations

import re
import secrets
from typing import Any

from whatsapp_integration.sandbox.web import faults
from whatsapp_integration.sandbox.web.model import Account, Companion, Page, digits
from whatsapp_integration.sandbox.web.state import WebState
from whatsapp_integration.sandbox.web.wire import Wire

CODE_LETTERS = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
USER_INITIATED, LOCKED, UNKNOWN = "user_initiated", "account_locked", "unknown_companion"
STREAM_MODES = {faults.BANNED: "TOS_BLOCK", faults.DEPRECATED: "DEPRECATED_VERSION"}


class Linking:
	"""The methods with a page's `data` are what pages ask; the others are what a phone does."""

	def __init__(self, state: WebState, wire: Wire):
		self.state = state
		self.wire = wire

	# ------------------------------------------------------------------ asked by pages

	def boot(self, data: dict[str, Any]) -> dict[str, Any]:
		"""A page was loaded, or was just linked; it tells its id and what its profile keeps."""
		page = self._page(str(data["page"]), str(data.get("user_agent", "")))
		session = str(data.get("session") or "")
		companion = self.state.companions.get(session)
		if companion is None or not secrets.compare_digest(companion.secret, str(data.get("secret", ""))):
			why = self.state.ended.get(session, UNKNOWN) if session else ""
			return {"linked": False, "ended": why, **self._boot_faults("")}
		again = self._take_over(companion, page)
		account = self.state.accounts[companion.account]
		mode = self.state.faults.find(tuple(STREAM_MODES), account.number)
		return {
			"linked": True,
			"me": self.wire.me(account),
			"device": companion.device,
			"chats": self.wire.chats(account),
			"people": self._people(),
			"mode": STREAM_MODES[mode.kind] if mode else "MAIN",
			"online": self.state.faults.find((faults.OFFLINE,), account.number) is None,
			"resend": self.state.settings.web_resend_pending,
			"again": again,
			**self._boot_faults(account.number),
		}

	def _page(self, page_id: str, user_agent: str) -> Page:
		page = self.state.pages.get(page_id)
		if page is None:
			page = Page(page_id, user_agent, opened=self.state.clock())
			self.state.pages[page_id] = page
			self.state.counts["pages"] += 1
		page.seen = self.state.clock()
		return page

	def _take_over(self, companion: Companion, page: Page) -> list[dict[str, Any]]:
		"""The page speaks for the linked browser now. Returns what it has to be told as new, having missed it."""
		before = self.state.pages.get(companion.page)
		if before and before is not page:
			companion.missed = [*before.queue, *companion.missed]
			before.queue = []
			if before.is_open:
				self.state.tell(before, {"kind": "mode", "mode": "CONFLICT"})
				before.is_open = False
		missed, companion.missed = companion.missed, []
		companion.page, page.session = page.id, companion.session
		page.code, page.pairing = "", {}
		if not self.state.settings.web_backlog_events:
			return []
		return [item for item in missed if item["kind"] in ("message", "ack", "reaction", "edit", "revoke")]

	def _people(self) -> list[dict[str, str]]:
		"""What a page knows of who has which LID."""
		return [
			{"pn": person.jid, "lid": person.lid, "name": person.name}
			for person in self.state.customers.values()
			if not person.lid_only
		]

	def _boot_faults(self, account: str) -> dict[str, Any]:
		find = self.state.faults.find
		slow = find((faults.SLOW_BOOT,), account)
		missing = find((faults.MISSING,), account)
		return {
			"boot_seconds": slow.seconds if slow else self.state.settings.web_boot_seconds,
			"not_ready": find((faults.NOT_READY,), account) is not None,
			"missing": list(missing.functions) if missing else [],
		}

	def refs(self, page: Page) -> dict[str, Any]:
		"""The references that the page shows as QR codes one after the other, and for how long."""
		settings = self.state.settings
		amount = max(settings.web_qr_refs, 1)
		lives = [settings.web_qr_first_seconds] + [settings.web_qr_seconds] * (amount - 1)
		return {
			"refs": [{"ref": f"2@{secrets.token_urlsafe(96)}", "seconds": seconds} for seconds in lives],
		}

	def show(self, page: Page, code: str) -> None:
		"""The page shows this QR code from now on, "" for none."""
		page.code = code

	def pairing_code(self, page: Page, phone: str) -> dict[str, Any]:
		"""Raises ValueError when the phone is no number."""
		code = "".join(secrets.choice(CODE_LETTERS) for _ in range(8))
		seconds = self.state.settings.web_pairing_seconds
		page.pairing = {"code": code, "phone": digits(phone), "until": self.state.clock() + seconds}
		return {"code": code, "seconds": seconds}

	def leave(self, page: Page) -> None:
		page.is_open = False
		page.code, page.pairing = "", {}

	def unlink(self, page: Page) -> None:
		"""The page's own logout."""
		if page.session in self.state.companions:
			self.end(self.state.companions[page.session], USER_INITIATED)

	# ------------------------------------------------------------------ done by phones

	def scan(self, code: str, number: str) -> Companion:
		"""Raises ValueError when no page shows this code any more."""
		account = self.state.account(number)
		for page in self.state.open_pages():
			if page.code and page.code == code.strip():
				return self._link(page, account)
		raise ValueError("no page shows this QR code now")

	def enter_code(self, code: str, number: str) -> Companion:
		"""Raises ValueError when the pairing code is another number's, too old or unknown."""
		account = self.state.account(number)
		typed = re.sub(r"[^0-9A-Z]", "", code.upper())
		for page in self.state.open_pages():
			pairing = page.pairing
			if pairing and pairing["code"] == typed and pairing["until"] > self.state.clock():
				if pairing["phone"] != account.number:
					raise ValueError("this code was asked for by another number")
				return self._link(page, account)
		raise ValueError("this pairing code is unknown or too old")

	def _link(self, page: Page, account: Account) -> Companion:
		device = 1 + max((item.device for item in self.state.companions.values()), default=0)
		companion = Companion(
			secrets.token_hex(12), secrets.token_hex(16), account.number, device, self.state.clock(), page.id
		)
		self.state.companions[companion.session] = companion
		page.code, page.pairing, page.session = "", {}, companion.session
		self.state.counts["linked"] += 1
		linked = {"kind": "linked", "session": companion.session, "secret": companion.secret}
		self.state.tell(page, linked)
		return companion

	def end(self, companion: Companion, reason: str) -> None:
		page = self.state.page_of(companion)
		del self.state.companions[companion.session]
		self.state.ended[companion.session] = reason
		self.state.counts["logged_out"] += 1
		if page:
			page.session = ""
			self.state.tell(page, {"kind": "logout", "reason": reason})
