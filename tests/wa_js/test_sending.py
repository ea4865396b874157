"""Everything that our bridge sends, through the real wa-js on the stand-in of WhatsApp's modules."""

from __future__ import annotations

import pytest

from tests.wa_js.stand_in import (
	CONFIG,
	RECORDER,
	refusal,
	requests_elsewhere,
	run,
	wait_for,
	wait_until_ready,
)

HUDA = "966500000011@c.us"
HUDA_LID = "88000000000011@lid"
GROUP = "120363000000000001@g.us"
ME = "966500000001@c.us"
ME_LID = "77000000000001@lid"
ID = "3EB0AAAAAAAAAAAAAAAAAA"
KEY = f"true_{HUDA}_{ID}"
SILENT = "linkPreview: false, markIsRead: false, detectMentioned: false"
SEND_TEXT = f"return WPP.chat.sendTextMessage(a, b, {{ messageId: c, {SILENT} }});"


@pytest.fixture
def page(linked):
	run(linked, "stub.addPerson({ pn: a, lid: b, name: 'Huda' });", HUDA, HUDA_LID)
	return linked


def only_sent(driver) -> dict:
	[message] = run(driver, "return stub.sent();")
	return message


def test_a_text_goes_out_under_the_id_chosen_beforehand(page):
	answer = run(page, SEND_TEXT, HUDA, "السلام عليكم", KEY)
	result = answer.pop("sendMsgResult")
	assert answer == {"id": KEY, "ack": 1, "from": ME, "to": HUDA}
	assert result["messageSendResult"] == "OK"
	message = only_sent(page)
	assert {name: message[name] for name in ("id", "type", "body", "to", "from")} == {
		"id": KEY,
		"type": "chat",
		"body": "السلام عليكم",
		"to": HUDA,
		"from": ME,
	}


def test_an_id_made_by_wa_js_keeps_its_chat_when_we_put_our_own_in_it(page):
	key = run(page, "const key = await WPP.chat.generateMessageID(a); return [String(key), key.id];", HUDA)
	assert key[0] == f"true_{HUDA}_{key[1]}"
	key = run(page, "return String(await WPP.chat.generateMessageID(a)).split('_');", GROUP)
	assert (key[0], key[1], key[3]) == ("true", GROUP, ME_LID)


def test_a_text_to_a_group_goes_out_under_our_lid(page):
	key = f"true_{GROUP}_{ID}_{ME_LID}"
	assert run(page, SEND_TEXT, GROUP, "hello all", key)["id"] == key
	assert only_sent(page)["from"] == ME_LID


def test_an_id_for_another_chat_is_refused_before_anything_leaves(page):
	text = f"WPP.chat.sendTextMessage(a, 'x', {{ messageId: b, {SILENT} }})"
	other = f"true_966500000099@c.us_{ID}"
	assert refusal(page, text, HUDA, other) == "message_key_remote_id_is_not_same_of_chat"
	assert refusal(page, text, HUDA, f"false_{HUDA}_{ID}") == "message_key_is_not_from_me"
	assert run(page, "return stub.sent();") == []


def test_a_chat_kept_by_lid_refuses_an_id_made_for_the_number(page):
	"""After WhatsApp's migration the id has to be made for the chat that is found, not for the number asked for."""
	run(page, "stub.migrateToLid();")
	text = f"WPP.chat.sendTextMessage(a, 'x', {{ messageId: b, {SILENT} }})"
	assert refusal(page, text, HUDA, KEY) == "message_key_remote_id_is_not_same_of_chat"
	found = run(page, "return String((await WPP.chat.find(a)).id);", HUDA)
	assert found == HUDA_LID
	answer = run(page, SEND_TEXT, HUDA, "x", f"true_{found}_{ID}")
	assert (answer["from"], answer["to"]) == (ME_LID, HUDA_LID)


@pytest.mark.parametrize("result", ["ERROR_NETWORK", "ERROR_UPLOAD", "ERROR_EXPIRED"])
def test_a_failed_send_is_an_answer_and_neither_an_error_nor_an_event(page, result):
	run(page, "stub.answerSends(a);", result)
	answer = run(page, SEND_TEXT, HUDA, "hello", KEY)
	assert (answer["sendMsgResult"]["messageSendResult"], answer["ack"]) == (result, -1)
	assert "chat.msg_ack_change" not in run(page, "return heard.map(({ name }) => name);")


