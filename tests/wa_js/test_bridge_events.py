"""Our bridge over the real wa-js: everything that comes in, as core events."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import pytest

from tests.wa_js import stand_in
from tests.wa_js.driving import GROUP, HUDA, HUDA_ID, HUDA_LID, ID, ME
from tests.wa_js.stand_in import wait_until_ready
from whatsapp_integration.core.events import (
	IdentityLinked,
	MediaInfo,
	MessageEchoed,
	MessageEdited,
	MessageReceived,
	MessageRevoked,
	ReactionChanged,
	StatusChanged,
)
from whatsapp_integration.whatsapp_web import events
from whatsapp_integration.whatsapp_web.page import scripts

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = {"base64": PIXEL, "mimetype": "image/png"}
HELLO = {"kind": "text", "body": "hello", "preview": False}


def learn_lid(bridge) -> None:
	"""This browser comes to know whose LID it is."""
	bridge.run("await WPP.contact.queryWidExists(a);", HUDA_ID)


def without_time(told: list) -> list:
	assert all(event.at > 1_700_000_000 for event in told)
	return [replace(event, at=0) for event in told]


# -- messages --


def test_a_text_is_a_message_of_its_sender(bridge):
	bridge.receive(chat=HUDA_ID, id="HELLO", body="مرحبا", notifyName="Huda", isForwarded=True)
	assert without_time(bridge.events()) == [
		MessageReceived(
			message_id="HELLO",
			chat_id=HUDA,
			sender_id=HUDA,
			phone=HUDA,
			profile_name="Huda",
			kind="text",
			body="مرحبا",
			forwarded=True,
		)
	]


def test_a_sender_by_lid_has_a_phone_once_it_is_known(bridge):
	bridge.receive(chat=HUDA_LID, id="FIRST", body="who am I?")
	learn_lid(bridge)
	bridge.receive(chat=HUDA_LID, id="SECOND", body="and now?")
	first, linked, second = bridge.events()
	assert (first.chat_id, first.sender_id, first.phone) == (HUDA_LID, HUDA_LID, "")
	assert linked == IdentityLinked(old_id=HUDA_LID, new_id=HUDA, reason="message")
	assert (second.chat_id, second.sender_id, second.phone) == (HUDA, HUDA, HUDA)


def test_in_a_group_the_sender_is_a_person_and_the_chat_is_not(bridge):
	learn_lid(bridge)
	bridge.receive(chat=GROUP, id="HELLO", sender=HUDA_LID, body="hi all", notifyName="Huda")
	bridge.receive(chat=GROUP, id="ECHO", fromMe=True, body="hi Huda")
	_linked, event, echo, sent = bridge.events()
	assert (event.chat_id, event.sender_id, event.phone, event.is_group) == (GROUP, HUDA, "", True)
	assert (type(echo), echo.chat_id, echo.is_group, sent.status) == (MessageEchoed, GROUP, True, "Sent")
	assert bridge.events(groups=False) == []


def test_a_reply_names_what_it_quotes(bridge):
	bridge.send(HELLO)
	bridge.receive(chat=HUDA_ID, id="ANSWER", body="yes", quote=ID)
	assert bridge.events()[-1].reply_to == ID


def test_what_the_phone_sends_is_an_echo_with_its_status(bridge):
	bridge.receive(chat=HUDA_ID, id="ECHO", fromMe=True, body="from the phone", notifyName="Najd")
	echo, status = bridge.events()
	assert (type(echo), echo.chat_id, echo.body, echo.profile_name) == (
		MessageEchoed,
		HUDA,
		"from the phone",
		"",
	)
	assert (status.message_id, status.status) == ("ECHO", "Sent")


def test_a_message_that_is_deciphered_later_is_told_once_it_can_be_read(bridge):
	bridge.run(
		"""
		WPP.on("chat.new_message", (msg) => { window.late = msg; });
		await stub.receive({ chat: a, id: "LATE", type: "ciphertext", body: undefined });
		""",
		HUDA_ID,
	)
	assert bridge.events() == []
	bridge.run(
		"await hear('chat.new_message'); Object.assign(window.late, { type: 'chat', body: 'readable' });"
	)
	[event] = bridge.events()
	assert (event.message_id, event.body) == ("LATE", "readable")


def test_stories_are_no_messages(bridge):
	bridge.receive(chat="status@broadcast", id="STORY", sender=HUDA_ID, body="my day")
	bridge.receive(chat=HUDA_ID, id="AFTER", body="hi")
	assert [event.message_id for event in bridge.events()] == ["AFTER"]


def test_a_place_is_read_by_its_coordinates_and_label_not_by_its_picture(bridge):
	place = {"lat": 24.7136, "lng": 46.6753, "loc": "Office\nOlaya St", "body": "/9j/4AAQSkZJRgABAQAASABIAAD"}
	bridge.receive(chat=HUDA_ID, id="PLACE", type="location", **place)
	bridge.receive(chat=HUDA_ID, id="PIN", type="location", **place | {"loc": None})
	event, pin = bridge.events()
	assert (event.kind, event.body) == ("location", "Office\nOlaya St")
	assert event.data == {"latitude": 24.7136, "longitude": 46.6753, "label": "Office\nOlaya St"}
	assert (pin.body, pin.data["latitude"]) == ("", 24.7136)


def card(name: str) -> str:
	return f"BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nEND:VCARD"


def test_contact_cards_are_read_by_their_names_one_or_several(bridge):
	one = {"type": "vcard", "body": card("Omar"), "vcardFormattedName": "Omar"}
	bridge.receive(chat=HUDA_ID, id="ONE", **one)
	cards = [{"displayName": name, "vcard": card(name)} for name in ("Omar", "Sara")]
	bridge.receive(chat=HUDA_ID, id="TWO", type="multi_vcard", vcardList=cards)
	first, second = bridge.events()
	assert (first.kind, first.body) == ("contacts", "Omar")
	assert first.data == {"vcards": [{"name": "Omar", "vcard": card("Omar")}]}
	assert (second.kind, second.body, len(second.data["vcards"])) == ("contacts", "Omar, Sara", 2)


def test_each_type_that_wa_js_knows_is_read_kept_silent_or_kept_as_unsupported(bundle):
	"""A newer wa-js that knows more shows here."""
	types = (stand_in.PACKAGE / "dist/whatsapp/enums/MSG_TYPE.d.ts").read_text(encoding="utf-8")
	known = set(re.findall(r'^\s+[A-Z0-9_]+ = "(\w+)"', types, flags=re.MULTILINE))
	assert known - set(events.KINDS) - events._SILENT == {
		"groups_v4_invite",
		"hsm",
		"interactive",
		"list",
		"native_flow",
		"order",
		"oversized",
		"payment",
		"product",
		"unknown",
	}


# -- files --


def receive_picture(bridge, **fields) -> MediaInfo:
	bridge.receive(chat=HUDA_ID, id="PICTURE", type="image", **fields)
	[event] = [event for event in bridge.events() if isinstance(event, MessageReceived)]
	assert (event.kind, event.body) == ("image", "look")
	return event.media


def download(bridge, media: MediaInfo, name: str = "7.bin") -> dict:
	chat, _slash, message_id = media.media_id.rpartition("/")
	return {"chat": chat, "id": message_id, "name": name}


@pytest.mark.parametrize("chat", ["by number", "by LID"])
def test_a_file_that_came_in_is_saved_in_the_download_folder(bridge, chat):
	media = receive_picture(bridge, body=PIXEL, caption="look", media=PICTURE | {"filename": "pixel.png"})
	assert (media.media_id, media.mime_type, media.filename) == (
		f"{HUDA_ID}/PICTURE",
		"image/png",
		"pixel.png",
	)
	assert len(base64.b64decode(media.sha256)) == 32
	if chat == "by LID":
		bridge.run("stub.migrateToLid();")
	told = bridge.do("download", **download(bridge, media))
	assert told == {"size": 70, "mime_type": "image/png"}
	path = bridge.downloads / "7.bin"
	bridge.until(lambda: path.is_file() and path.stat().st_size == told["size"])
	assert path.read_bytes() == base64.b64decode(PIXEL)


def test_a_download_says_what_is_missing(bridge):
	media = receive_picture(bridge, caption="look", media=PICTURE | {"gone": True})
	assert bridge.fail("download", **download(bridge, media))[0] == "media_not_found"
	bridge.receive(chat=HUDA_ID, id="TEXT", body="hi")
	assert bridge.fail("download", chat=HUDA_ID, id="TEXT", name="8.bin")[0] == "message_not_contains_media"
	assert bridge.fail("download", chat=HUDA_ID, id="NEVER", name="9.bin")[0] == "msg_not_found"


# -- changes of messages --


def test_an_edit_a_reaction_and_a_revoke_name_the_message_they_change(bridge):
	bridge.receive(chat=HUDA_ID, id="TYPO", body="helo")
	bridge.run("stub.edit('TYPO', 'hello');")
	bridge.run("await stub.react('TYPO', '❤️', a);", HUDA_ID)
	bridge.run("await stub.revoke('TYPO');")
	received, *changes = without_time(bridge.events())
	assert received.body == "helo"
	assert changes == [
		MessageEdited(message_id="TYPO", body="hello"),
		ReactionChanged(message_id="TYPO", chat_id=HUDA_ID, emoji="❤️"),
		MessageRevoked(message_id="TYPO"),
	]


def test_changes_come_behind_the_message_they_change(bridge):
	"""A message needs a look-up of its sender, a change of it none."""
	bridge.run(
		"""
		await stub.receive({ chat: a, id: "OOPS", body: "wrong" });
		stub.edit("OOPS", "wrong chat");
		await stub.revoke("OOPS");
		""",
		HUDA_LID,
	)
	kinds = [item["kind"] for item in bridge.events() and bridge.items]
	assert [kind for kind in kinds if kind in ("message", "edited", "revoked")] == [
		"message",
		"edited",
		"revoked",
	]


def test_the_new_caption_of_a_picture_is_its_text(bridge):
	bridge.receive(chat=HUDA_ID, id="PICTURE", type="image", body=PIXEL, caption="lok", media=PICTURE)
	bridge.run(
		"WPP.whatsapp.MsgStore.get(a).caption = 'look'; stub.edit('PICTURE', b);",
		f"false_{HUDA_ID}_PICTURE",
		PIXEL,
	)
	assert bridge.events()[-1].body == "look"
	bridge.run(
		"WPP.whatsapp.MsgStore.get(a).caption = ''; stub.edit('PICTURE', b);",
		f"false_{HUDA_ID}_PICTURE",
		PIXEL,
	)
	assert bridge.events()[-1].body == "", "its body is a picture in base64"


@pytest.mark.parametrize("chat", [HUDA_ID, GROUP])
def test_receipts_are_statuses_of_our_message(bridge, chat):
	bridge.send(HELLO, to=chat if chat == GROUP else HUDA)
	for level in (2, 3, 4):
		bridge.run("stub.ack(a, b, c);", ID, level, HUDA_LID if chat == GROUP else None)
	statuses = [event for event in bridge.events() if isinstance(event, StatusChanged)]
	assert {event.message_id for event in statuses} == {ID}
	assert [event.status for event in statuses] == ["Sent", "Delivered", "Read", "Played"]


# -- what came while nobody listened --


@pytest.mark.parametrize("happens", ["forget", "reload"])
def test_the_backlog_is_what_is_unread_to_the_newest(bridge, happens):
	bridge.receive(chat=HUDA_ID, id="OLD", body="seen")
	bridge.do("mark_read", to=HUDA)
	for number in range(3):
		bridge.receive(chat=HUDA_ID, id=f"NEWS{number}", body=str(number), notifyName="Huda")
	bridge.receive(chat=GROUP, id="GROUP", sender=HUDA_LID, body="hi")
	bridge.send(HELLO, to=HUDA_LID)
	if happens == "forget":
		bridge.run("stub.forget();")
	else:
		bridge.driver.refresh()
		wait_until_ready(bridge.driver)
	bridge.pull()
	bridge.items.clear()
	assert bridge.do("backlog") == {"chats": 2}
	told = [(event.message_id, event.body) for event in bridge.events() if isinstance(event, MessageReceived)]
	assert told == [("NEWS0", "0"), ("NEWS1", "1"), ("NEWS2", "2"), ("GROUP", "hi")]


def test_reading_a_chat_tells_its_sender_and_leaves_no_backlog(bridge):
	bridge.receive(chat=HUDA_ID, id="ONE", body="1")
	assert bridge.do("mark_read", to=HUDA) is None
	assert bridge.run("return stub.told();")[-1] == f"seen {HUDA_ID}"
	assert bridge.do("backlog") == {"chats": 0}


def test_one_chat_that_can_not_be_read_does_not_hide_the_others(bridge):
	bridge.receive(chat=HUDA_ID, id="ONE", body="1")
	bridge.receive(chat=GROUP, id="TWO", sender=HUDA_LID, body="2")
	bridge.items.clear()
	bridge.run("WPP.whatsapp.ChatStore.get(a).lastReceivedKey = { toString: () => 'nonsense' };", HUDA_ID)
	bridge.pull()
	bridge.items.clear()
	bridge.do("backlog")
	assert [event.message_id for event in bridge.events()] == ["TWO"]
	assert [item["kind"] for item in bridge.items].count("trouble") == 1


def test_how_far_our_messages_got_can_be_asked_for(bridge):
	bridge.send(HELLO)
	bridge.send(HELLO, to=GROUP, id="3EB0BB")
	bridge.run("stub.ack(a, 3); stub.forget();", ID)
	asked = [
		{"to": "nonsense@nowhere", "id": "3EB0XX"},
		{"to": HUDA, "id": ID},
		{"to": HUDA, "id": "NEVER"},
		{"to": GROUP, "id": "3EB0BB"},
	]
	assert bridge.do("acks", messages=asked) == [{"id": ID, "ack": 3}, {"id": "3EB0BB", "ack": 1}]


# -- the bridge never gets in wa-js' way --

HEARD = sorted(set(re.findall(r'"((?:chat|conn)\.\w+)"', scripts("")[-1])))
HOSTILE = "new Proxy(() => {}, { get() { throw new Error('hostile'); } })"


@pytest.mark.parametrize("value", [HOSTILE, "null", "undefined", "{}", "[]", "'text'"])
def test_no_value_of_an_event_makes_the_bridge_throw(bridge, value):
	for name in HEARD:
		bridge.run(f"WPP.emit(a, {value});", name)
	assert "chat.new_message" in HEARD
	assert bridge.do("self")["number"] == ME


def test_a_message_that_nobody_can_read_is_told_as_trouble_and_the_next_one_comes(bridge):
	bridge.run(
		"const notifyName = { toString() { throw new Error('hostile'); } };"
		"await stub.receive({ chat: a, id: 'BAD', body: 'x', notifyName });",
		HUDA_ID,
	)
	bridge.receive(chat=HUDA_ID, id="GOOD", body="y")
	assert [event.message_id for event in bridge.events()] == ["GOOD"]
	assert bridge.wait_for("trouble")["error"]["text"] == "hostile"
