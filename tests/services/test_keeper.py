"""The keeper makes true what the rows want; sessions and the clock are played."""

from __future__ import annotations

import socket
from dataclasses import replace
from types import SimpleNamespace

import pytest

from whatsapp_integration.core.config import DeviceConfig
from whatsapp_integration.core.errors import InvalidRequest
from whatsapp_integration.core.events import DeviceStateChanged
from whatsapp_integration.host.base import Settings
from whatsapp_integration.host.local import LocalHost
from whatsapp_integration.services import devices as device_service
from whatsapp_integration.services import inbox
from whatsapp_integration.services import keeper as room
from whatsapp_integration.services.keeper import Keeper
from whatsapp_integration.store import devices, leases, workers
from whatsapp_integration.store.bulk import micros
from whatsapp_integration.store.keys import DEVICE
from whatsapp_integration.whatsapp_web.states import Ending, blocked, logged_out

HERE = socket.gethostname()
GB = 1_000_000_000
LOST = Ending("Reconnecting", "The browser was lost.", retries=True)


class Clock:
	"""What both the host and the keeper read."""

	def __init__(self):
		self.now = 1_795_000_000.0

	def time(self):
		return self.now

	monotonic = time


class Host(LocalHost):
	clock: Clock

	def time(self):
		return self.clock.now


class FakeSession:
	"""Does what the test says, and keeps what it was asked."""

	def __init__(self, device, number, profile, config, tell, *, is_linking, pairing_phone, clock, calls):
		self.device, self.number, self.profile, self.tell = device, number, profile, tell
		self.is_linking, self.pairing_phone = is_linking, pairing_phone
		self.is_ready, self.is_idle, self.ending = False, True, None
		self.is_starting = True
		self.state = "Initializing"
		self.started = clock.now
		self.bytes = 400_000_000
		self.calls = calls

	@property
	def is_over(self):
		return self.ending is not None

	def start(self):
		self.profile.mkdir(parents=True, exist_ok=True)
		self.calls.append("start")

	def stop(self, patience=0):
		self.calls.append(f"stop {patience:g}")

	def join(self, seconds):
		self.calls.append("join")

	def kill(self):
		self.calls.append("kill")

	def log_out(self):
		self.calls.append("log_out")

	def memory(self):
		self.calls.append("memory")
		return self.bytes

	# -- for the tests --

	def connect(self):
		self.is_ready, self.is_starting, self.is_linking, self.state = True, False, False, "Connected"

	def end(self, ending=LOST):
		self.is_ready, self.is_starting, self.ending = False, False, ending


class World:
	"""A host with devices, a keeper on it, and the sessions that it opened."""

	def __init__(self, folder, clock):
		self.clock, self.folder = clock, folder
		self.host = self.open_host()
		self.sessions: list[FakeSession] = []
		self.told: list[tuple[str, DeviceStateChanged]] = []
		self.calls: list[str] = []
		self.keeper = self.make_keeper("worker-1")
		workers.beat(
			self.host.db, "worker-1", {"alive_until": micros(clock.now + 10**9)}, now=self.host.now()
		)
		self.host.db.commit()

	def open_host(self):
		host = Host(self.folder, settings=Settings())
		host.clock = self.clock
		return host

	def make_keeper(self, owner):
		return Keeper(self.host, owner, self.tell, self.open_session)

	def tell(self, device, events):
		"""As the worker does."""
		self.told += [(device, event) for event in events]
		inbox.apply(self.host, events, device=device)
		self.host.db.commit()

	def open_session(self, *args, **kwargs):
		session = FakeSession(*args, **kwargs, clock=self.clock, calls=self.calls)
		self.sessions.append(session)
		return session

	def add(self, name="Sales", *, has_profile=True, **values):
		row = {"mode": "Unofficial", "wanted_state": "Connected", "linked_host": HERE}
		self.host.add_device(name, **(row | values))
		if has_profile:
			room._profile(self.host.settings().web, name).mkdir(parents=True)

	def profile(self, name="Sales"):
		return room._profile(self.host.settings().web, name)

	def row(self, name="Sales"):
		(row,) = self.host.db.sql(f"SELECT * FROM `tab{DEVICE}` WHERE `name` = %s", [name], as_dict=True)
		return row

	def set(self, name="Sales", **values):
		devices.set_values(self.host.db, name, **values)
		self.host.db.commit()

	def tick(self, seconds=1.0):
		self.clock.now += seconds
		self.keeper.tick()

	@property
	def session(self) -> FakeSession:
		return self.sessions[-1]

	def up(self, name="Sales", **values) -> FakeSession:
		"""A device that is connected."""
		self.add(name, **values)
		self.tick()
		self.session.connect()
		self.tell(name, [DeviceStateChanged(state="Connected")])
		self.tick()
		self.calls.clear()
		self.told.clear()
		return self.session

	def states(self):
		return [event.state for _device, event in self.told]


