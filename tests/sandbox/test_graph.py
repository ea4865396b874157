"""The calls beside sending: ids of recipients, read marks, files, templates, numbers, subscriptions."""

from __future__ import annotations

import base64
import hashlib

import pytest
import requests

from whatsapp_integration.sandbox import defaults

from .conftest import error_of

PNID, WABA = defaults.PHONE_NUMBER_ID, defaults.WABA_ID


def test_an_accepted_message_answers_with_input_wa_id_and_message_id(graph):
	reply = graph.send("+20 100 (123) 4567", type="text", text={"body": "hello"})
	message_id = reply.json()["messages"][0]["id"]
	assert reply.json() == {
		"messaging_product": "whatsapp",
		"contacts": [{"input": "+20 100 (123) 4567", "wa_id": "201001234567"}],
		"messages": [{"id": message_id}],
	}
	assert message_id.startswith("wamid.") and len(message_id) <= 128


@pytest.mark.parametrize(
	("to", "wa_id"),
	[
		("+525512345678", "5215512345678"),
		("+5215512345678", "5215512345678"),
		("+541123456789", "5491123456789"),
		("+5511987654321", "5511987654321"),
		("+5531987654321", "553187654321"),
		("1 (631) 555-1234", "116315551234"),  # no "+": the country code of the business comes in front
	],
)
def test_the_wa_id_differs_from_the_number_where_meta_makes_it_differ(graph, to, wa_id):
	assert graph.send(to).json()["contacts"] == [{"input": to, "wa_id": wa_id}]


def test_a_user_id_as_recipient_is_answered_with_the_user_id(graph, box, receiver, settle):
	box.reply("+201001234567", text="hi")
	settle()
	user_id = receiver.messages()[0]["from_user_id"]
	body = {"messaging_product": "whatsapp", "recipient": user_id, "type": "text", "text": {"body": "x"}}
	reply = graph.post(f"{PNID}/messages", json=body)
	assert reply.json()["contacts"] == [{"input": user_id, "user_id": user_id}]
	assert box.messages()[0]["wa_id"] == "201001234567"


def test_marking_read_turns_earlier_messages_read_and_shows_typing(graph, box):
	first = box.reply("+201001234567", text="one")
	second = box.reply("+201001234567", text="two")
	body = {
		"messaging_product": "whatsapp",
		"status": "read",
		"message_id": second["id"],
		"typing_indicator": {"type": "text"},
	}
	assert graph.post(f"{PNID}/messages", json=body).json() == {"success": True}
	assert {m["id"]: m["status"] for m in box.messages(incoming=True)} == {
		first["id"]: "read",
		second["id"]: "read",
	}
	assert requests.get(f"{box.url}/phone/chats", timeout=5).json()["chats"][0]["typing"] is True


def test_marking_an_unknown_message_read_is_refused(graph):
	body = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.nope"}
	assert error_of(graph.post(f"{PNID}/messages", json=body))["code"] == 131009


def test_a_file_goes_up_is_looked_up_comes_down_and_is_deleted(graph):
	media_id = graph.upload(b"picture", "image/png").json()["id"]
	info = graph.get(media_id).json()
	url = info.pop("url")
	assert info == {
		"messaging_product": "whatsapp",
		"mime_type": "image/png",
		"sha256": hashlib.sha256(b"picture").hexdigest(),
		"file_size": "7",
		"id": media_id,
	}
	file = graph.http.get(url, timeout=5)
	assert (file.content, file.headers["Content-Type"]) == (b"picture", "image/png")
	assert graph.delete(media_id).json() == {"success": True}
	assert error_of(graph.get(media_id))["error_subcode"] == 33


def test_a_download_needs_the_token_and_its_address_expires(graph, clock):
	url = graph.get(graph.upload(b"picture", "image/png").json()["id"]).json()["url"]
	assert requests.get(url, timeout=5).status_code == 401
	clock.now += 301
	assert graph.http.get(url, timeout=5).status_code == 404


def test_a_file_of_a_kind_or_size_that_meta_refuses_is_refused(graph):
	wrong = error_of(graph.upload(b"x", "application/zip"))
	assert wrong["code"] == 100
	assert wrong["message"].startswith("(#100) Param file must be a file with one of the following types: ")
	assert wrong["message"].endswith("Received file of type 'application/zip'.")
	large = error_of(graph.upload(b"x" * (5 * 1024 * 1024 + 1), "image/png"))
	assert (
		large["error_data"]["details"] == "File size 5242881 exceeds the limit of 5242880 bytes for image/png"
	)
	assert large["code"] == 131053