def test_a_send_without_an_answer_waits_for_ever_and_is_found_by_its_id(page):
	"""Why the bridge has a time limit of its own, and looks before it sends again."""
	run(
		page,
		"stub.answerSends(null); window.sending = WPP.chat.sendTextMessage(a, 'x', { messageId: b });",
		HUDA,
		KEY,
	)
	wait_for(page, "chat.new_message")
	assert run(page, "return Promise.race([window.sending, 'still waiting']);") == "still waiting"
	assert run(page, "return (await WPP.chat.getMessageById(a)).ack;", KEY) == 0
	run(page, "stub.answerSends('OK');")
	assert run(page, "return (await window.sending).ack;") == 1


def test_a_message_is_found_by_its_id_in_storage_after_a_reload(page):
	run(page, SEND_TEXT, HUDA, "once only", KEY)
	page.refresh()
	wait_until_ready(page)
	assert run(page, "return stub.sent();") == []
	found = "const msg = await WPP.chat.getMessageById(a); return [String(msg.id), msg.body, msg.ack];"
	assert run(page, found, KEY) == [KEY, "once only", 1]


def test_a_message_that_is_not_there_is_told_from_a_chat_that_is_not_there(page):
	assert refusal(page, "WPP.chat.getMessageById(a)", KEY) == "chat_not_found"
	run(page, "await WPP.chat.find(a);", HUDA)
	assert refusal(page, "WPP.chat.getMessageById(a)", KEY) == "msg_not_found"


def test_a_picked_file_goes_out_under_its_name_and_our_id(page, tmp_path):
	path = tmp_path / "فاتورة 12.pdf"
	path.write_bytes(b"%PDF-1.7 stand-in")
	run(page, "document.body.innerHTML = '<input type=file id=pick>';")
	page.find_element("id", "pick").send_keys(str(path))
	send = f"""
		const [file] = document.getElementById("pick").files;
		const options = {{ type: "document", caption: "Invoice 12", messageId: b, {SILENT} }};
		const {{ id, ack, sendMsgResult }} = await WPP.chat.sendFileMessage(a, file, options);
		return [id, ack, sendMsgResult.messageSendResult];
	"""
	assert run(page, send, HUDA, KEY) == [KEY, 1, "OK"]
	message = only_sent(page)
	fields = ("type", "mimetype", "filename", "caption", "size", "isCaptionByUser")
	assert [message[name] for name in fields] == [
		"document",
		"application/pdf",
		path.name,
		"Invoice 12",
		path.stat().st_size,
		True,
	]


def test_a_file_without_a_caption_carries_its_name_as_one(page):
	run(
		page,
		f"""
		const file = new File(["x"], "photo.png", {{ type: "image/png" }});
		await WPP.chat.sendFileMessage(a, file, {{ type: "image", messageId: b, {SILENT} }});
		""",
		HUDA,
		KEY,
	)
	message = only_sent(page)
	assert [message[name] for name in ("type", "caption", "isCaptionByUser")] == ["image", "photo.png", False]


def test_a_file_beyond_whatsapps_limit_is_refused_before_anything_leaves(page):
	send = """WPP.chat.sendFileMessage(
		a, new File([new Uint8Array(17 * 1024 * 1024)], "big.png", { type: "image/png" }), { type: "image" })"""
	assert refusal(page, send, HUDA) == "file_too_large"
	assert run(page, "return stub.sent();") == []


def test_a_reply_carries_what_it_quotes(page):
	quoted = run(page, "return stub.receive({ chat: a, id: 'QUESTION', body: 'How much?' });", HUDA)
	reply = f"await WPP.chat.sendTextMessage(a, '40', {{ messageId: b, quotedMsg: c, {SILENT} }});"
	run(page, reply, HUDA, KEY, quoted)
	message = only_sent(page)
	assert (message["quotedStanzaID"], message["quotedParticipant"]) == ("QUESTION", HUDA)


