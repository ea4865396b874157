"""Requirements of core/webhook.py: only genuine posts count, and nothing that Meta says gets lost."""

from __future__ import annotations

import copy
import hashlib
import hmac

import pytest

from tests.core.webhook_payloads import (
	ACCOUNTS,
	AT,
	BSUID,
	CONTACTS_SYNC,
	CUSTOMER,
	HISTORY,
	METADATA,
	NUMBER_ID,
	STAMP,
	TEMPLATE,
	TEMPLATES,
	WABA,
	WAMID,
	message,
	messages,
	post,
	statuses,
)
from whatsapp_integration.core import events, status
from whatsapp_integration.core.webhook import (
	answer_challenge,
	parse,
	phone_number_ids,
	verify_signature,
	waba_ids,
)

# Who sent it


def sign(body: bytes, secret: str = "app-secret") -> str:
	return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


BODY = b'{"entry": [{"name": "\\u0645\\u0646\\u0649 \xd9\x85"}]}'


def test_a_signature_over_the_raw_bytes_is_genuine():
	assert verify_signature(BODY, sign(BODY), "app-secret") is True


def test_a_known_signature_is_recognised():
	header = "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
	assert verify_signature(b"The quick brown fox jumps over the lazy dog", header, "key") is True


@pytest.mark.parametrize(
	"header",
	[
		None,
		"",
		"sha256=",
		sign(BODY)[7:],
		sign(BODY).replace("sha256", "sha1"),
		sign(BODY)[:-1],
		sign(BODY) + "0",
		sign(BODY + b" "),
		sign(BODY, "other-secret"),
		"sha256=é",
		"sha256=\ud800",
		b"sha256=",
		7,
	],
)
def test_any_other_signature_is_refused(header):
	assert verify_signature(BODY, header, "app-secret") is False


@pytest.mark.parametrize("secret", ["", " ", None])
def test_without_a_secret_nothing_is_genuine(secret):
	assert verify_signature(BODY, sign(BODY, secret or ""), secret) is False


