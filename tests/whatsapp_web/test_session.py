"""A session on a page that is played: no browser."""

from __future__ import annotations

import threading
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.core.events import (
	DeviceIdentified,
	DeviceStateChanged,
	IdentityLinked,
	MessageReceived,
	QrIssued,
	StatusChanged,
)
from whatsapp_integration.whatsapp_web import jobs
from whatsapp_integration.whatsapp_web import session as room
from whatsapp_integration.whatsapp_web.errors import (
	BrowserLost,
	JobFailed,
	PageChanged,
	ProfileInUse,
	SetupError,
)
from whatsapp_integration.whatsapp_web.page import Pulled
from whatsapp_integration.whatsapp_web.session import Session

SECONDS = 20  # the longest that anything here waits
NUMBER = "+201001234567"
ME = {"number": "201001234567", "lid": "1@lid", "name": "Our shop", "platform": "android"}
STATE = {
	"ready": True,
	"main_ready": True,
	"full_ready": True,
	"authenticated": True,
	"mode": "MAIN",
	"ending": None,
}
CONNECTED, LOADING = STATE, STATE | {"mode": "OFFLINE"}
STARTING = STATE | {"ready": False}
UNLINKED = STATE | {"authenticated": False, "mode": "QR"}
JOB = {"to": "201001234567", "id": "3EB0AA", "content": {"kind": "text"}}


class FakeBrowser:
	def __init__(self, profile, config):
		self.downloads = Path(f"{profile}.downloads")
		self.scripts = []
		self.is_lost = threading.Event()
		self.is_stopped = threading.Event()

	def start(self):
		if error := getattr(self, "error", None):
			raise error

	def stop(self):
		self.is_stopped.set()

	def kill(self):
		self.is_lost.set()

	def memory(self):
		return 7


class FakePage:
	"""Shows `state`; answers jobs by `answers` (kind → value, JobFailed, or a function of the arguments), others never."""

	def __init__(self, browser):
		self.browser = browser
		self.state = STARTING
		self.answers = {"self": ME, "backlog": {"chats": 0}}
		self.items, self.jobs, self.files = [], [], []
		self.is_reloaded = False
		self.numbers = count(1)
		self.changed = threading.Condition()
		self.pulls = 0
		self.errors = []  # raised by the next pulls

	def open(self):
		pass

	def submit(self, kind, args, limit):
		self._check()
		number = next(self.numbers)
		with self.changed:
			self.jobs.append((number, kind, args))
			answer = self.answers.get(kind)
			if callable(answer):
				answer = answer(args)
			if isinstance(answer, JobFailed):
				error = {"code": answer.code, "text": answer.text}
				self._push(job=number, error=error, has_left=answer.has_left)
			elif answer is not None:
				self._push(job=number, value=answer)
			self.changed.notify_all()
		return number

	def put_file(self, path):
		self._check()
		if not Path(path).exists():
			raise FileNotFoundError(path)
		self.files.append(path)
		return f"whatsapp-file-{len(self.files)}"

	def pull(self):
		self._check()
		with self.changed:
			if self.errors:
				raise self.errors.pop(0)
			items, self.items = self.items, []
			is_reloaded, self.is_reloaded = self.is_reloaded, False
			self.pulls += 1
			self.changed.notify_all()
			return Pulled(items, self.state, is_reloaded)

	def screenshot(self):
		return b"PNG"

	def _push(self, **values):
		self.items.append({"kind": "result", **values})

	def _check(self):
		if self.browser.is_lost.is_set():
			raise BrowserLost("The browser was lost.")

	# -- for the tests --

	def show(self, state, *items, reload=False):
		"""Let the page show this from the next pull on, and wait until the session has seen it."""
		with self.changed:
			self.state, self.is_reloaded = state, reload
			self.items += items
		self.wait_pulls()

	def wait_pulls(self, more=2):
		with self.changed:
			wanted = self.pulls + more
			assert self.changed.wait_for(lambda: self.pulls >= wanted, SECONDS)

	def wait_job(self, kind):
		def find():
			return [(number, args) for number, job, args in self.jobs if job == kind]

		with self.changed:
			assert self.changed.wait_for(find, SECONDS), f"no job {kind}"
			return find()[-1]

	def kinds(self):
		return [kind for _number, kind, _args in self.jobs]


