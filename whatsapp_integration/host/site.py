"""The Frappe host. The only module below the doors that imports frappe."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import frappe
from frappe import _
from frappe.desk.doctype.notification_log.notification_log import enqueue_create_notification
from frappe.utils import get_system_timezone, get_url
from frappe.utils.password import get_decrypted_password
from redis.exceptions import RedisError

from whatsapp_integration.core.config import OFFICIAL, DeviceConfig, Limits, Pacing, Retry, WebConfig
from whatsapp_integration.core.errors import InvalidContent, InvalidRequest
from whatsapp_integration.core.errors import _ as marked
from whatsapp_integration.core.link_code import LinkCode
from whatsapp_integration.core.messages import MediaFile
from whatsapp_integration.host.base import Host, Settings, guess_mime_type
from whatsapp_integration.store import devices
from whatsapp_integration.store.keys import DEVICE, MESSAGE

SETTINGS = "WhatsApp Settings"
WEBHOOK_METHOD = "whatsapp_integration.api.webhook.receive"
JOBS = {
	"dispatch": "whatsapp_integration.tasks.dispatch",
	"webhooks": "whatsapp_integration.tasks.process_webhooks",
	"media": "whatsapp_integration.tasks.fetch_media",
}
WAKE_SECONDS = 60  # a job that was asked for and died is asked for again after this
ASKED_SECONDS = 0.1  # a job that was there is taken to be there for so long
FRESH_SECONDS = 1  # unsigned posts make the app secrets be read no more often than this
SECRETS_SECONDS = 10  # a removed app secret is refused by every process after this
MB = 1_000_000
LIST_ROWS = 20  # changed rows of one batch that open lists are told of; a page shows no more

# (site, work) → when this process last asked for a job that was there already. Spares a flood of webhooks Redis.
_asked_in_vain: dict[tuple[str, str], float] = {}

# site → (when read, its app secrets). Decrypting them for every webhook would cost more than storing it.
_app_secrets: dict[str, tuple[float, dict[str, frozenset[str]]]] = {}


try:
	from psycopg2.errors import SerializationFailure

	_SERIALIZATION_ERRORS = (SerializationFailure,)
except ImportError:  # a site on MariaDB
	_SERIALIZATION_ERRORS = ()


class SiteHost(Host):
	"""The current site, as the current user."""

	conflicts = (frappe.QueryDeadlockError, frappe.QueryTimeoutError, *_SERIALIZATION_ERRORS)

	@property
	def db(self):
		return frappe.db

	@cached_property
	def _timezone(self) -> ZoneInfo:
		return ZoneInfo(get_system_timezone())

	def is_lost(self, error: Exception) -> bool:
		if isinstance(error, self.conflicts) or not _is_connection_error(error):
			return False
		try:
			frappe.db.sql("SELECT 1")
		except Exception as err:
			return _is_connection_error(err)
		return False

	def reconnect(self) -> None:
		with suppress(Exception):  # a broken connection may refuse even this
			frappe.db.close()
		frappe.connect(set_admin_as_user=False)

	def refresh(self) -> None:
		for kept in ("cache", "document_cache"):
			getattr(frappe.local, kept, {}).clear()

	def now(self) -> datetime:
		return self.to_datetime(self.time())

	def time(self) -> float:
		return time.time()

	def to_datetime(self, seconds: float) -> datetime:
		return datetime.fromtimestamp(seconds, self._timezone).replace(tzinfo=None)

	def to_unix(self, moment: datetime) -> float:
		return moment.replace(tzinfo=self._timezone).timestamp()

	def settings(self) -> Settings:
		doc = frappe.get_cached_doc(SETTINGS)
		return Settings(
			default_device=doc.default_device or "",
			default_country=_country_code(doc.default_country),
			retry=Retry(doc.retry_attempts, doc.retry_base_seconds, doc.retry_ceiling_seconds),
			unknown_after_hours=doc.unknown_after_hours,
			warm_up_first_day=doc.warm_up_first_day,
			warm_up_days=doc.warm_up_days,
			media_attempts=doc.media_attempts,
			alert_recipients=tuple(row.user for row in doc.alert_recipients),
			web=_web(doc),
		)

	def device(self, name: str) -> DeviceConfig:
		row = frappe.db.get_value(DEVICE, name, "*", as_dict=True)
		if not row:
			raise InvalidRequest(marked("There is no device {0}."), name, code="unknown_device")
		doc = frappe.get_cached_doc(SETTINGS)
		return DeviceConfig(
			name=row.name,
			mode=row.mode,
			enabled=bool(row.enabled),
			status=row.status,
			phone_number=row.phone_number or "",
			country=_country_code(row.country or doc.default_country),
			phone_number_id=row.phone_number_id or "",
			waba_id=row.waba_id or "",
			access_token=_secret(name, "access_token"),
			app_secret=_secret(name, "app_secret"),
			verify_token=_secret(name, "verify_token"),
			graph_url=doc.graph_url,
			graph_version=doc.graph_version,
			connect_timeout=doc.connect_timeout,
			read_timeout=doc.read_timeout,
			media_hosts=tuple((doc.media_hosts or "").split()),
			limits=self._warmed_up(_limits(row, doc), row.linked_since, bool(row.warm_up)),
			retry=self.settings().retry,
			pacing=Pacing(doc.typing_speed, doc.typing_max, doc.pause_min, doc.pause_max),
			ack_seconds=doc.ack_seconds,
			linked_since=self.to_unix(row.linked_since) if row.linked_since else 0,
		)

	def app_secrets(self, *, fresh: bool = False) -> dict[str, frozenset[str]]:
		read_at, app_secrets = _app_secrets.get(frappe.local.site, (float("-inf"), {}))
		age = time.monotonic() - read_at
		if (fresh and age > FRESH_SECONDS) or age > SECRETS_SECONDS:
			app_secrets = _by_secret("app_secret")
			_app_secrets[frappe.local.site] = (time.monotonic(), app_secrets)
		return app_secrets

	def verify_tokens(self) -> tuple[str, ...]:
		return tuple(filter(None, _by_secret("verify_token")))

	def webhook_url(self) -> str:
		return get_url(f"/api/method/{WEBHOOK_METHOD}")

	def open_file(self, reference: str) -> MediaFile:
		file = _find_file(reference)
		if not file or file.is_folder or file.is_remote_file or not os.path.isfile(file.get_full_path()):
			raise InvalidContent(marked("The file {0} is missing."), reference, code="file_missing")
		path = file.get_full_path()
		return MediaFile(path, file.file_name, guess_mime_type(file.file_name), os.path.getsize(path))

	def save_file(self, message: str, filename: str, content: bytes) -> str:
		file = frappe.new_doc("File")
		file.update(
			{
				"file_name": re.sub(r"[^\w.\- ()]", "_", filename)[-120:].strip(". ") or "file",
				"attached_to_doctype": MESSAGE,
				"attached_to_name": message,
				"attached_to_field": "attachment",
				"is_private": 1,
				"content": content,
			}
		)
		try:
			file.insert(ignore_permissions=True)
		except frappe.ValidationError as err:
			raise InvalidContent(
				marked("This site does not keep the file: {0}"), str(err), code="file_refused"
			) from err
		return file.file_url

	def save_screenshot(self, device: str, png: bytes) -> None:
		attached = {
			"attached_to_doctype": DEVICE,
			"attached_to_name": device,
			"attached_to_field": "screenshot",
		}
		for name in frappe.get_all("File", filters=attached, pluck="name"):
			frappe.delete_doc("File", name, ignore_permissions=True, delete_permanently=True, force=True)
		file = frappe.new_doc("File", **attached, file_name=f"{device}.png", is_private=1, content=png)
		file.insert(ignore_permissions=True)
		devices.set_values(frappe.db, device, screenshot=file.file_url)

	def keep_link_code(self, device: str, code: LinkCode | None) -> None:
		key = frappe.cache.make_key(_link_key(device))
		if code is None:
			frappe.cache.delete(key)
		else:
			frappe.cache.set(key, json.dumps(asdict(code)), ex=max(1, int(code.expires - self.time())))

	def link_code(self, device: str) -> LinkCode | None:
		kept = frappe.cache.get(frappe.cache.make_key(_link_key(device)))
		return LinkCode(**json.loads(kept)) if kept else None

	def how_to_start_worker(self) -> str:
		return f"bench --site {frappe.local.site} whatsapp-worker"

	def say(self, template: str, *values) -> str:
		return self.clean(_(template).format(*values))

	def clean(self, text: str) -> str:
		"""Frappe shows texts of the database as HTML in many places, and cleans them when a document is saved; our rows
		are written without one."""
		return text.replace("<", "&lt;").replace(">", "&gt;") if "<" in text else text

	def user(self) -> str:
		return frappe.session.user

	def may_use(self, device: str) -> bool:
		return bool(frappe.has_permission(DEVICE, "read", doc=device))

	def alert(self, subject: str, text: str, *, device: str = "") -> None:
		notice = {
			"type": "Alert",
			"subject": frappe.utils.escape_html(subject),
			"email_content": _paragraphs(text),
		}
		if device:
			notice |= {"document_type": DEVICE, "document_name": device}
		people = list(self.settings().alert_recipients) or _managers()
		frappe.db.after_commit.add(lambda: _notify(people, notice))

	def publish(
		self, changed: dict[str, Sequence[str]], *, new: dict[str, Sequence[str]] | None = None
	) -> None:
		frappe.db.after_commit.add(lambda: _tell_pages(changed, new or {}, str(self.now())))

	def wake(self, work: str) -> None:
		"""Begin the job after the commit. One that was asked for already does the work of all who ask."""
		frappe.db.after_commit.add(lambda: _enqueue_once(work))

	def work(self, work: str, do: Callable[[SiteHost], object]) -> None:
		"""Do what was asked for. Whoever asked in vain because this job was there had committed before the mark goes, so
		the second time sees it."""
		do(self)
		frappe.cache.delete_value(_wake_key(work))
		time.sleep(2 * ASKED_SECONDS)
		do(self)

	def log_error(self, title: str, text: str) -> None:
		frappe.log_error(title=title[:140], message=text)


@contextmanager
def site_host(site: str, sites_path: str = ".") -> Iterator[SiteHost]:
	"""A host with a connection of its own, for one thread of a process that lives for days."""
	frappe.init(site, sites_path=sites_path)
	try:
		frappe.connect()
		yield SiteHost()
	finally:
		frappe.destroy()


def _notify(people: list[str], notice: dict) -> None:
	"""What a commit is followed by must not fail it: without Redis the notice stands in the log only."""
	try:
		enqueue_create_notification(people, notice)
	except RedisError:
		frappe.logger("whatsapp_integration").warning("Nobody was told: %s", notice["subject"], exc_info=True)


def _tell_pages(changed: dict[str, Sequence[str]], new: dict[str, Sequence[str]], modified: str) -> None:
	"""Tell open forms of their row, and open lists of as many as a page shows. Nobody has a new row open."""
	for doctype, names in changed.items():
		for name in names:
			row = {"doctype": doctype, "name": name, "modified": modified}
			frappe.publish_realtime("doc_update", row, doctype=doctype, docname=name)
	for doctype in {*changed, *new}:
		for name in [*changed.get(doctype, ()), *new.get(doctype, ())][-LIST_ROWS:]:
			row = {"doctype": doctype, "name": name, "user": frappe.session.user}
			frappe.publish_realtime("list_update", row)


def _enqueue_once(work: str) -> None:
	"""The rows are committed, so without Redis nothing is lost: the scheduler's next round does the work."""
	asked = (frappe.local.site, work)
	if time.monotonic() - _asked_in_vain.get(asked, float("-inf")) < ASKED_SECONDS:
		return  # the job that was there a moment ago looks again later than this
	key = frappe.cache.make_key(_wake_key(work))
	try:
		if frappe.cache.set(key, "1", nx=True, ex=WAKE_SECONDS):
			frappe.enqueue(JOBS[work], queue="short")
		else:
			_asked_in_vain[asked] = time.monotonic()
	except RedisError:
		frappe.logger("whatsapp_integration").warning("No job for %s could be queued.", work, exc_info=True)


