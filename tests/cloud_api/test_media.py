"""Uploads and downloads: what goes out, which hosts may have the token, and what a file must be."""

import base64
import hashlib
import io

import pytest
from werkzeug.formparser import parse_form_data

from tests.cloud_api import graph
from tests.cloud_api.graph import TOKEN, HandlerAdapter, answer, error_answer, make_device
from whatsapp_integration.cloud_api import media as media_module
from whatsapp_integration.cloud_api.answers import StoredMedia
from whatsapp_integration.cloud_api.bodies import CHUNK, FileBody
from whatsapp_integration.cloud_api.client import CloudApiClient
from whatsapp_integration.core.errors import FixCredentials, FixRequest, RetryLater
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import MediaFile

DATA = b"\x89PNG picture"
HEX = hashlib.sha256(DATA).hexdigest()
BASE64 = base64.b64encode(hashlib.sha256(DATA).digest()).decode()
URL = "https://media.test/file?hash=1"


def make_client(routes, **values) -> tuple[CloudApiClient, HandlerAdapter]:
	"""`routes` maps a URL, without its query, to its answers in order; the last one stays."""

	def handle(seen):
		answers = routes[seen.url.partition("?")[0]]
		return answers.pop(0) if len(answers) > 1 else answers[0]

	adapter = HandlerAdapter(handle)
	return CloudApiClient(make_device(**values), adapter), adapter


def look_up(**values):
	return answer(
		{"url": URL, "mime_type": "image/png", "sha256": HEX, "file_size": str(len(DATA)), **values}
	)


def write_file(folder, data=b"%PDF", name="invoice.pdf", mime_type="application/pdf") -> MediaFile:
	path = folder / "stored"
	path.write_bytes(data)
	return MediaFile(str(path), name, mime_type, len(data))


def parse_form(seen: graph.Seen):
	environ = {
		"REQUEST_METHOD": "POST",
		"CONTENT_TYPE": seen.headers["Content-Type"],
		"CONTENT_LENGTH": seen.headers["Content-Length"],
		"wsgi.input": io.BytesIO(seen.body),
	}
	_stream, form, files = parse_form_data(environ)
	return form, files


def test_an_upload_is_a_form_with_the_file_and_its_type(tmp_path):
	client, adapter = make_client({"https://graph.test/v25.0/1001/media": [answer({"id": "77"})]})
	assert client.upload_media(write_file(tmp_path, mime_type="application/pdf; x=1")) == "77"
	form, files = parse_form(adapter.seen[0])
	assert form.to_dict() == {"messaging_product": "whatsapp", "type": "application/pdf"}
	assert (files["file"].filename, files["file"].mimetype) == ("invoice.pdf", "application/pdf")
	assert files["file"].read() == b"%PDF"
	assert len(adapter.seen[0].body) == int(adapter.seen[0].headers["Content-Length"])


@pytest.mark.parametrize("name", ["فاتورة ١.pdf", 'a"b.pdf', "a\r\nX-Evil: 1.pdf"])
def test_no_file_name_breaks_the_form(tmp_path, name):
	client, adapter = make_client({"https://graph.test/v25.0/1001/media": [answer({"id": "77"})]})
	client.upload_media(write_file(tmp_path, name=name))
	form, files = parse_form(adapter.seen[0])
	assert set(form) == {"messaging_product", "type"}
	assert files["file"].read() == b"%PDF"
	assert "X-Evil" not in files["file"].headers


def test_a_file_is_read_from_disk_in_pieces_as_it_goes_out(tmp_path):
	data = b"x" * (3 * CHUNK + 5)
	body = FileBody(write_file(tmp_path, data))
	chunks = list(body)
	assert max(map(len, chunks)) <= CHUNK
	assert len(body) == sum(map(len, chunks))
	assert b"".join(chunks).count(b"x" * len(data)) == 1


def test_a_body_is_started_only_when_its_first_byte_is_asked_for(tmp_path):
	body = FileBody(write_file(tmp_path))
	chunks = iter(body)
	assert not body.is_started
	next(chunks)
	assert body.is_started


