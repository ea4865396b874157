"""Requirements of core/phone.py: what people type becomes a number that WhatsApp can reach, or a clear no."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from whatsapp_integration.core.errors import InvalidPhone
from whatsapp_integration.core.phone import is_bsuid, match_key, normalise, wa_id_to_e164

LOCAL_SPELLINGS = [
	("01001234567", "EG", "+201001234567"),
	("٠١٠٠ ١٢٣ ٤٥٦٧", "EG", "+201001234567"),
	("(010) 0123-4567", "EG", "+201001234567"),
	("0100.123.4567", "EG", "+201001234567"),
	("050 123 4567", "SA", "+966501234567"),
	("٠٥٠١٢٣٤٥٦٧", "SA", "+966501234567"),
	("٠٥٠ ١٢٣ ٤٥٦٧", "AE", "+971501234567"),
	("0912 345 6789", "IR", "+989123456789"),
	("۰۹۱۲ ۳۴۵ ۶۷۸۹", "IR", "+989123456789"),
	("098765 43210", "IN", "+919876543210"),
	("९८७६५ ४३२१०", "IN", "+919876543210"),
	("৯৮৭৬৫৪৩২১০", "IN", "+919876543210"),
	("55 1234 5678", "MX", "+525512345678"),
	("1 55 1234 5678", "MX", "+525512345678"),
	("044 55 1234 5678", "MX", "+525512345678"),
	("045 55 1234 5678", "MX", "+525512345678"),
	("01 55 1234 5678", "MX", "+525512345678"),
	("011 15 2345-6789", "AR", "+5491123456789"),
	("0351 15 512-3456", "AR", "+5493515123456"),
	("11 2345-6789", "AR", "+541123456789"),
	("(11) 98765-4321", "BR", "+5511987654321"),
	("0 15 21 98765-4321", "BR", "+5521987654321"),
	("(21) 8765-4321", "BR", "+552187654321"),
	("(650) 253-0000", "US", "+16502530000"),
	("1-650-253-0000", "US", "+16502530000"),
	("07911 123456", "GB", "+447911123456"),
	("0151 23456789", "DE", "+4915123456789"),
	("030/901820", "DE", "+4930901820"),
	("06 12 34 56 78", "FR", "+33612345678"),
	("8 (912) 345-67-89", "RU", "+79123456789"),
	("0532 123 45 67", "TR", "+905321234567"),
	("0812-3456-7890", "ID", "+6281234567890"),
	("0803 123 4567", "NG", "+2348031234567"),
	("06 698 12345", "IT", "+390669812345"),
]

INTERNATIONAL_SPELLINGS = [
	("+20 100 123 4567", "+201001234567"),
	("+٢٠ ١٠٠ ١٢٣ ٤٥٦٧", "+201001234567"),
	("＋２０１００１２３４５６７", "+201001234567"),
	("0020 100 123 4567", "+201001234567"),
	("٠٠٢٠١٠٠١٢٣٤٥٦٧", "+201001234567"),
	("\u202a+20 100 123 4567\u202c", "+201001234567"),
	("\u200e+201001234567\u200f", "+201001234567"),
	("\u2066+20\u00a0100\u202f123\u20114567\u2069", "+201001234567"),
	("201001234567+", "+201001234567"),
	("\t+20 (100) 123–4567\n", "+201001234567"),
	("+966 050 123 4567", "+966501234567"),
	("+44 (0)7911 123456", "+447911123456"),
	("+52 1 55 1234 5678", "+525512345678"),
	("+52 01 55 1234 5678", "+525512345678"),
	("+54 11 15 2345 6789", "+5491123456789"),
	("+54 9 11 15 2345 6789", "+5491123456789"),
	("+54 9 011 15 2345 6789", "+5491123456789"),
	("+54 9 11 2345 6789", "+5491123456789"),
	("+54 11 2345 6789", "+541123456789"),
	("+55 21 8765-4321", "+552187654321"),
	("+55 021 98765-4321", "+5521987654321"),
	("+61 0 0412 345 678", "+61412345678"),
]

ABROAD_FROM_A_REGION = [
	("0020 100 123 4567", "EG", "+201001234567"),
	("0020 100 123 4567", "US", "+201001234567"),
	("011 20 100 123 4567", "US", "+201001234567"),
	("0011 20 100 123 4567", "AU", "+201001234567"),
	("0020 100 123 4567", "AU", "+201001234567"),
	("0015 1 650 253 0000", "BR", "+16502530000"),
	("8 10 20 100 123 4567", "RU", "+201001234567"),
	("+20 100 123 4567", "US", "+201001234567"),
	("201001234567", "EG", "+201001234567"),
	("01001234567", "eg", "+201001234567"),
]

REFUSED = [
	("", "EG", "The phone number is empty."),
	(" \u200e- ", "EG", "The phone number is empty."),
	("+", "EG", "The phone number is empty."),
	("call me", "EG", "The phone number call me has letters in it."),
	("1-800-FLOWERS", "US", "The phone number 1-800-FLOWERS has letters in it."),
	("+20 100 123 4567 ext 5", "", "The phone number +20 100 123 4567 ext 5 has letters in it."),
	("٠١٠٠ محمد", "EG", "The phone number ٠١٠٠ محمد has letters in it."),
	("*123#", "EG", "The phone number *123# has the sign * in it."),
	("0100123456²", "EG", "The phone number 0100123456² has the sign ² in it."),
	(
		"20+1001234567",
		"EG",
		"The phone number 20+1001234567 has a plus sign in its middle; write one number.",
	),
	("01001234567 / 01112345678", "EG", "The phone number 01001234567 / 01112345678 is too long."),
	("12", "US", "The phone number 12 is too short."),
	("1", "EG", "The phone number 1 is too short."),
	("00", "EG", "The phone number 00 is too short."),
	("+1", "", "The phone number +1 is too short."),
	("+2010012345678", "", "The phone number +2010012345678 is too long."),
	("+4917664568154560", "", "The phone number +4917664568154560 is too long."),
	("9" * 251, "EG", "The phone number " + "9" * 40 + " is too long."),
	("555-1234", "US", "The phone number 555-1234 has no area code."),
	("15 2345 6789", "AR", "The phone number 15 2345 6789 has no area code."),
	("98765-4321", "BR", "The phone number 98765-4321 has no area code."),
	("16505551234", "", "The phone number 16505551234 has no country code."),
	("01001234567", "XX", "The phone number 01001234567 has no country code."),
	("+999 123 4567", "", "The phone number +999 123 4567 begins with a country code that does not exist."),
	(
		"+0100 123 4567",
		"EG",
		"The phone number +0100 123 4567 begins with a country code that does not exist.",
	),
]

ONE_SUBSCRIBER = [
	("+525512345678", "5215512345678"),
	("+525512345678", "525512345678"),
	("+5491123456789", "5491123456789"),
	("+5491123456789", "541123456789"),
	("+541123456789", "5491123456789"),
	("+5521987654321", "552187654321"),
	("+552187654321", "5521987654321"),
	("+5511987654321", "5511987654321"),
	("+201001234567", "201001234567"),
]

TWO_SUBSCRIBERS = [
	("+5511943214321", "551143214321"),  # São Paulo's 9 4… mobiles and a landline
	("+5521987654321", "552187654322"),
	("+525512345678", "5215512345679"),
	("+16502530000", "6502530000"),
]


@pytest.mark.parametrize(("raw", "region", "expected"), LOCAL_SPELLINGS)
def test_a_local_spelling_becomes_e164(raw, region, expected):
	assert normalise(raw, region) == expected


@pytest.mark.parametrize(("raw", "expected"), INTERNATIONAL_SPELLINGS)
def test_an_international_spelling_needs_no_region(raw, expected):
	assert normalise(raw) == expected


@pytest.mark.parametrize(("raw", "region", "expected"), ABROAD_FROM_A_REGION)
def test_a_number_abroad_is_read_as_dialled_in_the_region(raw, region, expected):
	assert normalise(raw, region) == expected


@pytest.mark.parametrize(("raw", "region", "message"), REFUSED)
def test_a_wrong_number_is_refused_with_its_own_reason(raw, region, message):
	with pytest.raises(InvalidPhone) as caught:
		normalise(raw, region)
	assert str(caught.value) == message
	assert caught.value.code == "invalid_phone"


@pytest.mark.parametrize(
	("raw", "type_name"), [(None, "NoneType"), (201001234567, "int"), (b"+20", "bytes"), ([], "list")]
)
def test_what_is_no_text_is_refused(raw, type_name):
	with pytest.raises(InvalidPhone) as caught:
		normalise(raw)
	assert str(caught.value) == f"A phone number must be a text, not {type_name}."


def test_an_error_can_be_translated_and_keeps_the_number_out_of_its_template():
	with pytest.raises(InvalidPhone) as caught:
		normalise("+2010012345678")
	assert caught.value.template == "The phone number {0} is too long."
	assert caught.value.values == ("+2010012345678",)


def test_an_error_shows_no_half_characters():
	with pytest.raises(InvalidPhone) as caught:
		normalise("+20\ud800")
	assert str(caught.value) == "The phone number +20? has the sign ? in it."


@pytest.mark.parametrize(("number", "wa_id"), ONE_SUBSCRIBER)
def test_variants_of_one_subscriber_match(number, wa_id):
	assert match_key(number) == match_key(wa_id) != ""


@pytest.mark.parametrize(("number", "wa_id"), TWO_SUBSCRIBERS)
def test_two_subscribers_do_not_match(number, wa_id):
	assert match_key(number) != match_key(wa_id)


@pytest.mark.parametrize(
	"text",
	[
		"",
		"+",
		"US.13491208655302741918",
		"120363404694233820@g.us",
		"1234567890-1616161616",
		"Y2FwaV9ncm91cDox",
		None,
		5,
	],
)
def test_what_is_no_number_has_no_match_key_and_no_e164(text):
	assert match_key(text) == ""
	assert wa_id_to_e164(text) == ""


@pytest.mark.parametrize(
	("wa_id", "expected"),
	[
		("201001234567", "+201001234567"),
		("+201001234567", "+201001234567"),
		("5215512345678", "+525512345678"),
		("552187654321", "+552187654321"),
		("5491123456789", "+5491123456789"),
		("16505551234", "+16505551234"),
		("99912345678", ""),
	],
)
def test_a_wa_id_becomes_e164(wa_id, expected):
	assert wa_id_to_e164(wa_id) == expected


@pytest.mark.parametrize(
	("text", "expected"),
	[
		("US.13491208655302741918", True),
		("US.ENT.11815799212886844830", True),
		("EG.a1B2c3", True),
		("us.13491208655302741918", False),
		("US.", False),
		("US.12 34", False),
		("USA.1234", False),
		("US.1234\n", False),
		("US." + "1" * 129, False),
		("201001234567", False),
		(None, False),
	],
)
def test_a_business_scoped_user_id_is_told_from_other_ids(text, expected):
	assert is_bsuid(text) is expected


REGIONS = st.sampled_from(
	["", "EG", "SA", "IR", "IN", "MX", "AR", "BR", "US", "GB", "DE", "AU", "RU", "ID", "IT", "XX"]
)
DIGITS = st.text("0123456789", min_size=1, max_size=18)
NUMBERS = st.builds(
	lambda plus, code, digits: plus + code + digits,
	st.sampled_from(["+", "", "00"]),
	st.sampled_from(
		["", "20", "52", "521", "54", "549", "5415", "55", "1", "49", "0", "044", "15", "61", "7"]
	),
	DIGITS,
)


@settings(max_examples=1000, deadline=None)
@given(NUMBERS, REGIONS, REGIONS)
@example("+6100936619", "", "")
def test_normalising_twice_changes_nothing(raw, region, other_region):
	try:
		number = normalise(raw, region)
	except InvalidPhone:
		return
	assert normalise(number, other_region) == number
	assert match_key(number)
	assert wa_id_to_e164(number[1:]) == number


@settings(max_examples=1000, deadline=None)
@given(st.text() | NUMBERS, REGIONS | st.text(max_size=3))
def test_any_text_is_a_number_or_an_invalid_phone(raw, region):
	try:
		number = normalise(raw, region)
	except InvalidPhone as error:
		assert str(error).encode()
		return
	assert number[0] == "+" and number[1:].isascii() and number[1:].isdigit() and len(number) <= 16


@settings(deadline=None)
@given(st.text() | st.none() | st.integers())
def test_the_other_readers_take_anything(text):
	assert isinstance(match_key(text), str)
	assert isinstance(wa_id_to_e164(text), str)
	assert isinstance(is_bsuid(text), bool)