def _find_file(reference: str):
	"""The File of a URL, spelled exactly so (MariaDB would take other cases and accents too), or of a name."""
	files = frappe.get_all(
		"File", or_filters={"file_url": reference, "name": reference}, fields=["name", "file_url"]
	)
	name = next((file.name for file in files if reference in (file.file_url, file.name)), None)
	return frappe.get_doc("File", name) if name else None


def _is_connection_error(error: Exception) -> bool:
	kinds = (frappe.db.OperationalError, frappe.db.InternalError)
	return isinstance(error, kinds) or bool(frappe.db.is_interface_error(error))


def _link_key(device: str) -> str:
	return f"whatsapp_link:{device}"


def _wake_key(work: str) -> str:
	return f"whatsapp_wake:{work}"


def _secret(device: str, field: str) -> str:
	"""The one place where secrets are read; "" for one that is missing, or was encrypted with another key of the site."""
	try:
		return get_decrypted_password(DEVICE, device, field, raise_exception=False) or ""
	except frappe.ValidationError:
		frappe.clear_last_message()
		return ""


def _by_secret(field: str) -> dict[str, frozenset[str]]:
	return devices.group_by_secret(devices.all_lines(frappe.db), lambda name: _secret(name, field))


def _country_code(country: str | None) -> str:
	return (frappe.get_cached_value("Country", country, "code") or "").upper() if country else ""


