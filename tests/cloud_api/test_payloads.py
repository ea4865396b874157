import copy

import pytest

from whatsapp_integration.cloud_api.payloads import build_mark_read, build_message, encode_url_value
from whatsapp_integration.core.errors import InvalidPhone
from whatsapp_integration.core.messages import (
	CONTENTS,
	Audio,
	Buttons,
	Contacts,
	Content,
	CtaUrl,
	Document,
	Flow,
	Image,
	ListMenu,
	Location,
	Media,
	MediaFile,
	Outgoing,
	Reaction,
	Sticker,
	Template,
	Text,
	Video,
	Voice,
)

CARD = {"name": {"formatted_name": "Mona"}, "phones": [{"phone": "+201001234567", "type": "WORK"}]}
SECTION = {"title": "Tea", "rows": [{"id": "mint", "title": "Mint", "description": "fresh"}]}
BY_ID = Media(media_id="77")
BY_LINK = Media(link="https://shop.test/a.pdf", filename="a.pdf")

BODIES = [
	(Text("Hello"), "text", {"preview_url": False, "body": "Hello"}),
	(Text("https://shop.test", preview_url=True), "text", {"preview_url": True, "body": "https://shop.test"}),
	(Image(BY_ID, "Look"), "image", {"id": "77", "caption": "Look"}),
	(Image(BY_LINK), "image", {"link": "https://shop.test/a.pdf"}),
	(Video(BY_ID, "Look"), "video", {"id": "77", "caption": "Look"}),
	(Audio(BY_ID), "audio", {"id": "77"}),
	(Voice(BY_ID), "audio", {"id": "77", "voice": True}),
	(
		Document(BY_LINK, "Invoice"),
		"document",
		{"link": "https://shop.test/a.pdf", "caption": "Invoice", "filename": "a.pdf"},
	),
	(Document(BY_ID), "document", {"id": "77"}),
	(Sticker(BY_ID), "sticker", {"id": "77"}),
	(Location(30.05, 31.25), "location", {"latitude": 30.05, "longitude": 31.25}),
	(
		Location(30.05, 31.25, "Shop", "1 Nile St"),
		"location",
		{"latitude": 30.05, "longitude": 31.25, "name": "Shop", "address": "1 Nile St"},
	),
	(Contacts((CARD,)), "contacts", [CARD]),
	(Reaction("wamid.1", "👍"), "reaction", {"message_id": "wamid.1", "emoji": "👍"}),
	(Reaction("wamid.1"), "reaction", {"message_id": "wamid.1", "emoji": ""}),
	(Template("hello", "en_US"), "template", {"name": "hello", "language": {"code": "en_US"}}),
	(
		Buttons("Sure?", buttons=({"id": "y", "title": "Yes"}, {"id": "n", "title": "No"})),
		"interactive",
		{
			"type": "button",
			"body": {"text": "Sure?"},
			"action": {
				"buttons": [
					{"type": "reply", "reply": {"id": "y", "title": "Yes"}},
					{"type": "reply", "reply": {"id": "n", "title": "No"}},
				]
			},
		},
	),
	(
		ListMenu("Choose", "Till noon", {"type": "text", "text": "Menu"}, button="Open", sections=(SECTION,)),
		"interactive",
		{
			"type": "list",
			"header": {"type": "text", "text": "Menu"},
			"body": {"text": "Choose"},
			"footer": {"text": "Till noon"},
			"action": {"button": "Open", "sections": [SECTION]},
		},
	),
	(
		CtaUrl("Pay here", display_text="Pay", url="https://pay.test/1"),
		"interactive",
		{
			"type": "cta_url",
			"body": {"text": "Pay here"},
			"action": {
				"name": "cta_url",
				"parameters": {"display_text": "Pay", "url": "https://pay.test/1"},
			},
		},
	),
	(
		Flow("Book", flow_id="55", flow_cta="Start", flow_token="t1", flow_action_payload={"screen": "DATE"}),
		"interactive",
		{
			"type": "flow",
			"body": {"text": "Book"},
			"action": {
				"name": "flow",
				"parameters": {
					"flow_message_version": "3",
					"flow_id": "55",
					"flow_cta": "Start",
					"flow_token": "t1",
					"flow_action": "navigate",
					"flow_action_payload": {"screen": "DATE"},
				},
			},
		},
	),
	(
		Flow("Book", flow_name="booking", flow_cta="Start", flow_action="data_exchange", draft=True),
		"interactive",
		{
			"type": "flow",
			"body": {"text": "Book"},
			"action": {
				"name": "flow",
				"parameters": {
					"flow_message_version": "3",
					"flow_name": "booking",
					"flow_cta": "Start",
					"flow_action": "data_exchange",
					"mode": "draft",
				},
			},
		},
	),
]