@pytest.mark.parametrize("mime_type", ["", "pdf", "a/b\r\nX: y"])
def test_a_file_of_unknown_type_is_not_uploaded(tmp_path, mime_type):
	client, adapter = make_client({})
	with pytest.raises(FixRequest, match=r"invoice\.pdf"):
		client.upload_media(write_file(tmp_path, mime_type=mime_type))
	assert adapter.seen == []


def test_a_file_that_is_gone_is_named_without_its_path(tmp_path):
	client, _adapter = make_client({})
	with pytest.raises(FixRequest) as caught:
		client.upload_media(MediaFile(str(tmp_path / "gone"), "invoice.pdf", "application/pdf", 4))
	assert str(caught.value) == "The file invoice.pdf can't be read. Attach it again."


@pytest.mark.parametrize("given", [answer(b"<html>", 502), answer({}), answer({"id": 7}), answer(b"garbage")])
def test_an_upload_that_ends_unclear_may_be_repeated(tmp_path, given):
	client, _adapter = make_client({"https://graph.test/v25.0/1001/media": [given]})
	with pytest.raises(RetryLater):
		client.upload_media(write_file(tmp_path))


def test_a_file_is_looked_up_for_this_number():
	client, adapter = make_client({"https://graph.test/v25.0/77": [look_up()]})
	assert client.media_info("77") == StoredMedia(
		"77", mime_type="image/png", sha256=HEX, url=URL, size=len(DATA)
	)
	assert adapter.seen[0].url == "https://graph.test/v25.0/77?phone_number_id=1001"


def test_a_file_without_an_address_is_looked_up_then_downloaded_with_the_token():
	client, adapter = make_client(
		{"https://graph.test/v25.0/77": [look_up()], "https://media.test/file": [answer(DATA)]}
	)
	assert client.download_media(MediaInfo("77")) == (DATA, "image/png")
	assert [seen.url.partition("?")[0] for seen in adapter.seen] == [
		"https://graph.test/v25.0/77",
		"https://media.test/file",
	]
	assert adapter.seen[1].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_file_with_an_address_is_not_looked_up():
	client, adapter = make_client(
		{"https://media.test/file": [answer(DATA, headers={"Content-Type": "image/png"})]}
	)
	assert client.download_media(MediaInfo("77", url=URL, sha256=BASE64)) == (DATA, "image/png")
	assert len(adapter.seen) == 1


def test_an_address_that_is_gone_is_looked_up_again_once():
	client, adapter = make_client(
		{
			"https://graph.test/v25.0/77": [look_up()],
			"https://media.test/file": [answer(status=404), answer(DATA)],
		}
	)
	assert client.download_media(MediaInfo("77", url=URL)) == (DATA, "image/png")
	assert len(adapter.seen) == 3


def test_a_file_that_stays_gone_is_asked_for_no_more():
	client, adapter = make_client(
		{"https://graph.test/v25.0/77": [look_up()], "https://media.test/file": [answer(status=404)]}
	)
	with pytest.raises(FixRequest, match="no longer has this file"):
		client.download_media(MediaInfo("77"))
	assert len(adapter.seen) == 4


def test_an_id_that_meta_does_not_know_is_refused():
	client, _adapter = make_client({"https://graph.test/v25.0/77": [error_answer(100, message="no such id")]})
	with pytest.raises(FixRequest, match="no such id"):
		client.download_media(MediaInfo("77"))


@pytest.mark.parametrize(
	("status", "cls"),
	[
		(204, RetryLater),
		(206, RetryLater),
		(304, RetryLater),
		(401, FixCredentials),
		(410, FixRequest),
		(500, RetryLater),
		(503, RetryLater),
	],
)
def test_only_a_plain_yes_is_a_file(status, cls):
	client, _adapter = make_client({"https://media.test/file": [answer(b"partial", status)]})
	with pytest.raises(cls):
		client.download_media(MediaInfo("77", url=URL))


@pytest.mark.parametrize(
	"url",
	[
		"https://evil.test/file",
		"http://media.test/file",
		"https://media.test:8443/file",
		"https://media.test.evil.test/file",
		"https://media.test@evil.test/file",
		"https://evil.test\\@media.test/file",
		"https://evil.test#@media.test/file",
		"https://169.254.169.254/latest/meta-data",
		"file:///etc/passwd",
		"ftp://media.test/file",
		"//media.test/file",
		"media.test/file",
		"https://[::1/file",
		"https://",
	],
)
def test_the_token_goes_to_no_host_off_the_list(url):
	client, adapter = make_client({})
	with pytest.raises(FixRequest):
		client.download_media(MediaInfo("77", url=url))
	assert adapter.seen == []


