"""What the stand-in tells our webhook: the status ladder, customers' messages, retries, replays, batches."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from whatsapp_integration.sandbox import defaults

from .conftest import PATIENCE

CUSTOMER = "+201001234567"
METADATA = {"display_phone_number": "15550783881", "phone_number_id": defaults.PHONE_NUMBER_ID}


def test_the_status_ladder_carries_our_callback_data_and_pricing(graph, box, receiver, clock):
	message_id = graph.send(biz_opaque_callback_data="ROW-1").json()["messages"][0]["id"]
	receiver.wait_for(3)
	pricing = {
		"billable": False,
		"pricing_model": "PMP",
		"category": "service",
		"type": "free_customer_service",
	}
	user_id = receiver.statuses()[0]["recipient_user_id"]
	common = {
		"id": message_id,
		"timestamp": str(int(clock.now)),
		"recipient_id": "201001234567",
		"recipient_user_id": user_id,
		"biz_opaque_callback_data": "ROW-1",
	}
	assert receiver.statuses() == [
		{**common, "status": "sent", "pricing": pricing},
		{**common, "status": "delivered", "pricing": pricing},
		{**common, "status": "read"},
	]
	assert receiver.bodies()[0]["object"] == "whatsapp_business_account"
	assert receiver.bodies()[0]["entry"][0]["id"] == defaults.WABA_ID
	assert receiver.values()[0]["metadata"] == METADATA


def test_every_webhook_is_signed_over_its_raw_bytes(graph, receiver):
	graph.send(type="text", text={"body": "a/b مرحبا"})
	box_secret = defaults.APP_SECRET.encode()
	receiver.wait_for(3)
	for body, signature in receiver.posts:
		assert signature == "sha256=" + hmac.new(box_secret, body, hashlib.sha256).hexdigest()


def test_non_ascii_and_slashes_are_escaped_so_that_only_the_raw_bytes_verify(box, receiver):
	box.reply(CUSTOMER, text="a/b مرحبا")
	receiver.wait_for(1)
	body = receiver.posts[0][0]
	assert b"a\\/b \\u0645" in body
	assert json.dumps(json.loads(body)).encode() != body


def test_reading_can_be_left_to_the_customer(graph, box, receiver, settle):
	box.configure(auto_read=False)
	graph.send()
	settle()
	assert [status["status"] for status in receiver.statuses()] == ["sent", "delivered"]
	assert box.read(CUSTOMER) == 1
	settle()
	assert [status["status"] for status in receiver.statuses()] == ["sent", "delivered", "read"]
	assert box.read(CUSTOMER) == 0


def test_a_reaction_of_the_business_gets_only_sent(graph, box, receiver, settle):
	theirs = box.reply(CUSTOMER, text="hi")["id"]
	settle()
	graph.send(type="reaction", reaction={"message_id": theirs, "emoji": "👍"})
	settle()
	assert [status["status"] for status in receiver.statuses()] == ["sent"]


def test_any_status_can_be_made_to_come_now(graph, box, receiver, settle):
	message_id = graph.send().json()["messages"][0]["id"]
	settle()
	box.status(message_id, "failed", code=131050)
	settle()
	last = receiver.statuses()[-1]
	assert (last["id"], last["status"], last["errors"][0]["code"]) == (message_id, "failed", 131050)


def test_a_refused_webhook_is_tried_again_with_the_same_bytes(box, receiver, settle):
	receiver.answers = [500, 302, 200]
	message = box.reply(CUSTOMER, text="hello")
	bodies = [body for body, _ in (receiver.wait_for(3) and receiver.posts)]
	assert bodies[0] == bodies[1] == bodies[2]
	settle()
	assert box.stats()["webhooks_retried"] == 2
	assert box.messages(incoming=True)[0]["status"] == "acknowledged"
	assert message["status"] == "posted"


def test_a_webhook_that_nobody_takes_is_given_up(box, receiver, settle):
	box.configure(webhook_retries=1)
	receiver.answers = [500, 500]
	box.reply(CUSTOMER, text="hello")
	settle()
	assert len(receiver.posts) == 2
	assert box.stats()["updates_failed"] == 1
	assert box.messages(incoming=True)[0]["status"] == "lost"


def test_a_replay_posts_the_same_bytes_again(box, receiver, settle):
	message_id = box.reply(CUSTOMER, text="hello")["id"]
	settle()
	assert box.replay(message_id, times=3) == 3
	settle()
	assert len(receiver.posts) == 4
	assert len(set(receiver.posts)) == 1


def test_many_updates_can_come_in_one_post(graph, box, receiver, settle):
	box.configure(batch=1000, batch_wait=0.05)
	for number in range(20):
		graph.send(f"+2010012345{number:02}")
	settle()
	assert len(receiver.statuses()) == 60
	assert len({(status["id"], status["status"]) for status in receiver.statuses()}) == 60
	assert len(receiver.posts) < 60


def test_any_other_webhook_can_be_sent(box, receiver):
	value = {"event": "PAUSED", "message_template_id": 1, "message_template_name": "offer"}
	box.webhook("message_template_status_update", value)
	(body,) = receiver.wait_for(1)
	assert body["entry"][0]["changes"] == [{"value": value, "field": "message_template_status_update"}]


def arrived(box, receiver, **what):
	"""The `messages[]` entry of what a customer wrote."""
	before = len(receiver.messages())
	box.reply(CUSTOMER, **what)
	with receiver.changed:
		assert receiver.changed.wait_for(lambda: len(receiver.messages()) > before, PATIENCE)
	return receiver.messages()[-1]


def test_a_customers_text_arrives_with_contact_and_user_id(box, receiver, clock):
	message = arrived(box, receiver, text="hello", name="Sara")
	value = receiver.values()[0]
	assert message == {
		"from": "201001234567",
		"from_user_id": message["from_user_id"],
		"id": message["id"],
		"timestamp": str(int(clock.now)),
		"type": "text",
		"text": {"body": "hello"},
	}
	assert value["contacts"] == [
		{"profile": {"name": "Sara"}, "wa_id": "201001234567", "user_id": message["from_user_id"]}
	]
	assert value["metadata"] == METADATA


def test_a_customer_who_hides_the_number_is_known_by_the_user_id_only(box, receiver):
	message = arrived(box, receiver, text="hello", hide_number=True, username="sara")
	assert "from" not in message and message["from_user_id"].startswith("US.")
	assert "wa_id" not in receiver.values()[0]["contacts"][0]


@pytest.mark.parametrize(
	("what", "kind", "part"),
	[
		({"location": {"latitude": 30, "longitude": 31, "name": "Home"}}, "location", {"latitude": 30.0, "longitude": 31.0, "name": "Home"}),
		({"contacts": [{"name": {"formatted_name": "A"}}]}, "contacts", [{"name": {"formatted_name": "A"}}]),
		({"flow": {"a": 1}}, "interactive", {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"a": 1}'}}),
		({"message": {"type": "order", "order": {"catalog_id": "1"}}}, "order", {"catalog_id": "1"}),
	],
)  # fmt: skip
def test_a_customer_may_send_every_kind(box, receiver, what, kind, part):
	message = arrived(box, receiver, **what)
	assert (message["type"], message[kind]) == (kind, part)


def test_an_unsupported_message_arrives_with_errors(box, receiver):
	message = arrived(box, receiver, message={"type": "unsupported", "errors": [{"code": 131051}]})
	assert (message["type"], message["errors"]) == ("unsupported", [{"code": 131051}])


def test_edits_deletions_and_reactions_name_the_original(box, receiver):
	original = arrived(box, receiver, text="helo")["id"]
	edit = arrived(box, receiver, edit={"message_id": original, "text": "hello"})
	assert edit["edit"]["original_message_id"] == original
	assert edit["edit"]["message"]["text"] == {"body": "hello"}
	reaction = arrived(box, receiver, reaction={"message_id": original, "emoji": "❤️"})
	assert reaction["reaction"] == {"message_id": original, "emoji": "❤️"}
	taken_back = arrived(box, receiver, reaction={"message_id": original, "emoji": ""})
	assert taken_back["reaction"] == {"message_id": original}
	assert arrived(box, receiver, revoke=original)["revoke"] == {"original_message_id": original}


def test_a_tapped_button_answers_in_the_form_of_the_message_that_had_it(graph, box, receiver):
	rows = {
		"button": "Open",
		"sections": [{"title": "S", "rows": [{"id": "r1", "title": "Row", "description": "D"}]}],
	}
	menu = {"type": "list", "body": {"text": "Choose"}, "action": rows}
	menu_id = graph.send(type="interactive", interactive=menu).json()["messages"][0]["id"]
	answer = arrived(box, receiver, button="Row")
	assert answer["interactive"] == {
		"type": "list_reply",
		"list_reply": {"id": "r1", "title": "Row", "description": "D"},
	}
	assert answer["context"] == {"from": "15550783881", "id": menu_id}
	buttons = {"buttons": [{"type": "reply", "reply": {"id": "y", "title": "Yes"}}]}
	graph.send(type="interactive", interactive={"type": "button", "body": {"text": "Ok?"}, "action": buttons})
	answer = arrived(box, receiver, button="y")
	assert answer["interactive"] == {"type": "button_reply", "button_reply": {"id": "y", "title": "Yes"}}


def test_a_quick_reply_of_a_template_answers_with_its_payload(graph, box, receiver):
	values = {"customer_name": "Omar", "day": "Monday", "time": "10:00"}
	body = [{"type": "text", "text": value, "parameter_name": name} for name, value in values.items()]
	components = [
		{"type": "body", "parameters": body},
		{
			"type": "button",
			"sub_type": "quick_reply",
			"index": "0",
			"parameters": [{"type": "payload", "payload": "YES-7"}],
		},
	]
	template = {"name": "appointment_reminder", "language": {"code": "en_US"}, "components": components}
	assert graph.send(type="template", template=template).status_code == 200
	answer = arrived(box, receiver, button="Yes, I will come")
	assert (answer["type"], answer["button"]) == ("button", {"payload": "YES-7", "text": "Yes, I will come"})


def test_a_group_message_names_group_and_writer(box, receiver):
	message = arrived(box, receiver, text="hello all", group="Y2FwaV9ncm91cDox")
	assert (message["group_id"], message["from"]) == ("Y2FwaV9ncm91cDox", "201001234567")


def test_a_reset_forgets_messages_counts_and_waiting_webhooks(graph, box, receiver, settle):
	box.configure(sent_delay=3600)
	graph.send()
	box.reset()
	settle()
	assert (box.messages(), box.stats()["accepted"], receiver.posts) == ([], 0, [])
