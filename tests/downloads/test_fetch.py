"""Files from web addresses that callers name: who may be asked, how much is taken, and its name."""

import ipaddress
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatsapp_integration.core.errors import InvalidContent
from whatsapp_integration.downloads import fetch as fetch_module
from whatsapp_integration.downloads.fetch import FetchedFile, fetch_url, is_public_address

LOOPBACK = "127.0.0.1"
PRIVATE = "10.1.2.3"
HOSTS = {"media.test": [LOOPBACK], "other.test": [LOOPBACK], "inner.test": [PRIVATE]}


class Server(ThreadingHTTPServer):
	"""A file host on loopback: `routes` maps a path to a function that answers it, `seen` are the requests."""

	daemon_threads = True

	def __init__(self):
		super().__init__((LOOPBACK, 0), Handler)
		self.routes: dict[str, Callable[[Handler], None]] = {}
		self.seen: list[tuple[str, dict[str, str]]] = []
		self.stopping = threading.Event()

	@property
	def port(self) -> int:
		return self.server_address[1]

	def handle_error(self, request, client_address):
		"""A client that hangs up is what these tests are about."""


class Handler(BaseHTTPRequestHandler):
	protocol_version = "HTTP/1.1"

	def do_GET(self):
		self.server.seen.append((self.path, dict(self.headers)))
		self.close_connection = True
		self.server.routes[self.path.partition("?")[0]](self)

	def log_message(self, *_args):
		pass


class Network:
	"""A resolver that knows names by heart and counts what it is asked; loopback stands for the internet."""

	def __init__(self):
		self.asked: list[str] = []

	def resolve(self, host, port, **_kwargs):
		self.asked.append(host)
		if host not in HOSTS:
			return socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST, type=socket.SOCK_STREAM)
		return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in HOSTS[host]]

	def fetch(self, url, **values) -> FetchedFile:
		values = {"resolve": self.resolve, "is_allowed": lambda address: address == LOOPBACK, **values}
		return fetch_url(url, **values)


def answer(body: bytes = b"data", status: int = 200, **headers: str) -> Callable[[Handler], None]:
	headers = {"Content-Length": str(len(body)), **{k.replace("_", "-"): v for k, v in headers.items()}}

	def run(handler: Handler) -> None:
		handler.send_response(status)
		for name, value in headers.items():
			handler.send_header(name, value)
		handler.end_headers()
		handler.wfile.write(body)

	return run


def redirect(location: str, status: int = 302) -> Callable[[Handler], None]:
	return answer(b"", status, Location=location)


def raw(*pieces: bytes) -> Callable[[Handler], None]:
	def run(handler: Handler) -> None:
		for piece in pieces:
			handler.wfile.write(piece)

	return run


def drip(start: bytes, piece: bytes) -> Callable[[Handler], None]:
	"""Answer `start`, then `piece` every 10 ms until the client hangs up."""

	def run(handler: Handler) -> None:
		handler.wfile.write(start)
		while not handler.server.stopping.wait(0.01):
			handler.wfile.write(piece)

	return run


def serve(server: Server):
	thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
	thread.start()
	yield server
	server.stopping.set()
	server.shutdown()
	server.server_close()
	thread.join()


@pytest.fixture
def server():
	yield from serve(Server())


@pytest.fixture
def network() -> Network:
	return Network()


@pytest.fixture
def url(server) -> Callable[[str], str]:
	return lambda path, host="media.test": f"http://{host}:{server.port}{path}"


def refusal(network: Network, url: str, **values) -> str:
	with pytest.raises(InvalidContent) as caught:
		network.fetch(url, **values)
	assert caught.value.code == "media_url"
	assert PRIVATE not in str(caught.value)
	return str(caught.value)


# Which addresses are public


@pytest.mark.parametrize(
	"address",
	[
		"1.1.1.1",
		"8.8.8.8",
		"172.15.255.255",
		"172.32.0.1",
		"100.63.255.255",
		"100.128.0.1",
		"2606:4700::1111",
		"2a00:1450:4001::64",
		"::ffff:8.8.8.8",
		"64:ff9b::808:808",
	],
)
def test_a_host_on_the_internet_is_public(address):
	assert is_public_address(address)


