"""Requirements of core/webhook_messages.py: every message of a customer is read, or shown as unreadable."""

from __future__ import annotations

import pytest

from tests.core.webhook_payloads import (
	AT,
	BSUID,
	CONTACT,
	CUSTOMER,
	IMAGE,
	MEDIA,
	METADATA,
	ORIGINAL,
	PARTS,
	STAMP,
	UNREADABLE,
	WABA,
	WAMID,
	message,
	messages,
	post,
	received,
)
from whatsapp_integration.core import events
from whatsapp_integration.core.webhook import parse


@pytest.mark.parametrize(("kind", "part", "expected_kind", "body", "data"), PARTS)
def test_a_message_is_read(kind, part, expected_kind, body, data):
	assert parse(messages(message(kind, part))) == [
		received(expected_kind, body, data=part if data is None else data)
	]


@pytest.mark.parametrize(("kind", "part", "expected_kind", "body", "media"), MEDIA)
def test_a_file_is_read(kind, part, expected_kind, body, media):
	assert parse(messages(message(kind, part))) == [received(expected_kind, body, media=media, data=part)]


def test_a_caption_without_a_file_is_kept():
	part = {"caption": "The parcel", "id": None}
	assert parse(messages(message("image", part))) == [received("image", "The parcel", data=part)]


@pytest.mark.parametrize("item", UNREADABLE)
def test_an_unreadable_message_is_visible_in_its_chat(item):
	(event,) = parse(messages(item))
	assert event == received("unsupported", "", data=event.data)
	assert event.data is not None and repr(event.data) == repr(item)


def test_an_interactive_message_without_its_part_shows_the_errors_of_its_batch():
	errors = [{"code": 131000, "title": "Something went wrong"}]
	item = message("interactive")
	assert parse(messages(item, errors=errors)) == [
		received("unsupported", "", data=item | {"errors": errors})
	]


def test_a_reply_names_what_it_quotes():
	item = message("text", {"body": "Yes"}, context={"from": "15550783881", "id": ORIGINAL})
	assert parse(messages(item)) == [received("text", "Yes", reply_to=ORIGINAL)]


def test_a_product_asked_about_is_kept():
	product = {"catalog_id": "1", "product_retailer_id": "SKU"}
	item = message(
		"text", {"body": "Still there?"}, context={"from": "1", "id": ORIGINAL, "referred_product": product}
	)
	assert parse(messages(item)) == [
		received("text", "Still there?", reply_to=ORIGINAL, data={"referred_product": product})
	]


@pytest.mark.parametrize("key", ["forwarded", "frequently_forwarded"])
def test_a_forwarded_message_says_so(key):
	assert parse(messages(message("text", {"body": "!"}, context={key: True}))) == [
		received("text", "!", forwarded=True)
	]


def test_an_advertisement_that_led_here_is_kept():
	referral = {"source_url": "https://fb.me/x", "source_type": "ad", "ctwa_clid": "abc"}
	assert parse(messages(message("text", {"body": "Hi"}, referral=referral))) == [
		received("text", "Hi", referral=referral)
	]


def test_a_group_message_belongs_to_the_group_and_names_its_sender():
	item = message("text", {"body": "Hi all"}, group_id="Y2FwaV9ncm91cDox")
	assert parse(messages(item)) == [received("text", "Hi all", chat_id="Y2FwaV9ncm91cDox", is_group=True)]


@pytest.mark.parametrize("sender", [{"from_user_id": BSUID}, {"from": BSUID}, {"from_user_id": None}])
def test_a_sender_without_a_number_is_known_by_the_bsuid(sender):
	item = {key: value for key, value in message("text", {"body": "Hi"}).items() if key != "from"} | sender
	contact = {"profile": {"username": "mona"}, "user_id": BSUID}
	expected = received("text", "Hi", chat_id=BSUID, sender_id=BSUID, phone="", profile_name="mona")
	assert parse(messages(item, contacts=[contact])) == [expected]


def test_a_sender_with_a_plus_is_the_same_sender():
	assert parse(messages(message("text", {"body": "Hi"}) | {"from": "+" + CUSTOMER})) == [
		received("text", "Hi")
	]