class Told:
	"""What the session told, to be waited for."""

	def __init__(self):
		self.events = []
		self.changed = threading.Condition()

	def __call__(self, events):
		with self.changed:
			self.events += events
			self.changed.notify_all()

	def wait(self, *wanted):
		with self.changed:
			seen = self.changed.wait_for(lambda: all(event in self.events for event in wanted), SECONDS)
		assert seen, f"told only {self.events}"

	def states(self):
		return [event.state for event in self.events if isinstance(event, DeviceStateChanged)]

	def of(self, cls):
		return [event for event in self.events if type(event) is cls]


@pytest.fixture
def play(monkeypatch, tmp_path):
	"""Start a session on a played page; gives the session, its page and what it told."""
	monkeypatch.setattr(room, "POLL_IDLE", 0.01)
	monkeypatch.setattr(room, "POLL_BUSY", 0.01)
	monkeypatch.setattr(room.bundle, "load", lambda config, cache: SimpleNamespace(source="wa-js"))
	monkeypatch.setattr(room, "Browser", FakeBrowser)
	played = []

	def begin(state=CONNECTED, *, number="", error=None, settings=None, prepare=None, **values):
		told = Told()
		config = WebConfig(folder=str(tmp_path), **(settings or {}))
		session = Session("Sales", number, tmp_path / "profile", config, told, **values)
		page = FakePage(session._browser)
		page.state = state
		if prepare:
			prepare(page)
		session._browser.error = error
		monkeypatch.setattr(room, "Page", lambda browser, url: page)
		session.start()
		played.append(session)
		return session, page, told

	yield begin
	for session in played:
		session.stop()
		session.join(SECONDS)


def connected() -> DeviceStateChanged:
	return DeviceStateChanged(state="Connected")


def silent(*kinds):
	"""Let the page never answer these jobs."""
	return lambda page: [page.answers.pop(kind) for kind in kinds]


def ended(session: Session):
	session._thread.join(SECONDS)
	assert session.is_over, "the session does not say that it is over"
	return session.ending


def call_later(session: Session, *args, **kwargs):
	"""Call in another thread; returns a function that waits for its value or its error."""
	outcome = []

	def work():
		try:
			outcome.append(session.call(*args, **kwargs))
		except JobFailed as err:
			outcome.append(err)

	thread = threading.Thread(target=work, daemon=True)
	thread.start()

	def answer():
		thread.join(SECONDS)
		assert outcome, "nobody answered the call"
		return outcome[0]

	return answer


# -- coming up --


def test_a_linked_page_is_identified_before_it_counts_as_connected(play):
	session, page, told = play()
	told.wait(connected())
	assert told.states() == ["Initializing", "Connected"]
	identified = DeviceIdentified(number=NUMBER, lid="1@lid", name="Our shop", platform="android")
	assert told.events.index(identified) < told.events.index(connected())
	assert session.is_ready
	page.wait_job("backlog")
	assert page.kinds() == ["self", "backlog"]


def test_the_privacy_settings_and_the_bridge_surround_wa_js(play):
	session, _page, told = play()
	told.wait(connected())
	privacy, wa_js, bridge = session._browser.scripts
	assert wa_js == "wa-js"
	assert "disableGoogleAnalytics" in privacy
	assert "whatsappBridge" in bridge


def test_a_page_that_only_loads_is_authenticated_and_not_ready(play):
	session, _page, told = play(LOADING)
	told.wait(DeviceStateChanged(state="Authenticated"))
	assert not session.is_ready
	assert not session.is_starting


def test_a_phone_of_another_number_is_logged_out_again(play):
	session, page, told = play(number="+201112223334")
	page.answers["log_out"] = lambda args: {}
	ending = ended(session)
	assert (ending.state, ending.forgets) == ("Logged Out", True)
	assert ending.values == (NUMBER, "+201112223334")
	assert told.of(DeviceIdentified) == []


def test_the_spellings_of_one_number_are_the_same_phone(play):
	mexico = ME | {"number": "5215512345678"}
	session, _page, told = play(number="+525512345678", prepare=lambda page: page.answers.update(self=mexico))
	told.wait(connected())
	assert session.ending is None


