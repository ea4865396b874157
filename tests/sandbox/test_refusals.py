"""What Meta refuses, the stand-in refuses, in Meta's words."""

from __future__ import annotations

import copy
import json

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from whatsapp_integration.sandbox import defaults
from whatsapp_integration.sandbox.http import Request
from whatsapp_integration.sandbox.server import Sandbox

from .conftest import error_of

PNID = defaults.PHONE_NUMBER_ID


def oauth(code: int, message: str, details: str = "") -> dict:
	error = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code}
	return (
		{**error, "error_data": {"messaging_product": "whatsapp", "details": details}} if details else error
	)


def test_a_wrong_token_is_error_190_with_status_401(box):
	reply = requests.post(
		f"{box.url}/v25.0/{PNID}/messages", headers={"Authorization": "Bearer x"}, json={}, timeout=5
	)
	assert reply.status_code == 401
	assert error_of(reply) == {
		"message": "Invalid OAuth access token - Cannot parse access token",
		"type": "OAuthException",
		"code": 190,
	}


def test_no_token_is_error_190(box):
	reply = requests.get(f"{box.url}/v25.0/{PNID}", timeout=5)
	assert (reply.status_code, error_of(reply)["code"]) == (401, 190)


def test_an_unknown_phone_number_id_is_error_100_subcode_33(graph):
	reply = graph.post("999/messages", json={})
	assert reply.status_code == 400
	assert error_of(reply) == {
		"message": "Unsupported post request. Object with ID '999' does not exist, cannot be loaded due to missing "
		"permissions, or does not support this operation. Please read the Graph API documentation at "
		"https://developers.facebook.com/docs/graph-api",
		"type": "GraphMethodException",
		"code": 100,
		"error_subcode": 33,
	}


def test_a_body_without_messaging_product_is_refused(graph):
	reply = graph.post(f"{PNID}/messages", json={"to": "+201001234567"})
	assert error_of(reply) == oauth(100, "The parameter messaging_product is required.")


def test_a_body_that_is_no_json_is_refused(graph):
	reply = graph.post(f"{PNID}/messages", data=b"{nonsense")
	assert (reply.status_code, error_of(reply)["code"]) == (400, 100)


def test_a_number_that_is_none_is_error_131009(graph):
	assert error_of(graph.send("abc")) == oauth(
		131009, "Parameter value is not valid", "Recipient phone number not valid"
	)


def test_writing_to_oneself_is_error_131021(graph):
	assert error_of(graph.send(defaults.PHONE_NUMBER))["code"] == 131021


def text(body):
	return {"type": "text", "text": {"body": body}}


def interactive(**part):
	return {"type": "interactive", "interactive": {"body": {"text": "Choose"}, **part}}


def buttons(*titles, **part):
	rows = [{"type": "reply", "reply": {"id": f"b{n}", "title": title}} for n, title in enumerate(titles)]
	return interactive(type="button", action={"buttons": rows}, **part)


def menu(*rows, title="Rows"):
	return interactive(
		type="list", action={"button": "Open", "sections": [{"title": title, "rows": list(rows)}]}
	)


