"""The control API and the server itself."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from whatsapp_integration.sandbox import defaults
from whatsapp_integration.sandbox.server import Sandbox, describe

CUSTOMER = "+201001234567"


def call(box, method: str, name: str, **kwargs) -> requests.Response:
	return requests.request(method, f"{box.url}/sandbox/{name}", timeout=10, **kwargs)


def test_accepted_messages_are_listed_with_callback_data(graph, box, clock):
	message_id = graph.send(biz_opaque_callback_data="ROW-1").json()["messages"][0]["id"]
	(message,) = call(box, "GET", "messages", params={"callback_data": "ROW-1"}).json()
	assert message["id"] == message_id
	assert (message["to"], message["wa_id"], message["type"]) == (CUSTOMER, "201001234567", "text")
	assert (message["callback_data"], message["message"], message["time"]) == (
		"ROW-1",
		{"body": "hello"},
		clock.now,
	)
	assert call(box, "GET", "messages", params={"to": "+20999999999"}).json() == []


def test_a_message_sent_twice_shows_as_a_duplicate(graph, box):
	for row in ("ROW-1", "ROW-2", "ROW-1"):
		graph.send(biz_opaque_callback_data=row)
	stats = box.stats()
	assert (stats["accepted"], stats["duplicates"]) == (3, 1)


def test_refusals_and_webhooks_are_counted(graph, box, settle):
	graph.send("nonsense")
	graph.send()
	settle()
	stats = call(box, "GET", "stats").json()
	assert stats["refused"] == {"131009": 1}
	assert stats["statuses"] == {"sent": 1, "delivered": 1, "read": 1}
	assert (stats["webhooks_sent"], stats["webhooks_acknowledged"], stats["webhooks_pending"]) == (3, 3, 0)


def test_settings_change_while_it_runs_and_wrong_ones_are_refused(box):
	assert call(box, "POST", "config", json={"latency": 0.5}).json()["latency"] == 0.5
	wrong = call(box, "POST", "config", json={"latencyy": 1})
	assert wrong.status_code == 400 and wrong.json()["error"].startswith(
		"unknown setting latencyy; there are: "
	)
	assert call(box, "POST", "config", json={"mps": "many"}).json() == {"error": "mps must be int"}
	assert call(box, "POST", "config", json={"window": "ajar"}).status_code == 400
	with pytest.raises(ValueError, match="unknown setting"):
		Sandbox(nonsense=1)


def test_a_callback_url_subscribes_unless_told_otherwise(box):
	with Sandbox() as bare:
		assert bare.control.config()["subscribed"] is False
	assert box.control.config()["subscribed"] is True
	assert Sandbox(callback_url="http://x/", subscribed=False).control.config()["subscribed"] is False


def test_a_reply_is_made_over_http(box, receiver):
	reply = call(box, "POST", "reply", json={"from": CUSTOMER, "text": "hello"})
	assert (reply.status_code, reply.json()["type"]) == (200, "text")
	receiver.wait_for(1)


@pytest.mark.parametrize(
	"data",
	[
		{},
		{"from": CUSTOMER},
		{"from": CUSTOMER, "text": "a", "location": {}},
		{"text": "a"},
		{"from": CUSTOMER, "text": "a", "to": "nobody"},
		{"from": CUSTOMER, "location": {"latitude": 1}},
		{"from": CUSTOMER, "button": "nothing"},
		{"from": CUSTOMER, "revoke": "wamid.none"},
		{"from": CUSTOMER, "image": {"data": "%%", "mime_type": "image/png"}},
	],
)
def test_a_reply_that_makes_no_sense_is_refused_and_leaves_no_message(box, data):
	reply = call(box, "POST", "reply", json=data)
	assert reply.status_code == 400 and reply.json()["error"]
	assert box.messages(incoming=True) == []


def test_another_web_page_may_not_use_the_controls(box):
	reply = call(box, "POST", "reset", headers={"Origin": "https://evil.example"})
	assert (reply.status_code, reply.json()) == (403, {"error": "another web page may not do that"})
	assert call(box, "POST", "reset", headers={"Origin": box.url}).status_code == 200


def test_an_unknown_control_names_the_known_ones(box):
	reply = call(box, "GET", "nonsense")
	assert reply.status_code == 404 and "POST /sandbox/reply" in reply.json()["error"]


def test_waiting_for_something_ends_when_it_happens_or_time_is_up(box):
	threading.Timer(0.05, lambda: box.reply(CUSTOMER, text="hi")).start()
	assert box.wait_for(lambda: box.messages(incoming=True), timeout=5)
	assert not box.wait_for(lambda: False, timeout=0.01)


def test_two_numbers_of_one_account_keep_their_chats_apart(graph, box, receiver):
	box.configure(other_numbers={"222": "+201111111111"})
	body = {"messaging_product": "whatsapp", "to": CUSTOMER, "type": "text", "text": {"body": "x"}}
	assert graph.post("222/messages", json=body).status_code == 200
	box.reply(CUSTOMER, text="to the second", to="222")
	receiver.wait_for(4)
	assert {value["metadata"]["phone_number_id"] for value in receiver.values()} == {"222"}


def test_what_a_person_types_into_the_form_is_told(box):
	told = describe(box)
	for value in (box.url, defaults.PHONE_NUMBER_ID, defaults.WABA_ID, defaults.ACCESS_TOKEN, defaults.APP_SECRET, defaults.VERIFY_TOKEN):  # fmt: skip
		assert value in told


def test_in_the_foreground_it_tells_its_address_and_ends_on_sigterm(root):
	code = "from whatsapp_integration.sandbox.server import run; run(port=0)"
	with subprocess.Popen(
		[sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True
	) as process:
		try:
			url = process.stdout.readline().split()[-1]
			assert requests.get(f"{url}sandbox/config", timeout=10).json()["auto_read"] is False
		finally:
			process.terminate()
		assert process.wait(timeout=10) == 0


def test_a_taken_port_is_an_error_at_once(box):
	with pytest.raises(OSError):
		Sandbox(port=urlsplit(box.url).port).start()


def connect(box) -> socket.socket:
	parts = urlsplit(box.url)
	return socket.create_connection((parts.hostname, parts.port), timeout=10)


def test_a_connection_serves_many_requests_and_late_bytes(box):
	with connect(box) as sock:
		reader = sock.makefile("rb")
		for piece in (
			b"GET /sandbox/stats HT",
			b"TP/1.1\r\nHost: x\r\n",
			b"\r\nGET /sandbox/stats HTTP/1.1\r\n\r\n",
		):
			sock.sendall(piece)
		for _ in range(2):
			assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
			headers = http.client.parse_headers(reader)
			assert "accepted" in json.loads(reader.read(int(headers["Content-Length"])))


@pytest.mark.parametrize(
	("head", "status"),
	[
		(b"nonsense\r\n\r\n", b"400"),
		(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
		(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
		(b"POST / HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", b"413"),
	],
)
def test_requests_it_can_not_read_are_refused_and_the_connection_closes(box, head, status):
	with connect(box) as sock:
		sock.sendall(head)
		answer = sock.makefile("rb").read()
	assert answer.startswith(b"HTTP/1.1 " + status)


def test_late_answers_do_not_wait_for_each_other(graph, box):
	box.configure(latency=0.2, callback_url="")
	begin = time.monotonic()
	with ThreadPoolExecutor(32) as pool:
		codes = list(pool.map(lambda n: graph.send(f"+2010012345{n:02}").status_code, range(32)))
	assert codes == [200] * 32
	assert 0.2 <= time.monotonic() - begin < 32 * 0.2 / 2