@pytest.fixture
def world(monkeypatch, tmp_path):
	clock = Clock()
	monkeypatch.setattr(room, "time", SimpleNamespace(monotonic=clock.monotonic))
	monkeypatch.setattr(room, "free_memory", lambda: 8 * GB)
	monkeypatch.setattr(room.random, "uniform", lambda low, high: 1.0)
	world = World(tmp_path, clock)
	yield world
	world.host.close()


# -- what is wanted --


def test_a_linked_device_that_is_wanted_gets_a_session(world):
	world.add(phone_number="+201001234567")
	world.tick()
	session = world.session
	assert (session.device, session.number, session.profile) == ("Sales", "+201001234567", world.profile())
	assert not session.is_linking
	assert world.calls == ["start"]


@pytest.mark.parametrize(
	"values",
	[
		{"wanted_state": "Disconnected"},
		{"enabled": 0},
		{"mode": "Official"},
		{"status": "Blocked"},
		{"status": "Logged Out"},
	],
)
def test_what_is_not_wanted_gets_none(world, values):
	world.add(**values)
	world.tick()
	assert world.sessions == []


def test_a_paused_device_stays_linked(world):
	world.add(status="Paused")
	world.tick()
	assert world.calls == ["start"]


@pytest.mark.parametrize("values", [{"wanted_state": "Disconnected"}, {"enabled": 0}])
def test_a_session_that_is_not_wanted_any_more_ends_and_keeps_its_profile(world, values):
	session = world.up()
	world.set(**values)
	world.tick()
	assert world.calls == ["stop 0"]
	session.end(Ending("Disconnected"))
	world.tick()
	world.tick()
	assert world.states() == ["Disconnected"]
	assert world.profile().is_dir()
	assert len(world.sessions) == 1


def test_a_session_that_does_not_stop_in_time_loses_its_browser(world):
	world.up()
	world.set(wanted_state="Disconnected")
	world.tick()
	world.tick(room.STOP_SECONDS / 2)
	assert "kill" not in world.calls
	world.tick(room.STOP_SECONDS)
	assert "kill" in world.calls


def test_a_profile_that_is_not_there_any_more_can_only_be_linked_anew(world):
	world.add(has_profile=False)
	world.tick()
	assert world.sessions == []
	assert (world.row()["status"], world.row()["wanted_state"]) == ("Logged Out", "Disconnected")
	((subject, text),) = world.host.alerts
	assert "Sales" in subject
	assert "Press Link" in text
	world.tick()
	assert len(world.host.alerts) == 1


def test_a_device_whose_profile_is_on_another_machine_is_left_to_that(world):
	world.add(has_profile=False, linked_host="elsewhere")
	world.tick()
	assert (world.sessions, world.told) == ([], [])


def test_two_workers_never_hold_one_device(world):
	world.up()
	other = world.make_keeper("worker-2")
	other.tick()
	assert len(world.sessions) == 1
	assert other.find("Sales") is None


def test_a_device_of_a_worker_that_died_is_taken_over(world):
	world.up()
	other = world.make_keeper("worker-2")
	world.clock.now += room.LEASE_SECONDS + 1
	other.tick()
	assert len(world.sessions) == 2
	assert other.find("Sales") is world.session


def test_who_lost_the_lease_lets_the_session_go(world):
	session = world.up()
	world.clock.now += room.LEASE_SECONDS + 1
	assert leases.acquire(
		world.host.db,
		"session:Sales",
		"worker-2",
		now=micros(world.clock.now),
		expires=micros(world.clock.now + 600),
		stamp=world.host.now(),
	)
	world.host.db.commit()
	world.tick()
	assert world.calls == ["stop 0"]
	session.end(Ending("Disconnected"))
	world.tick()
	assert world.keeper.find("Sales") is None
	world.tick()
	assert (len(world.sessions), world.told) == (1, [])


