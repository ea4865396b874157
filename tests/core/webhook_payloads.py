"""Webhooks as Meta sends them, and what they mean in our words. Shapes: cloud_api.md sections 2.4 to 2.6."""

from __future__ import annotations

import json

from whatsapp_integration.core import events
from whatsapp_integration.core.events import MediaInfo

WABA = "102290129340398"
NUMBER_ID = "106540352242922"
METADATA = {"display_phone_number": "15550783881", "phone_number_id": NUMBER_ID}
CUSTOMER = "201001234567"
BSUID = "EG.13491208655302741918"
WAMID = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUFERjg0NDEz"
ORIGINAL = "wamid.ORIGINAL=="
CONTACT = {"profile": {"name": "Mona Adel"}, "wa_id": CUSTOMER, "user_id": BSUID}
AT = 1739321024
STAMP = {"account": NUMBER_ID, "waba_id": WABA, "at": AT}
SENDER = {
	"chat_id": CUSTOMER,
	"sender_id": CUSTOMER,
	"phone": CUSTOMER,
	"user_id": BSUID,
	"profile_name": "Mona Adel",
}
IMAGE = {"id": "65463453", "mime_type": "image/jpeg", "sha256": "4654+8g="}


def post(field: str, value, time: int | None = None) -> dict:
	entry = {"id": WABA, "changes": [{"field": field, "value": value}]}
	return {"object": "whatsapp_business_account", "entry": [entry | ({"time": time} if time else {})]}


def message(kind: str, part=None, **more) -> dict:
	typed = {} if part is None else {kind: part}
	return {"from": CUSTOMER, "id": WAMID, "timestamp": str(AT), "type": kind} | typed | more


def messages(*items, contacts=(CONTACT,), **more) -> dict:
	value = {
		"messaging_product": "whatsapp",
		"metadata": METADATA,
		"contacts": list(contacts),
		"messages": list(items),
	}
	return post("messages", value | more)


def statuses(*items) -> dict:
	return post("messages", {"messaging_product": "whatsapp", "metadata": METADATA, "statuses": list(items)})


def received(kind: str, body: str, **more) -> events.MessageReceived:
	return events.MessageReceived(**STAMP | SENDER | {"message_id": WAMID, "kind": kind, "body": body} | more)


MEDIA = [
	("image", IMAGE, "image", "", MediaInfo("65463453", "image/jpeg", "4654+8g=")),
	(
		"image",
		IMAGE | {"caption": "The parcel"},
		"image",
		"The parcel",
		MediaInfo("65463453", "image/jpeg", "4654+8g="),
	),
	(
		"video",
		{"id": "7", "mime_type": "video/mp4", "sha256": "x=", "url": "https://lookaside.fbsbx.com/?mid=7"},
		"video",
		"",
		MediaInfo("7", "video/mp4", "x=", url="https://lookaside.fbsbx.com/?mid=7"),
	),
	(
		"audio",
		{"id": "8", "mime_type": "audio/ogg; codecs=opus", "sha256": "x=", "voice": True},
		"voice",
		"",
		MediaInfo("8", "audio/ogg; codecs=opus", "x=", voice=True),
	),
	(
		"audio",
		{"id": "8", "mime_type": "audio/mpeg", "sha256": "x=", "voice": False},
		"audio",
		"",
		MediaInfo("8", "audio/mpeg", "x="),
	),
	(
		"document",
		{"id": "9", "mime_type": "application/pdf", "sha256": "x=", "filename": "invoice.pdf"},
		"document",
		"invoice.pdf",
		MediaInfo("9", "application/pdf", "x=", "invoice.pdf"),
	),
	(
		"document",
		{"id": "9", "mime_type": "application/pdf", "filename": "invoice.pdf", "caption": "Please pay"},
		"document",
		"Please pay",
		MediaInfo("9", "application/pdf", "", "invoice.pdf"),
	),
	(
		"sticker",
		{"id": "10", "mime_type": "image/webp", "sha256": "x=", "animated": True},
		"sticker",
		"",
		MediaInfo("10", "image/webp", "x="),
	),
]

