"""What the client asks and reads, over a transport made of a function."""

import json

import pytest
import requests
import urllib3

from tests.cloud_api.graph import TOKEN, HandlerAdapter, answer, error_answer, make_device
from whatsapp_integration.cloud_api.answers import NumberInfo, SubscribedApp
from whatsapp_integration.cloud_api.client import CloudApiClient
from whatsapp_integration.core.errors import (
	FixCredentials,
	FixRequest,
	MarketingHold,
	NeedsTemplate,
	OutcomeUnknown,
	RecipientUnreachable,
	RetryLater,
	SendError,
	StopDevice,
)
from whatsapp_integration.core.messages import Sent

PAYLOAD = {"messaging_product": "whatsapp", "to": "+201001234567", "type": "text", "text": {"body": "مرحبا"}}
TAKEN = {
	"messaging_product": "whatsapp",
	"contacts": [{"input": "+5215512345678", "wa_id": "525512345678"}],
	"messages": [{"id": "wamid.1", "message_status": "accepted"}],
}
FIELDS = (
	"display_phone_number,verified_name,quality_rating,status,name_status,code_verification_status,"
	"throughput,platform_type,whatsapp_business_manager_messaging_limit"
)


def make_client(handler, **values) -> tuple[CloudApiClient, HandlerAdapter]:
	"""`handler` is an answer, a function that gives one, or an exception to raise."""

	def handle(seen):
		if isinstance(handler, Exception):
			raise handler
		return handler(seen) if callable(handler) else handler

	adapter = HandlerAdapter(handle)
	return CloudApiClient(make_device(**values), adapter), adapter


def fail_to_send(handler, **values) -> SendError:
	client, _adapter = make_client(handler, **values)
	with pytest.raises(SendError) as caught:
		client.send(PAYLOAD)
	return caught.value


def test_a_message_is_posted_as_json_with_the_token():
	client, adapter = make_client(answer(TAKEN))
	client.send(PAYLOAD)
	[seen] = adapter.seen
	assert (seen.method, seen.url) == ("POST", "https://graph.test/v25.0/1001/messages")
	assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
	assert seen.headers["Content-Type"] == "application/json"
	assert seen.headers["Content-Length"] == str(len(seen.body))
	assert seen.json == PAYLOAD


def test_every_request_has_the_time_outs_of_the_device():
	client, adapter = make_client(answer(TAKEN), connect_timeout=1.5, read_timeout=7)
	client.send(PAYLOAD)
	assert adapter.timeouts == [(1.5, 7)]


def test_the_version_and_address_come_from_the_device():
	client, adapter = make_client(answer(TAKEN), graph_url="http://127.0.0.1:9/base/", graph_version="v26.0")
	client.send(PAYLOAD)
	assert adapter.seen[0].url == "http://127.0.0.1:9/base/v26.0/1001/messages"


@pytest.mark.parametrize(
	("body", "sent"),
	[
		(TAKEN, Sent("wamid.1", "525512345678", "accepted")),
		(
			{"messages": [{"id": "wamid.2"}], "contacts": [{"input": "US.1", "user_id": "US.1"}]},
			Sent("wamid.2"),
		),
		(
			{"messages": [{"id": "wamid.3", "message_status": "held_for_quality_assessment"}]},
			Sent("wamid.3", "", "held_for_quality_assessment"),
		),
	],
)
def test_a_taken_message_tells_its_id_and_the_recipients_whatsapp_id(body, sent):
	client, _adapter = make_client(answer(body))
	assert client.send(PAYLOAD) == sent


# fmt: off
CODES = {
	FixCredentials: (0, 3, 10, 104, 190, 200, 299, 131005),
	StopDevice: (33, 368, 131031, 131037, 131042, 131044, 131045, 131048, 131064, 133010, 133016),
	FixRequest: (100, 131008, 131009, 131051, 131053, 131055, 131062, 132000, 132001, 132005, 132007, 132012,
		132015, 132016, 132018, 132068, 134100, 134102, 135000, 147001, 2388024, 999999),
	RecipientUnreachable: (130403, 130472, 130497, 131021, 131026, 131050, 137000),
	NeedsTemplate: (131047,),
	MarketingHold: (131049,),
	RetryLater: (1, 2, 4, 80007, 80008, 130429, 131000, 131016, 131052, 131056, 131057, 132069, 133004,
		134101, 2494100),
}
# fmt: on