def _limits(row: frappe._dict, settings) -> Limits:
	if row.mode == OFFICIAL:
		return Limits(
			per_second=row.per_second or settings.official_per_second,
			per_minute=row.per_minute,
			per_hour=row.per_hour,
			per_day=row.per_day,
			pair_seconds=settings.pair_seconds,
			pair_burst=settings.pair_burst,
		)
	return Limits(
		per_second=row.per_second,
		per_minute=row.per_minute or settings.unofficial_per_minute,
		per_hour=row.per_hour or settings.unofficial_per_hour,
		per_day=row.per_day or settings.unofficial_per_day,
		first_contacts=row.first_contacts_per_day or settings.first_contacts_per_day,
	)


def _web(settings) -> WebConfig:
	return WebConfig(
		folder=os.path.abspath(frappe.get_site_path("private", "whatsapp-web")),
		url=settings.web_url,
		wa_js_path=settings.wa_js_path or "",
		wa_js_version=settings.wa_js_version or "",
		browser_path=settings.browser_path or "",
		driver_path=settings.driver_path or "",
		headless=bool(settings.headless),
		receive_groups=bool(settings.receive_groups),
		link_seconds=settings.link_minutes * 60,
		boot_seconds=settings.boot_seconds,
		reconnect_attempts=settings.reconnect_attempts,
		min_free_memory=settings.min_free_memory * MB,
		max_browser_memory=settings.max_browser_memory * MB,
		recycle_seconds=settings.recycle_hours * 3600,
	)


def _managers() -> list[str]:
	users = frappe.get_all(
		"Has Role", filters={"role": "WhatsApp Manager", "parenttype": "User"}, pluck="parent"
	)
	return users or ["Administrator"]


def _paragraphs(text: str) -> str:
	return "".join(f"<p>{frappe.utils.escape_html(line)}</p>" for line in text.splitlines() if line)