@pytest.mark.parametrize(
	("url", "asked"),
	[
		("https://graph.test/file", "https://graph.test/file"),
		("https://MEDIA.test:443/file", "https://media.test:443/file"),
		(URL, "https://media.test/file"),
	],
)
def test_the_graph_host_and_the_media_hosts_may_serve_files(url, asked):
	client, _adapter = make_client({asked: [answer(DATA)]})
	assert client.download_media(MediaInfo("77", url=url))[0] == DATA


def test_plain_http_is_for_a_local_stand_in_only():
	client, _adapter = make_client(
		{"http://127.0.0.1:9/file": [answer(DATA)]}, graph_url="http://127.0.0.1:9"
	)
	assert client.download_media(MediaInfo("77", url="http://127.0.0.1:9/file"))[0] == DATA


def redirect(location: str):
	return answer(status=302, headers={"Location": location})


def test_a_redirect_within_the_list_is_followed():
	client, adapter = make_client(
		{
			"https://media.test/file": [redirect("/elsewhere")],
			"https://media.test/elsewhere": [redirect("https://graph.test/there")],
			"https://graph.test/there": [answer(DATA)],
		}
	)
	assert client.download_media(MediaInfo("77", url=URL))[0] == DATA
	assert len(adapter.seen) == 3


@pytest.mark.parametrize(
	"location",
	[
		"https://evil.test/",
		"//evil.test/",
		"http://media.test/file",
		"https://evil.test\\@media.test/",
		"http://[bad",
	],
)
def test_a_redirect_off_the_list_is_refused(location):
	client, adapter = make_client({"https://media.test/file": [redirect(location)]})
	with pytest.raises(FixRequest):
		client.download_media(MediaInfo("77", url=URL))
	assert len(adapter.seen) == 1


def test_a_redirect_that_never_ends_is_left():
	client, adapter = make_client({"https://media.test/file": [redirect(URL)]})
	with pytest.raises(RetryLater):
		client.download_media(MediaInfo("77", url=URL))
	assert len(adapter.seen) == 4


@pytest.mark.parametrize("sha256", ["", HEX, HEX.upper(), BASE64])
def test_a_digest_is_taken_in_hex_and_in_base64(sha256):
	client, _adapter = make_client({"https://media.test/file": [answer(DATA)]})
	assert client.download_media(MediaInfo("77", url=URL, sha256=sha256))[0] == DATA


@pytest.mark.parametrize("sha256", ["0" * 64, BASE64.replace("=", "A"), BASE64.swapcase(), "?"])
def test_a_file_with_another_digest_is_refused(sha256):
	client, _adapter = make_client({"https://media.test/file": [answer(DATA)]})
	with pytest.raises(RetryLater, match="SHA-256"):
		client.download_media(MediaInfo("77", url=URL, sha256=sha256))


def test_the_webhooks_digest_holds_after_a_look_up():
	client, _adapter = make_client(
		{"https://graph.test/v25.0/77": [look_up(sha256="")], "https://media.test/file": [answer(DATA)]}
	)
	with pytest.raises(RetryLater, match="SHA-256"):
		client.download_media(MediaInfo("77", sha256="0" * 64))


def test_a_file_of_another_size_than_announced_is_refused():
	client, _adapter = make_client(
		{"https://graph.test/v25.0/77": [look_up(file_size="99")], "https://media.test/file": [answer(DATA)]}
	)
	with pytest.raises(RetryLater, match="complete"):
		client.download_media(MediaInfo("77"))


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "101"}])
def test_a_file_that_is_too_large_is_refused_announced_or_not(monkeypatch, headers):
	monkeypatch.setattr(media_module, "MAX_BYTES", 100)
	client, _adapter = make_client({"https://media.test/file": [answer(b"x" * 101, headers=headers)]})
	with pytest.raises(FixRequest, match="larger"):
		client.download_media(MediaInfo("77", url=URL))
