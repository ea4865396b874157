"""The whatsapp-worker with played sessions: what they tell is kept, and no part of it ends alone."""

from __future__ import annotations

import socket
import sqlite3
import threading
from contextlib import contextmanager
from functools import partial

import pytest

from whatsapp_integration.cli.waiting import wait_for
from whatsapp_integration.core.config import Pacing
from whatsapp_integration.core.events import DeviceStateChanged, MediaInfo, MessageReceived
from whatsapp_integration.core.messages import Text
from whatsapp_integration.host.local import LocalHost
from whatsapp_integration.services import inbox, outbox
from whatsapp_integration.services import keeper as keeper_room
from whatsapp_integration.services import worker as room
from whatsapp_integration.services.keeper import Keeper
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.services.worker import Worker
from whatsapp_integration.store.keys import DEVICE, LEASE, MESSAGE, WORKER
from whatsapp_integration.whatsapp_web.states import Ending

SECONDS = 20
TO = "+201001234567"


class FakeSession:
	"""Connects when it is started, and takes every message."""

	def __init__(self, device, number, profile, config, tell, *, is_linking, pairing_phone):
		self.device, self.profile, self.tell = device, profile, tell
		self.is_linking, self.is_ready, self.is_idle, self.is_starting = is_linking, False, True, True
		self.state, self.ending, self.started = "Initializing", None, 0.0
		self.sent, self.checked, self.files = [], [], {}

	@property
	def is_over(self):
		return self.ending is not None

	def start(self):
		self.profile.mkdir(parents=True, exist_ok=True)
		self.is_ready, self.is_starting, self.state = True, False, "Connected"
		self.tell([DeviceStateChanged(state="Connected")])

	def call(self, kind, args, *, limit, file=""):
		self.sent.append(args)
		return {"ack": 1, "wid": f"{args['to']}@c.us", "lid": "", "result": "OK"}

	def check(self, sent):
		self.checked += sent

	def download(self, chat, message_id):
		return self.files[chat, message_id]

	def memory(self):
		return 5_000_000

	def stop(self, patience=0):
		self.is_ready, self.ending = False, Ending("Disconnected")

	def join(self, seconds):
		pass

	kill = join


class World:
	"""A data folder with a linked device, and the workers on it."""

	def __init__(self, folder):
		self.folder = folder
		self.sessions: dict[str, FakeSession] = {}
		self.errors: list[tuple[str, str]] = []
		self.worker = Worker(self.open_host)
		self.host = LocalHost(folder, overrides={"pacing": Pacing(typing_speed=0)})
		self.add("Sales")

	def add(self, name):
		values = {"mode": "Unofficial", "wanted_state": "Connected", "linked_host": socket.gethostname()}
		self.host.add_device(name, **values)
		keeper_room._profile(self.host.settings().web, name).mkdir(parents=True)

	@contextmanager
	def open_host(self):
		host = LocalHost(self.folder, overrides={"pacing": Pacing(typing_speed=0)})
		host.log_error = lambda title, text: self.errors.append((title, text))
		try:
			yield host
		finally:
			host.close()

	def open_session(self, *args, **kwargs):
		session = FakeSession(*args, **kwargs)
		self.sessions[session.device] = session
		return session

	def queue(self, *texts):
		requests = [SendRequest(Text(text), to=TO, device="Sales") for text in texts]
		receipts = outbox.enqueue(self.host, requests)
		self.host.db.commit()
		return [receipt.name for receipt in receipts]

	def rows(self, doctype=MESSAGE):
		rows = self.host.db.sql(f"SELECT * FROM `tab{doctype}` ORDER BY `creation`", as_dict=True)
		self.host.db.rollback()
		return rows

	def state(self, name="Sales"):
		return {row["name"]: row["status"] for row in self.rows(DEVICE)}.get(name)

	def up(self) -> FakeSession:
		self.worker.start()
		self.wait(lambda: self.state() == "Connected")
		return self.sessions["Sales"]

	def wait(self, condition):
		assert wait_for(condition, SECONDS), f"{self.worker.error} {self.errors}"

	def attempts(self):
		return {row["body"]: (row["status"], row["attempts"]) for row in self.rows()}

	def bodies(self):
		return [row["body"] for row in self.rows()]


@pytest.fixture
def world(monkeypatch, tmp_path):
	for name in ("TICK_SECONDS", "DISPATCH_SECONDS", "MEDIA_SECONDS", "HOUSEKEEPING_SECONDS"):
		monkeypatch.setattr(room, name, 0.02)
	monkeypatch.setattr(keeper_room, "free_memory", lambda: 8_000_000_000)
	world = World(tmp_path)
	monkeypatch.setattr(room, "Keeper", partial(Keeper, open_session=world.open_session))
	yield world
	world.worker.stop()
	world.host.close()


