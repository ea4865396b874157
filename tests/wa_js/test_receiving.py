"""Everything that our bridge hears and asks, through the real wa-js on the stand-in of WhatsApp's modules."""

from __future__ import annotations

import pytest

from tests.wa_js.stand_in import events, refusal, run, wait_for

HUDA = "966500000011@c.us"
HUDA_LID = "88000000000011@lid"
GROUP = "120363000000000001@g.us"
ME = "966500000001@c.us"
ME_LID = "77000000000001@lid"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def page(linked):
	run(linked, "stub.addPerson({ pn: a, lid: b, name: 'Huda' });", HUDA, HUDA_LID)
	return linked


def receive(driver, **fields) -> str:
	"""A message comes in; its serialized key."""
	return run(driver, "return stub.receive(a);", fields)


def sent_text(driver, chat: str, id: str) -> str:
	participant = f"_{ME_LID}" if chat == GROUP else ""
	key = f"true_{chat}_{id}{participant}"
	run(
		driver, "await WPP.chat.sendTextMessage(a, 'hello', { messageId: b, linkPreview: false });", chat, key
	)
	return key


def test_a_text_comes_in_with_its_chat_sender_and_time(page):
	key = receive(page, chat=HUDA, id="HELLO", body="مرحبا", notifyName="Huda")
	[message] = wait_for(page, "chat.new_message")
	assert message.pop("t") > 1_700_000_000
	assert message["id"] == {"id": "HELLO", "fromMe": False, "remote": HUDA, "key": key}
	fields = ("type", "body", "from", "to", "ack", "notifyName", "isNewMsg")
	assert [message[name] for name in fields] == ["chat", "مرحبا", HUDA, ME, 0, "Huda", True]


def test_a_text_in_a_group_names_its_sender_by_lid(page):
	key = receive(page, chat=GROUP, id="HELLO", sender=HUDA_LID, body="hi")
	[message] = wait_for(page, "chat.new_message")
	assert key == f"false_{GROUP}_HELLO_{HUDA_LID}"
	assert (message["id"]["participant"], message["author"], message["from"]) == (HUDA_LID, HUDA_LID, GROUP)


def test_what_the_phone_sends_comes_in_as_ours(page):
	receive(page, chat=HUDA, id="ECHO", fromMe=True, body="from the phone")
	[message] = wait_for(page, "chat.new_message")
	assert (message["id"]["fromMe"], message["to"], message["ack"]) == (True, HUDA, 1)


def test_what_we_send_ourselves_is_told_as_new_too(page):
	sent_text(page, HUDA, "OURS")
	[message] = wait_for(page, "chat.new_message")
	assert (message["id"]["id"], message["id"]["fromMe"]) == ("OURS", True)


def test_a_message_that_is_deciphered_later_is_told_twice(page):
	run(
		page,
		"""
		WPP.on("chat.new_message", (msg) => { window.late = msg; });
		await stub.receive({ chat: a, id: "LATE", type: "ciphertext", body: undefined });
		await hear("chat.new_message");
		Object.assign(window.late, { type: "chat", body: "now readable" });
		""",
		HUDA,
	)
	[message] = wait_for(page, "chat.new_message", "({ type }) => type === 'chat'")
	assert message["id"]["id"] == "LATE"
	assert events(page).count("chat.new_message") == 2


def test_a_reply_names_what_it_quotes(page):
	sent_text(page, HUDA, "QUESTION")
	receive(page, chat=HUDA, id="ANSWER", body="yes", quote="QUESTION")
	[message] = wait_for(page, "chat.new_message", "({ id }) => id.id === 'ANSWER'")
	assert (message["quotedStanzaID"], message["quotedParticipant"]) == ("QUESTION", ME)


def test_a_status_of_somebody_else_is_kept_out(page):
	"""syncAllStatus: false; the status of a contact is no message to us."""
	receive(page, chat="status@broadcast", id="STATUS", sender=HUDA, body="my day")
	receive(page, chat=HUDA, id="AFTER", body="hi")
	[first] = wait_for(page, "chat.new_message")
	assert first["id"]["id"] == "AFTER"


