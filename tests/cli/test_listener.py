import hashlib
import hmac
import http.client
import threading
from urllib.parse import urlencode, urlsplit

import pytest

from whatsapp_integration.cli.data import DataFolder
from whatsapp_integration.cli.listener import Listener
from whatsapp_integration.services.webhooks import MAX_BYTES

SECRET = "app-secret"
BODY = (
	b'{"object": "whatsapp_business_account", "entry": [{"id": "waba", "changes": [{"field": "messages", "value":'
	b' {"metadata": {"phone_number_id": "number"}}}]}]}'
)


@pytest.fixture
def folder(tmp_path):
	folder = DataFolder(tmp_path / "data", {"main": {"app_secret": SECRET, "verify_token": "verify-me"}})
	with folder.opened() as host:
		host.add_device("main", phone_number_id="number", waba_id="waba")
	return folder


@pytest.fixture
def listener(folder):
	with Listener(folder.open) as listener:
		yield listener


@pytest.fixture
def call(listener):
	"""Ask the listener; returns status, body and content type."""

	def ask(method, path="/webhook", body=None, headers=None):
		connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=10)
		connection.request(method, path, body, headers or {})
		response = connection.getresponse()
		answer = response.status, response.read(), response.headers["Content-Type"].partition(";")[0]
		connection.close()
		return answer

	return ask


def sign(body, secret=SECRET):
	return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def stored(folder):
	with folder.opened() as host:
		return host.db.sql("SELECT `body`, `status` FROM `tabWhatsApp Webhook Event`")


def ask_challenge(call, **changes):
	query = {
		"hub.mode": "subscribe",
		"hub.challenge": "1158201444",
		"hub.verify_token": "verify-me",
		**changes,
	}
	return call("GET", "/webhook?" + urlencode(query))


def test_the_address_is_known_before_it_starts(listener):
	parts = urlsplit(listener.url)
	assert (parts.scheme, parts.hostname, parts.port, parts.path) == (
		"http",
		"127.0.0.1",
		listener.port,
		"/webhook",
	)


def test_the_challenge_is_answered_in_plain_text(call):
	assert ask_challenge(call) == (200, b"1158201444", "text/plain")


@pytest.mark.parametrize(
	"changes", [{"hub.verify_token": "guess"}, {"hub.verify_token": ""}, {"hub.mode": "x"}]
)
def test_a_wrong_challenge_is_refused(call, changes):
	assert ask_challenge(call, **changes)[:2] == (403, b"")


def test_a_signed_post_is_stored_and_answered_with_an_empty_200(call, folder):
	assert call("POST", body=BODY, headers=sign(BODY))[:2] == (200, b"")
	assert stored(folder) == [(BODY.decode(), "Pending")]


def test_a_repeated_post_is_stored_once(call, folder):
	statuses = [call("POST", body=BODY, headers=sign(BODY))[0] for _ in range(3)]
	assert statuses == [200, 200, 200]
	assert len(stored(folder)) == 1


@pytest.mark.parametrize(
	"headers", [{}, {"X-Hub-Signature-256": "sha256=00"}, sign(BODY, "another"), sign(BODY + b" ")]
)
def test_an_unsigned_post_is_refused_and_not_stored(call, folder, headers):
	assert call("POST", body=BODY, headers=headers)[0] == 403
	assert stored(folder) == []


def test_without_any_app_secret_everything_is_refused(tmp_path):
	folder = DataFolder(tmp_path / "bare")
	folder.opened().__enter__().close()
	with Listener(folder.open) as listener:
		connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=10)
		connection.request("POST", "/webhook", BODY, sign(BODY, ""))
		assert connection.getresponse().status == 403


def test_a_body_over_3_mb_is_refused_by_its_length_alone(call, folder):
	assert call("POST", headers={"Content-Length": str(MAX_BYTES + 1)})[0] == 413
	body = b" " * (MAX_BYTES + 1)
	assert call("POST", body=body, headers=sign(body))[0] == 413
	assert stored(folder) == []


def test_a_body_of_3_mb_is_taken(call):
	body = BODY.ljust(MAX_BYTES)
	assert call("POST", body=body, headers=sign(body))[0] == 200


def test_a_body_of_unknown_length_is_refused(call):
	assert call("POST", body=iter([BODY]), headers=sign(BODY))[0] == 411


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/", 404), ("PUT", "/webhook", 405)])
def test_other_addresses_and_methods_are_refused(call, method, path, status):
	assert call(method, path)[0] == status


def test_a_post_that_cannot_be_stored_is_answered_500_and_the_next_one_is_taken(call, folder, monkeypatch):
	from whatsapp_integration.services import webhooks

	with monkeypatch.context() as patch:
		patch.setattr(webhooks, "receive", lambda *args: 1 / 0)
		assert call("POST", body=BODY, headers=sign(BODY))[:2] == (500, b"")
	assert call("POST", body=BODY, headers=sign(BODY))[0] == 200
	assert len(stored(folder)) == 1


def test_posts_at_once_are_all_stored(call, folder):
	bodies = [BODY + b" " * n for n in range(40)]
	statuses = []
	threads = [
		threading.Thread(
			target=lambda body: statuses.append(call("POST", body=body, headers=sign(body))[0]), args=[body]
		)
		for body in bodies
	]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join()
	assert statuses == [200] * 40
	assert len(stored(folder)) == 40


def test_a_taken_port_is_an_oserror(listener, folder):
	with pytest.raises(OSError, match="in use"):
		Listener(folder.open, port=listener.port)
