"""Turn the words of a REST call into a SendRequest: files checked, addresses fetched, times read."""

import json
from zoneinfo import ZoneInfo

import frappe
from frappe import _
from frappe.utils import get_datetime, get_system_timezone

from whatsapp_integration.core.errors import InvalidContent, InvalidRequest
from whatsapp_integration.core.errors import _ as marked
from whatsapp_integration.core.messages import MEDIA_KINDS, Content, content_from_dict
from whatsapp_integration.downloads.fetch import fetch_url
from whatsapp_integration.host.base import guess_mime_type
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.store.keys import CHAT

_KIND_OF_TYPE = {"image/jpeg": "image", "image/png": "image", "video": "video", "audio": "audio"}


def read_send_request(
	*,
	to: str | None,
	text: str | None,
	message_type: str | None,
	content: str | dict | None,
	file: str | None,
	media_url: str | None,
	caption: str | None,
	device: str | None,
	chat: str | None,
	reply_to: str | None,
	priority: str,
	send_at: str | None,
	reference_doctype: str | None,
	reference_name: str | None,
	idempotency_key: str | None,
) -> SendRequest:
	"""Raises InvalidRequest or a Frappe permission error; nothing is written but the File of a fetched address."""
	if to and not chat and frappe.db.exists(CHAT, to):
		to, chat = None, to
	if chat:
		frappe.has_permission(CHAT, "read", doc=chat, throw=True)
	elif not to:
		raise InvalidRequest(
			marked("Say who gets the message: a phone number or a chat."), code="no_recipient"
		)
	_check_reference(reference_doctype, reference_name)
	return SendRequest(
		content=_read_content(text, message_type, content, file, media_url, caption),
		to=to or "",
		device=device or "",
		chat=chat or "",
		reply_to=reply_to or "",
		priority=priority,
		send_at=_read_time(send_at),
		reference=(reference_doctype or "", reference_name or ""),
		idempotency_key=idempotency_key or "",
	)


def _check_reference(doctype: str | None, name: str | None) -> None:
	if bool(doctype) != bool(name):
		raise InvalidRequest(
			marked("Give both the DocType and the name of the reference document."), code="reference"
		)
	if doctype:
		frappe.has_permission(doctype, "read", doc=name, throw=True)


def _read_time(send_at: str | None):
	if not send_at:
		return None
	try:
		moment = get_datetime(send_at)
		if moment.tzinfo:
			moment = moment.astimezone(ZoneInfo(get_system_timezone())).replace(tzinfo=None)
	except (ValueError, TypeError, AttributeError, OverflowError) as err:
		raise InvalidRequest(marked("{0} is no date and time."), send_at, code="send_at") from err
	return moment


def _read_content(
	text: str | None,
	kind: str | None,
	content: str | dict | None,
	file: str | None,
	media_url: str | None,
	caption: str | None,
) -> Content:
	given = [
		name
		for name, value in (("text", text), ("content", content), ("file", file), ("media_url", media_url))
		if value
	]
	if len(given) != 1:
		raise InvalidContent(marked("Give exactly one of text, content, file and media_url."), code="content")
	if text:
		return content_from_dict("text", {"body": text})
	if content:
		return _typed_content(kind or "text", content)
	url = _readable_file(file) if file else _fetched_file(media_url)
	kind = kind or _kind_of(url)
	if kind not in MEDIA_KINDS:
		raise InvalidContent(marked("A {0} message has no file."), kind, code="kind")
	return content_from_dict(kind, {"media": {"file": url}, "caption": caption or ""})


def _typed_content(kind: str, content: str | dict) -> Content:
	"""Content in the shape of core.messages; a file named in it has to be readable for the caller."""
	try:
		data = json.loads(content) if isinstance(content, str) else content
	except (ValueError, RecursionError) as err:
		raise InvalidContent(marked("The content is no JSON that can be read."), code="content") from err
	found = content_from_dict(kind, data)
	if kind in MEDIA_KINDS and found.media.file:
		_readable_file(found.media.file)
	return found


def _readable_file(reference: str) -> str:
	"""The URL of a File that the caller may read, by its name or its URL."""
	files = frappe.get_all(
		"File", or_filters={"name": reference, "file_url": reference}, fields=["name", "file_url"]
	)
	found = [frappe.get_doc("File", file.name) for file in files if reference in (file.name, file.file_url)]
	for file in found:
		if file.has_permission("read"):
			return file.file_url
	if found:
		name = frappe.utils.escape_html(reference)
		frappe.throw(_("You may not read the file {0}.").format(name), frappe.PermissionError)
	raise InvalidContent(marked("The file {0} is missing."), reference, code="file_missing")


def _fetched_file(url: str) -> str:
	"""Fetch a public address and keep it as a private file of the caller."""
	fetched = fetch_url(url)
	file = frappe.new_doc("File")
	file.update({"file_name": fetched.filename, "is_private": 1, "content": fetched.content})
	file.insert(ignore_permissions=True)
	return file.file_url


def _kind_of(url: str) -> str:
	mime_type = guess_mime_type(url)
	return _KIND_OF_TYPE.get(mime_type) or _KIND_OF_TYPE.get(mime_type.partition("/")[0], "document")