def test_a_file_that_came_in_is_downloaded_whole(page):
	media = {"base64": PIXEL, "mimetype": "image/png", "filename": "pixel.png"}
	key = receive(page, chat=HUDA, id="PICTURE", type="image", caption="look", media=media)
	[message] = wait_for(page, "chat.new_message")
	assert [message[name] for name in ("type", "caption", "mimetype", "size")] == [
		"image",
		"look",
		"image/png",
		70,
	]
	download = """
		const blob = await WPP.chat.downloadMedia(a);
		return [blob.type, blob.size, await WPP.util.blobToBase64(blob)];
	"""
	assert run(page, download, key) == ["image/png", 70, f"data:image/png;base64,{PIXEL}"]


def test_a_download_says_what_is_missing(page):
	text = receive(page, chat=HUDA, id="TEXT", body="hi")
	media = {"base64": PIXEL, "mimetype": "image/png", "gone": True}
	gone = receive(page, chat=HUDA, id="GONE", type="image", media=media)
	assert refusal(page, "WPP.chat.downloadMedia(a)", text) == "message_not_contains_media"
	assert refusal(page, "WPP.chat.downloadMedia(a)", gone) == "media_not_found"
	assert refusal(page, "WPP.chat.downloadMedia(a)", f"false_{HUDA}_NEVER") == "msg_not_found"


@pytest.mark.parametrize("level", [2, 3, 4])
def test_a_receipt_is_told_with_its_level_and_the_id(page, level):
	sent_text(page, HUDA, "OURS")
	run(page, "stub.ack('OURS', a);", level)
	[change] = wait_for(page, "chat.msg_ack_change", f"({{ ack }}) => ack === {level}")
	[key] = change.pop("ids")
	assert change == {"ack": level, "chat": HUDA}
	assert (key["id"], key["fromMe"], key["remote"]) == ("OURS", True, HUDA)
	acks = run(page, "return WPP.chat.getMessageACK(a);", f"true_{HUDA}_OURS")
	assert (acks["ack"], acks["fromMe"]) == (level, True)


def test_the_servers_own_ack_is_told_too(page):
	sent_text(page, HUDA, "OURS")
	[change] = wait_for(page, "chat.msg_ack_change")
	assert (change["ack"], change["chat"], change["ids"][0]["id"]) == (1, HUDA, "OURS")


def test_a_receipt_from_a_group_names_who_read_it(page):
	sent_text(page, GROUP, "OURS")
	run(page, "stub.ack('OURS', 3, a);", HUDA_LID)
	[change] = wait_for(page, "chat.msg_ack_change", "({ ack }) => ack === 3")
	[key] = change["ids"]
	assert (change["chat"], change["sender"], key["id"], key["participant"]) == (
		GROUP,
		HUDA_LID,
		"OURS",
		HUDA_LID,
	)


def test_an_edit_tells_the_id_of_the_first_message_and_the_new_text(page):
	key = receive(page, chat=HUDA, id="TYPO", body="helo")
	run(page, "stub.edit('TYPO', 'hello');")
	[edited] = wait_for(page, "chat.msg_edited")
	assert (edited["id"], edited["msg"]["body"]) == (key, "hello")
	assert edited["chat"] == ME, "the trap: for a message that came in this is us, not the chat"


@pytest.mark.parametrize("kind", ["sender_revoke", "admin_revoke"])
def test_a_revoke_tells_which_message_is_gone(page, kind):
	key = receive(page, chat=GROUP, id="OOPS", sender=HUDA_LID, body="wrong group")
	run(page, "await stub.revoke('OOPS', a);", kind)
	[revoked] = wait_for(page, "chat.msg_revoke")
	assert (revoked["refId"]["key"], revoked["refId"]["id"], revoked["type"]) == (key, "OOPS", kind)
	assert (revoked["from"], revoked["to"], revoked["author"]) == (GROUP, ME, HUDA_LID)
	assert revoked["id"]["id"] != "OOPS"


def test_a_reaction_tells_the_message_the_emoji_and_who(page):
	key = sent_text(page, HUDA, "OURS")
	run(page, "await stub.react('OURS', '❤️', a);", HUDA)
	[reaction] = wait_for(page, "chat.new_reaction")
	assert sorted(reaction) == [
		"id",
		"msgId",
		"orphan",
		"orphanReason",
		"reactionText",
		"read",
		"sender",
		"timestamp",
	]
	assert (reaction["msgId"]["key"], reaction["reactionText"], reaction["sender"]) == (key, "❤️", HUDA)


