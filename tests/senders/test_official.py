import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cloud_api.graph import HandlerAdapter, answer, error_answer, make_device
from whatsapp_integration.cloud_api import media as media_module
from whatsapp_integration.cloud_api.client import CloudApiClient
from whatsapp_integration.core.errors import (
	FixCredentials,
	FixRequest,
	InvalidContent,
	OutcomeUnknown,
	RetryLater,
)
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import CONTENTS, Document, Media, MediaFile, Outgoing, Sent, Text
from whatsapp_integration.senders.official import OfficialSender

DAY = 86400
TAKEN = answer({"messages": [{"id": "wamid.1"}], "contacts": [{"wa_id": "201001234567"}]})


class Meta:
	"""Answers uploads with "media.1", "media.2", … and takes every message."""

	def __init__(self):
		self.now = 1_000_000.0
		self.upload_answer = None
		self.adapter = HandlerAdapter(self.handle)
		self._lock = threading.Lock()
		self._count = 0

	def handle(self, seen):
		if not seen.url.endswith("/media"):
			return TAKEN
		with self._lock:
			self._count += 1
			return self.upload_answer or answer({"id": f"media.{self._count}"})

	def make_sender(self, **values) -> OfficialSender:
		device = make_device(**values)
		return OfficialSender(device, CloudApiClient(device, self.adapter), clock=lambda: self.now)

	@property
	def uploads(self) -> int:
		return sum(seen.url.endswith("/media") for seen in self.adapter.seen)

	@property
	def sent(self) -> list[dict]:
		return [seen.json for seen in self.adapter.seen if seen.url.endswith("/messages")]


@pytest.fixture
def meta():
	return Meta()


@pytest.fixture
def file(tmp_path):
	path = tmp_path / "stored"
	path.write_bytes(b"%PDF")
	return MediaFile(str(path), "invoice.pdf", "application/pdf", 4)


def with_file(file: MediaFile | None, name: str = "MSG-1") -> Outgoing:
	return Outgoing(name, "+201001234567", Document(Media(file="FILE-1")), file=file)


def test_all_kinds_of_messages_can_be_sent():
	assert set(CONTENTS) == OfficialSender.KINDS


def test_a_text_is_sent_in_one_request(meta):
	sent = meta.make_sender().send(Outgoing("MSG-1", "+201001234567", Text("Hi")))
	assert sent == Sent("wamid.1", "201001234567")
	assert meta.sent == [
		{
			"messaging_product": "whatsapp",
			"recipient_type": "individual",
			"to": "+201001234567",
			"type": "text",
			"text": {"preview_url": False, "body": "Hi"},
			"biz_opaque_callback_data": "MSG-1",
		}
	]


def test_a_message_that_breaks_a_limit_is_not_sent(meta):
	with pytest.raises(InvalidContent):
		meta.make_sender().send(Outgoing("MSG-1", "+201001234567", Text("")))
	assert meta.adapter.seen == []


def test_a_file_is_uploaded_then_sent_by_its_id(meta, file):
	meta.make_sender().send(with_file(file))
	assert [seen.url.rpartition("/")[2] for seen in meta.adapter.seen] == ["media", "messages"]
	assert meta.sent[0]["document"] == {"id": "media.1", "filename": "invoice.pdf"}


@pytest.mark.parametrize("media", [Media(link="https://shop.test/a.pdf"), Media(media_id="77")])
def test_a_link_or_an_id_is_not_uploaded(meta, media):
	meta.make_sender().send(Outgoing("MSG-1", "+201001234567", Document(media)))
	assert meta.uploads == 0


def test_a_message_whose_file_was_not_handed_over_is_refused(meta):
	with pytest.raises(FixRequest, match="file of the message is missing"):
		meta.make_sender().send(with_file(None))


def test_one_file_for_many_people_is_uploaded_once_even_by_threads_that_start_at_once(meta, file):
	sender = meta.make_sender()
	together = threading.Barrier(64)

	def send(number):
		together.wait()
		return sender.send(with_file(file, f"MSG-{number}"))

	with ThreadPoolExecutor(64) as threads:
		list(threads.map(send, range(64)))
	assert meta.uploads == 1
	assert {payload["document"]["id"] for payload in meta.sent} == {"media.1"}
	assert len(meta.sent) == 64