def test_a_deleted_device_takes_its_profile_along(world):
	session = world.up()
	world.host.db.sql(f"DELETE FROM `tab{DEVICE}` WHERE `name` = 'Sales'")
	world.host.db.commit()
	world.tick()
	assert world.calls == ["stop 0"]
	world.tick(room.STOP_SECONDS + 1)
	assert "kill" in world.calls
	session.end()
	world.tick()
	assert not world.profile().exists()
	assert world.keeper.names() == []


# -- what people ask for --


def test_a_request_to_link_begins_where_no_profile_is_yet(world):
	world.add(has_profile=False, wanted_state="Disconnected", linked_host="")
	device_service.link(world.host, "Sales", "+20 100 123 4567")
	world.host.db.commit()
	world.tick()
	assert (world.session.is_linking, world.session.pairing_phone) == (True, "201001234567")
	assert (world.row()["request"], world.row()["linked_host"]) == ("", HERE)


def test_linking_a_device_that_is_connected_changes_nothing(world):
	session = world.up()
	device_service.link(world.host, "Sales")
	world.tick()
	assert world.keeper.find("Sales") is session
	assert world.calls == []


def test_linking_anew_forgets_the_profile_first(world):
	session = world.up()
	(world.profile() / "cookie").write_text("kept")
	device_service.relink(world.host, "Sales")
	world.tick()
	session.end(Ending("Disconnected"))
	world.tick()
	world.tick()
	assert world.session is not session
	assert world.session.is_linking
	assert not (world.profile() / "cookie").exists()


def test_a_link_that_nobody_used_ends_quietly(world):
	world.add(has_profile=False, wanted_state="Disconnected", linked_host="")
	device_service.link(world.host, "Sales")
	world.tick()
	world.session.end(Ending("Disconnected", "No phone was linked in time."))
	world.tick()
	assert (world.row()["status"], world.row()["wanted_state"]) == ("Disconnected", "Disconnected")
	assert world.row()["status_reason"] == "No phone was linked in time."
	assert world.host.alerts == []
	world.tick()
	assert len(world.sessions) == 1


def test_a_request_that_no_worker_took_in_time_is_forgotten(world):
	world.add(wanted_state="Disconnected")
	device_service.restart(world.host, "Sales")
	world.set(wanted_state="Disconnected")
	world.tick(device_service.REQUEST_SECONDS + 1)
	assert world.sessions == []
	assert world.row()["request"] == ""


def test_a_restart_opens_a_new_session_on_the_same_profile(world):
	session = world.up()
	device_service.restart(world.host, "Sales")
	world.tick()
	assert world.calls == ["stop 0"]
	session.end(Ending("Disconnected"))
	world.tick()
	world.tick()
	assert world.session is not session
	assert not world.session.is_linking
	assert world.profile().is_dir()


@pytest.mark.parametrize("state", ["Blocked", "Logged Out", "Auth Failed"])
def test_a_restart_is_tried_though_the_device_was_stopped(world, state):
	world.add(status=state)
	world.tick()
	assert world.sessions == []
	device_service.restart(world.host, "Sales")
	world.tick()
	assert world.calls == ["start"]


def test_logging_out_asks_the_phone_and_then_forgets_the_profile(world):
	session = world.up()
	device_service.log_out(world.host, "Sales")
	world.tick()
	assert world.calls == ["log_out"]
	session.end(logged_out(""))
	world.tick()
	world.tick()
	assert not world.profile().exists()
	assert (world.row()["status"], world.states()) == ("Disconnected", ["Disconnected"])
	assert world.host.alerts == []


def test_logging_out_a_phone_that_is_not_connected_forgets_it_here(world):
	world.add()
	world.tick()
	device_service.log_out(world.host, "Sales")
	world.tick()
	assert "log_out" not in world.calls
	world.session.end(Ending("Disconnected"))
	world.tick()
	world.tick()
	assert not world.profile().exists()
	assert len(world.sessions) == 1


