"""Fetches a file from a web address that a caller names, without lending out our place in the network.

Facts: the IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 6052 (NAT64); RFC 5987 and 6266 (names).
"""

from __future__ import annotations

import concurrent.futures
import http.client
import io
import mimetypes
import re
import socket
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from os.path import splitext
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import certifi
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError, SSLError

from whatsapp_integration import __version__
from whatsapp_integration.core.errors import InvalidContent, _
from whatsapp_integration.core.messages import MB, base_mime_type

_Asked = tuple[urllib3.HTTPConnectionPool, urllib3.HTTPResponse]

CODE = "media_url"
MAX_BYTES = 100 * MB
MAX_REDIRECTS = 3
MAX_ADDRESSES = 3  # of one host, tried one after the other
FILENAME_MAX = 120  # characters
FILENAME_MAX_BYTES = 240  # in UTF-8; file systems take 255
CHUNK = 64 * 1024

# Not left to `is_global`: its tables differ between the Pythons that we run on.
_SPECIAL_V4 = tuple(
	ip_network(text)
	for text in (
		"0.0.0.0/8",
		"10.0.0.0/8",
		"100.64.0.0/10",  # carrier-grade NAT, and the metadata of Alibaba Cloud
		"127.0.0.0/8",
		"168.63.129.16/32",  # Azure's own services inside each virtual machine, though a public address
		"169.254.0.0/16",  # link-local, and the metadata of most clouds
		"172.16.0.0/12",
		"192.0.0.0/24",
		"192.0.2.0/24",
		"192.88.99.0/24",  # 6to4 relays
		"192.168.0.0/16",
		"198.18.0.0/15",
		"198.51.100.0/24",
		"203.0.113.0/24",
		"224.0.0.0/4",  # multicast
		"240.0.0.0/4",  # reserved, and broadcast
	)
)
_UNICAST_V6 = ip_network("2000::/3")  # all else is local, multicast or reserved
_SPECIAL_V6 = tuple(
	ip_network(text)
	for text in (
		"2001::/23",  # Teredo, ORCHID and other protocols
		"2001:db8::/32",
		"2002::/16",  # 6to4
		"3fff::/20",
	)
)
_NAT64 = ip_network("64:ff9b::/96")  # how a host without IPv4 sees all IPv4 hosts

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
	"Accept": "*/*",
	"Accept-Encoding": "identity",
	"User-Agent": f"whatsapp_integration/{__version__}",
}
_NETWORK_ERRORS = (OSError, HTTPError, http.client.HTTPException)

_UNSAFE_IN_URL = re.compile(r"[\x00-\x1f\x7f\\]")
_HOST = re.compile(r"[0-9a-z._-]{1,253}|[0-9a-f:.]+", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,18}")
_MIME_TYPE = re.compile(r"[0-9a-z!#$&^_.+-]+/[0-9a-z!#$&^_.+-]+", re.ASCII)
_UNSPECIFIC = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-download"})
_EXTENDED_NAME = re.compile(r"(?:^|[;\s])filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^\s;]+)", re.IGNORECASE)
_PLAIN_NAME = re.compile(r'(?:^|[;\s])filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"][^;]*))', re.IGNORECASE)
_UNSAFE_IN_NAME = re.compile(r'[<>:"|?*]')


@dataclass(frozen=True)
class FetchedFile:
	"""A file as it came: a bare name with no folder in it, its MIME type without parameters, and its bytes."""

	filename: str
	mime_type: str
	content: bytes


def is_public_address(text: str) -> bool:
	"""Tell whether an IP address is one host out on the internet.

	An IPv4 address inside an IPv6 one (mapped, NAT64) is judged by itself. 6to4 and Teredo are refused whole:
	tunnels that are long shut, in which any address can hide.
	"""
	try:
		address = ip_address(text)
	except ValueError:
		return False
	if isinstance(address, IPv6Address):
		hidden = _hidden_ipv4(address)
		if hidden is None:
			return _is_public_v6(address)
		address = hidden
	return not any(address in network for network in _SPECIAL_V4)