def received(body="Salam", **values) -> MessageReceived:
	values = {"message_id": f"3EB0{body}", "chat_id": "201001234567", "phone": "201001234567"} | values
	return MessageReceived(sender_id="201001234567", body=body, at=1_795_000_000, **values)


def break_apply(monkeypatch, hurt, times=1):
	"""Have the inbox fail: `hurt(host, events)` raises or not, the first `times` that it is asked to."""
	left, apply = [times], inbox.apply

	def broken(host, events, **kwargs):
		if left[0] and any(isinstance(event, MessageReceived) and event.body == "bad" for event in events):
			left[0] -= 1
			hurt(host)
		return apply(host, events, **kwargs)

	monkeypatch.setattr(room.inbox, "apply", broken)


def fail(error):
	def hurt(host):
		raise error

	return hurt


# -- sending --


def test_messages_leave_through_the_session_in_their_order(world):
	names = world.queue("1", "2", "3")
	session = world.up()
	world.wait(lambda: {row["status"] for row in world.rows()} == {"Sent"})
	assert [args["content"]["body"] for args in session.sent] == ["1", "2", "3"]
	ids = {row["name"]: row["remote_id"] for row in world.rows()}
	assert [args["id"] for args in session.sent] == [ids[name] for name in names]


def test_messages_wait_while_the_phone_is_not_connected(world):
	session = world.up()
	session.is_ready = False
	(name,) = world.queue("later")
	world.host.add_device("Other", mode="Memory")
	outbox.send(world.host, SendRequest(Text("now"), to=TO, device="Other"))
	world.host.db.commit()
	world.wait(lambda: world.attempts() == {"later": ("Queued", 0), "now": ("Sent", 1)})
	session.is_ready = True
	world.wait(lambda: world.attempts()["later"] == ("Sent", 1))


# -- what it says of itself --


def test_a_worker_says_what_it_holds_and_leaves_no_trace(world):
	world.up()
	world.wait(lambda: len(world.rows(WORKER)) == 1)
	(row,) = world.rows(WORKER)
	assert (row["host"], row["name"]) == (socket.gethostname(), world.worker.owner)
	world.worker.stop()
	assert world.rows(WORKER) == []
	owners = {row["name"]: row["lease_owner"] for row in world.rows(LEASE)}
	assert owners.keys() >= {"session:Sales", "dispatch:Sales"}
	assert set(owners.values()) == {""}
	assert world.worker.error is None


def test_the_last_word_of_a_session_is_written_before_the_worker_ends(world):
	session = world.up()
	stop = session.stop

	def tell_and_stop(patience=0):
		session.tell([received("goodbye")])
		stop(patience)

	session.stop = tell_and_stop
	world.worker.stop()
	assert world.bodies() == ["goodbye"]
	assert world.state() == "Disconnected"
	assert world.rows(DEVICE)[0]["wanted_state"] == "Connected"


# -- what sessions tell --


def test_what_is_told_is_applied_in_its_order(world):
	session = world.up()
	for state in ("Reconnecting", "Authenticated", "Reconnecting", "Degraded"):
		session.tell([DeviceStateChanged(state=state)])
	session.tell([received("1"), received("2")])
	world.wait(lambda: len(world.rows()) == 2)
	assert world.state() == "Degraded"


def test_one_event_that_can_not_be_applied_holds_up_no_other(world, monkeypatch):
	break_apply(monkeypatch, fail(ValueError("strange")), times=2)
	session = world.up()
	session.tell([received("1"), received("bad"), received("2")])
	world.wait(lambda: world.bodies() == ["1", "2"])
	((title, text),) = world.errors
	assert "Sales" in title
	assert "strange" in text
	assert world.worker.error is None


def test_an_event_that_comes_alone_and_can_not_be_applied_ends_no_worker(world, monkeypatch):
	break_apply(monkeypatch, fail(ValueError("strange")), times=9)
	session = world.up()
	session.tell([received("bad")])
	session.tell([received("good")])
	wait_for(lambda: world.bodies() == ["good"] or world.worker.stopped.is_set(), SECONDS)
	assert world.worker.error is None
	assert world.bodies() == ["good"]
	assert len(world.errors) == 1


def test_what_a_deleted_device_still_tells_ends_no_worker(world):
	world.add("Support")
	session = world.up()
	world.wait(lambda: world.state("Support") == "Connected")
	deleted = world.sessions["Support"]
	world.host.db.sql(f"DELETE FROM `tab{DEVICE}` WHERE `name` = 'Support'")
	world.host.db.commit()
	deleted.tell([DeviceStateChanged(state="Reconnecting")])
	deleted.tell([received("to nobody")])
	session.tell([received("good")])
	wait_for(lambda: "good" in world.bodies() or world.worker.stopped.is_set(), SECONDS)
	assert world.worker.error is None
	assert world.bodies() == ["good"]