@pytest.mark.parametrize(
	"address",
	[
		"0.0.0.0",
		"10.0.0.1",
		"100.64.0.1",
		"100.100.100.200",
		"127.0.0.1",
		"127.255.255.254",
		"168.63.129.16",
		"169.254.169.254",
		"172.16.0.1",
		"172.31.255.255",
		"192.0.0.192",
		"192.0.2.1",
		"192.88.99.1",
		"192.168.1.1",
		"198.18.0.1",
		"198.51.100.1",
		"203.0.113.1",
		"224.0.0.1",
		"239.255.255.255",
		"240.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"::7f00:1",
		"::ffff:127.0.0.1",
		"::ffff:169.254.169.254",
		"64:ff9b::10.0.0.1",
		"64:ff9b::a9fe:a9fe",
		"64:ff9b:1::808:808",
		"100::1",
		"2001::1",
		"2001:0:4136:e378:8000:63bf:3fff:fdd2",
		"2001:db8::1",
		"2002:7f00:1::",
		"2002:808:808::1",
		"3fff::1",
		"5f00::1",
		"fc00::1",
		"fd00:ec2::254",
		"fe80::1",
		"fe80::a9fe:a9fe%eth0",
		"fec0::1",
		"ff02::1",
		"2606:4700::1111%eth0",
	],
)
def test_a_private_special_or_disguised_address_is_not_public(address):
	assert not is_public_address(address)


@pytest.mark.parametrize("text", ["", "media.test", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]"])
def test_what_is_no_plain_address_is_not_public(text):
	assert not is_public_address(text)


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_no_address_is_public_that_python_calls_special(address):
	if is_public_address(str(address)) and not getattr(address, "ipv4_mapped", None):
		is_nat64 = address in ipaddress.ip_network("64:ff9b::/96")
		assert is_nat64 or (address.is_global and not address.is_multicast and not address.is_reserved)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="169.254.0.0/16"))
def test_no_ipv6_form_makes_a_private_address_public(address):
	number = int(address)
	forms = [
		number,  # IPv4-compatible
		0xFFFF << 32 | number,  # mapped
		0x64FF9B << 96 | number,  # NAT64
		0x2002 << 112 | number << 80,  # 6to4
		0x20010000 << 96 | number ^ 0xFFFFFFFF,  # Teredo
	]
	assert not any(is_public_address(str(ipaddress.IPv6Address(form))) for form in forms)


# Which links are taken


def test_a_file_comes_with_its_name_type_and_bytes(server, network, url):
	server.routes["/a/invoice.pdf"] = answer(b"%PDF", Content_Type="application/pdf; charset=binary")
	assert network.fetch(url("/a/invoice.pdf?sig=1")) == FetchedFile(
		"invoice.pdf", "application/pdf", b"%PDF"
	)
	assert server.seen[0][0] == "/a/invoice.pdf?sig=1"


def test_the_server_sees_the_name_of_its_host_and_is_asked_for_the_plain_file(server, network, url):
	server.routes["/a"] = answer()
	network.fetch(url("/a"))
	headers = server.seen[0][1]
	assert headers["Host"] == f"media.test:{server.port}"
	assert headers["Accept-Encoding"] == "identity"
	assert not {"Authorization", "Cookie", "Referer"} & set(headers)


@pytest.mark.parametrize(
	"url",
	[
		"ftp://media.test/a",
		"file:///etc/passwd",
		"gopher://media.test/",
		"media.test/a",
		"//media.test/a",
		"",
	],
)
def test_only_web_addresses_are_taken(network, url):
	assert refusal(network, url) == "The link must begin with http:// or https://."
	assert network.asked == []


@pytest.mark.parametrize(
	"url",
	["http://me@media.test/", "http://me:pw@media.test/", "http://@media.test/", "http://a\\@media.test/"],
)
def test_a_link_with_credentials_is_refused(network, url):
	assert "user name or a password" in refusal(network, url)
	assert network.asked == []


@pytest.mark.parametrize(
	"url",
	[
		"http://",
		"http:///a",
		"http:media.test",
		"http://media.test:99999/",
		"http://media.test:x/",
		"http://[::1/",
		"http://[fe80::1%25eth0]/",
		"http://media.test\\inner.test/",
		"http://media.test/a\r\nX-Evil: 1",
		"http://media.test/\x00",
		"http://me dia.test/",
		"http://\ud800.test/",
		"http://" + "a" * 300 + ".test/",
		"http://" + "é" * 300 + ".test/",
	],
)
def test_a_link_that_can_be_read_in_two_ways_is_refused(network, url):
	assert refusal(network, url) == "The link is no valid web address. Copy it anew."
	assert network.asked == []