def fetch_url(
	url: str,
	*,
	max_bytes: int = MAX_BYTES,
	connect_timeout: float = 5,
	read_timeout: float = 20,
	total_timeout: float = 60,
	resolve: Callable = socket.getaddrinfo,
	is_allowed: Callable[[str], bool] = is_public_address,
) -> FetchedFile:
	"""Fetch a public http or https address. Raises InvalidContent, which tells nothing of our network.

	Each host is looked up once, all its addresses have to be public, and the connection is made to one of
	those very addresses, so a name that changes in between gains nothing. Redirects are judged like the first
	address. Time-outs are in seconds; `total_timeout` holds for everything together. The proxies of the
	environment are not used: a proxy would look the host up itself, and reach whatever it stands next to.
	`resolve` and `is_allowed` are the seams for tests.
	"""
	with _Deadline(total_timeout) as deadline:
		fetcher = _Fetcher(max_bytes, connect_timeout, read_timeout, resolve, is_allowed, deadline)
		return fetcher.fetch(_read_url(url))


@dataclass(frozen=True)
class _Target:
	"""Where a URL leads: `host` in ASCII without brackets, `path` with its query."""

	url: str
	scheme: str
	host: str
	port: int
	path: str

	@property
	def host_header(self) -> str:
		host = f"[{self.host}]" if ":" in self.host else self.host
		return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class _Deadline:
	"""Ends connections at one point in time.

	A socket's own time-out begins anew with every byte, so a server that drips can hold us for ever. What is
	watched here is a duplicate of the socket: shutting that down ends the connection, whatever TLS has wrapped
	around the first.
	"""

	def __init__(self, seconds: float):
		self.seconds = seconds
		self._end = time.monotonic() + seconds
		self._timer = threading.Timer(seconds, self._cut)
		self._timer.daemon = True
		self._lock = threading.Lock()
		self._watched: list[socket.socket] = []

	def __enter__(self) -> _Deadline:
		self._timer.start()
		return self

	def __exit__(self, *_error) -> None:
		self._timer.cancel()
		with self._lock:
			for sock in self._watched:
				sock.close()
			self._watched.clear()

	@property
	def is_over(self) -> bool:
		return time.monotonic() >= self._end

	def limit(self, seconds: float) -> float:
		"""Return `seconds`, or what is left if that is less; always more than nothing."""
		return max(min(seconds, self._end - time.monotonic()), 0.001)

	def watch(self, sock: socket.socket) -> socket.socket:
		with self._lock:
			self._watched.append(sock.dup())
		if self.is_over:  # the timer may have gone off just before
			self._cut()
		return sock

	def _cut(self) -> None:
		with self._lock:
			for sock in self._watched:
				with suppress(OSError):
					sock.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class _Fetcher:
	"""One fetch with its limits."""

	max_bytes: int
	connect_timeout: float
	read_timeout: float
	resolve: Callable
	is_allowed: Callable[[str], bool]
	deadline: _Deadline

	def fetch(self, target: _Target) -> FetchedFile:
		for _hop in range(MAX_REDIRECTS + 1):
			with self._open(target) as response:
				location = _find_redirect(response)
				if not location:
					return self._read_file(target, response)
			target = _next_target(target, location)
		raise _error(_("The link is redirected too often. Use the address that it leads to in the end."))

	@contextmanager
	def _open(self, target: _Target) -> Iterator[urllib3.HTTPResponse]:
		addresses = self._find_addresses(target)
		try:
			pool, response = self._ask_first(target, addresses)
			with pool, closing(response):
				yield response
		except _NETWORK_ERRORS as err:
			raise self._explain(err, target) from err

	def _find_addresses(self, target: _Target) -> list[str]:
		"""Look the host up, once. One private address among the public ones spoils them all."""
		addresses = self._look_up(target)
		if self.deadline.is_over:
			raise self._too_slow()
		if not addresses or not all(self.is_allowed(address) for address in addresses):
			# One sentence for unknown and for private: two would tell which names our network knows.
			raise _error(
				_("{0} is not found on the internet. Check the spelling, or use a public link."), target.host
			)
		return addresses

	def _look_up(self, target: _Target) -> list[str]:
		"""Return the host's addresses, none where it has none. In a thread: no look-up takes a time-out."""
		found: concurrent.futures.Future[list] = concurrent.futures.Future()

		def run() -> None:
			try:
				found.set_result(self.resolve(target.host, target.port, type=socket.SOCK_STREAM))
			except Exception as err:
				found.set_exception(err)

		threading.Thread(target=run, name="whatsapp-look-up", daemon=True).start()
		try:
			infos = found.result(self.deadline.limit(self.deadline.seconds))
		except (OSError, UnicodeError, concurrent.futures.TimeoutError):
			return []
		return list(dict.fromkeys(info[4][0] for info in infos))

	def _ask_first(self, target: _Target, addresses: list[str]) -> _Asked:
		"""Ask the first of the addresses that can be connected to."""
		*others, last = addresses[:MAX_ADDRESSES]
		for address in others:
			with suppress(NewConnectionError, ConnectTimeoutError):
				return self._ask(target, address)
		return self._ask(target, last)

	def _ask(self, target: _Target, address: str) -> _Asked:
		pool = self._build_pool(target, address)
		response = pool.urlopen(
			"GET",
			target.path,
			headers={**_HEADERS, "Host": target.host_header},
			retries=False,
			redirect=False,
			assert_same_host=False,
			timeout=urllib3.Timeout(
				connect=self.deadline.limit(self.connect_timeout), read=self.deadline.limit(self.read_timeout)
			),
			preload_content=False,
			decode_content=False,
		)
		return pool, response

	def _build_pool(self, target: _Target, address: str) -> urllib3.HTTPConnectionPool:
		"""Make a pool that connects to `address`, and shows and checks the name of the target's host."""
		if target.scheme == "http":
			pool = urllib3.HTTPConnectionPool(address, target.port)
		else:
			name = target.host.rstrip(".")
			pool = urllib3.HTTPSConnectionPool(
				address,
				target.port,
				cert_reqs="CERT_REQUIRED",
				ca_certs=certifi.where(),
				server_hostname=name,
				assert_hostname=name,
			)
		pool.ConnectionCls = _watched(pool.ConnectionCls, self.deadline)
		return pool

	def _read_file(self, target: _Target, response: urllib3.HTTPResponse) -> FetchedFile:
		if response.status != 200:
			raise _error(
				_("{0} answered {1} instead of the file. The link must work without a login."),
				target.host,
				response.status,
			)
		if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
			raise _error(_("{0} sends the file compressed. Use a link to the plain file."), target.host)
		content = self._read_content(target, response)
		return _describe(target, response, content)

	def _read_content(self, target: _Target, response: urllib3.HTTPResponse) -> bytes:
		announced = _announced_length(response)
		if announced is not None and announced > self.max_bytes:
			raise self._too_large()
		content = io.BytesIO()
		# Not `stream`: urllib3 reads the lines between the chunks of a chunked answer without a limit.
		while chunk := response.read(CHUNK, decode_content=False):
			content.write(chunk)
			if content.tell() > self.max_bytes:
				raise self._too_large()
		if self.deadline.is_over:  # a connection that was cut looks like the end of the file
			raise self._too_slow()
		if announced is not None and content.tell() != announced:
			raise _broken_off(target)
		return content.getvalue()

	def _explain(self, err: Exception, target: _Target) -> InvalidContent:
		if self.deadline.is_over:
			return self._too_slow()
		if isinstance(err, SSLError):
			return _error(
				_("No secure connection to {0}. Its certificate may be invalid; use another link."),
				target.host,
			)
		if isinstance(err, NewConnectionError | ConnectTimeoutError):
			return _error(_("{0} can't be reached. Check the link, or try again later."), target.host)
		if isinstance(err, ReadTimeoutError):
			return _error(_("{0} did not answer in time. Try again later, or use another link."), target.host)
		return _broken_off(target)

	def _too_slow(self) -> InvalidContent:
		return _error(
			_("The file did not arrive within {0} seconds. Use a smaller file or a faster link."),
			f"{self.deadline.seconds:g}",
		)

	def _too_large(self) -> InvalidContent:
		return _error(
			_("The file behind the link is larger than {0} MB. Use a smaller file."),
			f"{self.max_bytes / MB:g}",
		)