def test_each_message_of_a_batch_gets_the_profile_of_its_own_sender():
	mexican = {"profile": {"name": "Luz"}, "wa_id": "525512345678"}
	first = message("text", {"body": "a"}, id="wamid.1") | {"from": "5215512345678"}
	second = message("text", {"body": "b"}, id="wamid.2")
	third = message("text", {"body": "c"}, id="wamid.3") | {"from": "966501234567"}
	events_ = parse(messages(first, second, third, contacts=[CONTACT, mexican]))
	assert [(event.chat_id, event.profile_name) for event in events_] == [
		("5215512345678", "Luz"),
		(CUSTOMER, "Mona Adel"),
		("966501234567", ""),
	]


@pytest.mark.parametrize("emoji", ["👍", ""])
def test_a_reaction_changes_the_message_it_is_about(emoji):
	expected = events.ReactionChanged(**STAMP, message_id=ORIGINAL, chat_id=CUSTOMER, emoji=emoji)
	assert parse(messages(message("reaction", {"message_id": ORIGINAL, "emoji": emoji}))) == [expected]


def test_a_reaction_without_an_emoji_is_taken_back():
	expected = events.ReactionChanged(**STAMP, message_id=ORIGINAL, chat_id=CUSTOMER, emoji="")
	assert parse(messages(message("reaction", {"message_id": ORIGINAL}))) == [expected]


@pytest.mark.parametrize(
	("inner", "body"),
	[
		({"type": "text", "text": {"body": "Corrected"}}, "Corrected"),
		({"type": "image", "image": IMAGE | {"caption": "Better"}}, "Better"),
	],
)
def test_an_edit_changes_the_original(inner, body):
	item = message("edit", {"original_message_id": ORIGINAL, "message": inner})
	assert parse(messages(item)) == [events.MessageEdited(**STAMP, message_id=ORIGINAL, body=body)]


def test_a_revoke_withdraws_the_original():
	item = message("revoke", {"original_message_id": ORIGINAL})
	assert parse(messages(item)) == [events.MessageRevoked(**STAMP, message_id=ORIGINAL)]


@pytest.mark.parametrize(
	("item", "old_id", "new_id", "user_id"),
	[
		(
			message("system", {"type": "user_changed_number", "wa_id": "201112345678", "body": "changed"}),
			CUSTOMER,
			"201112345678",
			"",
		),
		(
			message("system", {"type": "user_changed_number", "wa_id": "201112345678", "user_id": "EG.2"}),
			CUSTOMER,
			"201112345678",
			"EG.2",
		),
		(
			{
				"id": WAMID,
				"timestamp": str(AT),
				"type": "system",
				"system": {"type": "user_changed_user_id", "previous_user_id": "EG.1", "user_id": "EG.2"},
			},
			"EG.1",
			"EG.2",
			"EG.2",
		),
	],
)
def test_a_changed_number_or_user_id_links_the_two(item, old_id, new_id, user_id):
	reason = item["system"]["type"]
	expected = events.IdentityLinked(**STAMP, old_id=old_id, new_id=new_id, user_id=user_id, reason=reason)
	assert parse(messages(item, contacts=[])) == [expected]


def test_a_message_sent_from_the_phone_is_an_echo_in_the_customers_chat():
	echo = {"from": "15550783881", "to": CUSTOMER, "id": WAMID, "timestamp": str(AT), "type": "text"}
	value = {
		"metadata": METADATA,
		"message_echoes": [echo | {"text": {"body": "Coming"}, "to_user_id": BSUID}],
	}
	assert parse(post("smb_message_echoes", value)) == [
		events.MessageEchoed(
			**STAMP,
			message_id=WAMID,
			chat_id=CUSTOMER,
			sender_id="15550783881",
			phone=CUSTOMER,
			user_id=BSUID,
			kind="text",
			body="Coming",
		)
	]


