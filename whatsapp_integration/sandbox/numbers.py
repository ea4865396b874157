"""How Meta reads a recipient and which WhatsApp id it answers."""

from __future__ import annotations

import hashlib
import re

BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
# Area codes of Brazil whose WhatsApp ids keep the ninth digit.
BRAZIL_KEEPS_NINE = frozenset({*map(str, range(11, 20)), "21", "22", "24", "27", "28"})


def read_recipient(to: str, country_code: str) -> str:
	"""Digits of the number Meta would dial, "" for what is no number.

	Without "+" Meta puts the business number's country code in front, even when there is one already
	(DOC/about-the-platform, phone number formats).
	"""
	if not re.fullmatch(r"[+\d\s().-]+", to):
		return ""
	digits = re.sub(r"\D", "", to)
	if not to.strip().startswith("+"):
		digits = country_code + digits
	return digits if 7 <= len(digits) <= 15 else ""


def wa_id(digits: str) -> str:
	"""The WhatsApp id of a number: another one than the number in Mexico, Argentina and parts of Brazil."""
	if digits.startswith("52") and len(digits) == 12:
		return "521" + digits[2:]
	if digits.startswith("54") and len(digits) == 12:
		return "549" + digits[2:]
	if (
		digits.startswith("55")
		and len(digits) == 13
		and digits[4] == "9"
		and digits[2:4] not in BRAZIL_KEEPS_NINE
	):
		return digits[:4] + digits[5:]
	return digits


def customer_id(number: str) -> str:
	"""The WhatsApp id of a customer as people type it here: with or without "+", always with country code."""
	if BSUID.fullmatch(number):
		return number
	return wa_id(re.sub(r"\D", "", number))


def user_id(customer: str, portfolio: str) -> str:
	"""The business-scoped user id of a customer: stable, and another one for another portfolio."""
	if BSUID.fullmatch(customer):
		return customer
	digest = hashlib.blake2b(f"{portfolio}/{customer}".encode(), digest_size=8).digest()
	return f"US.{int.from_bytes(digest, 'big'):020d}"
