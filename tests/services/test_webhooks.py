"""Who may post for whom."""

import hashlib
import hmac
import json

import pytest

from whatsapp_integration.host.local import LocalHost
from whatsapp_integration.services import webhooks


@pytest.fixture
def host(tmp_path):
	secrets = {"Sales": {"app_secret": "sales"}, "Support": {"app_secret": "support"}}
	host = LocalHost(tmp_path, secrets=secrets)
	host.add_device("Sales", phone_number_id="1", waba_id="10")
	host.add_device("Support", phone_number_id="2", waba_id="20")
	yield host
	host.close()


def post(host: LocalHost, secret: str, payload: dict) -> None:
	body = json.dumps(payload).encode()
	signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
	webhooks.receive(host, body, signature)
	host.db.commit()


def payload(waba_id: str, number_id: str) -> dict:
	change = {"field": "messages", "value": {"metadata": {"phone_number_id": number_id}}}
	return {"entry": [{"id": waba_id, "changes": [change]}]}


def test_each_app_posts_for_its_own_lines(host):
	post(host, "sales", payload("10", "1"))
	post(host, "support", payload("20", "2"))
	assert webhooks.process(host, "test") == 2


@pytest.mark.parametrize(("waba_id", "number_id"), [("20", "2"), ("10", "2"), ("20", "1")])
def test_an_app_can_not_speak_for_the_line_of_another(host, waba_id, number_id):
	with pytest.raises(webhooks.Forbidden, match="another app"):
		post(host, "sales", payload(waba_id, number_id))


def test_without_any_app_secret_every_post_is_refused(tmp_path):
	host = LocalHost(tmp_path)
	with pytest.raises(webhooks.Forbidden, match="No app secret"):
		post(host, "", payload("10", "1"))
	host.close()