@pytest.mark.parametrize(("cls", "code"), [(cls, code) for cls, codes in CODES.items() for code in codes])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_the_code_decides_what_to_do_next_whatever_the_http_status(cls, code, status):
	error = fail_to_send(error_answer(code, status, message="no"))
	assert type(error) is cls
	assert error.code == str(code)


@pytest.mark.parametrize(
	("code", "scope"), [(131056, "recipient"), (130429, "device"), (4, "device"), (131000, "message")]
)
def test_an_error_that_passes_says_who_has_to_wait(code, scope):
	assert fail_to_send(error_answer(code)).scope == scope


def test_an_unknown_code_that_meta_calls_transient_is_tried_again():
	assert type(fail_to_send(error_answer(999999, message="busy", is_transient=True))) is RetryLater


@pytest.mark.parametrize(
	("error", "text"),
	[
		({"message": "(#100) Bad"}, "(#100) Bad"),
		(
			{"message": "(#100) Bad", "error_data": {"details": "The name is too long"}},
			"The name is too long",
		),
		(
			{"message": "Bad", "error_data": {"details": "Long"}, "error_user_msg": "Shorten {0} the name"},
			"Shorten {0} the name",
		),
		({"message": "Bad", "error_data": "not an object"}, "Bad"),
		({}, "WhatsApp refused the message."),
	],
)
def test_the_text_is_the_one_that_meta_wrote_for_people(error, text):
	assert str(fail_to_send(error_answer(100, **error))) == text


@pytest.mark.parametrize("quoted", [TOKEN, "EAAG1234567890abcdefgh"])
def test_a_token_that_meta_quotes_is_masked(quoted):
	error = fail_to_send(
		error_answer(190, 401, message=f"Malformed {quoted}!", error_user_msg=f"Bad {quoted}!")
	)
	assert str(error) == "Bad •••!"
	assert error.details == "Malformed •••!"


def test_no_secret_of_the_device_gets_into_an_error():
	error = fail_to_send(
		error_answer(100, message="app-secret verify-me"), app_secret="app-secret", verify_token="verify-me"
	)
	assert str(error) == "••• •••"


def usage(*minutes) -> dict[str, str]:
	entries = [{"type": "whatsapp", "estimated_time_to_regain_access": value} for value in minutes]
	return {"x-business-use-case-usage": json.dumps({"2002": entries})}


