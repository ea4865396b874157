"""Faults on demand: by the end of the number and by switch."""

from __future__ import annotations

import time

import pytest
import requests

from whatsapp_integration.sandbox.faults import SUFFIXES

from .conftest import error_of


def number(suffix: str) -> str:
	return f"+20100123{suffix}"


def statuses(receiver) -> list[str]:
	return [status["status"] for status in receiver.statuses()]


@pytest.mark.parametrize(("suffix", "code"), [("0008", 131056), ("0009", 130429), ("0011", 190)])
def test_some_numbers_are_refused_at_once(graph, box, suffix, code):
	assert error_of(graph.send(number(suffix)))["code"] == code
	assert box.messages() == []


@pytest.mark.parametrize(("suffix", "code"), [("0001", 131026), ("0010", 131049)])
def test_some_numbers_fail_after_they_were_accepted(graph, receiver, settle, suffix, code):
	assert graph.send(number(suffix)).status_code == 200
	settle()
	(status,) = receiver.statuses()
	assert (status["status"], [error["code"] for error in status["errors"]]) == ("failed", [code])
	assert set(status["errors"][0]) == {"code", "title", "message", "error_data", "href"}


def test_number_0002_fails_once_and_then_works(graph):
	assert error_of(graph.send(number("0002")))["code"] == 131000
	assert graph.send(number("0002")).status_code == 200


def test_number_0003_is_accepted_but_the_answer_never_comes(graph, box, receiver, settle):
	with pytest.raises(requests.ReadTimeout):
		graph.send(number("0003"), timeout=0.3)
	settle()
	assert len(box.messages()) == 1
	assert statuses(receiver) == ["sent", "delivered", "read"]


def test_number_0004_answers_a_page_instead_of_json_and_accepts_nothing(graph, box):
	reply = graph.send(number("0004"))
	assert (reply.status_code, reply.headers["Content-Type"]) == (502, "text/html")
	assert box.messages() == []


def test_number_0005_answers_late(graph, box):
	begin = time.monotonic()
	assert graph.send(number("0005")).status_code == 200
	assert time.monotonic() - begin >= box.state.settings.slow_seconds


def test_number_0006_gets_every_webhook_three_times(graph, receiver, settle):
	graph.send(number("0006"))
	settle()
	assert sorted(statuses(receiver)) == ["delivered"] * 3 + ["read"] * 3 + ["sent"] * 3
	assert len(set(receiver.posts)) == 3


def test_number_0007_gets_the_webhooks_in_the_wrong_order(graph, box, receiver, settle):
	graph.send(number("0007"))
	settle()
	assert statuses(receiver) == ["read", "delivered", "sent"]
	assert box.messages()[0]["status"] == "read"


def test_number_0012_is_accepted_and_the_connection_breaks(graph, box, receiver, settle):
	with pytest.raises(requests.ConnectionError):
		graph.send(number("0012"))
	settle()
	assert len(box.messages()) == 1
	assert statuses(receiver) == ["sent", "delivered", "read"]


def test_number_0013_is_accepted_and_no_webhook_ever_comes(graph, receiver, settle):
	assert graph.send(number("0013")).status_code == 200
	settle()
	assert receiver.posts == []


def test_any_known_code_can_be_asked_for_by_number(graph, receiver, settle):
	assert error_of(graph.send("+15099131031"))["code"] == 131031
	assert error_of(graph.send("+15099000368"))["code"] == 368
	assert graph.send("+15098131050").status_code == 200
	settle()
	assert [status["errors"][0]["code"] for status in receiver.statuses()] == [131050]


def test_numbers_behave_when_the_table_is_switched_off(graph, box):
	box.configure(suffix_faults=False)
	assert [graph.send(number(suffix)).status_code for suffix in SUFFIXES] == [200] * len(SUFFIXES)


def test_a_switched_fault_comes_so_many_times_and_goes(graph, box):
	box.fault(code=131016, times=2)
	assert [graph.send().status_code for _ in range(3)] == [500, 500, 200]


def test_a_switched_fault_can_be_for_one_recipient(graph, box):
	box.fault(kind="server_error", to="+201001234567")
	assert graph.send("+201001234567").status_code == 502
	assert graph.send("+201001234568").status_code == 200
	box.clear_faults()
	assert graph.send("+201001234567").status_code == 200


def test_a_switched_fault_can_be_for_other_calls(graph, box):
	box.fault(code=131000, on="media", times=1)
	assert error_of(graph.upload(b"x", "image/png"))["code"] == 131000
	assert graph.send().status_code == 200
	assert graph.upload(b"x", "image/png").status_code == 200


def test_a_fault_of_probability_zero_never_comes(graph, box):
	box.fault(code=131016, probability=0)
	assert graph.send().status_code == 200


@pytest.mark.parametrize(
	"data", [{}, {"kind": "nonsense"}, {"code": 1, "surprise": 1}, {"code": 1, "on": "x"}]
)
def test_a_fault_that_makes_no_sense_is_refused(box, data):
	reply = requests.post(f"{box.url}/sandbox/faults", json=data, timeout=5)
	assert reply.status_code == 400 and reply.json()["error"]


def test_faults_are_listed_switched_and_cleared_over_http(box):
	url = f"{box.url}/sandbox/faults"
	requests.post(url, json={"code": 131016, "times": 1}, timeout=5)
	listed = requests.get(url, timeout=5).json()
	assert [fault["code"] for fault in listed["switched"]] == [131016]
	assert set(listed["suffixes"]) == set(SUFFIXES)
	requests.delete(url, timeout=5)
	assert requests.get(url, timeout=5).json()["switched"] == []
