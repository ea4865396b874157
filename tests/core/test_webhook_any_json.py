"""Requirement of core/webhook.py: whatever arrives, reading it raises nothing and hides nothing beside it."""

from __future__ import annotations

import copy
import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.webhook_payloads import (
	CONTACT,
	MEDIA,
	PARTS,
	PAYLOADS,
	UNREADABLE,
	message,
	messages,
	received,
)
from whatsapp_integration.core import events
from whatsapp_integration.core.webhook import parse, phone_number_ids, waba_ids

SCALARS = (
	st.none()
	| st.booleans()
	| st.integers()
	| st.sampled_from(
		[10**400, -(10**4000), 1e308, float("nan"), float("inf"), "\ud800", "\x00", "w" * 200, "١٢٣", ""]
	)
	| st.floats()
	| st.text(st.characters(), max_size=20)
)
WORDS = [
	"entry",
	"changes",
	"field",
	"value",
	"messages",
	"statuses",
	"errors",
	"contacts",
	"id",
	"type",
	"text",
	"from",
]
KEYS = st.sampled_from(WORDS) | st.text(max_size=5)
ANY_JSON = st.recursive(
	SCALARS | st.sampled_from(WORDS),
	lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
	max_leaves=25,
)


def paths(value, prefix=()):
	yield prefix
	items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
	for key, inner in items:
		yield from paths(inner, (*prefix, key))


def replace(value, path, new):
	if not path:
		return new
	changed = copy.copy(value)
	changed[path[0]] = replace(value[path[0]], path[1:], new)
	return changed


def deep(levels: int = 100_000):
	value: list | dict = {}
	for number in range(levels):
		value = [value] if number % 2 else {"message": value}
	return value


@st.composite
def mutated_payloads(draw):
	payload = draw(st.sampled_from(PAYLOADS))
	for _ in range(draw(st.integers(1, 3))):
		payload = replace(payload, draw(st.sampled_from(list(paths(payload)))), draw(ANY_JSON))
	return payload


def check_fit_to_store(parsed) -> None:
	"""All that goes into a column of its own has the right type, an encoding, and no impossible time."""
	assert isinstance(parsed, list) and parsed
	for event in parsed:
		assert isinstance(event, events.Event)
		assert 0 <= event.at <= 4294967295
		for item in dataclasses.fields(event):
			value = getattr(event, item.name)
			if item.type == "str":
				assert isinstance(value, str)
				assert "\x00" not in value.encode("utf-8").decode()
			if item.name in (
				"message_id",
				"chat_id",
				"sender_id",
				"phone",
				"user_id",
				"reply_to",
				"recipient_id",
			):
				assert len(value) <= 140


@settings(max_examples=500, deadline=None)
@given(ANY_JSON)
def test_any_json_is_read_without_an_error(payload):
	check_fit_to_store(parse(payload))
	assert all(map(str.strip, phone_number_ids(payload) | waba_ids(payload)))


@settings(max_examples=1500, deadline=None)
@given(mutated_payloads())
def test_any_change_of_a_real_webhook_is_read_without_an_error(payload):
	check_fit_to_store(parse(payload))
	assert all(map(str.strip, phone_number_ids(payload) | waba_ids(payload)))


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(PAYLOADS[: len(PARTS) + len(MEDIA) + len(UNREADABLE)]), st.data())
def test_any_change_of_a_message_leaves_its_neighbours_alone(payload, data):
	item = payload["entry"][0]["changes"][0]["value"]["messages"][0]
	bad = replace(item, data.draw(st.sampled_from(list(paths(item)))), data.draw(ANY_JSON))
	first, last = message("text", {"body": "a"}, id="wamid.1"), message("text", {"body": "b"}, id="wamid.3")
	parsed = parse(messages(first, bad, last))
	assert len(parsed) == 3
	assert parsed[0] == received("text", "a", message_id="wamid.1")
	assert parsed[2] == received("text", "b", message_id="wamid.3")


def test_depth_is_no_danger():
	bottomless = deep()
	for payload in PAYLOADS:
		for path in paths(payload):
			assert parse(replace(payload, path, bottomless))
			phone_number_ids(replace(payload, path, bottomless))


def test_a_number_too_large_to_write_is_no_danger():
	for payload in PAYLOADS:
		for path in paths(payload):
			check_fit_to_store(parse(replace(payload, path, 10**5000)))


def test_a_full_batch_is_read_quickly():
	items = [message("text", {"body": str(number)}, id=f"wamid.{number}") for number in range(1000)]
	contacts = [CONTACT | {"wa_id": str(201000000000 + number)} for number in range(1000)]
	assert len(parse(messages(*items, contacts=contacts))) == 1000
