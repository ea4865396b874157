import threading

import pytest

from whatsapp_integration.cli.data import DataFolder
from whatsapp_integration.cli.engine import Engine
from whatsapp_integration.cli.waiting import wait_for
from whatsapp_integration.core.events import StatusChanged
from whatsapp_integration.core.messages import Text
from whatsapp_integration.senders import memory
from whatsapp_integration.services import inbox, outbox
from whatsapp_integration.services import worker as worker_module
from whatsapp_integration.services.dispatcher import Dispatcher
from whatsapp_integration.store import leases, messages


@pytest.fixture
def folder(data):
	folder = DataFolder(data)
	with folder.opened() as host:
		host.add_device("mem", mode="Memory")
	return folder


def send(host, text="hello"):
	receipt = outbox.send(host, outbox.SendRequest(Text(text), "+201001234567", "mem"))
	host.db.commit()
	return receipt.name


def test_a_queued_message_is_sent_and_the_change_is_told(folder):
	with Engine(folder) as engine:
		host = engine.open_host()
		name = send(host)
		assert wait_for(lambda: messages.get(host.db, [name])[name]["status"] == "Sent", 10, engine.changed)
		host.close()


def test_a_stopped_engine_has_given_its_leases_back(folder):
	with Engine(folder) as engine, folder.opened() as host:
		assert wait_for(
			lambda: host.db.sql("SELECT 1 FROM `tabWhatsApp Lease` WHERE `lease_owner` <> ''"), 10
		)
	assert not engine.error
	with folder.opened() as host:
		assert leases.acquire(host.db, "dispatch:mem", "another", now=1, expires=2, stamp=host.now())


def test_it_stops_from_any_state_and_leaves_no_thread(folder):
	before = threading.active_count()
	engine = Engine(folder)
	engine.start()
	engine.stop()
	assert threading.active_count() == before


def test_a_part_that_fails_ends_the_whole_engine_and_is_named(folder, monkeypatch):
	monkeypatch.setattr(worker_module.media, "fetch_due", lambda host, owner, **options: 1 / 0)
	engine = Engine(folder)
	engine.start()
	assert engine.stopped.wait(10)
	engine.stop()
	assert isinstance(engine.error, ZeroDivisionError)


def test_a_busy_database_is_tried_again(folder, monkeypatch):
	import sqlite3

	calls = []

	def busy_once(host, owner, **options):
		calls.append(1)
		if len(calls) == 1:
			raise sqlite3.OperationalError("database is locked")
		return 0

	monkeypatch.setattr(worker_module.media, "fetch_due", busy_once)
	with Engine(folder) as engine:
		assert wait_for(lambda: len(calls) > 1, 10)
	assert engine.error is None


def test_waiting_ends_at_its_time_limit_with_the_last_word():
	asked = []
	assert wait_for(lambda: asked.append(1), 0.05) is None
	assert asked
	assert wait_for(lambda: "found", 0) == "found"


def test_a_failure_told_before_the_answer_came_stays(folder):
	"""Under load the webhook of a refused message is applied while its row is still Sending."""
	memory.clear_mailboxes()

	def fail_first(message):
		with folder.opened() as other:
			told = StatusChanged(
				message_id="mem.1",
				status="Failed",
				callback_data=message.name,
				error_code=131026,
			)
			inbox.apply(other, [told], device="mem")
			other.db.commit()

	memory.mailbox("mem").script = fail_first
	with folder.opened() as host:
		name = send(host)
		Dispatcher(host).drain(seconds=5)
		row = messages.get(host.db, [name], "*")[name]
	memory.clear_mailboxes()
	assert (row["status"], row["error_code"], row["remote_id"]) == ("Failed", "131026", "mem.1")
