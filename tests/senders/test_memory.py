from concurrent.futures import ThreadPoolExecutor

import pytest

from whatsapp_integration.core.config import DeviceConfig
from whatsapp_integration.core.errors import FixRequest, InvalidContent, RecipientUnreachable, RetryLater
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import CONTENTS, Outgoing, Sent, Text
from whatsapp_integration.senders.memory import MemorySender, clear_mailboxes, mailbox

DEVICE = DeviceConfig("Sales", mode="Memory")


@pytest.fixture(autouse=True)
def no_mailboxes():
	clear_mailboxes()


def text(to: str = "+201001234567", body: str = "Hi") -> Outgoing:
	return Outgoing("MSG-1", to, Text(body))


def test_all_kinds_of_messages_can_be_sent():
	assert set(CONTENTS) == MemorySender.KINDS


def test_messages_are_kept_and_numbered():
	sender = MemorySender(DEVICE)
	assert sender.send(text()) == Sent("mem.1", "201001234567", "accepted")
	assert sender.send(text(body="Again")).message_id == "mem.2"
	assert sender.sent == [text(), text(body="Again")]


def test_a_limit_of_whatsapp_holds_here_too():
	with pytest.raises(InvalidContent):
		MemorySender(DEVICE).send(text(body=""))


def test_a_list_answers_in_order_then_everything_is_taken():
	sender = MemorySender(DEVICE, [RetryLater("busy"), Sent("wamid.7"), None])
	with pytest.raises(RetryLater):
		sender.send(text())
	assert [sender.send(text()).message_id for _time in range(3)] == ["wamid.7", "mem.2", "mem.3"]
	assert len(sender.sent) == 3


def test_a_dict_answers_by_recipient():
	sender = MemorySender(DEVICE, {"+1": [RecipientUnreachable("gone")]})
	assert sender.send(text("+2")).message_id == "mem.1"
	with pytest.raises(RecipientUnreachable):
		sender.send(text("+1"))
	assert sender.send(text("+1")).message_id == "mem.2"


def test_a_function_is_asked_about_every_message():
	sender = MemorySender(DEVICE, lambda message: RetryLater("busy") if message.to == "+1" else None)
	for _time in range(2):
		with pytest.raises(RetryLater):
			sender.send(text("+1"))
	assert sender.send(text("+2")).message_id == "mem.1"


def test_a_mailbox_may_be_scripted_before_its_sender_is_made_and_outlives_it():
	mailbox("Sales").script = [RetryLater("busy")]
	with pytest.raises(RetryLater):
		MemorySender(DEVICE).send(text())
	MemorySender(DEVICE).send(text())
	assert mailbox("Sales").sent == [text()]
	assert mailbox("Service").sent == []


def test_threads_get_ids_of_their_own():
	sender = MemorySender(DEVICE)
	with ThreadPoolExecutor(16) as threads:
		ids = {sent.message_id for sent in threads.map(lambda _number: sender.send(text()), range(500))}
	assert len(ids) == len(sender.sent) == 500


def test_reads_are_kept():
	sender = MemorySender(DEVICE)
	sender.mark_read("wamid.1")
	sender.mark_read("wamid.2", typing=True)
	assert sender.mailbox.read == [("wamid.1", False), ("wamid.2", True)]


def test_received_files_come_from_the_mailbox():
	mailbox("Sales").media["77"] = (b"data", "image/png")
	assert MemorySender(DEVICE).fetch_media(MediaInfo("77")) == (b"data", "image/png")
	with pytest.raises(FixRequest):
		MemorySender(DEVICE).fetch_media(MediaInfo("78"))
