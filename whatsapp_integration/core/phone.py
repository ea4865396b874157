"""Phone numbers: from any spelling to E.164, and from WhatsApp's ids back to one subscriber.

E.164 is what we send to, with "+": without it Meta prepends the business number's own country code. A wa_id
is digits without "+", and for Mexico, Argentina and Brazil it may differ from the E.164 number of the same
person, so the two are compared by `match_key`, never as strings (DOC/cloud-api/reference/phone-numbers, and
cloud_api.md section 5).
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, ValidationResult

from whatsapp_integration.core.errors import InvalidPhone, _

_RAW_MAX = 250  # characters; phonenumbers itself reads no more
_E164_MAX = 15  # digits; the package lets some countries have more
_SHOWN_MAX = 40  # characters of a wrong number that an error repeats
_PLUS_SIGNS = "+\uff0b\ufe62\u207a"
_MINUS_SIGN = "\u2212"
# Spaces, dashes, brackets, marks, and the invisible signs that right-to-left text leaves in a number.
_SEPARATOR_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pd", "Ps", "Pe", "Mn", "Me"})
_SEPARATORS = frozenset("./\\_~\u00b7\u2022'\u2019" + _MINUS_SIGN)

_WEB_ID = re.compile(r"\d+(-\d+)?@g\.us|\d+@lid")
_BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_WA_ID = re.compile(r"[0-9]{5,15}")
_MEXICO_OLD = re.compile(r"(?:1|01|044|045)([2-9][0-9]{9})")
_ARGENTINA_PREFIX = re.compile(r"9?0?")

# One subscriber, several wa_ids: what is cut out of each. DDD is Brazil's two-digit area code.
_VARIANTS = (
	(re.compile(r"521([0-9]{10})"), r"52\1"),
	(re.compile(r"549([0-9]{10})"), r"54\1"),
	(re.compile(r"55([0-9]{2})9([6-9][0-9]{7})"), r"55\1\2"),
)

_TOO_SHORT = _("The phone number {0} is too short.")
_TOO_LONG = _("The phone number {0} is too long.")
_NO_AREA_CODE = _("The phone number {0} has no area code.")
_WRONG_LENGTH = _("The phone number {0} has the wrong number of digits for its country.")
_UNKNOWN_COUNTRY = _("The phone number {0} begins with a country code that does not exist.")

_PARSE_ERRORS = {
	NumberParseException.INVALID_COUNTRY_CODE: _UNKNOWN_COUNTRY,
	NumberParseException.TOO_LONG: _TOO_LONG,
}  # what remains of them means that there are too few digits
_IMPOSSIBLE = {
	ValidationResult.IS_POSSIBLE_LOCAL_ONLY: _NO_AREA_CODE,
	ValidationResult.INVALID_COUNTRY_CODE: _UNKNOWN_COUNTRY,
	ValidationResult.TOO_SHORT: _TOO_SHORT,
	ValidationResult.TOO_LONG: _TOO_LONG,
	ValidationResult.INVALID_LENGTH: _WRONG_LENGTH,
}


def normalise(raw: str, region: str = "") -> str:
	"""Return `raw` as E.164 with "+"; raise InvalidPhone that says what is wrong with it.

	`region` is the ISO 3166 alpha-2 code of the company, for numbers written without a country code. A number
	is refused when it can't exist (its length), not when its range is merely unknown: Brazil's old
	eight-digit mobiles live on as wa_ids, and number plans grow faster than the package.
	"""
	text = _clean(raw)
	region = region.upper() if isinstance(region, str) else ""
	possible, error = "", None
	for spelling in _spellings(text, region):
		try:
			number = _parse(spelling, region, raw)
		except InvalidPhone as err:
			error = err
			continue
		possible = _e164(number)
		if phonenumbers.is_valid_number(number):
			return possible
	if possible:
		return possible
	raise error


def match_key(number_or_wa_id: str) -> str:
	"""Return the digits that all spellings of one subscriber share; compare these, never wa_ids or numbers.

	It is a key, not a number to send to. "" means that this is no phone number (a BSUID, a group): it matches
	nothing. Brazil's ninth digit is ignored only before 6 to 9, because 2 to 5 would run into the landlines.
	"""
	digits = _wa_id_digits(number_or_wa_id)
	for pattern, shared in _VARIANTS:
		match = pattern.fullmatch(digits)
		if match:
			return match.expand(shared)
	return digits


def wa_id_to_e164(wa_id: str) -> str:
	"""Return the E.164 number of a wa_id ("5215512345678" → "+525512345678"), "" if it is no phone number."""
	digits = _wa_id_digits(wa_id)
	if not digits:
		return ""
	try:
		return normalise("+" + digits)
	except InvalidPhone:
		return ""


def is_bsuid(text: str) -> bool:
	"""Tell whether `text` is a business-scoped user id: "US.1349…", or of a parent business "US.ENT.1181…".

	Source: DOC/business-scoped-user-ids.
	"""
	return isinstance(text, str) and _BSUID.fullmatch(text) is not None


def is_web_id(text: str) -> bool:
	"""Tell whether `text` is an id of WhatsApp Web that is no phone number: a group ("…@g.us") or a LID ("…@lid")."""
	return isinstance(text, str) and _WEB_ID.fullmatch(text) is not None


def _wa_id_digits(text: str) -> str:
	digits = text.removeprefix("+") if isinstance(text, str) else ""
	return digits if _WA_ID.fullmatch(digits) else ""


def _clean(raw: str) -> str:
	"""Reduce `raw` to ASCII digits with at most one leading "+"."""
	if not isinstance(raw, str):
		raise _invalid(_("A phone number must be a text, not {0}."), type(raw).__name__)
	if len(raw) > _RAW_MAX:
		raise _invalid(_TOO_LONG, _shown(raw))
	text = "".join(_clean_character(character, raw) for character in raw)
	digits = text.strip("+")
	if not digits:
		raise _invalid(_("The phone number is empty."))
	if "+" in digits:
		raise _invalid(
			_("The phone number {0} has a plus sign in its middle; write one number."), _shown(raw)
		)
	# Right-to-left text often leaves the plus behind the digits: "201001234567+".
	return "+" + digits if "+" in text else digits


def _clean_character(character: str, raw: str) -> str:
	digit = unicodedata.decimal(character, None)
	if digit is not None:
		return str(digit)
	if character in _PLUS_SIGNS:
		return "+"
	category = unicodedata.category(character)
	if category in _SEPARATOR_CATEGORIES or character in _SEPARATORS:
		return ""
	if category.startswith("L"):
		raise _invalid(_("The phone number {0} has letters in it."), _shown(raw))
	raise _invalid(_("The phone number {0} has the sign {1} in it."), _shown(raw), _shown(character))


def _spellings(text: str, region: str) -> list[str]:
	"""Return the readings of `text`, the likeliest first.

	"00" is the usual way to dial abroad, but not everywhere (0011 in Australia, 0015 in Brazil): the region
	reads first.
	"""
	if not text.startswith("00"):
		return [text]
	abroad = "+" + text[2:]
	return [text, abroad] if region in phonenumbers.SUPPORTED_REGIONS else [abroad]


def _parse(text: str, region: str, raw: str) -> PhoneNumber:
	if not text.startswith("+") and region not in phonenumbers.SUPPORTED_REGIONS:
		raise _invalid(_("The phone number {0} has no country code."), _shown(raw))
	try:
		number = _read(text, region)
	except NumberParseException as err:
		raise _invalid(_PARSE_ERRORS.get(err.error_type, _TOO_SHORT), _shown(raw)) from err
	result = phonenumbers.is_possible_number_with_reason(number)
	if result != ValidationResult.IS_POSSIBLE:
		raise _invalid(_IMPOSSIBLE.get(result, _WRONG_LENGTH), _shown(raw))
	if len(_e164(number)) > 1 + _E164_MAX:
		raise _invalid(_TOO_LONG, _shown(raw))
	if _lacks_area_code(number):
		raise _invalid(_NO_AREA_CODE, _shown(raw))
	return number


def _read(text: str, region: str) -> PhoneNumber:
	"""Parse until it gets no shorter: of several trunk zeros the package takes one off at a time."""
	number = _undo_old_prefixes(phonenumbers.parse(text, region))
	while True:
		again = _undo_old_prefixes(phonenumbers.parse(_e164(number)))
		if len(_e164(again)) >= len(_e164(number)):
			return number
		number = again


def _undo_old_prefixes(number: PhoneNumber) -> PhoneNumber:
	"""Cut off the old mobile prefixes of Mexico and Argentina where they make a number impossible."""
	if phonenumbers.is_possible_number(number):
		return number
	national = phonenumbers.national_significant_number(number)
	if number.country_code == 52:
		match = _MEXICO_OLD.fullmatch(national)
		return phonenumbers.parse("+52" + match[1]) if match else number
	if number.country_code == 54:
		# Dialled within the country it is 0, area code, 15, number: the package makes 549 of that form.
		return phonenumbers.parse("0" + _ARGENTINA_PREFIX.sub("", national, count=1), "AR")
	return number


def _lacks_area_code(number: PhoneNumber) -> bool:
	"""Tell what the package takes for possible and nobody can dial from abroad.

	In Argentina 15 begins a mobile dialled within its own town, and no area code begins with it; in Brazil
	everything with an area code has ten digits or more.
	"""
	national = phonenumbers.national_significant_number(number)
	if number.country_code == 55:
		return len(national) < 10
	return number.country_code == 54 and national.startswith("15")


def _e164(number: PhoneNumber) -> str:
	return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _invalid(template: str, *values: str) -> InvalidPhone:
	return InvalidPhone(template, *values, code="invalid_phone")


def _shown(raw: str) -> str:
	"""Make a wrong number fit for an error: short, and without half characters that no encoding takes."""
	return raw[:_SHOWN_MAX].encode("utf-8", "replace").decode("utf-8")