@pytest.mark.parametrize(
	("fields", "expected"),
	[
		({"type": "text", "text": {}}, oauth(131008, "Required parameter is missing", "Parameter 'text' is mandatory")),
		(text("x" * 4097), oauth(100, "Param text['body'] must be at most 4096 characters long.")),
		({**text("x"), "biz_opaque_callback_data": "x" * 513}, oauth(100, "Param biz_opaque_callback_data must be at most 512 characters long.")),
		({"type": "image", "image": {"link": "https://x/a.png", "caption": "x" * 1025}}, oauth(100, "Param image['caption'] must be at most 1024 characters long.")),
		({"type": "audio", "audio": {"link": "https://x/a.mp3", "caption": "no"}}, oauth(100, 'Unexpected key "caption" on param "audio".')),
		({"type": "image", "image": {"id": "123"}}, oauth(131009, "Parameter value is not valid", "image: no media with id 123")),
		({"type": "location", "location": {"latitude": 91, "longitude": 0}}, oauth(131009, "Parameter value is not valid", "location: latitude must be a number from -90 to 90")),
		({"type": "contacts", "contacts": [{"name": {}}]}, oauth(131008, "Required parameter is missing", "Parameter 'contacts[0]['name']['formatted_name']' is mandatory")),
		({"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}}, oauth(131009, "Parameter value is not valid", "reaction: message_id is not a message of this number")),
		(buttons("a", "b", "c", "d"), oauth(131009, "Parameter value is not valid", "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")),
		(buttons("x" * 21), oauth(131009, "Parameter value is not valid", "Button title length invalid. Min length: 1, Max length: 20")),
		(buttons("same", "same"), oauth(131009, "Parameter value is not valid", "Duplicate button titles are not allowed")),
		(buttons("a", footer={"text": "x" * 61}), oauth(131009, "Parameter value is not valid", "Footer text length invalid. Min length: 1, Max length: 60")),
		(menu(*({"id": str(n), "title": "t"} for n in range(11))), oauth(131009, "Parameter value is not valid", "Invalid rows count. Min allowed rows: 1, Max allowed rows: 10")),
		(menu({"id": "1", "title": "x" * 25}), oauth(131009, "Parameter value is not valid", "Row title length invalid. Min length: 1, Max length: 24")),
		(menu({"id": "1", "title": "t", "description": "x" * 73}), oauth(131009, "Parameter value is not valid", "Row description length invalid. Min length: 0, Max length: 72")),
		(interactive(type="flow", action={"name": "flow", "parameters": {"flow_message_version": "3", "flow_cta": "Go"}}), oauth(131008, "Required parameter is missing", "Parameter 'interactive['action']['parameters']['flow_id']' is mandatory")),
	],
)  # fmt: skip
def test_content_beyond_the_limits_is_refused(graph, box, fields, expected):
	reply = graph.send(**fields)
	assert (reply.status_code, error_of(reply)) == (400, expected)
	assert box.messages() == []


@pytest.mark.parametrize(
	"fields",
	[
		text("x" * 4096),
		{"type": "image", "image": {"link": "https://example.com/a.png", "caption": "x" * 1024}},
		{"type": "audio", "audio": {"link": "https://example.com/a.ogg", "voice": True}},
		{"type": "document", "document": {"link": "https://example.com/a.pdf", "filename": "a.pdf"}},
		{"type": "sticker", "sticker": {"link": "https://example.com/a.webp"}},
		{"type": "location", "location": {"latitude": "30.1", "longitude": 31}},
		{"type": "contacts", "contacts": [{"name": {"formatted_name": "Sara"}}]},
		buttons("Yes", "No", header={"type": "text", "text": "Head"}),
		menu({"id": "1", "title": "One"}, {"id": "2", "title": "Two", "description": "d"}),
		interactive(
			type="cta_url",
			action={"name": "cta_url", "parameters": {"display_text": "Go", "url": "https://x.y"}},
		),
		interactive(type="location_request_message", action={"name": "send_location"}),
	],
)
def test_every_kind_within_the_limits_is_accepted(graph, box, fields):
	reply = graph.send(**fields)
	assert reply.status_code == 200, reply.text
	assert [message["type"] for message in box.messages()] == [fields["type"]]


def template(name, *components, language="en_US"):
	return {
		"type": "template",
		"template": {"name": name, "language": {"code": language}, "components": list(components)},
	}


def body(*values, **named):
	parameters = [{"type": "text", "text": value} for value in values]
	parameters += [{"type": "text", "text": value, "parameter_name": name} for name, value in named.items()]
	return {"type": "body", "parameters": parameters}


HEAD = {"type": "header", "parameters": [{"type": "text", "text": "SO-1"}]}
IMAGE = {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://x/a.png"}}]}


def url_button(value):
	return {
		"type": "button",
		"sub_type": "url",
		"index": "0",
		"parameters": [{"type": "text", "text": value}],
	}


@pytest.mark.parametrize(
	("fields", "code", "details"),
	[
		(template("nope"), 132001, "template name (nope) does not exist in en_US"),
		(template("hello_world", language="fr"), 132001, "template name (hello_world) does not exist in fr"),
		(template("pending_notice"), 132001, "template name (pending_notice) does not exist in en_US"),
		(template("order_update", HEAD, body("Sara")), 132000, "body: number of localizable_params (1) does not match the expected number of params (2)"),
		(template("season_offer", HEAD, body("Sara")), 132012, "header: Format mismatch, expected IMAGE, received TEXT"),
		(template("order_update", HEAD, body("a", "b")), 131008, "buttons: Button at index 0 of type Url requires a parameter"),
		(template("order_update", HEAD, body("a", "b"), url_button("a b")), 131009, "buttons: Button at index 0 of type Url has a parameter that is not URL-encoded"),
		(template("order_update", HEAD, body("a\nb", "c"), url_button("x")), 132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"),
		(template("season_offer", IMAGE, body("x" * 1024)), 132005, "body: the translated text exceeds 1024 characters"),
		(template("appointment_reminder", body("a", "b", "c")), 100, "body: Parameter name is missing or empty"),
		(template("paused_offer"), 132015, ""),
	],
)  # fmt: skip
def test_a_template_that_does_not_fit_is_refused(graph, fields, code, details):
	error = error_of(graph.send(**fields))
	assert (error["code"], error.get("error_data", {}).get("details", "")) == (code, details)


@pytest.mark.parametrize(
	"fields",
	[
		template("hello_world"),
		template("order_update", HEAD, body("سارة", "الخميس"), url_button("SO-1%20x"), language="ar"),
		template("appointment_reminder", body(customer_name="Omar", day="Monday", time="10:00")),
		template("season_offer", IMAGE, body("Sara")),
	],
)
def test_a_template_that_fits_is_accepted_and_says_so(graph, fields):
	assert graph.send(**fields).json()["messages"][0]["message_status"] == "accepted"


def test_only_marketing_templates_may_use_the_marketing_edge(graph):
	def send(fields):
		body = {"messaging_product": "whatsapp", "to": "+201001234567", **fields}
		return graph.post(f"{PNID}/marketing_messages", json=body)

	assert send(template("season_offer", IMAGE, body("Sara"))).status_code == 200
	assert error_of(send(template("hello_world")))["code"] == 131055
	assert error_of(send(text("hello")))["code"] == 131055


def test_more_messages_in_a_second_than_allowed_are_error_130429(graph, box, clock):
	box.configure(mps=2)
	codes = [graph.send(f"+20100123456{n}").status_code for n in range(3)]
	assert codes == [200, 200, 400]
	assert error_of(graph.send()) == oauth(
		130429, "Rate limit hit", "Cloud API message throughput has been reached."
	)
	clock.now += 1
	assert graph.send().status_code == 200


def test_too_many_messages_to_one_person_are_error_131056_until_the_pair_has_rested(graph, box, clock):
	box.configure(pair_seconds=6, pair_burst=2)
	assert [graph.send().status_code for _ in range(2)] == [200, 200]
	assert error_of(graph.send())["code"] == 131056
	assert graph.send("+201001234568").status_code == 200
	clock.now += 6
	assert [graph.send().status_code for _ in range(2)] == [200, 400]


def test_outside_of_the_window_only_templates_pass(graph, box, clock):
	box.configure(window="sync")
	assert error_of(graph.send())["code"] == 131047
	assert graph.send(**template("hello_world")).status_code == 200
	box.reply("+201001234567", text="hi")
	assert graph.send().status_code == 200
	clock.now += 24 * 3600
	assert error_of(graph.send())["code"] == 131047


def test_a_shut_window_can_be_told_by_a_failed_status_as_meta_often_does(graph, box, receiver, settle):
	box.configure(window="async")
	assert graph.send().status_code == 200
	settle()
	assert [(s["status"], s["errors"][0]["code"]) for s in receiver.statuses()] == [("failed", 131047)]


WRONG = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
KINDS = (
	text("x"),
	{"type": "location", "location": {"latitude": 1, "longitude": 2}},
	template("order_update", HEAD, body("a", "b"), url_button("x")),
	template("season_offer", IMAGE, body("Sara")),
	buttons("a", header={"type": "text", "text": "h"}),
	menu({"id": "1", "title": "t"}),
)


def places(value) -> list[tuple]:
	"""Every (container, key) inside of a JSON value."""
	pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
	return [place for key, item in pairs for place in ((value, key), *places(item))]


@given(kind=st.sampled_from(KINDS), wrong=WRONG, data=st.data())
def test_a_value_of_a_wrong_type_anywhere_is_refused_or_taken_but_never_breaks_it(kind, wrong, data):
	box = Sandbox(suffix_faults=False)
	message = {"messaging_product": "whatsapp", "to": "+201001234567", **copy.deepcopy(kind)}
	container, key = data.draw(st.sampled_from(places(message)))
	container[key] = wrong
	headers = {"authorization": f"Bearer {defaults.ACCESS_TOKEN}"}
	reply = box.handle(Request("POST", f"/v25.0/{PNID}/messages", "", headers, json.dumps(message).encode()))
	assert reply.status in (200, 400, 404)
	assert "error" in json.loads(reply.body) or reply.status == 200