@given(st.text(max_size=50), st.sampled_from(["", "http://", "https://media.test", "http://media.test/"]))
def test_any_text_is_a_link_or_is_refused_in_our_words(text, start):
	try:
		target = fetch_module._read_url(start + text)
	except InvalidContent as err:
		assert err.code == "media_url"
	else:
		assert target.host.isascii() and target.path.startswith("/")


def test_a_link_in_arabic_works(server, network, monkeypatch):
	monkeypatch.setitem(HOSTS, "xn--mgbh0fb.test", [LOOPBACK])
	server.routes["/%D9%81%D8%A7%D8%AA%D9%88%D8%B1%D8%A9.pdf"] = answer()
	found = network.fetch(f" http://مثال.test:{server.port}/فاتورة.pdf ")
	assert (found.filename, found.mime_type) == ("فاتورة.pdf", "application/pdf")


# Which places are reached


@pytest.mark.parametrize("host", ["inner.test", "169.254.169.254", "[::1]", "[::ffff:a01:203]", "[fd00::1]"])
def test_a_private_host_is_refused_in_words_that_tell_nothing_of_it(network, host):
	text = refusal(network, f"http://{host}/", is_allowed=is_public_address)
	assert (
		text == f"{host.strip('[]')} is not found on the internet. Check the spelling, or use a public link."
	)


@pytest.mark.parametrize(
	"host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "localhost", "127.0.0.1"]
)
def test_no_spelling_of_loopback_gets_through(host):
	with pytest.raises(InvalidContent, match="not found on the internet"):
		fetch_url(f"http://{host}/")


def test_a_private_and_an_unknown_host_are_refused_alike(network):
	known, unknown = refusal(network, "http://inner.test/"), refusal(network, "http://nobody.test/")
	assert known.replace("inner.test", "nobody.test") == unknown


def test_one_private_address_among_public_ones_spoils_them_all(server, network, url, monkeypatch):
	monkeypatch.setitem(HOSTS, "mixed.test", [LOOPBACK, PRIVATE])
	assert "not found" in refusal(network, url("/a", "mixed.test"))
	assert server.seen == []


def test_a_host_without_addresses_is_refused(network, monkeypatch):
	monkeypatch.setitem(HOSTS, "empty.test", [])
	assert "not found" in refusal(network, "http://empty.test/")


def test_the_connection_goes_to_the_address_that_was_judged(server, network, url, monkeypatch):
	looked_up, system_look_up = [], socket.getaddrinfo
	monkeypatch.setattr(
		socket,
		"getaddrinfo",
		lambda host, *args, **kw: looked_up.append(host) or system_look_up(host, *args, **kw),
	)
	server.routes["/a"] = answer()
	network.fetch(url("/a"))
	assert network.asked == ["media.test"]
	assert set(looked_up) <= {LOOPBACK}


def test_the_next_address_is_tried_where_one_takes_no_connection(server, network, url, monkeypatch):
	monkeypatch.setitem(HOSTS, "two.test", ["127.0.0.2", LOOPBACK])
	server.routes["/a"] = answer()
	assert network.fetch(url("/a", "two.test"), is_allowed=lambda address: True).content == b"data"


def test_a_host_that_takes_no_connection_is_named(network):
	with socket.create_server((LOOPBACK, 0)) as closed:
		port = closed.getsockname()[1]
	text = refusal(network, f"http://media.test:{port}/a")
	assert text == "media.test can't be reached. Check the link, or try again later."


def test_the_proxies_of_the_environment_are_not_used(server, network, url, monkeypatch):
	for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
		monkeypatch.setenv(name, "http://127.0.0.1:9")
	server.routes["/a"] = answer()
	assert network.fetch(url("/a")).content == b"data"


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_its_host_looked_up(server, network, url, status):
	server.routes |= {
		"/a": redirect(url("/b", "other.test"), status),
		"/b": redirect("c/d.png"),
		"/c/d.png": answer(),
	}
	assert network.fetch(url("/a")).filename == "d.png"
	assert network.asked == ["media.test", "other.test", "other.test"]
	assert server.seen[1][1]["Host"] == f"other.test:{server.port}"


