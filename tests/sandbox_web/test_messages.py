"""Messages both ways in a real browser."""

from __future__ import annotations

import base64
import hashlib

from tests.sandbox_web.browser import PATIENCE
from tests.sandbox_web.pages import CHAT, CUSTOMER, SHOP


def only_sent(box):
	(message,) = box.web.messages(from_me=True, from_phone=False)
	return message


def test_a_text_is_sent_under_the_id_chosen_beforehand(box, tab):
	key = tab.call("chat.generateMessageID", CHAT)
	answer = tab.call("chat.sendTextMessage", CHAT, "hello", {"messageId": key, "linkPreview": False})
	assert (answer["id"], answer["sendMsgResult"]["messageSendResult"]) == (key, "OK")
	assert answer["ack"] >= 1  # as it is by then
	message = only_sent(box)
	assert (key, message["link_preview"]) == (f"true_{CHAT}_{message['id']}", False)
	tab.wait_heard("chat.msg_ack_change", 3)
	events = tab.heard("chat.msg_ack_change")
	assert [(event["ack"], event["ids"]) for event in events] == [(1, [key]), (2, [key]), (3, [key])]
	assert tab.call("chat.getMessageACK", key)["ack"] == 3


def test_a_preview_that_was_not_switched_off_is_noted(box, tab):
	tab.call("chat.sendTextMessage", CHAT, "see example.com")
	assert only_sent(box)["link_preview"] is True


def test_when_a_message_was_called_for_and_its_events_came_is_known(box, tab):
	tab.call("chat.sendTextMessage", CHAT, "hello")
	told = lambda: [event["event"] for event in only_sent(box)["emitted"]]  # noqa: E731
	assert box.web.wait_for(lambda: "settled" in only_sent(box)["timing"] and len(told()) == 4, PATIENCE)
	timing = only_sent(box)["timing"]
	assert timing["called"] <= timing["posted"] <= timing["settled"]
	assert told() == ["chat.new_message"] + ["chat.msg_ack_change"] * 3