def _hidden_ipv4(address: IPv6Address) -> IPv4Address | None:
	if address in _NAT64:
		return IPv4Address(int(address) & 0xFFFFFFFF)
	return address.ipv4_mapped


def _is_public_v6(address: IPv6Address) -> bool:
	is_special = any(address in network for network in _SPECIAL_V6)
	return address in _UNICAST_V6 and not is_special and not address.scope_id


def _read_url(url: str) -> _Target:
	try:
		parts = urlsplit(url.strip())
		if parts.scheme not in _PORTS:
			raise _error(_("The link must begin with http:// or https://."))
		if "@" in parts.netloc:
			raise _error(_("The link holds a user name or a password. Use a link that needs none."))
		host, port = _ascii_host(parts), parts.port or _PORTS[parts.scheme]
	except ValueError as err:  # UnicodeError is one
		raise _invalid_url() from err
	if _UNSAFE_IN_URL.search(url.strip()) or not _HOST.fullmatch(host):
		raise _invalid_url()
	path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
	return _Target(url.strip(), parts.scheme, host, port, path)


def _ascii_host(parts: SplitResult) -> str:
	host = parts.hostname or ""
	return host if host.isascii() else host[:254].encode("idna").decode("ascii").lower()


def _find_redirect(response: urllib3.HTTPResponse) -> str:
	location = response.headers.get("Location", "")
	return _decode_header(location) if response.status in _REDIRECTS else ""


