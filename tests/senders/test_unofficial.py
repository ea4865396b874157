"""What a linked device asks of its page, and what the page's answers mean for the message."""

from dataclasses import replace

import pytest

from whatsapp_integration.core.config import DeviceConfig, Pacing
from whatsapp_integration.core.errors import (
	FixRequest,
	InvalidContent,
	OutcomeUnknown,
	RecipientUnreachable,
	RetryLater,
	Unsupported,
)
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import (
	Buttons,
	Contacts,
	Document,
	Location,
	Media,
	MediaFile,
	Outgoing,
	Reaction,
	Sent,
	Template,
	Text,
	Voice,
)
from whatsapp_integration.senders.unofficial import FIND_SECONDS, UPLOAD_RATE, UnofficialSender
from whatsapp_integration.whatsapp_web.errors import JobFailed

PLAIN = Pacing(typing_speed=0)
DEVICE = DeviceConfig("Sales", mode="Unofficial", pacing=PLAIN)
TO = "+201001234567"
WID = "201001234567@c.us"
LID = "99887766554433@lid"
GROUP = "120363000000000001@g.us"
ID = "3EB0AA"
PDF = MediaFile("/files/a bill.pdf", "a bill.pdf", "application/pdf", 2_000_000)


class FakeSession:
	"""Answers every job with `answer`, or fails it; keeps what it was asked."""

	is_ready = True

	def __init__(self, answer=None):
		self.answer = answer or {"id": ID, "ack": 1, "wid": WID, "lid": "", "result": "OK"}
		self.calls = []

	def call(self, kind, args, *, limit, file=""):
		self.calls.append((kind, args, limit, file))
		return self._give()

	def download(self, chat, message_id):
		self.calls.append((chat, message_id))
		return self._give()

	def _give(self):
		if isinstance(self.answer, Exception):
			raise self.answer
		return self.answer


def outgoing(content=None, to=TO, **values) -> Outgoing:
	return Outgoing("MSG-1", to, content or Text("Hello"), planned_id=ID, **values)


def send(session: FakeSession, message: Outgoing | None = None, device: DeviceConfig = DEVICE) -> Sent:
	return UnofficialSender(device, lambda: session).send(message or outgoing())


def asked(message: Outgoing) -> dict:
	session = FakeSession()
	send(session, message)
	((_kind, args, _limit, _file),) = session.calls
	return args


# -- what is asked of the page --


def test_a_text_leaves_with_the_id_that_was_chosen_before():
	session = FakeSession()
	assert send(session) == Sent(ID, wa_id="201001234567")
	((kind, args, _limit, file),) = session.calls
	assert (kind, file) == ("send", "")
	assert args == {
		"to": "201001234567",
		"id": ID,
		"is_repeat": False,
		"reply_to": "",
		"typing": 0,
		"confirm_within": DEVICE.ack_seconds,
		"content": {"kind": "text", "body": "Hello", "preview": False},
	}


def test_a_repeat_says_so_and_a_quote_goes_along():
	args = asked(outgoing(is_repeat=True, reply_to="3EB0BB"))
	assert (args["id"], args["is_repeat"], args["reply_to"]) == (ID, True, "3EB0BB")


def test_a_link_preview_is_fetched_only_when_asked_for():
	assert asked(outgoing(Text("https://example.com", preview_url=True)))["content"]["preview"] is True
	assert asked(outgoing(Text("https://example.com")))["content"]["preview"] is False


@pytest.mark.parametrize("to", [GROUP, LID])
def test_groups_and_lids_are_addressed_as_they_are(to):
	assert asked(outgoing(to=to))["to"] == to


def test_a_text_takes_time_to_write_and_a_file_only_a_pause():
	pacing = Pacing(typing_speed=10, typing_max=60, pause_min=1, pause_max=1)
	device = DeviceConfig("Sales", mode="Unofficial", pacing=pacing)
	session = FakeSession()
	send(session, outgoing(Text("x" * 100)), device)
	send(session, outgoing(Document(Media(file="bill.pdf"), "x" * 100), file=PDF), device)
	text, file = (args["typing"] for _kind, args, _limit, _file in session.calls)
	assert 1 + 7.5 <= text <= 1 + 12.5
	assert file == 1


def test_a_file_goes_by_its_path_with_its_name_and_type():
	session = FakeSession()
	send(session, outgoing(Document(Media(file="bill.pdf"), "Your bill"), file=PDF))
	((_kind, args, _limit, file),) = session.calls
	assert file == PDF.path
	assert args["content"] == {
		"kind": "document",
		"caption": "Your bill",
		"filename": "a bill.pdf",
		"mime_type": "application/pdf",
	}