def test_a_page_that_does_not_start_is_another_page_with_a_picture(play):
	session, _page, _told = play(STARTING, settings={"boot_seconds": 0.05})
	ending = ended(session)
	assert (ending.state, ending.retries, ending.screenshot) == ("Degraded", True, b"PNG")


# -- linking --


def test_a_qr_code_is_offered_only_while_somebody_links(play):
	session, page, told = play(
		UNLINKED, is_linking=True, prepare=lambda page: page.answers.update(qr={"code": "2@a"})
	)
	told.wait(DeviceStateChanged(state="QR Ready"), QrIssued(code="2@a", expires_in=60))
	page.show(UNLINKED, {"kind": "qr", "code": "2@b"}, {"kind": "pairing_code", "code": "ABCD1234"})
	told.wait(QrIssued(code="2@b", expires_in=60))
	assert [code.code for code in told.of(QrIssued)] == ["2@a", "2@b"]
	assert not session.is_ready


def test_codes_that_stopped_are_asked_for_anew(play):
	_session, page, _told = play(UNLINKED, is_linking=True)
	page.wait_job("qr")
	page.show(UNLINKED, {"kind": "qr_idle"})
	page.wait_job("refresh_qr")


def test_a_pairing_code_is_asked_for_the_phone_and_no_qr_code_shown(play):
	answers = {"pair": {"code": "ABCD1234"}}
	_session, page, told = play(
		UNLINKED,
		is_linking=True,
		pairing_phone="201001234567",
		prepare=lambda page: page.answers.update(answers),
	)
	told.wait(QrIssued(code="ABCD1234", is_pairing_code=True, expires_in=195))
	page.show(UNLINKED, {"kind": "qr", "code": "2@b"}, {"kind": "qr_idle"})
	assert len(told.of(QrIssued)) == 1
	assert page.wait_job("pair")[1] == {"phone": "201001234567"}
	assert not {"qr", "refresh_qr"} & set(page.kinds())


def test_a_refused_pairing_code_ends_the_attempt_with_the_reason(play):
	failed = JobFailed("x", "rate-overlimit")
	session, _page, told = play(
		UNLINKED,
		is_linking=True,
		pairing_phone="201001234567",
		prepare=lambda page: page.answers.update(pair=failed),
	)
	ending = ended(session)
	assert (ending.state, ending.values) == ("Disconnected", ("201001234567", "rate-overlimit"))
	assert not ending.retries
	assert told.events[-1] == QrIssued(code="")


def test_a_phone_that_was_linked_is_new_and_takes_the_code_back(play):
	session, page, told = play(UNLINKED, is_linking=True)
	told.wait(DeviceStateChanged(state="QR Ready"))
	page.show(CONNECTED)
	told.wait(connected())
	assert told.of(QrIssued)[-1] == QrIssued(code="")
	assert [event.is_new for event in told.of(DeviceIdentified)] == [True]
	assert not session.is_linking


def test_nobody_links_for_ever(play):
	session, _page, told = play(UNLINKED, is_linking=True, settings={"link_seconds": 0.05})
	ending = ended(session)
	assert (ending.state, ending.retries, ending.forgets) == ("Disconnected", False, False)
	assert told.events[-1] == QrIssued(code="")


def test_a_profile_whose_link_is_gone_is_logged_out_and_shows_no_code(play, monkeypatch):
	monkeypatch.setattr(room, "UNLINKED_SECONDS", 0.05)
	session, _page, told = play(UNLINKED)
	ending = ended(session)
	assert (ending.state, ending.forgets, ending.retries) == ("Logged Out", True, False)
	assert told.of(QrIssued) == []


# -- jobs --


def test_a_job_is_answered_with_its_value(play):
	session, page, told = play()
	page.answers["send"] = lambda args: {"ack": 1, "wid": "201001234567@c.us", "lid": "9@lid"}
	told.wait(connected())
	assert session.call("send", dict(JOB))["ack"] == 1
	told.wait(IdentityLinked(old_id="9@lid", new_id="201001234567", reason="sent"))


def test_a_job_that_failed_says_whether_it_may_have_left(play):
	session, page, told = play()
	page.answers["send"] = lambda args: JobFailed("Oops", "text", has_left=True)
	told.wait(connected())
	with pytest.raises(JobFailed) as caught:
		session.call("send", dict(JOB))
	assert (caught.value.code, caught.value.text, caught.value.has_left) == ("Oops", "text", True)
	assert session.is_ready


