"""Messages, receipts and misbehaviours, seen from the server."""

from __future__ import annotations

import hashlib

import pytest
import requests

from tests.sandbox_web.pages import CHAT, CUSTOMER, SHOP


def sent(box):
	return box.web.messages(from_me=True, from_phone=False)


def test_an_accepted_message_is_listed_as_it_was_sent(box, linked):
	answer = linked.send(link_preview=False, timing={"called": 1})
	assert (answer["result"], answer["ack"]) == ("OK", 1)
	(message,) = sent(box)
	kept = (message["id"], message["account"], message["chat"], message["type"], message["body"])
	assert kept == ("3EB0A", SHOP, CHAT, "chat", "hello")
	assert (message["link_preview"], message["times_accepted"]) == (False, 1)
	assert message["timing"]["accepted"] > message["timing"]["called"] == 1


def test_a_second_accept_of_an_id_is_seen_as_a_duplicate(box, linked):
	linked.send()
	assert linked.send()["result"] == "OK"
	(message,) = sent(box)
	assert (message["times_accepted"], box.web.stats()["duplicates"], box.web.stats()["accepted"]) == (
		2,
		1,
		1,
	)


def test_a_file_keeps_its_bytes(box, linked):
	content = bytes(range(256)) * 40
	where = f"{box.url}/web/upload?mime_type=application/pdf&name=a.pdf"
	file = requests.post(where, data=content, timeout=10).json()
	linked.send(file=file["id"], filename="a.pdf")
	(message,) = sent(box)
	assert (message["sha256"], message["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
	reply = requests.get(f"{box.url}/web/file/{file['id']}", timeout=10)
	assert (reply.content, reply.headers["Content-Type"]) == (content, "application/pdf")


def test_a_file_that_could_run_as_a_page_is_downloaded_instead(box):
	where = f"{box.url}/web/upload?mime_type=text/html&name=a.html"
	file = requests.post(where, data=b"<script>1</script>", timeout=10).json()
	reply = requests.get(f"{box.url}/web/file/{file['id']}", timeout=10)
	assert reply.headers["Content-Disposition"].startswith("attachment")
	assert reply.headers["Content-Type"] == "application/octet-stream"


def test_receipts_come_in_order_and_never_go_back(box, linked):
	linked.send()
	assert [item["ack"] for item in linked.pull()] == [2, 3]
	assert box.web.ack("3EB0A", 2)["ack"] == 3
	assert box.web.ack("3EB0A", 4)["ack"] == 4
	assert [item["ack"] for item in linked.pull()] == [4]


def test_receipts_keep_to_their_delays(box, linked):
	box.configure(delivered_delay=0.05, read_delay=0.05)
	linked.send()
	assert box.web.wait_for(lambda: box.web.messages()[0]["ack"] == 3)
	assert [item["ack"] for item in linked.pull()] == [2, 3]


def test_the_customer_reads_only_what_was_not_read(box, linked):
	box.configure(auto_read=False)
	linked.send(message_id="3EB0A")
	linked.send(message_id="3EB0B")
	assert box.web.read(f"+{CUSTOMER}") == 2
	assert box.web.read(CUSTOMER, SHOP) == 0


def test_receipts_of_a_migrated_account_name_the_lid(box, linked):
	box.web.add_account(SHOP, "Cairo Shop", lid_mode="acks")
	linked.send()
	lid = box.web.customer(CUSTOMER)["lid"]
	assert {item["remote"] for item in linked.pull()} == {lid}
	box.web.write(SHOP, CUSTOMER, text="hello")
	assert linked.pull()[0]["message"]["remote"] == lid


def test_a_customer_without_a_number_is_known_by_the_lid_only(box, linked):
	box.web.write(SHOP, CUSTOMER, text="hello", lid_only=True)
	(item,) = linked.pull()
	assert item["message"]["remote"].endswith("@lid")
	assert CUSTOMER not in str(item)
	found = linked.ask("query", jid=item["message"]["remote"])
	assert (found["pn"], found["lid"]) == ("", item["message"]["remote"])


def test_what_the_phone_writes_reaches_the_browsers_as_their_own(box, linked):
	box.web.write(SHOP, CUSTOMER, text="hello")
	box.web.write(SHOP, CUSTOMER, text="from the phone", from_phone=True)
	own = [item["message"] for item in linked.pull() if item["kind"] == "message"][1]
	assert (own["from_me"], own["ack"]) == (True, 1)
	assert [message["unread"] for message in box.web.messages()] == [False, False]
	assert sent(box) == []


def test_a_group_message_names_its_author_by_lid(box, linked):
	group = box.web.add_group("Sales", [CUSTOMER, "14155550123"])
	box.web.write(SHOP, CUSTOMER, text="hello all", group=group)
	message = linked.pull()[0]["message"]
	assert (message["remote"], message["author"]) == (group, box.web.customer(CUSTOMER)["lid"])


def test_edits_reactions_and_deletions_are_told(box, linked):
	message_id = box.web.write(SHOP, CUSTOMER, text="helo")["id"]
	box.web.edit(message_id, "hello")
	box.web.react(f"false_{CHAT}_{message_id}", "👍")
	box.web.revoke(message_id)
	assert [item["kind"] for item in linked.pull()] == ["message", "edit", "reaction", "revoke"]
	(message,) = box.web.messages()
	assert (message["body"], message["edited"], message["revoked"]) == ("", True, True)


@pytest.mark.parametrize(
	"what",
	[{}, {"text": "a", "image": b"b"}, {"document": {}}, {"text": "a", "quoted": "3EB0X"}, {"txt": "a"}],
)
def test_nonsense_is_refused(box, what):
	with pytest.raises(ValueError):
		box.web.write(SHOP, CUSTOMER, **what)
	assert box.web.messages() == []


@pytest.mark.parametrize(
	("ending", "answer"),
	[
		("0408", {"hang": True}),
		("0503", {"result": "ERROR_NETWORK"}),
		("0410", {"result": "ERROR_EXPIRED"}),
		("0500", {"throw": "the stand-in throws"}),
	],
)
def test_a_numbers_end_decides_what_goes_wrong(box, linked, ending, answer):
	assert linked.send(to=f"2010012{ending}@c.us") == answer
	assert sent(box) == []
	box.configure(suffix_faults=False)
	assert linked.send(to=f"2010012{ending}@c.us")["result"] == "OK"


def test_a_number_may_be_accepted_without_an_answer_or_without_receipts(box, linked):
	assert linked.send(to="20100120202@c.us", message_id="3EB0A") == {
		"result": "OK",
		"ack": 1,
		"t": int(sent(box)[0]["at"]),
		"hang": True,
	}
	assert [item["ack"] for item in linked.pull()] == [2, 3]
	linked.send(to="20100120499@c.us", message_id="3EB0B")
	assert linked.pull() == []


def test_a_misbehaviour_ends_after_its_times_or_when_told(box, linked):
	box.web.misbehave("error_network", account=SHOP, times=2)
	results = [linked.send(message_id=f"3EB0{n}")["result"] for n in range(3)]
	assert results == ["ERROR_NETWORK", "ERROR_NETWORK", "OK"]
	box.web.misbehave("hang", customer=CUSTOMER)
	assert linked.send(message_id="3EB0X") == {"hang": True}
	assert box.web.behave("hang") == 1
	assert linked.send(message_id="3EB0X")["result"] == "OK"


def test_who_is_not_on_whatsapp_is_not_found(box, linked):
	assert linked.ask("query", jid="20100120404@c.us") is None
	assert linked.ask("chat", jid="20100120404@c.us") is None
	assert linked.ask("query", jid=CHAT)["pn"] == CHAT


def test_a_dead_page_hears_and_says_nothing_until_it_is_loaded_again(box, linked):
	box.web.misbehave("dead", account=SHOP)
	box.web.write(SHOP, CUSTOMER, text="hello")
	assert linked.ask("pull") == {"items": []}
	assert linked.send() == {"hang": True}
	again = linked.loaded_again("again")
	assert again.booted["chats"][0]["unread"] == 1
	assert again.send()["result"] == "OK"


def test_without_a_network_messages_wait(box, linked):
	box.web.misbehave("offline", account=SHOP)
	box.web.write(SHOP, CUSTOMER, text="hello")
	assert [item["kind"] for item in linked.pull()] == ["online"]
	assert linked.send() == {"retry": True}
	box.web.behave("offline")
	assert [item["kind"] for item in linked.pull()] == ["message", "online"]


def test_unknown_misbehaviours_are_refused(box):
	for wrong in ({"kind": "nonsense"}, {"kind": "hang", "who": 1}):
		with pytest.raises(ValueError, match="kind is one of"):
			box.web.misbehave(**wrong)
	assert box.web.faults()["switched"] == []