def test_the_callers_name_and_type_of_a_file_come_first():
	media = Media(file="x", filename="Invoice 7.pdf", mime_type="application/x-bill")
	content = asked(outgoing(Document(media), file=PDF))["content"]
	assert (content["filename"], content["mime_type"]) == ("Invoice 7.pdf", "application/x-bill")


def test_a_larger_file_may_take_longer():
	session = FakeSession()
	send(session)
	send(session, outgoing(Voice(Media(file="a.ogg", mime_type="audio/ogg")), file=PDF))
	text, file = (limit for _kind, _args, limit, _file in session.calls)
	assert text >= FIND_SECONDS + DEVICE.ack_seconds
	assert file - text == PDF.size / UPLOAD_RATE


def test_the_time_to_confirm_begins_when_the_message_was_written():
	pacing = Pacing(typing_speed=10, typing_max=60, pause_min=1, pause_max=1)
	session = FakeSession()
	send(session, outgoing(Text("x" * 100)), DeviceConfig("Sales", mode="Unofficial", pacing=pacing))
	((_kind, args, limit, _file),) = session.calls
	assert args["confirm_within"] == DEVICE.ack_seconds
	assert limit == FIND_SECONDS + args["typing"] + args["confirm_within"]


def test_a_place_keeps_both_numbers_even_where_they_are_zero():
	content = asked(outgoing(Location(0.0, 31.2, "Cairo")))["content"]
	assert (content["latitude"], content["longitude"], content["label"]) == (0.0, 31.2, "Cairo")


@pytest.mark.parametrize(
	"phone", [{"phone": "+20 (100) 123-4567"}, {"wa_id": "201001234567", "phone": "0100 123 4567"}]
)
def test_a_contact_is_sent_as_the_whatsapp_number_of_its_first_phone(phone):
	card = {"name": {"formatted_name": "Ali"}, "phones": [phone, {"phone": "+1"}]}
	assert asked(outgoing(Contacts((card,))))["content"]["contacts"] == [{"id": WID, "name": "Ali"}]


@pytest.mark.parametrize("phones", [{}, {"phones": []}, {"phones": [{"phone": ""}]}])
def test_a_contact_without_a_number_can_not_be_sent(phones):
	session = FakeSession()
	with pytest.raises(FixRequest, match="contacts that have a phone number"):
		send(session, outgoing(Contacts(({"name": {"formatted_name": "Ali"}, **phones},))))
	assert session.calls == []


@pytest.mark.parametrize("emoji", ["👍", ""])
def test_a_reaction_names_the_message_it_belongs_to(emoji):
	session = FakeSession({"wid": WID, "lid": ""})
	assert send(session, outgoing(Reaction("3EB0BB", emoji))) == Sent(ID, wa_id="201001234567")
	((kind, args, _limit, _file),) = session.calls
	assert (kind, args) == ("react", {"to": "201001234567", "message_id": "3EB0BB", "emoji": emoji})


@pytest.mark.parametrize(
	("content", "error"),
	[
		(Template("hello", "en_US"), Unsupported),
		(Buttons("Choose", buttons=({"id": "1", "title": "Yes"},)), Unsupported),
		(Document(Media(link="https://example.com/a.pdf")), Unsupported),
		(Document(Media(media_id="77")), Unsupported),
		(Text(" "), InvalidContent),
	],
)
def test_what_a_linked_device_can_not_send_is_refused_before_the_page_is_asked(content, error):
	session = FakeSession()
	with pytest.raises(error):
		send(session, outgoing(content))
	assert session.calls == []


# -- what the answers mean --


def test_an_ok_without_an_ack_was_taken():
	assert send(FakeSession({"ack": 0, "wid": WID, "result": "OK"})).message_id == ID


def test_an_ack_outweighs_a_word_that_says_otherwise():
	assert send(FakeSession({"ack": 1, "wid": WID, "result": "ERROR_UNKNOWN"})).message_id == ID


def test_a_lid_is_no_phone_number():
	assert send(FakeSession({"ack": 1, "wid": LID, "result": "OK"})).wa_id == ""


@pytest.mark.parametrize("word", ["ERROR_EXPIRED", "ERROR_CANCELLED", "ERROR_UPLOAD"])
def test_what_whatsapp_gave_up_certainly_did_not_leave(word):
	with pytest.raises(RetryLater) as caught:
		send(FakeSession({"ack": 0, "wid": WID, "result": word}))
	assert (caught.value.code, caught.value.scope) == (word, "message")


@pytest.mark.parametrize("word", ["ERROR_NETWORK", "ERROR_UNKNOWN", "", "A_NEW_WORD"])
def test_a_word_that_does_not_say_whether_it_left_is_unknown(word):
	with pytest.raises(OutcomeUnknown):
		send(FakeSession({"ack": 0, "wid": WID, "result": word}))