def test_a_message_that_whatsapp_never_took_shows_a_dead_connection(play):
	session, page, told = play()
	page.answers["send"] = lambda args: JobFailed("timeout", has_left=True)
	told.wait(connected())
	with pytest.raises(JobFailed):
		session.call("send", dict(JOB))
	ending = ended(session)
	assert (ending.state, ending.retries) == ("Reconnecting", True)


def test_a_file_is_put_into_the_page_before_its_job(play, tmp_path):
	path = tmp_path / "bill.pdf"
	path.write_bytes(b"x")
	session, page, told = play()
	page.answers["send"] = lambda args: {"ack": 1, "wid": "", "lid": ""}
	told.wait(connected())
	session.call("send", {"content": {"kind": "document"}}, file=str(path))
	assert page.wait_job("send")[1]["content"]["input"] == "whatsapp-file-1"
	assert page.files == [str(path)]


def test_a_file_that_vanished_fails_its_own_job_and_nothing_else(play, monkeypatch):
	monkeypatch.setattr(jobs, "GRACE_SECONDS", 1)
	session, _page, told = play()
	told.wait(connected())
	answer = call_later(session, "send", {"content": {"kind": "document"}}, limit=2, file="/gone/bill.pdf")()
	assert (answer.code, answer.has_left) == ("file_missing", False)
	assert session.is_ready


def test_what_is_open_when_the_browser_dies_may_have_left(play):
	session, page, told = play()
	told.wait(connected())
	answer = call_later(session, "send", dict(JOB))
	page.wait_job("send")
	session.kill()
	assert (answer().code, answer().has_left) == ("browser_lost", True)
	ending = ended(session)
	assert (ending.state, ending.retries) == ("Reconnecting", True)


def test_a_session_that_ends_takes_no_more_jobs(play):
	session, _page, told = play()
	told.wait(connected())
	session.stop()
	with pytest.raises(JobFailed) as caught:
		session.call("send", dict(JOB))
	assert (caught.value.code, caught.value.has_left) == ("not_connected", False)
	assert not session.is_ready


def test_what_is_on_its_way_may_finish_before_the_session_stops(play):
	session, page, told = play()
	told.wait(connected())
	answer = call_later(session, "send", dict(JOB))
	number, _args = page.wait_job("send")
	session.stop(patience=SECONDS)
	page.wait_pulls()
	with page.changed:
		page._push(job=number, value={"ack": 1, "wid": "", "lid": ""})
	assert answer() == {"ack": 1, "wid": "", "lid": ""}
	assert ended(session).state == "Disconnected"


def test_a_job_without_any_answer_shows_a_page_that_hangs(play, monkeypatch):
	monkeypatch.setattr(jobs, "GRACE_SECONDS", 0.05)
	session, page, told = play()
	told.wait(connected())
	session._jobs.add(jobs.Job("mark_read", {}, 0.05, lambda outcome: None))
	page.wait_job("mark_read")
	ending = ended(session)
	assert (ending.state, ending.retries) == ("Reconnecting", True)


def test_when_the_page_loads_itself_anew_its_jobs_are_gone_and_it_is_read_again(play):
	session, page, told = play()
	told.wait(connected())
	page.wait_job("backlog")
	answer = call_later(session, "send", dict(JOB))
	page.wait_job("send")
	page.show(CONNECTED, reload=True)
	assert (answer().code, answer().has_left) == ("page_reloaded", True)
	page.wait_pulls(4)
	assert page.kinds() == ["self", "backlog", "send", "self", "backlog"]
	assert session.is_ready


def test_a_reload_while_the_phone_is_being_asked_for_does_not_end_the_session(play):
	session, page, told = play(prepare=silent("self"))
	page.wait_job("self")
	page.answers["self"] = ME
	page.show(CONNECTED, reload=True)
	told.wait(connected())
	assert session.is_ready


def test_a_reload_tells_every_caller_though_one_job_was_a_log_out(play, monkeypatch):
	monkeypatch.setattr(jobs, "GRACE_SECONDS", 1)
	session, page, told = play()
	told.wait(connected())
	session.log_out()
	page.wait_job("log_out")
	answer = call_later(session, "send", dict(JOB), limit=5)
	page.wait_job("send")
	with page.changed:
		page.is_reloaded = True
	assert (answer().code, answer().has_left) == ("page_reloaded", True)