def outgoing(content: Content, **values) -> Outgoing:
	return Outgoing(**{"name": "MSG-1", "to": "+201001234567", "content": content, **values})


@pytest.mark.parametrize(("content", "kind", "body"), BODIES)
def test_every_kind_becomes_exactly_the_body_that_the_api_documents(content, kind, body):
	assert build_message(outgoing(content)) == {
		"messaging_product": "whatsapp",
		"recipient_type": "individual",
		"to": "+201001234567",
		"type": kind,
		kind: body,
		"biz_opaque_callback_data": "MSG-1",
	}


def test_no_kind_is_left_out():
	assert {type(content).KIND for content, _kind, _body in BODIES} == set(CONTENTS)


def test_a_reply_quotes_the_message_it_answers():
	payload = build_message(outgoing(Text("Yes"), reply_to="wamid.9"))
	assert payload["context"] == {"message_id": "wamid.9"}


@pytest.mark.parametrize("bsuid", ["US.13491208655302741918", "EG.ENT.a1B2"])
def test_a_business_scoped_user_id_goes_to_recipient_and_not_to_to(bsuid):
	payload = build_message(outgoing(Text("Hi"), to=bsuid))
	assert payload["recipient"] == bsuid
	assert "to" not in payload


@pytest.mark.parametrize("to", ["", "201001234567", "+", "+20 100", "201001234567@c.us", "us.1", "US."])
def test_a_recipient_that_meta_would_misread_is_refused(to):
	with pytest.raises(InvalidPhone):
		build_message(outgoing(Text("Hi"), to=to))


def test_an_uploaded_file_is_sent_by_its_id_and_keeps_its_name():
	file = MediaFile("/tmp/x", "invoice.pdf", "application/pdf", 3)
	payload = build_message(outgoing(Document(Media(file="FILE-1")), file=file), media_id="88")
	assert payload["document"] == {"id": "88", "filename": "invoice.pdf"}


def test_only_values_of_url_buttons_are_percent_encoded():
	url_button = {
		"type": "button",
		"sub_type": "url",
		"index": "0",
		"parameters": [{"type": "text", "text": "a b"}],
	}
	body = {"type": "body", "parameters": [{"type": "text", "text": "a b", "parameter_name": "first_name"}]}
	reply = {
		"type": "button",
		"sub_type": "quick_reply",
		"index": "1",
		"parameters": [{"type": "payload", "payload": "a b"}],
	}
	components = (body, url_button, reply)
	before = copy.deepcopy(components)
	payload = build_message(outgoing(Template("hello", "en_US", components)))
	assert payload["template"]["components"] == [
		body,
		{**url_button, "parameters": [{"type": "text", "text": "a%20b"}]},
		reply,
	]
	assert components == before


@pytest.mark.parametrize(
	("text", "encoded"),
	[
		("INV-1", "INV-1"),
		("a b:c|ç", "a%20b%3Ac%7C%C3%A7"),
		("a%20b%3Ac", "a%20b%3Ac"),
		("100% off", "100%25%20off"),
		("orders/7?lang=ar&x=1", "orders/7?lang=ar&x=1"),
		("فاتورة", "%D9%81%D8%A7%D8%AA%D9%88%D8%B1%D8%A9"),
	],
)
def test_a_url_value_is_encoded_once(text, encoded):
	assert encode_url_value(text) == encoded
	assert encode_url_value(encoded) == encoded


def test_marking_as_read_names_the_message():
	assert build_mark_read("wamid.1") == {
		"messaging_product": "whatsapp",
		"status": "read",
		"message_id": "wamid.1",
	}


def test_typing_is_shown_along_with_marking_as_read():
	assert build_mark_read("wamid.1", typing=True)["typing_indicator"] == {"type": "text"}