def test_a_file_sent_as_the_wrong_kind_fails_later_with_131053(graph, receiver, settle):
	media_id = graph.upload(b"%PDF", "application/pdf").json()["id"]
	assert graph.send(type="image", image={"id": media_id}).status_code == 200
	settle()
	(status,) = receiver.statuses()
	assert (status["status"], status["errors"][0]["code"]) == ("failed", 131053)


def test_templates_are_listed_by_pages_with_the_asked_fields(graph):
	first = graph.get(
		f"{WABA}/message_templates", params={"limit": 2, "fields": "name,language,status"}
	).json()
	assert [row["name"] for row in first["data"]] == ["hello_world", "order_update"]
	assert set(first["data"][0]) == {"name", "language", "status", "id"}
	seen, page = list(first["data"]), first
	while "next" in page["paging"]:
		page = graph.http.get(page["paging"]["next"], timeout=5).json()
		seen += page["data"]
	assert {(row["name"], row["language"]) for row in seen} >= {
		("order_update", "ar"),
		("login_code", "en_US"),
	}
	assert len(seen) == len({row["id"] for row in seen}) > 10


def test_templates_can_be_filtered_and_added(graph, box):
	box.add_template({"name": "mine", "language": "ar", "components": [{"type": "BODY", "text": "أهلًا"}]})
	(row,) = graph.get(f"{WABA}/message_templates", params={"name": "mine"}).json()["data"]
	assert (row["status"], row["parameter_format"]) == ("APPROVED", "POSITIONAL")


def test_the_number_tells_its_state_and_refuses_unknown_fields(graph):
	fields = "display_phone_number,verified_name,quality_rating,throughput"
	assert graph.get(PNID, params={"fields": fields}).json() == {
		"display_phone_number": "+1 555-078-3881",
		"verified_name": "Sandbox Company",
		"quality_rating": "GREEN",
		"throughput": {"level": "STANDARD"},
		"id": PNID,
	}
	error = error_of(graph.get(PNID, params={"fields": "nonsense"}))
	assert error["message"] == "(#100) Tried accessing nonexisting field (nonsense)"


def test_the_account_lists_all_its_numbers(graph, box):
	box.configure(other_numbers={"222": "+201111111111"})
	rows = graph.get(f"{WABA}/phone_numbers").json()["data"]
	assert [row["id"] for row in rows] == [PNID, "222"]


def test_without_a_subscription_no_webhook_comes(graph, box, receiver, settle):
	assert graph.delete(f"{WABA}/subscribed_apps").json() == {"success": True}
	assert graph.get(f"{WABA}/subscribed_apps").json() == {"data": []}
	graph.send()
	settle()
	assert receiver.posts == []
	assert box.stats()["updates_unsubscribed"] == 3
	assert graph.post(f"{WABA}/subscribed_apps", json={}).json() == {"success": True}
	graph.send()
	settle()
	assert len(receiver.posts) == 3


def test_an_override_is_verified_at_once_and_takes_the_webhooks(graph, box, receiver, settle):
	box.configure(callback_url="http://127.0.0.1:9/nobody", subscribed=False)
	override = {"override_callback_uri": receiver.url, "verify_token": receiver.token}
	assert graph.post(f"{WABA}/subscribed_apps", json=override).json() == {"success": True}
	assert graph.get(f"{WABA}/subscribed_apps").json()["data"][0]["override_callback_uri"] == receiver.url
	graph.send()
	settle()
	assert len(receiver.posts) == 3


def test_an_override_that_does_not_know_the_token_is_refused(graph, receiver):
	reply = graph.post(
		f"{WABA}/subscribed_apps", json={"override_callback_uri": receiver.url, "verify_token": "wrong"}
	)
	assert reply.status_code == 400
	assert error_of(reply) == {
		"message": "(#2200) Callback verification failed with the following errors: "
		"HTTP Status Code = 403; HTTP Message = Forbidden",
		"type": "OAuthException",
		"code": 2200,
	}


def test_a_received_file_can_be_downloaded_and_its_hash_is_base64(graph, box, receiver, settle):
	data = base64.b64encode(b"photo").decode()
	box.reply("+201001234567", image={"data": data, "mime_type": "image/jpeg", "caption": "look"})
	settle()
	(message,) = receiver.messages()
	digest = base64.b64encode(hashlib.sha256(b"photo").digest()).decode()
	assert message["image"] == {
		"id": message["image"]["id"],
		"mime_type": "image/jpeg",
		"sha256": digest,
		"caption": "look",
	}
	assert graph.http.get(graph.get(message["image"]["id"]).json()["url"], timeout=5).content == b"photo"
