"""The same promises over real sockets: what broke, when, and who got the token."""

import gzip
import json
import socket

import pytest

from tests.cloud_api.graph import TOKEN, LocalServer, answer, hang_up, make_device, reset, write
from whatsapp_integration.cloud_api.client import CloudApiClient
from whatsapp_integration.core.errors import FixRequest, OutcomeUnknown, RetryLater
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import MediaFile, Sent

PAYLOAD = {"messaging_product": "whatsapp", "to": "+201001234567", "type": "text", "text": {"body": "Hi"}}
TAKEN = answer({"messages": [{"id": "wamid.1"}], "contacts": [{"wa_id": "201001234567"}]})


def serve(given) -> LocalServer:
	"""Serve an `answer(…)`, or whatever a function does with the raw handler."""
	return LocalServer(lambda handler, _seen: given(handler) if callable(given) else write(handler, given))


def make_client(url: str, **values) -> CloudApiClient:
	return CloudApiClient(make_device(graph_url=url, **values))


@pytest.fixture
def unused_port():
	"""A port that refuses: bound, so that nobody else takes it, but not listening."""
	with socket.socket() as held:
		held.bind(("127.0.0.1", 0))
		yield held.getsockname()[1]


def test_a_message_arrives_whole():
	with serve(TAKEN) as server:
		assert make_client(server.url).send(PAYLOAD) == Sent("wamid.1", "201001234567")
	[seen] = server.seen
	assert (seen.method, seen.url, seen.json) == ("POST", "/v25.0/1001/messages", PAYLOAD)
	assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
	assert seen.headers["Transfer-Encoding"] is None


def test_a_server_that_does_not_answer_leaves_the_outcome_unknown():
	with LocalServer(lambda handler, _seen: server.released.wait()) as server:
		with pytest.raises(OutcomeUnknown, match=r"127\.0\.0\.1 did not answer in time"):
			make_client(server.url, read_timeout=0.1).send(PAYLOAD)
		with pytest.raises(RetryLater):
			make_client(server.url, read_timeout=0.1).mark_read("wamid.1")


@pytest.mark.parametrize("end", [reset, hang_up])
def test_a_connection_that_ends_without_an_answer_leaves_the_outcome_unknown(end):
	with serve(end) as server:
		with pytest.raises(OutcomeUnknown):
			make_client(server.url).send(PAYLOAD)
		with pytest.raises(RetryLater):
			make_client(server.url).number_info()
	assert len(server.seen) == 2


def test_an_answer_cut_short_leaves_the_outcome_unknown():
	cut = answer(TAKEN[2][:-5], headers={"Content-Length": str(len(TAKEN[2]))})
	with serve(cut) as server, pytest.raises(OutcomeUnknown):
		make_client(server.url).send(PAYLOAD)


def test_a_compressed_answer_that_is_garbage_leaves_the_outcome_unknown():
	garbage = answer(b"not gzip", headers={"Content-Encoding": "gzip"})
	with serve(garbage) as server, pytest.raises(OutcomeUnknown):
		make_client(server.url).send(PAYLOAD)


def test_a_compressed_answer_is_read():
	packed = answer(gzip.compress(TAKEN[2]), headers={"Content-Encoding": "gzip"})
	with serve(packed) as server:
		assert make_client(server.url).send(PAYLOAD).message_id == "wamid.1"


def test_a_refused_connection_is_tried_again(unused_port):
	with pytest.raises(RetryLater, match="can't be reached") as caught:
		make_client(f"http://127.0.0.1:{unused_port}").send(PAYLOAD)
	assert caught.value.scope == "device"


def test_a_name_nobody_knows_is_tried_again():
	with pytest.raises(RetryLater, match=r"graph\.invalid can't be reached"):
		make_client("http://graph.invalid").send(PAYLOAD)


def test_a_failed_tls_handshake_is_tried_again():
	def say_something_else(handler):
		raise AssertionError("plain HTTP never gets here")

	with serve(say_something_else) as server, pytest.raises(RetryLater, match="No secure connection"):
		make_client(server.url.replace("http:", "https:")).send(PAYLOAD)
	assert server.seen == []