def test_the_end_tells_every_caller_though_one_job_was_a_log_out(play, monkeypatch):
	monkeypatch.setattr(jobs, "GRACE_SECONDS", 1)
	session, page, told = play()
	told.wait(connected())
	session.log_out()
	page.wait_job("log_out")
	answer = call_later(session, "send", dict(JOB), limit=5)
	page.wait_job("send")
	session.kill()
	assert (answer().code, answer().has_left) == ("browser_lost", True)
	assert ended(session)


# -- events --

MESSAGE = {
	"id": "3EB0BB",
	"from_me": False,
	"chat": "201112223334@c.us",
	"person": "201112223334@c.us",
	"phone": "201112223334",
	"lid": "",
	"is_group": False,
	"name": "Mona",
	"type": "chat",
	"subtype": "",
	"body": "Salam",
	"caption": "",
	"at": 1795000000,
	"ack": 0,
	"mime_type": "",
	"filename": "",
	"sha256": "",
	"reply_to": "",
	"forwarded": False,
	"location": None,
	"vcards": [],
}


def test_messages_wait_until_it_is_known_whose_phone_this_is(play):
	session, page, told = play(prepare=silent("self"))
	number, _args = page.wait_job("self")
	page.show(CONNECTED, {"kind": "message", "message": MESSAGE})
	assert told.of(MessageReceived) == []
	with page.changed:
		page._push(job=number, value=ME)
	told.wait(connected())
	page.wait_pulls()
	assert [event.body for event in told.of(MessageReceived)] == ["Salam"]
	assert session.is_ready


def test_messages_of_a_wrong_phone_are_never_told(play):
	session, page, told = play(number="+201112223334", prepare=silent("self"))
	number, _args = page.wait_job("self")
	page.show(CONNECTED, {"kind": "message", "message": MESSAGE})
	page.answers["log_out"] = lambda args: {}
	with page.changed:
		page._push(job=number, value=ME)
	assert ended(session).state == "Logged Out"
	assert told.of(MessageReceived) == []


def test_groups_that_are_not_wanted_are_not_told(play):
	_session, page, told = play(settings={"receive_groups": False})
	told.wait(connected())
	group = MESSAGE | {"chat": "12@g.us", "is_group": True}
	page.show(CONNECTED, {"kind": "message", "message": group}, {"kind": "message", "message": MESSAGE})
	page.wait_pulls()
	assert [event.chat_id for event in told.of(MessageReceived)] == ["201112223334"]


def test_statuses_that_nobody_heard_are_asked_for_and_told(play):
	session, page, told = play()
	page.answers["acks"] = lambda args: [{"id": "3EB0AA", "ack": 3}, {"id": "3EB0BB", "ack": 0}]
	told.wait(connected())
	session.check([("201001234567", "3EB0AA"), ("1@lid", "3EB0BB")])
	told.wait(StatusChanged(message_id="3EB0AA", status="Read"))
	assert page.wait_job("acks")[1] == {
		"messages": [{"to": "201001234567", "id": "3EB0AA"}, {"to": "1@lid", "id": "3EB0BB"}]
	}


def test_a_line_that_comes_and_goes_is_told_and_caught_up_with(play):
	session, page, told = play()
	told.wait(connected())
	page.show(LOADING)
	told.wait(DeviceStateChanged(state="Reconnecting"))
	assert not session.is_ready
	page.show(CONNECTED)
	page.wait_pulls()
	assert told.states() == ["Initializing", "Connected", "Reconnecting", "Connected"]
	assert page.kinds().count("backlog") == 2


def test_a_received_file_is_read_and_not_left_on_the_disk(play):
	session, page, told = play()
	told.wait(connected())
	session._browser.downloads.mkdir()

	def keep(args):
		(session._browser.downloads / args["name"]).write_bytes(b"%PDF")
		return {"size": 4, "mime_type": "application/pdf"}

	page.answers["download"] = keep
	assert session.download("1@lid", "3EB0BB") == (b"%PDF", "application/pdf")
	assert list(session._browser.downloads.iterdir()) == []