def test_a_reaction_from_the_phone_is_ours():
	echo = {"from": "15550783881", "to": CUSTOMER, "id": WAMID, "timestamp": str(AT), "type": "reaction"}
	value = {
		"metadata": METADATA,
		"message_echoes": [echo | {"reaction": {"message_id": ORIGINAL, "emoji": "❤"}}],
	}
	expected = events.ReactionChanged(**STAMP, message_id=ORIGINAL, chat_id=CUSTOMER, emoji="❤", from_me=True)
	assert parse(post("smb_message_echoes", value)) == [expected]


@pytest.mark.parametrize("message_id", [None, "", " ", "w" * 141, ["wamid"], True])
def test_a_message_without_a_usable_id_is_unsupported(message_id):
	item = message("text", {"body": "Hi"}) | {"id": message_id}
	expected = events.Unsupported(**STAMP, reason="message without a usable id", data=item)
	assert parse(messages(item)) == [expected]


def test_the_longest_usable_id_is_kept_whole():
	item = message("text", {"body": "Hi"}, id="w" * 140)
	assert parse(messages(item)) == [received("text", "Hi", message_id="w" * 140)]


def test_a_message_without_a_sender_is_unsupported():
	item = {"id": WAMID, "timestamp": str(AT), "type": "text", "text": {"body": "Hi"}}
	expected = events.Unsupported(**STAMP, reason="message without a sender", data=item)
	assert parse(messages(item, contacts=[])) == [expected]


@pytest.mark.parametrize(
	"bad", [None, 7, "text", [], {}, {"id": []}, message("text"), message("text", id="w" * 500)]
)
def test_a_bad_message_does_not_hide_its_neighbours(bad):
	first, last = message("text", {"body": "a"}, id="wamid.1"), message("text", {"body": "b"}, id="wamid.3")
	events_ = parse(messages(first, bad, last))
	assert len(events_) == 3
	assert events_[0] == received("text", "a", message_id="wamid.1")
	assert events_[2] == received("text", "b", message_id="wamid.3")


def test_a_message_that_stands_where_its_list_belongs_is_read():
	value = {"metadata": METADATA, "contacts": CONTACT, "messages": message("text", {"body": "Hi"})}
	payload = {"entry": {"id": WABA, "changes": {"field": "messages", "value": value}}}
	assert parse(payload) == [received("text", "Hi")]


def test_every_entry_change_message_and_status_is_read_in_order():
	value = messages(message("text", {"body": "a"}))["entry"][0]["changes"][0]["value"]
	mixed = value | {"statuses": [{"id": ORIGINAL, "status": "read", "timestamp": str(AT)}]}
	changes = [{"field": "messages", "value": mixed}, {"field": "messages", "value": value}]
	payload = {"entry": [{"id": WABA, "changes": changes}, {"id": "2", "changes": changes[1:]}]}
	assert [(type(event).__name__, event.waba_id) for event in parse(payload)] == [
		("MessageReceived", WABA),
		("StatusChanged", WABA),
		("MessageReceived", WABA),
		("MessageReceived", "2"),
	]


@pytest.mark.parametrize(
	("timestamp", "expected"),
	[
		("1739321024", 1739321024),
		(1739321024, 1739321024),
		(1739321024.5, 1739321024.5),
		(None, 0),
		("", 0),
		("soon", 0),
		(True, 0),
		(-1, 0),
		("1e400", 0),
		(float("nan"), 0),
		("nan", 0),
		(float("inf"), 0),
		(10**400, 0),
		("9" * 100, 0),
		({"at": 1}, 0),
	],
)
def test_a_time_is_seconds_or_nothing(timestamp, expected):
	(event,) = parse(messages(message("text", {"body": "Hi"}) | {"timestamp": timestamp}))
	assert event == received("text", "Hi", at=expected)


def test_a_message_without_a_time_has_the_time_of_its_entry():
	payload = messages(message("text", {"body": "Hi"}) | {"timestamp": None})
	payload["entry"][0]["time"] = 1739321000
	assert parse(payload) == [received("text", "Hi", at=1739321000)]


def test_a_text_that_no_database_takes_is_mended():
	(event,) = parse(messages(message("text", {"body": "a\ud800b\x00c"})))
	assert event == received("text", "a\ufffdb\ufffdc")