def _next_target(target: _Target, location: str) -> _Target:
	try:
		url = urljoin(target.url, location)
	except ValueError as err:
		raise _invalid_url() from err
	found = _read_url(url)
	if target.scheme == "https" and found.scheme == "http":
		raise _error(_("The link leads from https:// to http://, which is not secure. Use another link."))
	return found


def _watched(connection_class: type, deadline: _Deadline) -> type:
	class Watched(connection_class):
		def _new_conn(self):
			return deadline.watch(super()._new_conn())

	return Watched


def _announced_length(response: urllib3.HTTPResponse) -> int | None:
	length = response.headers.get("Content-Length", "")
	is_chunked = "Transfer-Encoding" in response.headers
	return int(length) if _LENGTH.fullmatch(length) and not is_chunked else None


def _describe(target: _Target, response: urllib3.HTTPResponse, content: bytes) -> FetchedFile:
	"""Name the file and its type; each stands in for the other where the server tells only one."""
	disposition = _decode_header(response.headers.get("Content-Disposition", ""))
	path = target.path.partition("?")[0]
	name = _clean_name(_find_name(disposition)) or _clean_name(unquote(path.rpartition("/")[2])) or "file"
	mime_type = base_mime_type(response.headers.get("Content-Type", ""))
	if mime_type in _UNSPECIFIC or not _MIME_TYPE.fullmatch(mime_type):
		guessed, packing = mimetypes.guess_type(name)
		mime_type = guessed if guessed and not packing else "application/octet-stream"
	elif not splitext(name)[1]:
		name = _clean_name(name + (mimetypes.guess_extension(mime_type) or ""))
	return FetchedFile(name, mime_type, content)


def _find_name(disposition: str) -> str:
	"""Return the file name of a Content-Disposition header; the form that tells its alphabet goes first."""
	disposition = disposition[:2000]
	if found := _EXTENDED_NAME.search(disposition):
		return unquote(found[2], encoding=found[1], errors="replace")
	if found := _PLAIN_NAME.search(disposition):
		return (found[1] or found[2] or "").replace('\\"', '"')
	return ""


def _clean_name(name: str) -> str:
	"""Make a name that is safe on every disk: no folder, no control mark, not hidden, not too long."""
	name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
	name = "".join(char for char in name if char == " " or char.isprintable())
	stem, ending = splitext(_UNSAFE_IN_NAME.sub("_", name).strip(" ."))
	if len(ending) > 16:
		stem, ending = stem + ending, ""
	room = FILENAME_MAX_BYTES - len(ending.encode())
	return stem[: FILENAME_MAX - len(ending)].encode()[:room].decode(errors="ignore") + ending


def _decode_header(value: str) -> str:
	"""Read a header as UTF-8, which many servers send though the rule is Latin-1."""
	try:
		return value.encode("latin-1").decode("utf-8")
	except UnicodeError:
		return value


def _broken_off(target: _Target) -> InvalidContent:
	return _error(_("The connection to {0} broke before the file was complete. Try again."), target.host)


def _invalid_url() -> InvalidContent:
	return _error(_("The link is no valid web address. Copy it anew."))


def _error(template: str, *values) -> InvalidContent:
	return InvalidContent(template, *values, code=CODE)