@pytest.mark.parametrize(
	("location", "reason"),
	[
		("http://inner.test/", "not found"),
		("//inner.test/", "not found"),
		("http://169.254.169.254/latest/meta-data", "not found"),
		("file:///etc/passwd", "must begin with"),
		("http://me:pw@media.test/", "user name"),
		("http://[bad", "no valid web address"),
	],
)
def test_a_redirect_is_judged_like_the_first_address(server, network, url, location, reason):
	server.routes["/a"] = redirect(location)
	assert reason in refusal(network, url("/a"))
	assert len(server.seen) == 1


def test_a_name_that_moves_inside_between_two_hops_is_refused(server, network, url, monkeypatch):
	monkeypatch.setitem(HOSTS, "moving.test", [LOOPBACK])
	server.routes["/a"] = lambda handler: (HOSTS.update({"moving.test": [PRIVATE]}), redirect("/b")(handler))
	assert "not found" in refusal(network, url("/a", "moving.test"))
	assert len(server.seen) == 1


def test_three_redirects_are_followed_and_a_fourth_is_not(server, network, url):
	server.routes |= {f"/{n}": redirect(f"/{n + 1}") for n in range(4)} | {"/4": answer()}
	assert network.fetch(url("/1")).content == b"data"
	assert "redirected too often" in refusal(network, url("/0"))


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 302, 401, 403, 404, 410, 500, 503])
def test_only_a_plain_yes_is_a_file(server, network, url, status):
	server.routes["/a"] = answer(b"", status)
	text = refusal(network, url("/a"))
	assert text == f"media.test answered {status} instead of the file. The link must work without a login."


# How much is taken, and for how long


def test_a_file_of_exactly_the_limit_is_taken(server, network, url):
	server.routes["/a"] = answer(b"x" * 1000)
	assert len(network.fetch(url("/a"), max_bytes=1000).content) == 1000


@pytest.mark.parametrize(
	"reply",
	[
		answer(b"x" * 1001),
		answer(b"", Content_Length="1001"),
		answer(b"x" * 1001, Content_Length="nonsense"),
		raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", b"x" * 1001, b"\r\n0\r\n\r\n"),
		raw(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1001),
	],
	ids=["announced", "announced without a body", "length unreadable", "chunked", "until the end"],
)
def test_a_file_that_is_too_large_is_refused_announced_or_not(server, network, url, reply):
	server.routes["/a"] = reply
	assert "larger than" in refusal(network, url("/a"), max_bytes=1000)


def test_the_limit_is_told_in_megabytes(server, network, url):
	server.routes["/a"] = answer(b"", Content_Length=str(10**12))
	assert (
		refusal(network, url("/a")) == "The file behind the link is larger than 100 MB. Use a smaller file."
	)


def test_an_endless_file_is_left_at_the_limit(server, network, url):
	server.routes["/a"] = drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 100_000)
	assert "larger than" in refusal(network, url("/a"), max_bytes=300_000)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, gzip"])
def test_a_compressed_answer_is_not_unpacked_but_refused(server, network, url, encoding):
	server.routes["/a"] = answer(b"\x1f\x8b", Content_Encoding=encoding)
	assert "sends the file compressed" in refusal(network, url("/a"))


@pytest.mark.parametrize(
	"reply",
	[
		answer(b"half", Content_Length="8"),
		raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf"),
		raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
		raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 70_000),
		raw(b""),
		raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
		raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
	],
	ids=[
		"length",
		"in a chunk",
		"between chunks",
		"endless chunk line",
		"nothing",
		"not http",
		"many headers",
	],
)
def test_half_an_answer_is_no_file(server, network, url, reply):
	server.routes["/a"] = reply
	text = refusal(network, url("/a"))
	assert text == "The connection to media.test broke before the file was complete. Try again."


def test_a_chunked_answer_is_put_together(server, network, url):
	server.routes["/a"] = raw(
		b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
		b"5\r\nhello\r\n",
		b"6\r\n world\r\n0\r\n\r\n",
	)
	assert network.fetch(url("/a")).content == b"hello world"