def test_a_busy_database_is_asked_again(world, monkeypatch):
	break_apply(monkeypatch, fail(sqlite3.OperationalError("database is locked")), times=3)
	session = world.up()
	session.tell([received("bad")])
	session.tell([received("good")])
	world.wait(lambda: world.bodies() == ["bad", "good"])
	assert world.errors == []


def test_a_lost_connection_loses_nothing_that_was_told(world, monkeypatch):
	break_apply(monkeypatch, lambda host: host.db._connection.close(), times=2)
	session = world.up()
	session.tell([received("bad"), received("good")])
	world.wait(lambda: sorted(world.bodies()) == ["bad", "good"])
	assert world.errors == []


def test_a_database_that_is_busy_while_the_worker_stops_is_asked_again_too(world, monkeypatch):
	break_apply(monkeypatch, fail(sqlite3.OperationalError("database is locked")))
	session = world.up()
	stop = session.stop

	def tell_and_stop(patience=0):
		session.tell([received("bad")])
		stop(patience)

	session.stop = tell_and_stop
	gate, attempt = threading.Event(), world.worker._attempt

	def slow(host, work):
		if threading.current_thread().name == "worker-inbox":
			gate.wait(SECONDS)
		return attempt(host, work)

	monkeypatch.setattr(world.worker, "_attempt", slow)
	done = world.worker._keeper_done
	monkeypatch.setattr(done, "set", lambda: (threading.Event.set(done), gate.set()))
	world.worker.stop()
	assert world.bodies() == ["bad"]


def test_after_an_outage_the_statuses_of_sent_messages_are_asked_for(world):
	world.queue("1")
	session = world.up()
	world.wait(lambda: [row["status"] for row in world.rows()] == ["Sent"])
	(row,) = world.rows()
	session.tell([DeviceStateChanged(state="Reconnecting")])
	session.tell([DeviceStateChanged(state="Connected")])
	world.wait(lambda: session.checked)
	assert session.checked == [("201001234567", row["remote_id"])]


def test_files_of_linked_devices_are_fetched_by_their_session(world):
	session = world.up()
	session.files["201001234567@c.us", "3EB0photo"] = (b"PNG", "image/png")
	info = MediaInfo("201001234567@c.us/3EB0photo", "image/png")
	session.tell([received("photo", kind="image", media=info)])
	world.wait(lambda: [row["media_state"] for row in world.rows()] == ["Stored"])
	file = world.host.open_file(world.rows()[0]["attachment"])
	with open(file.path, "rb") as content:
		assert content.read() == b"PNG"


# -- how it ends --


@pytest.mark.parametrize("part", ["_beat", "_dispatch", "_media", "_keep_house", "_apply"])
def test_a_part_that_fails_ends_the_whole_worker_and_is_named(world, monkeypatch, part):
	def fail(*args):
		raise ZeroDivisionError("bug")

	monkeypatch.setattr(Worker, part, fail)
	world.worker = Worker(world.open_host)
	world.worker.start()
	assert world.worker.stopped.wait(SECONDS)
	world.worker.stop()
	assert isinstance(world.worker.error, ZeroDivisionError)
	assert world.rows(WORKER) == []


@pytest.mark.parametrize("part", ["keeper", "inbox", "dispatch", "media", "housekeeping"])
def test_a_part_without_a_database_ends_the_whole_worker(world, part):
	open_host = world.worker._open_host

	@contextmanager
	def refuse():
		if threading.current_thread().name == f"worker-{part}":
			raise ConnectionError("no database")
		with open_host() as host:
			yield host

	world.worker._open_host = refuse
	world.worker.start()
	assert world.worker.stopped.wait(SECONDS)
	for thread in world.worker._threads:
		thread.join(SECONDS)
	left = [thread.name for thread in world.worker._threads if thread.is_alive()]
	world.worker._told.put(None)  # so that a worker which hangs ends with this test
	assert left == []
	assert isinstance(world.worker.error, ConnectionError)


def test_a_worker_that_is_told_to_end_at_once_ends(world):
	world.worker.start()
	world.worker.end()
	world.worker.stop()
	assert world.worker.error is None
	assert world.rows(WORKER) == []


def test_waking_a_part_that_is_none_does_no_harm(world):
	world.up()
	world.worker.wake("webhooks")
	world.worker.wake("media")
	assert world.worker.error is None