def challenge(mode="subscribe", token="my-token", text="1158201444") -> dict:
	return {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": text}


def test_the_right_token_gets_its_challenge_back():
	assert answer_challenge(challenge(), "my-token") == "1158201444"
	assert answer_challenge(challenge(token="توكن"), "توكن") == "1158201444"


@pytest.mark.parametrize(
	("query", "token"),
	[
		(challenge(token="other"), "my-token"),
		(challenge(token="é\ud800"), "my-token"),
		(challenge(token=""), ""),
		(challenge(token=" "), " "),
		(challenge(token=None), None),
		(challenge(token=["my-token"]), "my-token"),
		(challenge(mode="unsubscribe"), "my-token"),
		(challenge(mode=None), "my-token"),
		(challenge(text=""), "my-token"),
		(challenge(text=None), "my-token"),
		({}, "my-token"),
		({}, ""),
	],
)
def test_any_other_challenge_is_refused(query, token):
	assert answer_challenge(query, token) is None


# Statuses and errors


@pytest.mark.parametrize(
	("word", "expected"),
	[
		("sent", status.SENT),
		("delivered", status.DELIVERED),
		("read", status.READ),
		("played", status.PLAYED),
		("failed", status.FAILED),
	],
)
def test_a_status_is_said_in_our_words(word, expected):
	item = {"id": WAMID, "status": word, "timestamp": str(AT), "recipient_id": CUSTOMER}
	assert parse(statuses(item)) == [
		events.StatusChanged(**STAMP, message_id=WAMID, status=expected, recipient_id=CUSTOMER)
	]


def test_a_status_keeps_our_name_the_recipient_and_the_price():
	item = {
		"id": WAMID,
		"status": "delivered",
		"timestamp": str(AT),
		"recipient_id": CUSTOMER,
		"recipient_user_id": BSUID,
		"biz_opaque_callback_data": "WML-0001",
		"conversation": {"id": "7270", "origin": {"type": "utility"}},
		"pricing": {
			"billable": False,
			"pricing_model": "PMP",
			"type": "free_customer_service",
			"category": "utility",
		},
	}
	assert parse(statuses(item)) == [
		events.StatusChanged(
			**STAMP,
			message_id=WAMID,
			status=status.DELIVERED,
			recipient_id=CUSTOMER,
			user_id=BSUID,
			callback_data="WML-0001",
			pricing_category="utility",
			billable=False,
		)
	]


def test_a_failed_status_says_why():
	error = {
		"code": 131049,
		"title": "Not delivered",
		"message": "Not delivered",
		"error_data": {"details": "To keep the ecosystem healthy."},
		"href": "https://developers.facebook.com/…",
	}
	item = {
		"id": WAMID,
		"status": "failed",
		"timestamp": str(AT),
		"recipient_id": CUSTOMER,
		"errors": [error],
	}
	assert parse(statuses(item)) == [
		events.StatusChanged(
			**STAMP,
			message_id=WAMID,
			status=status.FAILED,
			recipient_id=CUSTOMER,
			error_code=131049,
			error_title="Not delivered",
			error_details="To keep the ecosystem healthy.",
		)
	]


@pytest.mark.parametrize(
	("item", "reason"),
	[
		({"id": WAMID, "status": "deleted", "timestamp": str(AT)}, "unknown status deleted"),
		({"id": WAMID, "status": ["sent"], "timestamp": AT}, "unknown status"),
		({"status": "sent", "timestamp": str(AT)}, "status without a usable id"),
		({"id": "w" * 141, "status": "sent", "timestamp": str(AT)}, "status without a usable id"),
	],
)
def test_an_unknown_status_is_kept(item, reason):
	assert parse(statuses(item)) == [events.Unsupported(**STAMP, reason=reason, data=item)]


def test_an_error_without_messages_is_reported():
	errors = [{"code": 130429, "title": "Rate limit hit", "error_data": {"details": "Too many messages."}}]
	assert parse(post("messages", {"metadata": METADATA, "errors": errors}, AT)) == [
		events.ErrorReported(**STAMP, code=130429, title="Rate limit hit", details="Too many messages.")
	]


@pytest.mark.parametrize(
	("code", "expected"),
	[
		(131047, 131047),
		("131047", 131047),
		(131047.0, 131047),
		(True, 0),
		(None, 0),
		(10**400, 0),
		(float("nan"), 0),
	],
)
def test_an_error_code_is_a_number_of_the_tables(code, expected):
	item = {"id": WAMID, "status": "failed", "timestamp": str(AT), "errors": [{"code": code}]}
	(event,) = parse(statuses(item))
	assert event.error_code == expected


# Templates, consent, account


@pytest.mark.parametrize(("field", "part", "change", "value", "reason"), TEMPLATES)
def test_a_template_change_is_read(field, part, change, value, reason):
	assert parse(post(field, TEMPLATE | part, AT)) == [
		events.TemplateChanged(
			waba_id=WABA,
			at=AT,
			template_id="806312974732579",
			template_name="welcome",
			language="en_US",
			change=change,
			value=value,
			reason=reason,
			data=TEMPLATE | part,
		)
	]


@pytest.mark.parametrize(("word", "opted_in"), [("stop", False), ("resume", True), ("signup", True)])
def test_a_users_preference_is_a_consent(word, opted_in):
	part = {
		"wa_id": CUSTOMER,
		"user_id": BSUID,
		"category": "marketing_messages",
		"value": word,
		"timestamp": AT,
	}
	value = {"metadata": METADATA, "contacts": [{"wa_id": CUSTOMER}], "user_preferences": [part]}
	assert parse(post("user_preferences", value)) == [
		events.ConsentChanged(
			**STAMP, chat_id=CUSTOMER, user_id=BSUID, category="marketing_messages", opted_in=opted_in
		)
	]


def test_an_unknown_preference_is_no_consent():
	part = {"wa_id": CUSTOMER, "category": "marketing_messages", "value": "maybe", "timestamp": AT}
	assert parse(post("user_preferences", {"metadata": METADATA, "user_preferences": [part]})) == [
		events.Unsupported(**STAMP, reason="unreadable user preference", data=part)
	]


@pytest.mark.parametrize(("field", "value", "event", "number"), ACCOUNTS)
def test_news_of_the_account_is_read(field, value, event, number):
	assert parse(post(field, value, AT)) == [
		events.AccountChanged(
			waba_id=WABA, at=AT, topic=field, event=event, display_phone_number=number, data=value
		)
	]


@pytest.mark.parametrize(("field", "value"), [("history", HISTORY), ("smb_app_state_sync", CONTACTS_SYNC)])
def test_old_chats_and_contacts_are_kept_but_wake_nobody(field, value):
	assert parse(post(field, value)) == [
		events.AccountChanged(
			account=NUMBER_ID, waba_id=WABA, topic=field, display_phone_number="15550783881", data=value
		)
	]


@pytest.mark.parametrize(
	("field", "value", "reason"),
	[
		("payment_configuration_update", {"status": "ok"}, "unknown field payment_configuration_update"),
		(None, {"status": "ok"}, "unknown field"),
		(["messages"], {"status": "ok"}, "unknown field"),
		("messages", {}, "nothing readable in field messages"),
		("messages", "text", "nothing readable in field messages"),
		("smb_message_echoes", {"message_echoes": []}, "nothing readable in field smb_message_echoes"),
		(
			"message_template_status_update",
			{"event": "APPROVED"},
			"nothing readable in field message_template_status_update",
		),
	],
)
def test_an_unknown_field_is_kept(field, value, reason):
	change = {"field": field, "value": value}
	assert parse(post(field, value, AT)) == [
		events.Unsupported(waba_id=WABA, at=AT, reason=reason, data=change)
	]


@pytest.mark.parametrize("payload", [None, 7, "x", [], {}, {"entry": []}, {"object": "page"}])
def test_a_webhook_without_entries_is_kept(payload):
	assert parse(payload) == [events.Unsupported(reason="webhook without an entry", data=payload)]


def test_an_entry_without_changes_is_kept():
	entry = {"id": WABA, "time": AT, "messaging": []}
	assert parse({"entry": [entry]}) == [
		events.Unsupported(waba_id=WABA, at=AT, reason="entry without a change", data=entry)
	]


# Whose post it is


def test_the_accounts_of_a_post_are_found():
	payload = messages(message("text", {"body": "a"}))
	other = copy.deepcopy(payload["entry"][0])
	other["id"] = 42
	other["changes"][0]["value"]["metadata"]["phone_number_id"] = 4711
	payload["entry"] += [other, {"id": None, "changes": [{"value": {"metadata": []}}]}]
	assert phone_number_ids(payload) == {NUMBER_ID, "4711"}
	assert waba_ids(payload) == {WABA, "42"}