def test_a_page_that_does_not_log_out_loses_its_browser(world):
	world.up()
	device_service.log_out(world.host, "Sales")
	world.tick()
	world.tick(3 * room.STOP_SECONDS + 1)
	assert world.calls == ["log_out", "kill"]


# -- how sessions end --


def test_a_lost_session_is_tried_again_later_each_time(world):
	world.add()
	waits = []
	for _attempt in range(4):
		world.tick()
		sessions = len(world.sessions)
		world.session.end()
		world.tick()
		begun = world.clock.now
		while len(world.sessions) == sessions:
			world.tick(0.5)
		waits.append(world.clock.now - begun)
	assert waits == [5, 10, 20, 40]
	assert world.profile().is_dir()


def test_the_wait_between_attempts_is_bounded(world):
	world.add()
	world.tick()
	world.keeper._lines["Sales"].attempts = 60
	world.session.end()
	world.tick()
	world.tick(room.RETRY_CEILING - 2)
	assert len(world.sessions) == 1
	world.tick(3)
	assert len(world.sessions) == 2


def test_people_are_told_once_after_the_last_of_the_usual_attempts(world):
	world.add()
	attempts = world.host.settings().web.reconnect_attempts
	for _attempt in range(attempts + 3):
		world.tick(room.RETRY_CEILING + 1)
		world.session.end()
		world.tick()
	needs = [event.needs_people for _device, event in world.told]
	assert needs == [False] * (attempts - 1) + [True] + [False] * 3
	assert len(world.host.alerts) == 1


def test_what_was_connected_for_long_begins_to_count_anew(world):
	world.add()
	for _attempt in range(3):
		world.tick(room.RETRY_CEILING)
		world.session.end()
		world.tick()
	world.tick(room.RETRY_CEILING)
	world.tick()
	world.session.connect()
	world.tick()
	world.tick(room.STEADY_SECONDS + 1)
	world.session.end()
	world.tick()
	sessions = len(world.sessions)
	world.tick(room.RETRY_BASE + 0.1)
	assert len(world.sessions) == sessions + 1


def test_what_was_connected_for_a_moment_does_not_count_anew(world):
	world.add()
	for _attempt in range(3):
		world.tick(room.RETRY_CEILING)
		world.tick()
		world.session.connect()
		world.tick()
		world.session.end()
		world.tick()
	sessions = len(world.sessions)
	world.tick(room.RETRY_BASE + 1)
	assert len(world.sessions) == sessions


@pytest.mark.parametrize(
	("ending", "state", "is_kept"),
	[
		(logged_out("The link was ended on the phone."), "Logged Out", False),
		(blocked("TOS_BLOCK"), "Blocked", True),
		(Ending("Degraded", "No browser here.", advice="apt install chromium"), "Degraded", True),
	],
)
def test_what_a_new_session_can_not_mend_waits_for_a_person(world, ending, state, is_kept):
	session = world.up()
	session.end(ending)
	world.tick()
	world.tick(room.RETRY_CEILING * 2)
	assert len(world.sessions) == 1
	assert (world.row()["status"], world.row()["wanted_state"]) == (state, "Disconnected")
	assert world.profile().is_dir() is is_kept
	((_subject, text),) = world.host.alerts
	assert ending.advice in text


def test_a_picture_of_a_strange_page_is_kept_for_people(world):
	session = world.up()
	session.end(replace(LOST, state="Degraded", screenshot=b"PNG"))
	world.tick()
	assert world.row()["screenshot"]


def test_a_session_that_got_old_or_too_big_is_opened_anew_when_it_is_idle(world):
	web = world.host.settings().web
	session = world.up()
	session.is_idle = False
	session.bytes = web.max_browser_memory + 1
	world.tick(room.MEMORY_SECONDS + 1)
	assert "stop 0" not in world.calls
	session.is_idle = True
	world.tick()
	assert world.calls == ["memory", "stop 0"]
	session.end(Ending("Disconnected"))
	world.tick()
	world.tick()
	assert len(world.sessions) == 2
	world.session.connect()
	world.tick()
	world.calls.clear()
	world.tick(web.recycle_seconds + 1)
	assert world.calls == ["memory", "stop 0"]