@pytest.mark.parametrize("ack", [1, 2, 3, 4])
def test_an_earlier_attempt_that_is_in_the_chat_was_sent(ack):
	found = {"id": ID, "ack": ack, "wid": WID, "found": True}
	assert send(FakeSession(found), outgoing(is_repeat=True)) == Sent(ID, wa_id="201001234567")


def test_an_earlier_attempt_that_still_waits_is_looked_for_again():
	with pytest.raises(OutcomeUnknown):
		send(FakeSession({"id": ID, "ack": 0, "wid": WID, "found": True}), outgoing(is_repeat=True))


@pytest.mark.parametrize("ack", [-1, -7])
def test_an_earlier_attempt_that_was_refused_is_sent_anew(ack):
	with pytest.raises(RetryLater) as caught:
		send(FakeSession({"id": ID, "ack": ack, "wid": WID, "found": True}), outgoing(is_repeat=True))
	assert caught.value.scope == "message"


def test_a_number_is_asked_for_twice_before_it_is_not_on_whatsapp():
	with pytest.raises(RetryLater) as caught:
		send(FakeSession(JobFailed("not_on_whatsapp")))
	assert caught.value.after > 15  # wa-js keeps an answer for so long
	with pytest.raises(RecipientUnreachable):
		send(FakeSession(JobFailed("not_on_whatsapp")), replace(outgoing(), attempt=2))


@pytest.mark.parametrize(
	"code",
	[
		"file_too_large",
		"file_missing",
		"msg_not_found",
		"invalid_quoted_msg",
		"quoted_msg_can_not_reply",
		"invalid_wid",
	],
)
def test_what_is_wrong_with_the_message_itself_is_said_in_words(code):
	with pytest.raises(FixRequest) as caught:
		send(FakeSession(JobFailed(code, "wa-js says so")))
	assert (caught.value.code, caught.value.details) == (code, "wa-js says so")
	assert code not in str(caught.value)


@pytest.mark.parametrize("code", ["timeout", "browser_lost", "page_reloaded", "SomethingNew"])
def test_what_may_have_left_before_it_broke_is_unknown(code):
	with pytest.raises(OutcomeUnknown) as caught:
		send(FakeSession(JobFailed(code, has_left=True)))
	assert caught.value.code == code


@pytest.mark.parametrize("code", ["not_connected", "browser_lost", "offline"])
def test_without_a_connection_the_whole_device_waits(code):
	with pytest.raises(RetryLater) as caught:
		send(FakeSession(JobFailed(code)))
	assert caught.value.scope == "device"
	assert caught.value.after > 0


@pytest.mark.parametrize("code", ["not_connected", "browser_lost", "offline", "timeout", "SomethingNew"])
def test_a_repeat_that_could_not_be_looked_for_stays_unknown(code):
	with pytest.raises(OutcomeUnknown):
		send(FakeSession(JobFailed(code)), outgoing(is_repeat=True))


def test_a_failure_before_the_message_left_is_tried_again():
	with pytest.raises(RetryLater, match="Cannot read properties") as caught:
		send(FakeSession(JobFailed("", "Cannot read properties of undefined")))
	assert caught.value.scope == "message"


def test_a_process_without_the_session_is_never_ready_and_makes_the_device_wait():
	sender = UnofficialSender(DEVICE)
	assert not sender.is_ready
	with pytest.raises(RetryLater) as caught:
		sender.send(outgoing())
	assert caught.value.scope == "device"


@pytest.mark.parametrize("ready", [True, False])
def test_it_is_ready_when_its_session_is(ready):
	session = FakeSession()
	session.is_ready = ready
	assert UnofficialSender(DEVICE, lambda: session).is_ready is ready


# -- files of received messages --


def fetch(session: FakeSession) -> tuple[bytes, str]:
	return UnofficialSender(DEVICE, lambda: session).fetch_media(MediaInfo(f"{GROUP}/3EB0BB"))


def test_a_file_is_fetched_by_its_chat_and_its_message():
	session = FakeSession((b"data", "image/png"))
	assert fetch(session) == (b"data", "image/png")
	assert session.calls == [(GROUP, "3EB0BB")]


@pytest.mark.parametrize("code", ["media_not_found", "message_not_contains_media", "msg_not_found"])
def test_a_file_that_is_gone_is_not_asked_for_again(code):
	with pytest.raises(FixRequest, match="Ask for it again"):
		fetch(FakeSession(JobFailed(code)))


@pytest.mark.parametrize("code", ["timeout", "not_connected", "browser_lost"])
def test_a_file_that_could_not_be_read_now_is_tried_again(code):
	with pytest.raises(RetryLater) as caught:
		fetch(FakeSession(JobFailed(code)))
	assert caught.value.code == code


def test_without_a_session_a_file_waits():
	with pytest.raises(RetryLater):
		UnofficialSender(DEVICE).fetch_media(MediaInfo(f"{WID}/3EB0BB"))