def test_a_reply_to_what_is_gone_is_refused(page):
	quoted = run(page, "return stub.receive({ chat: a, id: 'QUESTION', body: 'How much?' });", HUDA)
	run(page, "await stub.revoke('QUESTION');")
	text = "WPP.chat.sendTextMessage(a, '40', { quotedMsg: b })"
	assert refusal(page, text, HUDA, quoted) == "quoted_msg_can_not_reply"
	assert refusal(page, text, HUDA, f"false_{HUDA}_NEVER") == "msg_not_found"


def test_a_location_goes_out_with_name_and_address(page):
	place = f"{{ lat: 24.7136, lng: 46.6753, name: 'Office', address: 'Olaya St', messageId: b, {SILENT} }}"
	assert run(page, f"return (await WPP.chat.sendLocationMessage(a, {place})).id;", HUDA, KEY) == KEY
	message = only_sent(page)
	fields = [message[name] for name in ("type", "lat", "lng", "loc")]
	assert fields == ["location", 24.7136, 46.6753, "Office\nOlaya St"]


def test_one_contact_goes_out_as_a_card_and_several_as_a_list(page):
	send = f"await WPP.chat.sendVCardContactMessage(a, c, {{ messageId: b, {SILENT} }});"
	omar = {"id": "966500000022@c.us", "name": "Omar"}
	run(page, send, HUDA, KEY, omar)
	message = only_sent(page)
	assert (message["type"], message["vcardFormattedName"]) == ("vcard", "Omar")
	assert "FN:Omar" in message["body"]
	assert "waid=966500000022" in message["body"]
	run(page, send, HUDA, f"true_{HUDA}_SECOND", [omar, {"id": "966500000033@c.us", "name": "Sara"}])
	cards = run(page, "return stub.sent()[1];")
	assert (cards["type"], [card["displayName"] for card in cards["vcardList"]]) == (
		"multi_vcard",
		["Omar", "Sara"],
	)


def test_a_reaction_is_given_and_taken_back(page):
	key = run(page, "return stub.receive({ chat: a, id: 'THANKS', body: 'Thank you' });", HUDA)
	assert run(page, "return WPP.chat.sendReactionToMessage(a, '👍');", key) == {"sendMsgResult": "OK"}
	[given] = wait_for(page, "chat.new_reaction", "({ reactionText }) => reactionText === '👍'")
	assert (given["msgId"]["key"], given["sender"], given["id"]["fromMe"]) == (key, ME, True)
	run(page, "await WPP.chat.sendReactionToMessage(a, false);", key)
	[taken] = wait_for(page, "chat.new_reaction", "({ reactionText }) => reactionText === ''")
	assert taken["msgId"]["key"] == key
	assert refusal(page, "WPP.chat.sendReactionToMessage(a, '👍')", f"false_{HUDA}_NEVER") == "msg_not_found"


def test_typing_and_recording_are_shown_and_ended(page):
	run(
		page,
		"""
		await WPP.chat.find(a);
		await WPP.chat.markIsComposing(a);
		await WPP.chat.markIsPaused(a);
		await WPP.chat.markIsRecording(a);
		""",
		HUDA,
	)
	assert run(page, "return stub.told();") == [f"composing {HUDA}", f"paused {HUDA}", f"recording {HUDA}"]


def test_typing_in_a_chat_that_is_not_there_is_refused(page):
	assert refusal(page, "WPP.chat.markIsComposing(a)", HUDA) == "chat_not_found"


SEND_A_LINK = """
const text = "Pay: https://shop.example/invoice/1?key=secret";
await WPP.chat.sendTextMessage(a, text, { linkPreview: b, waitForAck: true });
"""


@pytest.mark.parametrize("preview", [False, True])
def test_a_link_in_a_text_is_told_to_no_preview_server(page, page_server, preview):
	run(page, SEND_A_LINK, HUDA, preview)
	assert only_sent(page)["body"].endswith("key=secret")
	assert requests_elsewhere(page, page_server.origin) == []


def test_without_our_settings_wa_js_would_tell_preview_servers(wa_page, bundle, page_server):
	"""Proves that the test above can see what it looks for."""
	driver = wa_page([CONFIG.replace("linkPreviewApiServers: [],", ""), bundle, RECORDER], linked=True)
	wait_until_ready(driver)
	run(driver, SEND_A_LINK, HUDA, True)
	asked = requests_elsewhere(driver, page_server.origin)
	assert any("link-preview" in url and "key=secret" in url for url in asked)
