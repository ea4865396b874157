"""Our bridge over the real wa-js: linking, the state of the link, and everything that is sent."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from tests.wa_js.driving import GROUP, HUDA, HUDA_ID, HUDA_LID, ID, KEY, ME, ME_LID, Bridge, build_send
from tests.wa_js.stand_in import RECORDER, requests_elsewhere, wait_until_ready
from whatsapp_integration.core.events import IdentityLinked
from whatsapp_integration.whatsapp_web.events import read_identity
from whatsapp_integration.whatsapp_web.page import scripts
from whatsapp_integration.whatsapp_web.states import Screen

HELLO = {"kind": "text", "body": "السلام عليكم", "preview": False}

# -- the link --


def test_the_page_of_a_new_device_is_unlinked_and_at_no_moment_connected(wa_page, bundle, tmp_path):
	bridge = Bridge(wa_page([*scripts(bundle), RECORDER]), tmp_path)
	seen = [bridge.screen]
	bridge.until(lambda: seen.append(bridge.screen) or seen[-1] is not Screen.STARTING)
	wait_until_ready(bridge.driver)
	assert {*seen, bridge.screen} == {Screen.STARTING, Screen.UNLINKED}
	state = [bridge.state[name] for name in ("main_ready", "authenticated", "mode")]
	assert state == [True, False, "QR"], "wa-js calls the QR screen ready"


def test_each_code_to_scan_is_told_and_the_last_one_can_be_asked_for(unlinked_bridge):
	assert unlinked_bridge.do("qr") == {"code": ""}
	unlinked_bridge.run("stub.showCode('first');")
	first = unlinked_bridge.wait_for("qr", lambda item: item["code"].startswith("first,"))
	assert unlinked_bridge.do("qr") == {"code": first["code"]}
	unlinked_bridge.run("stub.showCode('second');")
	second = unlinked_bridge.wait_for("qr", lambda item: item["code"].startswith("second,"))
	assert second["code"].removeprefix("second") == first["code"].removeprefix("first")
	assert len(second["code"].split(",")) == 4


def test_when_whatsapp_stops_making_codes_it_is_told_and_can_be_asked_to_go_on(unlinked_bridge):
	unlinked_bridge.run("stub.showCode('old'); stub.stopCodes();")
	unlinked_bridge.wait_for("qr_idle")
	assert unlinked_bridge.do("refresh_qr") is None
	unlinked_bridge.wait_for("qr", lambda item: item["code"].startswith("ref-"))


def test_a_pairing_code_is_the_answer_and_an_event_and_its_end_is_an_empty_one(unlinked_bridge):
	assert unlinked_bridge.do("pair", phone=ME) == {"code": "ABCD0001"}
	unlinked_bridge.wait_for("pairing_code", lambda item: item["code"] == "ABCD0001")
	unlinked_bridge.run("stub.tellLinkDeviceEvent('force_manual_refresh');")
	unlinked_bridge.wait_for("pairing_code", lambda item: item["code"] == "")


def test_a_number_that_gets_no_pairing_code_fails_with_whatsapps_words(unlinked_bridge):
	item = unlinked_bridge.result(unlinked_bridge.submit("pair", phone="12"))
	assert item["error"] == {"code": "", "text": "IQErrorBadRequest"}
	assert unlinked_bridge.wait_for("pairing_failed")["error"] == item["error"]


def test_a_scan_leads_to_connected_and_to_knowing_whose_phone_it_is(unlinked_bridge):
	assert unlinked_bridge.do("self")["number"] == ""
	unlinked_bridge.run("stub.showCode(); stub.scan();")
	unlinked_bridge.until(lambda: unlinked_bridge.screen is Screen.CONNECTED)
	told = unlinked_bridge.do("self")
	assert (told.pop("version"), told.pop("whatsapp_version").split(".")[0]) == ("4.6.0", "2")
	assert told == {"number": ME, "lid": ME_LID, "name": "Najd Trading", "platform": "android"}
	assert unlinked_bridge.do("qr") == {"code": ""}


@pytest.mark.parametrize(
	("mode", "screen"),
	[
		("OFFLINE", Screen.LOADING),
		("SYNCING", Screen.LOADING),
		("CONFLICT", Screen.CONFLICT),
		("PROXYBLOCK", Screen.BLOCKED),
		("TOS_BLOCK", Screen.BLOCKED),
		("SMB_TOS_BLOCK", Screen.BLOCKED),
		("DEPRECATED_VERSION", Screen.OUTDATED),
	],
)
def test_each_trouble_of_the_stream_is_a_screen_of_its_own(bridge, mode, screen):
	assert bridge.screen is Screen.CONNECTED
	bridge.run("stub.setStream(a);", mode)
	assert bridge.screen is screen


def test_a_link_that_the_phone_ends_is_over_for_its_reason(bridge):
	bridge.run("stub.endLink('unknown_companion');")
	assert (bridge.screen, bridge.state["ending"]) == (Screen.ENDED, "unknown_companion")


def test_a_ban_is_told_from_the_end_of_a_link(bridge):
	bridge.run("stub.tellBackendEvent('account_temporarily_banned', 7);")
	assert (bridge.screen, bridge.state["ending"]) == (Screen.BLOCKED, "account_temporarily_banned")


def test_logging_out_ends_the_link(bridge):
	assert bridge.do("log_out") is None
	assert (bridge.screen, bridge.state["ending"]) == (Screen.ENDED, "user_initiated")


def test_after_a_reload_the_link_is_there_and_the_open_jobs_are_not(bridge):
	bridge.run("stub.answerSends(null);")
	number = bridge.submit("send", **build_send(HELLO))
	bridge.until(bridge.sent)
	assert bridge.pull() is False
	bridge.driver.refresh()
	assert bridge.pull() is True
	bridge.until(lambda: bridge.screen is Screen.CONNECTED)
	assert [item for item in bridge.items if item.get("job") == number] == []


# -- sending --


def test_a_text_goes_out_under_the_planned_id_and_tells_both_names_of_the_person(bridge, page_server):
	text = {"kind": "text", "body": "Pay: https://shop.example/invoice/1?key=secret", "preview": False}
	answer = bridge.send(text)
	assert answer.pop("started") > 1_700_000_000
	assert answer == {"id": ID, "ack": 1, "result": "OK", "wid": HUDA_ID, "lid": HUDA_LID}
	assert read_identity(answer) == [IdentityLinked(old_id=HUDA_LID, new_id=HUDA, reason="sent")]
	[message] = bridge.sent()
	assert {name: message.get(name) for name in ("id", "type", "body", "to", "ack")} == {
		"id": KEY,
		"type": "chat",
		"body": text["body"],
		"to": HUDA_ID,
		"ack": 1,
	}
	assert requests_elsewhere(bridge.driver, page_server.origin) == []
	assert bridge.events()[0].status == "Sent"
	assert [item for item in bridge.items if item["kind"] == "message"] == [], "it is no news to us"


@pytest.mark.parametrize("preview", [False, True])
def test_a_link_is_looked_up_only_where_that_is_asked_for(bridge, preview):
	bridge.send({"kind": "text", "body": "See https://shop.example/1", "preview": preview})
	told = bridge.run("return stub.told();")
	assert any(word.startswith("preview") for word in told) is preview


def test_a_file_goes_out_as_it_is_under_its_name(bridge, tmp_path):
	path = tmp_path / "فاتورة 12.pdf"
	path.write_bytes(b"%PDF-1.7 stand-in")
	content = bridge.attach(path, {"kind": "document", "caption": "Invoice", "mime_type": "application/pdf"})
	assert bridge.send(content)["result"] == "OK"
	[message] = bridge.sent()
	fields = ("id", "type", "mimetype", "filename", "caption", "size")
	assert [message[name] for name in fields] == [
		KEY,
		"document",
		"application/pdf",
		path.name,
		"Invoice",
		path.stat().st_size,
	]
	assert bridge.run("return document.querySelectorAll('input').length;") == 0


def test_a_file_can_go_out_under_another_name_and_type_than_it_has_on_disk(bridge, tmp_path):
	path = tmp_path / "0f3a.tmp"
	path.write_bytes(b"picture")
	content = {"kind": "image", "caption": "Look", "mime_type": "image/png"}
	bridge.send(bridge.attach(path, content) | {"filename": "photo.png"})
	[message] = bridge.sent()
	assert [message[name] for name in ("type", "mimetype", "caption")] == ["image", "image/png", "Look"]


def test_a_file_that_is_not_in_the_page_is_missing(bridge):
	content = {"kind": "document", "caption": "", "filename": "a.pdf", "mime_type": "application/pdf"}
	assert bridge.refuse(content | {"input": "never made"}) == ("file_missing", False)


@pytest.fixture
def sound(tmp_path) -> Path:
	path = tmp_path / "voice.ogg"
	with wave.open(str(path), "wb") as file:
		file.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
		file.writeframes(b"\x00\x20\x00\xe0" * 8000)
	return path


def test_a_voice_note_is_recorded_before_it_goes_out(bridge, sound):
	content = bridge.attach(sound, {"kind": "voice", "caption": "", "mime_type": "audio/ogg; codecs=opus"})
	assert bridge.send(content, typing=0.01)["result"] == "OK"
	[message] = bridge.sent()
	assert (message["type"], message["id"]) == ("ptt", KEY)
	assert bridge.run("return stub.told();")[-2:] == [f"recording {HUDA_ID}", f"paused {HUDA_ID}"]


def test_a_song_is_no_voice_note(bridge, sound):
	bridge.send(bridge.attach(sound, {"kind": "audio", "caption": "", "mime_type": "audio/ogg"}))
	assert [message["type"] for message in bridge.sent()] == ["audio"]


def test_a_place_goes_out_with_its_label_and_address(bridge):
	place = {"kind": "location", "latitude": 24.7136, "longitude": 46.6753}
	bridge.send(place | {"label": "Office", "address": "Olaya St"})
	[message] = bridge.sent()
	assert [message[name] for name in ("id", "type", "lat", "lng", "loc")] == [
		KEY,
		"location",
		24.7136,
		46.6753,
		"Office\nOlaya St",
	]


def test_contact_cards_go_out_one_or_several(bridge):
	omar = {"id": "966500000022@c.us", "name": "Omar"}
	bridge.send({"kind": "contacts", "contacts": [omar]})
	bridge.send({"kind": "contacts", "contacts": [omar, omar]}, id="3EB0BB")
	one, two = bridge.sent()
	assert (one["id"], one["type"], one["vcardFormattedName"]) == (KEY, "vcard", "Omar")
	assert (two["type"], len(two["vcardList"])) == ("multi_vcard", 2)


def test_a_reply_quotes_what_came_in_and_what_we_wrote(bridge):
	bridge.receive(chat=HUDA_ID, id="QUESTION", body="How much?")
	bridge.send(HELLO, reply_to="QUESTION")
	bridge.send(HELLO, id="3EB0BB", reply_to=ID)
	assert not [word for word in bridge.run("return stub.told();") if word.startswith("seen")]
	quoted = [(message["quotedStanzaID"], message["quotedParticipant"]) for message in bridge.sent()]
	assert quoted == [("QUESTION", HUDA_ID), (ID, f"{ME}@c.us")]


def test_a_reply_to_what_is_gone_does_not_go_out(bridge):
	bridge.receive(chat=HUDA_ID, id="OOPS", body="wrong chat")
	bridge.run("await stub.revoke('OOPS');")
	assert bridge.refuse(HELLO, reply_to="NEVER") == ("msg_not_found", False)
	assert bridge.refuse(HELLO, reply_to="OOPS")[0] == "quoted_msg_can_not_reply"


def test_a_reaction_is_given_and_taken_back(bridge):
	bridge.receive(chat=HUDA_ID, id="THANKS", body="Thank you")
	for emoji in ("👍", ""):
		assert bridge.do("react", to=HUDA, message_id="THANKS", emoji=emoji)["wid"] == HUDA_ID
		told = bridge.wait_for("reaction", lambda item, emoji=emoji: item["emoji"] == emoji)
		assert (told["message_id"], told["from_me"]) == ("THANKS", True)
	assert bridge.fail("react", to=HUDA, message_id="NEVER", emoji="👍") == ("msg_not_found", False)


def test_a_number_without_whatsapp_is_told_from_a_phone_without_network(bridge):
	assert bridge.refuse(HELLO, to="966599999999") == ("not_on_whatsapp", False)
	bridge.run("stub.setOnline(false);")
	assert bridge.refuse(HELLO, to="966588888888") == ("offline", False)


@pytest.mark.parametrize("happens", ["nothing", "forget", "reload"])
def test_a_repeat_finds_the_earlier_message_and_sends_nothing(bridge, happens):
	bridge.send(HELLO)
	if happens == "forget":
		bridge.run("stub.forget();")
	elif happens == "reload":
		bridge.driver.refresh()
		wait_until_ready(bridge.driver)
		bridge.run("stub.addPerson({ pn: a, lid: b });", HUDA_ID, HUDA_LID)
	before = bridge.sent()
	answer = bridge.send(HELLO, is_repeat=True)
	assert answer == {"id": ID, "ack": 1, "wid": HUDA_ID, "lid": HUDA_LID, "found": True}
	assert bridge.sent() == before


def test_a_repeat_of_what_never_left_goes_out(bridge):
	assert bridge.send(HELLO, is_repeat=True)["result"] == "OK"
	assert [message["id"] for message in bridge.sent()] == [KEY]


@pytest.mark.parametrize("level", [1, 2])
def test_a_receipt_alone_confirms_a_message_whose_sending_never_answers(bridge, level):
	bridge.run("stub.answerSends(null);")
	number = bridge.submit("send", **build_send(HELLO))
	bridge.until(bridge.sent)
	bridge.run("stub.ack(a, b);", ID, level)
	answer = bridge.result(number)["value"]
	assert (answer["id"], answer["ack"], answer["result"]) == (ID, level, "OK")


def test_a_message_that_nobody_confirms_may_have_left(bridge):
	bridge.run("stub.answerSends(null);")
	assert bridge.fail("send", **build_send(HELLO, confirm_within=0.3)) == ("timeout", True)
	assert len(bridge.sent()) == 1


def test_a_message_that_ran_out_of_time_never_leaves_later(bridge):
	assert bridge.fail("send", limit=0.1, **build_send(HELLO, typing=0.3)) == ("timeout", False)
	bridge.until(lambda: f"paused {HUDA_ID}" in bridge.run("return stub.told();"))
	bridge.do("self")
	assert bridge.sent() == []


@pytest.mark.parametrize("result", ["ERROR_NETWORK", "ERROR_UPLOAD", "ERROR_EXPIRED", "ERROR_UNKNOWN"])
def test_a_send_that_failed_is_answered_in_whatsapps_word(bridge, result):
	bridge.run("stub.answerSends(a);", result)
	answer = bridge.send(HELLO)
	assert (answer["id"], answer["ack"], answer["result"]) == (ID, -1, result)


def test_a_file_beyond_whatsapps_limit_is_refused(bridge, tmp_path):
	path = tmp_path / "big.png"
	with path.open("wb") as file:
		file.truncate(17 * 1024 * 1024)
	content = bridge.attach(path, {"kind": "image", "caption": "", "mime_type": "image/png"})
	assert bridge.refuse(content)[0] == "file_too_large"


# -- chats that are kept by LID, and groups --


def test_once_chats_are_kept_by_lid_everything_goes_on(bridge):
	bridge.run("stub.migrateToLid();")
	answer = bridge.send(HELLO)
	assert (answer["result"], answer["wid"], answer["lid"]) == ("OK", HUDA_ID, HUDA_LID)
	assert [message["id"] for message in bridge.sent()] == [f"true_{HUDA_LID}_{ID}"]
	bridge.receive(chat=HUDA_LID, id="QUESTION", body="How much?")
	bridge.send(HELLO, id="3EB0BB", reply_to="QUESTION")
	bridge.send(HELLO, id="3EB0CC", to=HUDA_LID)
	assert bridge.send(HELLO, id="3EB0CC", is_repeat=True)["found"] is True
	assert [message["to"] for message in bridge.sent()] == [HUDA_LID] * 3


def test_a_repeat_finds_what_was_sent_before_the_chat_was_kept_by_lid(bridge):
	bridge.send(HELLO)
	bridge.run("stub.migrateToLid();")
	assert bridge.send(HELLO, is_repeat=True)["found"] is True
	assert len(bridge.sent()) == 1


def test_a_group_gets_texts_and_replies(bridge):
	bridge.receive(chat=GROUP, id="QUESTION", sender=HUDA_LID, body="Who comes?")
	bridge.receive(chat=GROUP, id="LATER", sender=HUDA_LID, body="Well?")
	bridge.run("stub.forget();")
	assert bridge.send(HELLO, to=GROUP)["result"] == "OK"
	bridge.send(HELLO, to=GROUP, id="3EB0BB", reply_to="QUESTION")
	bridge.send(HELLO, to=GROUP, id="3EB0CC", reply_to=ID)
	first, second, third = bridge.sent()
	assert (first["id"], first["from"]) == (f"true_{GROUP}_{ID}_{ME_LID}", ME_LID)
	assert (second["quotedStanzaID"], second["quotedParticipant"]) == ("QUESTION", HUDA_LID)
	assert third["quotedStanzaID"] == ID
	assert bridge.send(HELLO, to=GROUP, is_repeat=True)["found"] is True
	assert bridge.fail("send", **build_send(HELLO, to=GROUP, reply_to="NEVER")) == ("msg_not_found", False)


def test_a_text_mentions_nobody_by_accident(bridge):
	bridge.send(HELLO | {"body": "@all of you: 5 @966500000011"}, to=GROUP)
	[message] = bridge.sent()
	assert [message.get(name) for name in ("nonJidMentions", "mentionedJidList")] == [None, None]


def test_a_group_is_not_asked_about_as_if_it_were_a_person(bridge):
	bridge.send(HELLO, to=GROUP)
	assert bridge.run("return stub.told();") == []