@pytest.mark.parametrize(
	"reply",
	[
		drip(b"", b"H"),
		drip(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
		drip(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
		drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
		drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
		drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
	],
	ids=["status line", "continue", "header", "body", "body of known length", "chunks"],
)
def test_a_server_that_drips_is_left_in_time(server, network, url, reply):
	server.routes["/a"] = reply
	begun = time.monotonic()
	text = refusal(network, url("/a"), total_timeout=0.2)
	assert text == "The file did not arrive within 0.2 seconds. Use a smaller file or a faster link."
	assert time.monotonic() - begun < 2


def test_redirects_do_not_begin_the_time_anew(server, network, url):
	def slowly(handler):
		handler.server.stopping.wait(0.1)
		redirect("/a")(handler)

	server.routes["/a"] = slowly
	assert "did not arrive within" in refusal(network, url("/a"), total_timeout=0.15)


def test_a_server_that_says_nothing_is_left_in_time(server, network, url):
	server.routes["/a"] = lambda handler: handler.server.stopping.wait(5)
	text = refusal(network, url("/a"), read_timeout=0.1)
	assert text == "media.test did not answer in time. Try again later, or use another link."


def test_a_look_up_that_hangs_is_left_in_time(network):
	released = threading.Event()
	begun = time.monotonic()
	text = refusal(
		network, "http://media.test/", total_timeout=0.1, resolve=lambda *_args, **_kw: released.wait(5)
	)
	released.set()
	assert "did not arrive within 0.1 seconds" in text
	assert time.monotonic() - begun < 2


def test_a_fetch_leaves_no_thread_behind(server, network, url):
	server.routes["/a"] = answer()
	network.fetch(url("/a"))
	timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
	for timer in timers:
		timer.join(2)
	assert not any(timer.is_alive() for timer in timers)


# What the file is called


@pytest.mark.parametrize(
	("disposition", "name"),
	[
		("attachment; filename=a.pdf", "a.pdf"),
		('attachment; filename="my invoice; 1.pdf"', "my invoice; 1.pdf"),
		("attachment; filename=a.pdf; filename*=UTF-8''%D9%81.pdf", "ف.pdf"),
		("attachment; filename*=UTF-8'ar'%D9%81.pdf; filename=a.pdf", "ف.pdf"),
		("attachment; filename*=iso-8859-1''%E9t%E9.pdf", "été.pdf"),
		("ATTACHMENT; FILENAME=a.pdf", "a.pdf"),
		('attachment; filename="فاتورة.pdf"'.encode().decode("latin-1"), "فاتورة.pdf"),
		('attachment; filename="été.pdf"', "été.pdf"),
		('attachment; filename="../../etc/passwd"', "passwd.txt"),
		("attachment; filename*=UTF-8''..%2F..%2Fa.pdf", "a.pdf"),
		('attachment; filename="C:\\\\temp\\\\a.pdf"', "a.pdf"),
		('attachment; filename=".htaccess"', "htaccess.txt"),
		('attachment; filename="a<b>:\\"c\\".pdf"', "a_b___c_.pdf"),
		("attachment; filename*=UTF-8''a%00%0D%0A%E2%80%AEfdp.exe", "afdp.exe"),
		('attachment; filename=".."', "plain.txt"),
		('attachment; filename=""', "plain.txt"),
		("attachment; filename*=klingon''a.pdf", "plain.txt"),
		("attachment", "plain.txt"),
		("", "plain.txt"),
	],
)
def test_a_file_is_called_what_the_server_calls_it_made_safe(server, network, url, disposition, name):
	server.routes["/plain.txt"] = answer(Content_Type="text/plain", Content_Disposition=disposition)
	assert network.fetch(url("/plain.txt")).filename == name


@pytest.mark.parametrize(
	("path", "name"),
	[
		("/a%20b.txt", "a b.txt"),
		("/x/..%2F..%2Fpasswd.txt", "passwd.txt"),
		("/%D9%81.txt", "ف.txt"),
		("/download", "download.txt"),
		("/folder/", "file.txt"),
		("/", "file.txt"),
		("/..%20", "file.txt"),
	],
)
def test_without_a_name_from_the_server_the_address_gives_it(server, network, url, path, name):
	server.routes[path] = answer(Content_Type="text/plain")
	assert network.fetch(url(path)).filename == name


@pytest.mark.parametrize("letter", ["a", "ف", "😀"])
def test_a_long_name_is_cut_and_keeps_its_ending(server, network, url, letter):
	disposition = f'attachment; filename="{letter * 300}.pdf"'.encode().decode("latin-1")
	server.routes["/a"] = answer(Content_Disposition=disposition)
	name = network.fetch(url("/a")).filename
	assert name.startswith(letter) and name.endswith(".pdf")
	assert len(name) <= 120 and len(name.encode()) <= 255


def test_a_long_ending_is_cut_like_the_rest():
	assert fetch_module._clean_name("a." + "x" * 150) == "a." + "x" * 118


@given(st.text(max_size=300))
def test_every_name_is_cleaned_to_a_bare_one(text):
	name = fetch_module._clean_name(text)
	assert len(name) <= 120 and len(name.encode()) <= 255
	assert not set(name) & set('/\\<>:"|?*\x00\r\n')
	assert not name.startswith((".", " "))


@pytest.mark.parametrize(
	("header", "name", "mime_type"),
	[
		("image/PNG", "a.jpg", "image/png"),
		("audio/ogg; codecs=opus", "a", "audio/ogg"),
		("", "a.jpg", "image/jpeg"),
		("application/octet-stream", "a.pdf", "application/pdf"),
		("binary/octet-stream", "a.mp4", "video/mp4"),
		("nonsense", "a.png", "image/png"),
		("a/b/c <x>", "a.png", "image/png"),
		("application/octet-stream", "a", "application/octet-stream"),
		("", "a.tar.gz", "application/octet-stream"),
	],
)
def test_a_type_that_says_nothing_is_read_from_the_name(server, network, url, header, name, mime_type):
	server.routes[f"/{name}"] = answer(Content_Type=header)
	assert network.fetch(url(f"/{name}")).mime_type == mime_type


# https


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
	"""A certificate of media.test with its key, as (certificate, key)."""
	folder = tmp_path_factory.mktemp("tls")
	paths = (str(folder / "cert.pem"), str(folder / "key.pem"))
	command = [
		"openssl",
		"req",
		"-x509",
		"-newkey",
		"rsa:2048",
		"-nodes",
		"-days",
		"2",
		"-subj",
		"/CN=media.test",
	]
	command += ["-addext", "subjectAltName=DNS:media.test", "-out", paths[0], "-keyout", paths[1]]
	try:
		subprocess.run(command, check=True, capture_output=True)
	except (FileNotFoundError, subprocess.CalledProcessError):
		pytest.skip("needs openssl")
	return paths


@pytest.fixture
def secure(server, certificate):
	"""The server behind TLS; `names` are the server names that clients asked for."""
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(*certificate)
	server.names = []
	context.sni_callback = lambda _sock, name, _context: server.names.append(name)
	server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
	server.routes["/a"] = answer()
	return server


@pytest.fixture
def trusted(certificate, monkeypatch):
	monkeypatch.setattr(certifi, "where", lambda: certificate[0])


def test_https_shows_and_checks_the_name_of_the_host_not_its_address(secure, network, trusted):
	assert network.fetch(f"https://media.test:{secure.port}/a").content == b"data"
	assert secure.names == ["media.test"]
	assert secure.seen[0][1]["Host"] == f"media.test:{secure.port}"


@pytest.mark.parametrize("host", ["other.test", LOOPBACK])
def test_a_certificate_of_another_host_is_refused(secure, network, trusted, host):
	text = refusal(network, f"https://{host}:{secure.port}/a")
	assert text == f"No secure connection to {host}. Its certificate may be invalid; use another link."
	assert secure.seen == []


def test_a_certificate_that_nobody_vouches_for_is_refused(secure, network):
	assert "certificate may be invalid" in refusal(network, f"https://media.test:{secure.port}/a")
	assert secure.seen == []


def test_a_drip_through_tls_is_left_in_time(secure, network, trusted):
	secure.routes["/a"] = drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x")
	assert "did not arrive" in refusal(network, f"https://media.test:{secure.port}/a", total_timeout=0.3)


def test_a_server_that_does_not_speak_tls_is_refused(server, network):
	assert "No secure connection" in refusal(network, f"https://media.test:{server.port}/a")


def test_a_handshake_that_hangs_is_left_in_time(network):
	with socket.create_server((LOOPBACK, 0)) as silent:
		begun = time.monotonic()
		refusal(network, f"https://media.test:{silent.getsockname()[1]}/a", connect_timeout=0.1)
	assert time.monotonic() - begun < 2


def test_a_redirect_from_https_to_http_is_refused(secure, network, trusted):
	secure.routes["/a"] = redirect("http://other.test/")
	text = refusal(network, f"https://media.test:{secure.port}/a")
	assert text == "The link leads from https:// to http://, which is not secure. Use another link."
	assert network.asked == ["media.test"]