def test_threads_that_wait_for_an_upload_share_its_error(file):
	uploading, is_second_here = threading.Event(), threading.Event()
	uploads = []

	def upload(given):
		uploads.append(given)
		uploading.set()
		is_second_here.wait(10)
		raise RetryLater("busy")

	def clock():
		if uploading.is_set():  # the second thread asks how old the upload is, and finds it running
			is_second_here.set()
		return 0.0

	media_ids = media_module.MediaIds(upload, clock)
	with ThreadPoolExecutor(2) as threads:
		first = threads.submit(media_ids.get, file)
		uploading.wait(10)
		second = threads.submit(media_ids.get, file)
	assert isinstance(first.exception(), RetryLater)
	assert second.exception() is first.exception()
	assert len(uploads) == 1


def test_a_file_that_changed_is_uploaded_anew(meta, file):
	sender = meta.make_sender()
	sender.send(with_file(file))
	with open(file.path, "wb") as stream:
		stream.write(b"%PDF, changed")
	sender.send(with_file(file))
	assert [payload["document"]["id"] for payload in meta.sent] == ["media.1", "media.2"]


@pytest.mark.parametrize(("days", "uploads"), [(28.99, 1), (29, 2)])
def test_an_upload_is_used_for_29_days(meta, file, days, uploads):
	sender = meta.make_sender()
	sender.send(with_file(file))
	meta.now += days * DAY
	sender.send(with_file(file))
	assert meta.uploads == uploads


def test_only_the_latest_uploads_are_remembered(meta, tmp_path, monkeypatch):
	monkeypatch.setattr(media_module, "REMEMBERED", 2)
	sender = meta.make_sender()
	for name in "abc":
		(tmp_path / name).touch()
	for name in "abccba":
		sender.send(with_file(MediaFile(str(tmp_path / name), name, "application/pdf", 0)))
	assert meta.uploads == 4


@pytest.mark.parametrize(
	("given", "cls"),
	[
		(answer(b"<html>", 502), RetryLater),
		(answer(b"garbage"), RetryLater),
		(error_answer(131053), FixRequest),
		(error_answer(190, 401), FixCredentials),
	],
)
def test_a_failed_upload_sends_nothing_and_is_never_of_unknown_outcome(meta, file, given, cls):
	meta.upload_answer = given
	with pytest.raises(cls):
		meta.make_sender().send(with_file(file))
	assert meta.sent == []


def test_a_failed_upload_is_not_remembered(meta, file):
	sender = meta.make_sender()
	meta.upload_answer = answer(b"", 502)
	with pytest.raises(RetryLater):
		sender.send(with_file(file))
	meta.upload_answer = None
	assert sender.send(with_file(file)) == Sent("wamid.1", "201001234567")


def test_an_unclear_end_of_sending_is_of_unknown_outcome(meta, file):
	meta.adapter.handler = lambda seen: (
		answer({"id": "7"}) if seen.url.endswith("/media") else answer(b"", 502)
	)
	with pytest.raises(OutcomeUnknown):
		meta.make_sender().send(with_file(file))


def test_marking_as_read_shows_typing_on_demand(meta):
	meta.adapter.handler = lambda seen: answer({"success": True})
	meta.make_sender().mark_read("wamid.9", typing=True)
	assert meta.sent[0]["message_id"] == "wamid.9"
	assert meta.sent[0]["typing_indicator"] == {"type": "text"}


def test_a_received_file_is_downloaded(meta):
	meta.adapter.handler = lambda seen: answer(b"data", headers={"Content-Type": "image/png"})
	media = MediaInfo("77", url="https://media.test/x")
	assert meta.make_sender().fetch_media(media) == (b"data", "image/png")


def test_closing_the_sender_closes_its_connections(meta):
	meta.make_sender().close()
	assert meta.adapter.is_closed