PLACE = {"latitude": 30.0444, "longitude": 31.2357}
CARDS = [
	{"name": {"formatted_name": "Rachel Green"}, "phones": [{"phone": "+1 777"}]},
	{"phones": [{"phone": "+1 888"}]},
]
BUTTON_REPLY = {"type": "button_reply", "button_reply": {"id": "yes-1", "title": "Yes"}}
LIST_REPLY = {
	"type": "list_reply",
	"list_reply": {"id": "row-1", "title": "Cairo", "description": "Main branch"},
}
FLOW_ANSWERS = {
	"flow_token": "secret",
	"rating": "4",
	"tags": ["fast", "kind"],
	"agree": True,
	"left": None,
	"count": 2,
}
FLOW_REPLY = {
	"type": "nfm_reply",
	"nfm_reply": {"name": "flow", "body": "Sent", "response_json": json.dumps(FLOW_ANSWERS)},
}
BROKEN_FLOW_REPLY = {
	"type": "nfm_reply",
	"nfm_reply": {"name": "flow", "body": "Sent", "response_json": "[" * 100_000},
}
ADDRESS_REPLY = {
	"type": "nfm_reply",
	"nfm_reply": {
		"name": "address_message",
		"body": "Mona\n12 Nile St",
		"response_json": '{"saved_address_id": "1"}',
	},
}
ORDER = {
	"catalog_id": "354",
	"text": "Quickly please",
	"product_items": [
		{"product_retailer_id": "BURGER", "quantity": 3, "item_price": 30, "currency": "EGP"},
		{"product_retailer_id": "SODA", "quantity": 1, "item_price": 10.5, "currency": "EGP"},
	],
}
IDENTITY_CHANGED = {"body": "User identity changed", "type": "customer_identity_changed"}

PARTS = [
	("text", {"body": "Hello"}, "text", "Hello", {}),
	("location", PLACE, "location", "30.0444, 31.2357", PLACE),
	("location", PLACE | {"name": "Shop", "address": "1 Nile St"}, "location", "Shop, 1 Nile St", None),
	("contacts", CARDS, "contacts", "Rachel Green, +1 888", {"contacts": CARDS}),
	("button", {"payload": "STOP", "text": "Stop messages"}, "button_reply", "Stop messages", None),
	("interactive", BUTTON_REPLY, "button_reply", "Yes", None),
	("interactive", LIST_REPLY, "list_reply", "Cairo", None),
	("interactive", FLOW_REPLY, "flow_reply", "rating: 4\ntags: fast, kind\nagree: true\ncount: 2", None),
	("interactive", BROKEN_FLOW_REPLY, "flow_reply", "Sent", None),
	("interactive", ADDRESS_REPLY, "flow_reply", "Mona\n12 Nile St", None),
	("order", ORDER, "order", "Quickly please\n3 × BURGER, 30 EGP\n1 × SODA, 10.5 EGP", None),
	("system", IDENTITY_CHANGED, "system", "User identity changed", None),
]

UNREADABLE = [
	message(
		"unsupported", {"type": "poll_creation"}, errors=[{"code": 131051, "title": "Message type unknown"}]
	),
	message("request_welcome"),
	message("hologram", {"body": "from 2030"}),
	message(
		"interactive", {"type": "call_permission_reply", "call_permission_reply": {"response": "accept"}}
	),
	message("interactive", {"type": ["button_reply"]}),
	message("text", {"body": None}),
	message("text", ["Hello"]),
	message("image", {"caption": ""}),
	message("location", {"latitude": "north", "longitude": float("nan")}),
	message("contacts", []),
	message("order", {"product_items": [{"quantity": 2}]}),
	message("reaction", {"emoji": "👍"}),
	message("edit", {"original_message_id": ORIGINAL}),
	message("revoke", {}),
	message("system", {"type": "", "body": ""}),
	{"from": CUSTOMER, "id": WAMID, "timestamp": str(AT), "type": {"text": 1}},
	{"from": CUSTOMER, "id": WAMID, "timestamp": str(AT)},
]