@pytest.mark.parametrize(
	("code", "headers", "after"),
	[
		(130429, {}, None),
		(130429, {"Retry-After": "30"}, 30),
		(131000, {"Retry-After": "30"}, 30),
		(130429, {"Retry-After": "9" * 400}, 86400),
		(130429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
		(80007, usage(0, 19), 19 * 60),
		(80007, usage(0), None),
		(80007, usage(10**9), 86400),
		(80007, usage("soon", None), None),
		(80007, {"x-business-use-case-usage": "[garbage"}, None),
		(80007, {"x-business-use-case-usage": '{"2002": 1, "3": [2]}'}, None),
		(131056, usage(19), None),  # speaks of the account, the pair limit does not
	],
)
def test_the_wait_that_meta_asks_for_is_kept(code, headers, after):
	assert fail_to_send(error_answer(code, 400, headers)).after == after


@pytest.mark.parametrize(
	"body",
	[
		b"",
		b"<html>ok</html>",
		b"[]",
		b"null",
		b'"wamid.1"',
		b"{",
		b"\xff\xfe\x00",
		b"[" * 100_000,
		b"{}",
		b'{"messages": []}',
		b'{"messages": [{}]}',
		b'{"messages": [{"id": 7}]}',
		b'{"messages": {"id": "wamid.1"}}',
		b'{"error": "odd"}',
		b'{"error": {"message": "no code"}}',
	],
)
def test_a_yes_without_a_message_id_leaves_the_outcome_unknown(body):
	assert type(fail_to_send(answer(body))) is OutcomeUnknown


@pytest.mark.parametrize(
	("status", "cls"),
	[
		(302, RetryLater),
		(400, FixRequest),
		(401, FixCredentials),
		(403, FixCredentials),
		(404, FixRequest),
		(408, RetryLater),
		(413, FixRequest),
		(429, RetryLater),
		(500, OutcomeUnknown),
		(502, OutcomeUnknown),
		(503, OutcomeUnknown),
		(504, OutcomeUnknown),
	],
)
def test_without_a_code_of_meta_the_http_status_decides(status, cls):
	assert type(fail_to_send(answer(b"<html>", status))) is cls


def test_too_many_requests_without_a_code_slows_the_whole_device():
	error = fail_to_send(answer(b"", 429, {"Retry-After": "12"}))
	assert (error.scope, error.after) == ("device", 12)


def pool_error(reason: Exception) -> requests.ConnectionError:
	return requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", reason))


def broken_pipe() -> requests.ConnectionError:
	return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", OSError()))


@pytest.mark.parametrize(
	"network",
	[
		pool_error(urllib3.exceptions.NewConnectionError(None, "refused")),
		requests.ConnectTimeout("slow"),
		requests.exceptions.ProxyError("no tunnel"),
		requests.exceptions.SSLError("certificate verify failed"),
		requests.ReadTimeout("during the TLS handshake"),
		broken_pipe(),
		urllib3.exceptions.LocationParseError("graph..test"),
		OSError("no CA bundle"),
	],
)
def test_a_message_whose_body_never_went_out_is_tried_again(network):
	client, adapter = make_client(network)
	adapter.is_cut_before_body = True
	with pytest.raises(RetryLater) as caught:
		client.send(PAYLOAD)
	assert caught.value.scope == "device"


@pytest.mark.parametrize(
	"network",
	[
		requests.ReadTimeout("slow"),
		requests.exceptions.ChunkedEncodingError("cut"),
		requests.exceptions.ContentDecodingError("garbage"),
		requests.exceptions.SSLError("EOF occurred in violation of protocol"),
		requests.exceptions.ProxyError("reset by the proxy"),
		broken_pipe(),
	],
)
def test_a_message_whose_body_went_out_is_never_said_to_be_unsent(network):
	assert type(fail_to_send(network)) is OutcomeUnknown


def test_nothing_is_retried_by_the_client_itself():
	client, adapter = make_client(error_answer(131016, 503))
	with pytest.raises(RetryLater):
		client.send(PAYLOAD)
	assert len(adapter.seen) == 1


@pytest.mark.parametrize(
	"unclear", [requests.ReadTimeout("slow"), broken_pipe(), answer(b"<html>", 502), answer(b"garbage")]
)
def test_what_may_be_repeated_never_ends_unknown(unclear):
	client, _adapter = make_client(unclear)
	for call in (
		lambda: client.mark_read("wamid.1"),
		client.number_info,
		lambda: client.media_info("77"),
		client.subscribe_app,
	):
		with pytest.raises(RetryLater):
			call()


def test_a_gateways_wait_is_kept_where_the_request_may_be_repeated():
	client, _adapter = make_client(answer(b"", 503, {"Retry-After": "9"}))
	with pytest.raises(RetryLater) as caught:
		client.number_info()
	assert caught.value.after == 9


@pytest.mark.parametrize("token", ["abc\n", "abc\r\nX: y", " abc", "abc def", "abcé", "عربي", "abc\x00"])
def test_a_token_that_no_header_can_hold_is_refused_without_showing_it(token):
	client, adapter = make_client(answer(TAKEN), access_token=token)
	with pytest.raises(FixCredentials) as caught:
		client.send(PAYLOAD)
	assert "Copy it again" in str(caught.value)
	assert token.strip() not in str(caught.value) + repr(caught.value)
	assert adapter.seen == []


def test_a_device_without_a_token_asks_nobody():
	client, adapter = make_client(answer(TAKEN), access_token="")
	with pytest.raises(FixCredentials, match="no access token"):
		client.send(PAYLOAD)
	assert adapter.seen == []


@pytest.mark.parametrize(
	("missing", "call"), [("phone_number_id", "number_info"), ("waba_id", "waba_phone_numbers")]
)
def test_a_device_without_its_ids_asks_nobody(missing, call):
	client, adapter = make_client(answer({}), **{missing: ""})
	with pytest.raises(FixCredentials):
		getattr(client, call)()
	assert adapter.seen == []


@pytest.mark.parametrize("graph_url", ["graph.facebook.com", "https://", "https://[bad", "https://x:port"])
def test_a_wrong_graph_address_is_named(graph_url):
	assert type(fail_to_send(answer(TAKEN), graph_url=graph_url)) is FixRequest


def test_a_value_that_json_can_not_say_is_the_messages_fault():
	client, adapter = make_client(answer(TAKEN))
	with pytest.raises(FixRequest):
		client.send({"latitude": float("nan")})
	assert adapter.seen == []


def test_an_id_stays_one_segment_of_the_path():
	client, adapter = make_client(answer({"url": "https://media.test/x"}))
	client.media_info("../2002/subscribed_apps?x=")
	assert adapter.seen[0].url == (
		"https://graph.test/v25.0/..%2F2002%2Fsubscribed_apps%3Fx%3D?phone_number_id=1001"
	)


def test_marking_as_read_posts_the_message_id():
	client, adapter = make_client(answer({"success": True}))
	client.mark_read("wamid.1", typing=True)
	assert adapter.seen[0].json == {
		"messaging_product": "whatsapp",
		"status": "read",
		"message_id": "wamid.1",
		"typing_indicator": {"type": "text"},
	}


def test_marking_as_read_has_to_be_confirmed():
	client, _adapter = make_client(answer({"success": False}))
	with pytest.raises(RetryLater):
		client.mark_read("wamid.1")


@pytest.mark.parametrize("limit", ["TIER_2K", {"messaging_limit": "TIER_2K"}])
def test_the_number_tells_its_state_with_the_limit_in_either_shape(limit):
	client, adapter = make_client(
		answer(
			{
				"id": "1001",
				"display_phone_number": "+20 100 123 4567",
				"verified_name": "Shop",
				"quality_rating": "GREEN",
				"status": "CONNECTED",
				"name_status": "APPROVED",
				"code_verification_status": "VERIFIED",
				"throughput": {"level": "STANDARD"},
				"platform_type": "CLOUD_API",
				"whatsapp_business_manager_messaging_limit": limit,
			}
		)
	)
	assert client.number_info() == NumberInfo(
		phone_number_id="1001",
		display_phone_number="+20 100 123 4567",
		verified_name="Shop",
		quality="GREEN",
		status="CONNECTED",
		name_status="APPROVED",
		code_verification_status="VERIFIED",
		throughput="STANDARD",
		platform_type="CLOUD_API",
		tier="TIER_2K",
	)
	assert requests.utils.unquote(adapter.seen[0].url) == f"https://graph.test/v25.0/1001?fields={FIELDS}"


def test_what_meta_leaves_out_of_a_number_is_empty():
	client, _adapter = make_client(answer({"id": "1001", "throughput": None, "status": 7}))
	assert client.number_info() == NumberInfo("1001")


def test_lists_are_read_to_their_last_page_without_following_metas_links():
	pages = {
		"": {
			"data": [{"id": "1"}, "odd"],
			"paging": {"cursors": {"after": "c1"}, "next": "https://evil.test/?access_token=x"},
		},
		"c1": {"data": [{"id": "2"}], "paging": {"cursors": {"after": "c2"}}},
	}

	def handler(seen):
		query = requests.compat.urlparse(seen.url).query
		return answer(pages["c1" if "after=c1" in query else ""])

	client, adapter = make_client(handler)
	assert [number.phone_number_id for number in client.waba_phone_numbers()] == ["1", "2"]
	assert all(seen.url.startswith("https://graph.test/v25.0/2002/phone_numbers?") for seen in adapter.seen)
	assert len(adapter.seen) == 2


def test_the_apps_that_get_webhooks_are_listed():
	client, adapter = make_client(
		answer(
			{
				"data": [
					{
						"whatsapp_business_api_data": {"id": "9", "name": "ERP"},
						"override_callback_uri": "https://erp.test/h",
					}
				]
			}
		)
	)
	assert client.subscribed_apps() == [SubscribedApp("9", "ERP", "https://erp.test/h")]
	assert adapter.seen[0].url == "https://graph.test/v25.0/2002/subscribed_apps?limit=100"


@pytest.mark.parametrize(
	("args", "body"),
	[
		((), {}),
		(
			("https://erp.test/h", "v1"),
			{"override_callback_uri": "https://erp.test/h", "verify_token": "v1"},
		),
	],
)
def test_subscribing_names_our_address_only_where_it_is_given(args, body):
	client, adapter = make_client(answer({"success": True}))
	client.subscribe_app(*args)
	[seen] = adapter.seen
	assert (seen.method, seen.url) == ("POST", "https://graph.test/v25.0/2002/subscribed_apps")
	assert seen.json == body


def test_closing_lets_the_connections_go():
	client, adapter = make_client(answer({}))
	client.close()
	assert adapter.is_closed