def test_reading_a_chat_tells_how_many_were_unread_and_sends_a_receipt(page):
	receive(page, chat=HUDA, id="ONE", body="1")
	receive(page, chat=HUDA, id="TWO", body="2")
	read = "const { wid, unreadCount } = await WPP.chat.markIsRead(a); return [String(wid), unreadCount];"
	assert run(page, read, HUDA) == [HUDA, 2]
	assert run(page, read, HUDA) == [HUDA, 0]
	assert run(page, "return stub.told();") == [f"seen {HUDA}"]


def test_what_came_while_nobody_listened_is_found_among_the_unread(page):
	for number in range(3):
		receive(page, chat=HUDA, id=f"NEWS{number}", body=str(number))
	sent_text(page, GROUP, "OURS")
	chats = """
		const chats = await WPP.chat.list({ onlyWithUnreadMessage: true, ignoreGroupMetadata: true });
		return chats.map(({ id }) => String(id));
	"""
	assert run(page, chats) == [HUDA]
	unread = """
		const messages = await WPP.chat.getMessages(a, { count: -1, onlyUnread: true });
		return messages.map(({ id, body }) => [id.id, body]);
	"""
	assert run(page, unread, HUDA) == [["NEWS0", "0"], ["NEWS1", "1"], ["NEWS2", "2"]]
	assert run(page, unread, GROUP) == []


GET_MESSAGES = "return (await WPP.chat.getMessages(a, b)).map(({ id }) => id.id);"


def test_the_newest_message_is_missing_while_whatsapp_does_not_have_it_in_memory(page):
	"""The trap: what came last has to be looked up by its id before the messages of a chat are asked for."""
	for number in range(5):
		receive(page, chat=HUDA, id=f"NEWS{number}", body=str(number))
	run(page, "stub.forget();")
	assert run(page, GET_MESSAGES, HUDA, {"count": 2}) == ["NEWS3"]
	run(page, "await WPP.chat.getMessageById(String(WPP.chat.get(a).lastReceivedKey));", HUDA)
	assert run(page, GET_MESSAGES, HUDA, {"count": 2}) == ["NEWS3", "NEWS4"]


def test_the_messages_before_and_after_one_are_found_in_storage(page):
	for number in range(5):
		receive(page, chat=HUDA, id=f"NEWS{number}", body=str(number))
	run(page, "stub.forget();")
	anchor = f"false_{HUDA}_NEWS2"
	assert run(page, GET_MESSAGES, HUDA, {"count": 2, "id": anchor, "direction": "before"}) == [
		"NEWS0",
		"NEWS1",
	]
	assert run(page, GET_MESSAGES, HUDA, {"count": 1, "id": anchor, "direction": "after"}) == ["NEWS3"]


def test_a_number_with_whatsapp_is_found_with_its_lid(page):
	found = "const { wid, biz, lid } = await WPP.contact.queryWidExists(a); return [String(wid), biz, String(lid)];"
	assert run(page, found, HUDA) == [HUDA, False, HUDA_LID]


def test_a_number_without_whatsapp_is_null(page):
	assert run(page, "return WPP.contact.queryWidExists('966599999999@c.us');") is None


def test_a_contact_is_found_without_asking_anybody(page):
	"""The trap: a contact that has left WhatsApp still counts as there."""
	run(page, "stub.addPerson({ pn: '966500000022@c.us', name: 'Omar', known: true });")
	assert (
		run(page, "return String((await WPP.contact.queryWidExists('966500000022@c.us')).wid);")
		== "966500000022@c.us"
	)
	assert run(page, "return stub.told();") == []


def test_a_lid_leads_to_the_number_only_once_it_is_known(page):
	entry = "return WPP.contact.getPnLidEntry(a);"
	lid = {"id": "88000000000011", "server": "lid", "_serialized": HUDA_LID}
	number = {"id": "966500000011", "server": "c.us", "_serialized": HUDA}
	assert run(page, entry, HUDA_LID) == {"lid": lid, "phoneNumber": None, "contact": None}
	assert run(page, entry, HUDA) == {"lid": lid, "phoneNumber": number, "contact": None}
	assert run(page, entry, HUDA_LID) == {"lid": lid, "phoneNumber": number, "contact": None}
	assert refusal(page, "WPP.contact.getPnLidEntry(a)", GROUP) == "invalid_wid"


def test_a_chat_is_got_only_once_it_is_found(page):
	assert run(page, "return WPP.chat.get(a) ?? null;", HUDA) is None
	assert run(page, "return String((await WPP.chat.find(a)).id);", HUDA) == HUDA
	assert run(page, "return String(WPP.chat.get(a).id);", HUDA) == HUDA