TEMPLATE = {
	"message_template_id": 806312974732579,
	"message_template_name": "welcome",
	"message_template_language": "en-US",
}
TEMPLATES = [
	("message_template_status_update", {"event": "APPROVED", "reason": None}, "status", "APPROVED", ""),
	("message_template_status_update", {"event": "APPROVED", "reason": "NONE"}, "status", "APPROVED", ""),
	("message_template_status_update", {"event": "REJECTED", "reason": "SCAM"}, "status", "REJECTED", "SCAM"),
	(
		"message_template_status_update",
		{"event": "PAUSED", "reason": "NONE", "other_info": {"title": "FIRST_PAUSE"}},
		"status",
		"PAUSED",
		"FIRST_PAUSE",
	),
	(
		"message_template_quality_update",
		{"previous_quality_score": "GREEN", "new_quality_score": "YELLOW"},
		"quality",
		"YELLOW",
		"",
	),
	(
		"template_category_update",
		{"previous_category": "UTILITY", "new_category": "MARKETING"},
		"category",
		"MARKETING",
		"",
	),
	(
		"message_template_components_update",
		{"message_template_element": "Hi {{1}}"},
		"components",
		"Hi {{1}}",
		"",
	),
]

ACCOUNTS = [
	("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": []}, "ACCOUNT_RESTRICTION", ""),
	(
		"phone_number_quality_update",
		{"display_phone_number": "15550783881", "event": "ONBOARDING"},
		"ONBOARDING",
		"15550783881",
	),
	("business_capability_update", {"max_daily_conversations_per_business": 2000}, "", ""),
	("account_review_update", {"decision": "APPROVED"}, "APPROVED", ""),
	("account_alerts", {"entity_type": "BUSINESS", "alert_type": "OBA_APPROVED"}, "OBA_APPROVED", ""),
	("account_alerts", {"alert_info": {"alert_type": "OBA_APPROVED"}}, "OBA_APPROVED", ""),
	(
		"phone_number_name_update",
		{"display_phone_number": "15550783881", "decision": "REJECTED"},
		"REJECTED",
		"15550783881",
	),
	(
		"security",
		{"display_phone_number": "15550783881", "event": "PIN_CHANGED"},
		"PIN_CHANGED",
		"15550783881",
	),
]

HISTORY = {
	"metadata": METADATA,
	"history": [
		{
			"metadata": {"phase": 0, "chunk_order": 1, "progress": 55},
			"threads": [
				{
					"id": CUSTOMER,
					"messages": [message("text", {"body": "Old"}, history_context={"status": "read"})],
				}
			],
		}
	],
}
CONTACTS_SYNC = {
	"metadata": METADATA,
	"state_sync": [
		{"type": "contact", "contact": {"full_name": "Mona", "phone_number": CUSTOMER}, "action": "add"}
	],
}

PAYLOADS = [
	*(messages(message(kind, part)) for kind, part, *_rest in PARTS + MEDIA),
	*(messages(item) for item in UNREADABLE),
	messages(message("text", {"body": "a"}, id="wamid.1"), message("text", {"body": "b"}, id="wamid.2")),
	messages(message("reaction", {"message_id": ORIGINAL, "emoji": "👍"})),
	messages(
		message("edit", {"original_message_id": ORIGINAL, "message": {"type": "text", "text": {"body": "x"}}})
	),
	messages(message("revoke", {"original_message_id": ORIGINAL})),
	messages(message("system", {"type": "user_changed_number", "wa_id": "201112345678", "body": "changed"})),
	messages(
		message(
			"text", {"body": "a"}, context={"id": ORIGINAL, "forwarded": True}, referral={"source_id": "1"}
		)
	),
	statuses(
		{
			"id": WAMID,
			"status": "failed",
			"timestamp": str(AT),
			"recipient_id": CUSTOMER,
			"errors": [{"code": 131049, "title": "t", "error_data": {"details": "d"}}],
			"pricing": {"billable": True, "category": "utility"},
		}
	),
	post(
		"smb_message_echoes",
		{"metadata": METADATA, "message_echoes": [message("text", {"body": "a"}, to=CUSTOMER)]},
	),
	post(
		"user_preferences", {"metadata": METADATA, "user_preferences": [{"wa_id": CUSTOMER, "value": "stop"}]}
	),
	post("messages", {"metadata": METADATA, "errors": [{"code": 130429}]}),
	post("history", HISTORY),
	post("smb_app_state_sync", CONTACTS_SYNC),
	*(post(field, TEMPLATE | part, AT) for field, part, *_rest in TEMPLATES),
	*(post(field, value, AT) for field, value, *_rest in ACCOUNTS),
]