# -- how it ends --


@pytest.mark.parametrize(
	("state", "expected", "retries", "forgets"),
	[
		(STATE | {"ending": "user_initiated"}, "Logged Out", False, True),
		(STATE | {"ending": "account_temporarily_banned"}, "Blocked", False, False),
		(STATE | {"mode": "TOS_BLOCK"}, "Blocked", False, False),
		(STATE | {"mode": "CONFLICT"}, "Reconnecting", True, False),
		(STATE | {"mode": "DEPRECATED_VERSION"}, "Degraded", True, False),
	],
)
def test_what_the_page_shows_decides_what_comes_next(play, state, expected, retries, forgets):
	session, page, told = play()
	told.wait(connected())
	with page.changed:
		page.state = state
	ending = ended(session)
	assert (ending.state, ending.retries, ending.forgets) == (expected, retries, forgets)
	assert session._browser.is_stopped.is_set()


@pytest.mark.parametrize(
	("error", "state", "retries", "picture"),
	[
		(BrowserLost("lost"), "Reconnecting", True, b""),
		(PageChanged("changed"), "Degraded", True, b"PNG"),
		(ZeroDivisionError("bug"), "Reconnecting", True, b""),
	],
)
def test_an_error_in_the_page_ends_the_session_and_a_new_one_may_do_better(
	play, error, state, retries, picture
):
	session, _page, _told = play(prepare=lambda page: page.errors.append(error))
	ending = ended(session)
	assert (ending.state, ending.retries, ending.screenshot) == (state, retries, picture)
	assert session._browser.is_stopped.is_set()


@pytest.mark.parametrize(
	("error", "retries"),
	[(SetupError("no browser"), False), (ProfileInUse("taken"), True), (BrowserLost("x"), True)],
)
def test_a_browser_that_does_not_start_is_tried_again_unless_something_is_missing(play, error, retries):
	session, _page, _told = play(error=error)
	ending = ended(session)
	assert (ending.reason, ending.retries) == (error.template, retries)


def test_no_picture_is_taken_of_a_code(play):
	def prepare(page):
		page.answers["qr"] = {"code": "2@a"}

	session, page, told = play(UNLINKED, is_linking=True, prepare=prepare)
	told.wait(DeviceStateChanged(state="QR Ready"))
	with page.changed:
		page.errors.append(PageChanged("changed"))
	ending = ended(session)
	assert (ending.state, ending.screenshot) == ("Degraded", b"")


@pytest.mark.parametrize("answer", [{}, JobFailed("timeout")])
def test_logging_out_ends_the_session_and_forgets_the_link(play, answer):
	session, page, told = play()
	page.answers["log_out"] = lambda args: answer
	told.wait(connected())
	session.log_out()
	ending = ended(session)
	assert (ending.state, ending.forgets) == ("Logged Out", True)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_session_ends_though_the_page_never_said_whose_phone_it_is(play, end):
	session, page, _told = play(prepare=silent("self"))
	page.wait_job("self")
	getattr(session, end)()
	assert ended(session)
	assert session._browser.is_stopped.is_set()


def test_a_page_that_never_says_whose_phone_it_is_is_another_page(play):
	failed = JobFailed("x", "no such module")
	session, page, told = play(
		settings={"boot_seconds": 0.2}, prepare=lambda page: page.answers.update(self=failed)
	)
	ending = ended(session)
	assert (ending.state, ending.retries, ending.screenshot) == ("Degraded", True, b"PNG")
	assert page.kinds().count("self") > 1
	assert told.of(DeviceIdentified) == []


def test_a_session_ends_though_a_pairing_code_never_came(play):
	session, page, told = play(UNLINKED, is_linking=True, pairing_phone="201001234567")
	page.wait_job("pair")
	session.stop()
	ended(session)
	assert told.events[-1] == QrIssued(code="")


def test_a_session_that_hangs_loses_its_browser(play):
	session, page, told = play()
	told.wait(connected())
	page.answers["block"] = lambda args: session._browser.is_lost.wait(SECONDS) and None
	session._jobs.add(jobs.Job("block", {}, SECONDS, lambda outcome: None))
	session.stop()
	session.join(0.05)
	assert session.is_over
	assert session._browser.is_lost.is_set()
