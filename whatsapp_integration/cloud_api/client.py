"""The Graph API of Meta over HTTP: one method per call, one `_request` beneath them all.

Facts: DOC/messages, DOC/cloud-api/reference/media, DOC/cloud-api/reference/phone-numbers,
DOC/support/error-codes.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from whatsapp_integration import __version__
from whatsapp_integration.cloud_api.answers import (
	NUMBER_FIELDS,
	NumberInfo,
	StoredMedia,
	SubscribedApp,
	find_error,
	read_app,
	read_json,
	read_media,
	read_number,
	read_page,
	read_sent,
	require_success,
	require_text,
)
from whatsapp_integration.cloud_api.bodies import Body, FileBody, JsonBody
from whatsapp_integration.cloud_api.media import check_file, origin_of, read_file, trusted_origins
from whatsapp_integration.cloud_api.payloads import build_mark_read
from whatsapp_integration.core.config import DeviceConfig
from whatsapp_integration.core.errors import (
	FixCredentials,
	FixRequest,
	OutcomeUnknown,
	RetryLater,
	SendError,
	_,
)
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import MediaFile, Sent

POOL_SIZE = 64  # connections kept open: one per thread of the dispatcher
PAGE_SIZE = 100
MAX_PAGES = 100
MAX_REDIRECTS = 3
HIDDEN = "•••"

# All errors of requests are OSErrors, as is a missing CA bundle; some of urllib3's come through unwrapped.
_NETWORK_ERRORS = (OSError, urllib3.exceptions.HTTPError)
_TOKEN = re.compile(r"[!-~]+")
_TOKEN_LIKE = re.compile(r"EAA[0-9A-Za-z]{16,}")  # Meta may quote a token cut short


class _MediaGone(FixRequest):
	"""A media URL that is no longer served: it lives five minutes, the file itself seven days."""


class _Session(requests.Session):
	"""Never follows a redirect, nor reads one: downloads look at every hop themselves."""

	def get_redirect_target(self, resp: requests.Response) -> None:
		return None


class _Bearer(requests.auth.AuthBase):
	"""Sets the token; being there, it keeps a netrc file or a user name in a URL from setting another."""

	def __init__(self, token: str):
		self._token = token

	def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
		request.headers["Authorization"] = f"Bearer {self._token}"
		return request


class CloudApiClient:
	"""Talks to the Graph API for one device, from as many threads as like.

	Raises SendError. Only `send` raises OutcomeUnknown; all else may be repeated, so its unclear ends are
	RetryLater. Nothing is retried in here. The proxies and certificates of the environment are honoured.
	`transport` is the seam for tests: any requests adapter.
	"""

	def __init__(self, device: DeviceConfig, transport: BaseAdapter | None = None):
		self._device = device
		self._transport = transport or HTTPAdapter(pool_maxsize=POOL_SIZE, max_retries=0)
		self._local = threading.local()

	def send(self, payload: dict[str, Any]) -> Sent:
		"""Send a message that `payloads.build_message` made. A taken message is not yet a delivered one."""
		path = f"{self._number_id()}/messages"
		return read_sent(self._request("POST", path, JsonBody(payload), unsure=OutcomeUnknown))

	def mark_read(self, message_id: str, typing: bool = False) -> None:
		"""Show blue ticks up to a received message, and with `typing` that an answer is being written."""
		body = JsonBody(build_mark_read(message_id, typing))
		require_success(self._request("POST", f"{self._number_id()}/messages", body))

	def upload_media(self, file: MediaFile) -> str:
		"""Upload a file and return its media id, good for 30 days and for this number only."""
		return require_text(self._request("POST", f"{self._number_id()}/media", FileBody(file)), "id")

	def media_info(self, media_id: str) -> StoredMedia:
		"""Look a media id up: where its file lies for the next five minutes, its type, size and digest."""
		params = {"phone_number_id": self._number_id()}
		return read_media(media_id, self._request("GET", _segment(media_id), params=params))

	def download_media(self, media: MediaInfo) -> tuple[bytes, str]:
		"""Download a received file: its bytes and its MIME type.

		A URL that came with the webhook is tried first; where it is gone, the id is looked up again, once.
		Raises FixRequest for a file that is gone, too large, or on a host that may not have our token.
		"""
		found = media if media.url else self._look_up(media)
		try:
			return self._download(found)
		except _MediaGone:
			return self._download(self._look_up(media))

	def number_info(self) -> NumberInfo:
		"""Ask for this device's own number."""
		return read_number(
			self._request("GET", self._number_id(), params={"fields": ",".join(NUMBER_FIELDS)})
		)

	def waba_phone_numbers(self) -> list[NumberInfo]:
		"""List the numbers of the WhatsApp Business Account."""
		items = self._list(
			f"{self._account_id()}/phone_numbers", {"fields": ",".join(("id", *NUMBER_FIELDS))}
		)
		return [read_number(item) for item in items]

	def subscribed_apps(self) -> list[SubscribedApp]:
		"""List the apps that get the account's webhooks; without ours among them none ever comes."""
		return [read_app(item) for item in self._list(f"{self._account_id()}/subscribed_apps", {})]

	def subscribe_app(self, callback_url: str = "", verify_token: str = "") -> None:
		"""Subscribe the token's app to the account's webhooks.

		With `callback_url` they come there instead of to the app's own address; Meta verifies it with
		`verify_token` during this very call.
		"""
		payload = (
			{"override_callback_uri": callback_url, "verify_token": verify_token} if callback_url else {}
		)
		path = f"{self._account_id()}/subscribed_apps"
		require_success(self._request("POST", path, JsonBody(payload)))

	def close(self) -> None:
		"""Let the connections go."""
		self._transport.close()

	def _download(self, media: MediaInfo) -> tuple[bytes, str]:
		with self._open(media.url) as response:
			if response.status_code == 404:
				raise _MediaGone(_("WhatsApp no longer has this file. Ask for it again."), code="media_gone")
			if response.status_code != 200:
				raise self._find_error(response, None, RetryLater)
			data = read_file(response)
		check_file(data, media)
		return data, media.mime_type or response.headers.get("Content-Type", "")

	def _look_up(self, media: MediaInfo) -> StoredMedia:
		found = self.media_info(media.media_id)
		return replace(
			found, sha256=media.sha256 or found.sha256, mime_type=media.mime_type or found.mime_type
		)

	def _open(self, url: str) -> requests.Response:
		"""Follow a file's address to where it is; every hop has to be a trusted host."""
		for _hop in range(MAX_REDIRECTS + 1):
			response = self._exchange("GET", url, headers={"Accept-Encoding": "identity"}, stream=True)
			if not response.is_redirect:
				return response
			response.close()
			url = _next_hop(url, response.headers["Location"])
		raise RetryLater(_("The file is redirected too often."), code="media_redirects")

	def _list(self, path: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
		after = ""
		for _page in range(MAX_PAGES):
			cursor = {"after": after} if after else {}
			items, after = read_page(
				self._request("GET", path, params={**params, "limit": PAGE_SIZE, **cursor})
			)
			yield from items
			if not after:
				return

	def _request(
		self,
		method: str,
		path: str,
		body: Body | None = None,
		*,
		params: dict[str, Any] | None = None,
		unsure: type[SendError] = RetryLater,
	) -> dict[str, Any]:
		"""Ask the Graph API and return the object it answers.

		`unsure` is the class of error for a request that may have been carried out without an answer.
		"""
		url = f"{self._device.graph_url.rstrip('/')}/{self._device.graph_version}/{path}"
		headers = {"Content-Type": body.content_type} if body else {}
		response = self._exchange(method, url, body, params=params, headers=headers, unsure=unsure)
		answer = read_json(response.content)
		error = self._find_error(response, answer, unsure)
		if error:
			raise error
		return answer

	def _exchange(
		self,
		method: str,
		url: str,
		body: Body | None = None,
		*,
		params: dict[str, Any] | None = None,
		headers: dict[str, str],
		stream: bool = False,
		unsure: type[SendError] = RetryLater,
	) -> requests.Response:
		"""Do one HTTP exchange with a trusted host; every request of this client passes here."""
		session = self._session()
		auth = _Bearer(self._access_token())
		prepared = self._prepare(
			session, requests.Request(method, url, headers, data=body, params=params, auth=auth)
		)
		settings = session.merge_environment_settings(prepared.url, {}, stream, None, None)
		timeout = (self._device.connect_timeout, self._device.read_timeout)
		try:
			return session.send(prepared, timeout=timeout, allow_redirects=False, **settings)
		except _NETWORK_ERRORS as err:
			raise self._network_error(err, prepared.url, body, unsure) from err

	def _prepare(self, session: requests.Session, request: requests.Request) -> requests.PreparedRequest:
		"""Prepare a request, and refuse one that leads to a host which may not have our token.

		Judged is the prepared URL, which is the one connected to: parsers differ on what a twisted URL means.
		"""
		try:
			prepared = session.prepare_request(request)
			is_trusted = origin_of(prepared.url) in trusted_origins(self._device)
		except ValueError as err:
			raise FixRequest(
				_("{0} is no valid web address."), request.url.partition("?")[0], code="url"
			) from err
		if not is_trusted:
			raise FixRequest(
				_("The host {0} is not on the list of hosts that may be asked for files."),
				urlsplit(prepared.url).hostname,
				code="media_host",
			)
		return prepared

	def _session(self) -> requests.Session:
		"""Return this thread's session: a Session is not safe to share, the adapter and its pool are."""
		session = getattr(self._local, "session", None)
		if session is None:
			session = self._local.session = _Session()
			session.headers["User-Agent"] = f"whatsapp_integration/{__version__}"
			session.mount("https://", self._transport)
			session.mount("http://", self._transport)
		return session

	def _access_token(self) -> str:
		token = self._device.access_token
		if not token:
			raise FixCredentials(_("The device has no access token."), code="no_access_token")
		if not _TOKEN.fullmatch(token):
			raise FixCredentials(
				_("The access token holds a space, a line break or a letter no token has. Copy it again."),
				code="bad_access_token",
			)
		return token

	def _number_id(self) -> str:
		if not self._device.phone_number_id:
			raise FixCredentials(_("The device has no Phone Number ID."), code="no_phone_number_id")
		return _segment(self._device.phone_number_id)

	def _account_id(self) -> str:
		if not self._device.waba_id:
			raise FixCredentials(_("The device has no WhatsApp Business Account ID."), code="no_waba_id")
		return _segment(self._device.waba_id)

	def _find_error(
		self, response: requests.Response, answer: dict[str, Any] | None, unsure: type[SendError]
	) -> SendError | None:
		return find_error(response.status_code, response.headers, answer, hide=self._hide, unsure=unsure)

	def _network_error(
		self, err: Exception, url: str, body: Body | None, unsure: type[SendError]
	) -> SendError:
		is_started = body is not None and body.is_started
		template, code = _explain(err, is_started)
		host, details = urlsplit(url).hostname, self._hide(str(err))
		if is_started:
			return unsure(template, host, code=code, details=details)
		return RetryLater(template, host, scope="device", code=code, details=details)

	def _hide(self, text: str) -> str:
		"""Mask our secrets in a text of Meta's or of a library's."""
		for secret in (self._device.access_token, self._device.app_secret, self._device.verify_token):
			if secret:
				text = text.replace(secret, HIDDEN)
		return _TOKEN_LIKE.sub(HIDDEN, text)


def _explain(err: Exception, is_started: bool) -> tuple[str, str]:
	"""Return a sentence with a place for the host, and our code, for what broke on the way."""
	if isinstance(err, requests.exceptions.SSLError):
		return _(
			"No secure connection to {0}. Check the clock, the certificates and the proxy of this server."
		), "tls"
	if isinstance(err, requests.ReadTimeout):
		return _("{0} did not answer in time."), "timeout"
	if is_started:
		return _("The connection to {0} broke before the answer came."), "connection_lost"
	return _("{0} can't be reached. Check the internet connection of this server."), "unreachable"


def _next_hop(url: str, location: str) -> str:
	try:
		return urljoin(url, location)
	except ValueError as err:
		raise FixRequest(_("The file is redirected to an invalid address."), code="url") from err


def _segment(text: str) -> str:
	"""Make an id one segment of a path, whatever is in it."""
	return quote(text, safe="")