def test_browsers_are_weighed_once_a_minute(world):
	world.up()
	world.tick(room.MEMORY_SECONDS + 1)
	for _second in range(30):
		world.tick()
	assert world.calls == ["memory"]
	assert world.keeper.memory() == 400_000_000


def test_a_device_that_was_resumed_says_again_that_it_is_connected(world):
	world.up()
	device_service.pause(world.host, "Sales")
	world.tick()
	assert world.row()["status"] == "Paused"
	device_service.resume(world.host, "Sales")
	assert world.row()["status"] == "Disconnected"
	world.tick()
	assert world.row()["status"] == "Connected"


# -- memory --


def test_one_browser_starts_at_a_time(world):
	for name in ("A", "B", "C"):
		world.add(name)
	world.tick()
	world.tick()
	assert [session.device for session in world.sessions] == ["A"]
	world.session.connect()
	world.tick()
	assert [session.device for session in world.sessions] == ["A", "B"]


def test_without_memory_no_browser_starts_and_people_hear_of_it_once(world, monkeypatch):
	monkeypatch.setattr(room, "free_memory", lambda: GB)
	world.add()
	for _round in range(5):
		world.tick(room.NO_MEMORY_SECONDS + 1)
	assert world.sessions == []
	((_subject, text),) = world.host.alerts
	assert HERE in text
	assert "add memory" in text
	monkeypatch.setattr(room, "free_memory", lambda: 2 * GB)
	world.tick(room.NO_MEMORY_SECONDS + 1)
	assert len(world.sessions) == 1


def test_a_link_waits_for_memory_and_is_not_forgotten(world, monkeypatch):
	monkeypatch.setattr(room, "free_memory", lambda: GB)
	world.add(has_profile=False, wanted_state="Disconnected", linked_host="")
	device_service.link(world.host, "Sales")
	world.tick()
	monkeypatch.setattr(room, "free_memory", lambda: 2 * GB)
	world.tick()
	assert world.session.is_linking


# -- for the senders, and the end --


def test_a_sender_of_a_linked_device_finds_its_session_when_it_comes(world):
	world.add()
	sender = world.keeper.create_sender(world.host.device("Sales"))
	assert not sender.is_ready
	world.tick()
	assert not sender.is_ready
	world.session.connect()
	assert sender.is_ready
	assert world.keeper.ready() == ["Sales"]
	assert world.keeper.names() == ["Sales"]


def test_other_devices_get_the_sender_of_their_mode(world):
	assert world.keeper.create_sender(DeviceConfig("Meta")).MODE == "Official"


def test_at_the_end_all_sessions_stop_together_and_say_so(world):
	world.up("A")
	world.up("B")
	world.keeper.end_sessions(10)
	assert world.calls == ["stop 5", "stop 5", "join", "join"]
	assert world.told == [
		(name, DeviceStateChanged(state="Disconnected", reason="The whatsapp-worker was stopped."))
		for name in ("A", "B")
	]
	assert {world.row(name)["wanted_state"] for name in ("A", "B")} == {"Connected"}


# -- asking without a worker --


def test_without_a_worker_a_request_is_refused_with_the_command_that_starts_one(world):
	world.add(wanted_state="Disconnected")
	workers.remove(world.host.db, "worker-1")
	for ask in (device_service.link, device_service.relink, device_service.log_out, device_service.restart):
		with pytest.raises(InvalidRequest, match="python -m whatsapp_integration worker") as caught:
			ask(world.host, "Sales")
		assert caught.value.code == "no_worker"
	assert (world.row()["request"] or "", world.row()["wanted_state"]) == ("", "Disconnected")


def test_a_link_that_finds_an_old_one_over_begins_again_by_itself_but_once(world):
	over = Ending("Logged Out", "The link was ended on the phone ({0}).", ("x",), retries=True, forgets=True)
	world.add(wanted_state="Disconnected")
	device_service.link(world.host, "Sales")
	world.host.db.commit()
	world.tick()
	world.session.end(over)
	world.tick()
	world.tick()
	assert len(world.sessions) == 2
	assert world.session.is_linking
	world.session.end(over)
	world.tick()
	world.tick()
	assert len(world.sessions) == 2
	assert (world.row()["status"], world.row()["wanted_state"]) == ("Disconnected", "Disconnected")