def test_a_file_arrives_whole_with_its_name_and_caption(box, tab, tmp_path):
	content = bytes(range(256)) * 4096
	tab.give_file(content, tmp_path / "Invoice 12.pdf")
	answer = tab.send_given(CHAT, {"type": "document", "caption": "Your invoice"})
	assert answer["sendMsgResult"]["messageSendResult"] == "OK"
	message = only_sent(box)
	assert (message["sha256"], message["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
	assert (message["type"], message["filename"], message["caption"]) == (
		"document",
		"Invoice 12.pdf",
		"Your invoice",
	)


def test_other_kinds_of_messages_are_kept_as_they_are(box, tab):
	voice = "data:audio/ogg;base64," + base64.b64encode(b"sound").decode()
	tab.call("chat.sendFileMessage", CHAT, voice, {"type": "audio", "isPtt": True})
	tab.call("chat.sendLocationMessage", CHAT, {"lat": 30.5, "lng": "31.5", "name": "Cairo"})
	tab.call("chat.sendVCardContactMessage", CHAT, {"id": "14155550123@c.us", "name": "John"})
	voice, place, card = box.web.messages(from_me=True)
	assert (voice["type"], voice["size"], voice["mimetype"]) == ("ptt", 5, "audio/ogg")
	assert place["extra"] == {"lat": 30.5, "lng": 31.5, "loc": "Cairo"}
	assert "waid=14155550123" in card["body"]


def test_a_customers_message_is_told_and_can_be_answered_and_read(box, tab):
	written = box.web.write(SHOP, CUSTOMER, text="Is it ready?", name="Sara")
	(message,) = tab.wait_heard("chat.new_message")
	key = f"false_{CHAT}_{written['id']}"
	assert (message["id"], message["from"], message["notifyName"]) == (key, CHAT, "Sara")
	assert (message["type"], message["body"]) == ("chat", "Is it ready?")
	(event,) = tab.wait_heard("chat.unread_count_changed")
	assert (event["unreadCount"], event["previousUnreadCount"]) == (1, 0)
	assert tab.call("chat.canReply", key) is True
	tab.call("chat.sendTextMessage", CHAT, "Yes", {"quotedMsg": key, "markIsRead": False})
	assert only_sent(box)["quoted"] == written["id"]
	assert tab.call("chat.markIsRead", CHAT) == {"wid": CHAT, "unreadCount": 1}
	assert [row["unread"] for row in box.web.messages(from_me=False)] == [False]


def test_a_customers_file_can_be_fetched(box, tab):
	content = bytes(range(256)) * 100
	given = {"content": content, "mime_type": "image/jpeg", "caption": "this one"}
	written = box.web.write(SHOP, CUSTOMER, image=given)
	(message,) = tab.wait_heard("chat.new_message")
	assert (message["type"], message["caption"], message["size"]) == ("image", "this one", len(content))
	assert base64.b64decode(message["filehash"]).hex() == written["sha256"]
	assert message["body"].startswith("/9j/")  # a thumbnail, no words
	data = tab.driver.execute_async_script(
		"WPP.chat.downloadMedia(arguments[0]).then((blob) => WPP.util.blobToBase64(blob)).then(arguments[1])",
		message["id"],
	)
	assert base64.b64decode(data.partition(",")[2]) == content


def test_an_encrypted_message_is_told_twice(box, tab):
	box.web.write(SHOP, CUSTOMER, text="hello", ciphertext=True)
	box.web.write(SHOP, CUSTOMER, text="next")
	heard = tab.wait_heard("chat.new_message", 3)
	assert len({message["id"] for message in heard}) == 2
	(event,) = tab.wait_heard("chat.unread_count_changed")
	assert event["unreadCount"] == 2


def test_what_the_phone_writes_is_told_as_our_own(box, tab):
	box.web.write(SHOP, CUSTOMER, text="from the phone", from_phone=True)
	(message,) = tab.wait_heard("chat.new_message")
	assert message["id"].startswith(f"true_{CHAT}_")
	assert (message["from"], message["to"], message["ack"]) == (f"{SHOP}@c.us", CHAT, 1)


def test_edits_reactions_and_deletions_are_told(box, tab):
	message_id = box.web.write(SHOP, CUSTOMER, text="helo")["id"]
	key = f"false_{CHAT}_{message_id}"
	box.web.edit(message_id, "hello")
	box.web.react(message_id, "👍")
	box.web.revoke(message_id)
	(revoked,) = tab.wait_heard("chat.msg_revoke")
	assert (revoked["refId"], revoked["type"]) == (key, "sender_revoke")
	(edited,) = tab.heard("chat.msg_edited")
	assert edited["id"] == key
	(reaction,) = tab.heard("chat.new_reaction")
	assert (reaction["msgId"], reaction["reactionText"], reaction["sender"]) == (key, "👍", CHAT)
	assert (
		tab.wpp("chat.sendTextMessage", CHAT, "x", {"quotedMsg": key})["code"] == "quoted_msg_can_not_reply"
	)


def test_the_page_reacts(box, tab):
	written = box.web.write(SHOP, CUSTOMER, text="thanks")
	tab.wait_heard("chat.new_message")
	key = f"false_{CHAT}_{written['id']}"
	assert tab.call("chat.sendReactionToMessage", key, "❤️") == {"sendMsgResult": "OK"}
	(reaction,) = box.web.messages(type="reaction")
	assert (reaction["body"], reaction["quoted"]) == ("❤️", written["id"])


def test_a_group_is_written_to_and_heard(box, tab):
	group = box.web.add_group("Sales", [CUSTOMER])
	tab.call("chat.find", group)
	box.web.write(SHOP, CUSTOMER, text="hello all", group=group)
	(message,) = tab.wait_heard("chat.new_message")
	lid = box.web.customer(CUSTOMER)["lid"]
	assert (message["from"], message["author"]) == (group, lid)
	assert message["id"].endswith(f"_{lid}")
	answer = tab.call("chat.sendTextMessage", group, "hello")
	assert answer["id"].startswith(f"true_{group}_3EB0")
	assert [item["id"] for item in tab.call("group.getAllGroups")] == [group]
	receipt = tab.wait_heard("chat.msg_ack_change", 2)[1]
	assert (receipt["chat"], receipt["sender"]) == (group, lid)


def test_a_customer_without_a_number_is_a_lid(box, tab):
	box.web.write(SHOP, CUSTOMER, text="hello", lid_only=True)
	(message,) = tab.wait_heard("chat.new_message")
	lid = box.web.customer(CUSTOMER)["lid"]
	assert message["from"] == lid
	entry = tab.call("contact.getPnLidEntry", lid)
	assert (entry["lid"]["_serialized"], entry.get("phoneNumber")) == (lid, None)
	tab.call("chat.sendTextMessage", lid, "hello")
	assert only_sent(box)["chat"] == lid


def test_a_number_and_its_lid_are_told_for_each_other(box, tab):
	found = tab.call("contact.queryWidExists", CHAT)
	assert (found["wid"], found["lid"]) == (CHAT, box.web.customer(CUSTOMER)["lid"])
	entry = tab.call("contact.getPnLidEntry", found["lid"])
	assert entry["phoneNumber"] == {"id": CUSTOMER, "server": "c.us", "_serialized": CHAT}


def test_after_the_move_to_lids_receipts_name_them(box, tab):
	box.web.add_account(SHOP, "Cairo Shop", lid_mode="acks")
	key = tab.call("chat.sendTextMessage", CHAT, "hello")["id"]
	first, second, _ = tab.wait_heard("chat.msg_ack_change", 3)
	lid = box.web.customer(CUSTOMER)["lid"]
	assert (first["chat"], first["ids"]) == (CHAT, [key])
	assert (second["chat"], second["ids"]) == (lid, [key.replace(CHAT, lid)])


def test_chats_may_be_named_by_lids(box, tab):
	box.web.add_account(SHOP, "Cairo Shop", lid_mode="chats")
	tab.driver.refresh()
	tab.wait_mode("MAIN")
	lid = box.web.customer(CUSTOMER)["lid"]
	assert tab.call("chat.find", CHAT)["id"] == lid
	refused = tab.wpp("chat.sendTextMessage", CHAT, "x", {"messageId": f"true_{CHAT}_3EB0A"})
	assert refused["code"] == "message_key_remote_id_is_not_same_of_chat"
	key = f"true_{lid}_3EB0A"
	assert tab.call("chat.sendTextMessage", CHAT, "hello", {"messageId": key})["id"] == key
	assert only_sent(box)["chat"] == CHAT
	box.web.write(SHOP, CUSTOMER, text="thanks")
	assert tab.wait_heard("chat.new_message", 2)[1]["from"] == lid


def test_ids_of_others_and_of_other_chats_are_refused(tab):
	wrong = {
		f"false_{CHAT}_3EB0A": "message_key_is_not_from_me",
		"true_14155550123@c.us_3EB0A": "message_key_remote_id_is_not_same_of_chat",
	}
	for key, code in wrong.items():
		assert tab.wpp("chat.sendTextMessage", CHAT, "x", {"messageId": key})["code"] == code
	assert tab.wpp("chat.sendTextMessage", "nobody", "x")["code"] == "invalid_wid"
	assert tab.wpp("chat.getMessageById", f"true_{CHAT}_3EB0A")["code"] == "msg_not_found"
	assert tab.wpp("chat.getMessageById", "true_14155550123@c.us_3EB0A")["code"] == "chat_not_found"


def test_a_sent_message_is_found_again_after_a_restart(box, open_tab):
	tab = open_tab()
	box.web.scan(tab.code(), SHOP)
	tab.wait_mode("MAIN")
	sent = tab.call("chat.sendTextMessage", CHAT, "hello")["id"]
	box.web.misbehave("hang", customer=CUSTOMER)
	key = tab.call("chat.generateMessageID", CHAT)
	tab.begin("chat.sendTextMessage", CHAT, "never accepted", {"messageId": key})
	tab.wait_heard("chat.new_message", 2)
	tab.close()

	again = open_tab()
	again.wait_mode("MAIN")
	assert again.call("chat.getMessageById", sent)["ack"] == 3
	pending = again.call("chat.getMessageById", key)
	assert (pending["ack"], pending["body"]) == (0, "never accepted")
	assert box.web.stats()["accepted"] == 1


def test_a_pending_message_can_be_posted_by_the_next_load(box, tab):
	box.configure(web_resend_pending=True)
	tab.call("chat.find", CHAT)
	box.web.misbehave("dead", account=SHOP)
	key = tab.call("chat.generateMessageID", CHAT)
	tab.begin("chat.sendTextMessage", CHAT, "late", {"messageId": key})
	tab.wait_heard("chat.new_message")
	tab.driver.refresh()
	assert box.web.wait_for(lambda: box.web.messages(from_me=True), PATIENCE)
	assert only_sent(box)["id"] in key


def test_what_came_while_the_browser_was_closed_is_unread(box, open_tab):
	tab = open_tab()
	box.web.scan(tab.code(), SHOP)
	tab.wait_mode("MAIN")
	tab.close()
	box.web.write(SHOP, CUSTOMER, text="one", name="Sara")
	box.web.write(SHOP, CUSTOMER, text="two")
	again = open_tab()
	again.wait_mode("MAIN")
	(chat,) = again.call("chat.list", {"onlyWithUnreadMessage": True})
	assert (chat["id"], chat["unreadCount"]) == (CHAT, 2)
	unread = again.call("chat.getMessages", CHAT, {"count": -1, "onlyUnread": True})
	assert [message["body"] for message in unread] == ["one", "two"]
	assert again.heard("chat.new_message") == []