def test_a_tls_handshake_that_hangs_is_tried_again():
	with socket.create_server(("127.0.0.1", 0)) as silent:
		client = make_client(
			f"https://127.0.0.1:{silent.getsockname()[1]}", connect_timeout=0.1, read_timeout=0.1
		)
		with pytest.raises(RetryLater):
			client.send(PAYLOAD)


def test_a_redirected_message_goes_nowhere_else():
	with (
		serve(TAKEN) as other,
		serve(answer(status=307, headers={"Location": other.url})) as server,
		pytest.raises(RetryLater),
	):
		make_client(server.url).send(PAYLOAD)
	assert (len(server.seen), other.seen) == (1, [])


def test_a_netrc_file_never_replaces_the_token(tmp_path, monkeypatch):
	netrc = tmp_path / "netrc"
	netrc.write_text("default login somebody password else")
	monkeypatch.setenv("NETRC", str(netrc))
	with serve(TAKEN) as server:
		make_client(server.url).send(PAYLOAD)
	assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_the_proxy_of_the_environment_is_used(monkeypatch):
	with serve(TAKEN) as proxy:
		monkeypatch.setenv("http_proxy", proxy.url)
		make_client("http://graph.invalid").send(PAYLOAD)
	assert proxy.seen[0].url == "http://graph.invalid/v25.0/1001/messages"


def test_a_dead_proxy_is_tried_again(monkeypatch, unused_port):
	monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{unused_port}")
	with pytest.raises(RetryLater):
		make_client("https://graph.invalid").send(PAYLOAD)


def test_a_missing_certificate_bundle_is_an_error_of_ours(monkeypatch, unused_port):
	monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
	with pytest.raises(RetryLater):
		make_client(f"https://127.0.0.1:{unused_port}").send(PAYLOAD)


def test_a_file_goes_out_with_its_length(tmp_path):
	path = tmp_path / "film"
	path.write_bytes(b"film" * 100_000)
	with serve(answer({"id": "77"})) as server:
		file = MediaFile(str(path), "film.mp4", "video/mp4", 400_000)
		assert make_client(server.url).upload_media(file) == "77"
	[seen] = server.seen
	assert seen.headers["Content-Length"] == str(len(seen.body))
	assert b"film" * 100_000 in seen.body


def test_a_download_never_hands_the_token_to_another_server():
	with (
		serve(answer(b"evil")) as other,
		serve(answer(status=302, headers={"Location": f"{other.url}/file"})) as server,
		pytest.raises(FixRequest),
	):
		make_client(server.url).download_media(MediaInfo("77", url=f"{server.url}/file"))
	assert other.seen == []


def test_a_download_cut_short_is_tried_again():
	with serve(answer(b"half", headers={"Content-Length": "8"})) as server, pytest.raises(RetryLater):
		make_client(server.url).download_media(MediaInfo("77", url=f"{server.url}/file"))


def test_a_download_that_stalls_is_tried_again():
	def stall(handler, _seen):
		handler.send_response(200)
		handler.send_header("Content-Length", "8")
		handler.end_headers()
		handler.wfile.write(b"half")
		server.released.wait()

	with LocalServer(stall) as server, pytest.raises(RetryLater):
		client = make_client(server.url, read_timeout=0.1)
		client.download_media(MediaInfo("77", url=f"{server.url}/file"))


def test_a_download_that_is_not_the_announced_file_is_refused():
	def handler(raw, seen):
		url = f"{server.url}/file"
		write(raw, answer(b"other") if seen.url == "/file" else answer({"url": url, "sha256": "0" * 64}))

	with LocalServer(handler) as server, pytest.raises(RetryLater, match="SHA-256"):
		make_client(server.url).download_media(MediaInfo("77"))


def test_the_errors_of_the_network_hold_no_token():
	with serve(reset) as server, pytest.raises(OutcomeUnknown) as caught:
		make_client(server.url).send(PAYLOAD)
	told = json.dumps(
		[str(caught.value), repr(caught.value), caught.value.details, str(caught.value.__cause__)]
	)
	assert TOKEN not in told
