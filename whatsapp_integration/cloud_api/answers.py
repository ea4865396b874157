"""Read what the Graph API answers: our values where it says yes, our errors where it says no. No I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from whatsapp_integration.core.errors import (
	FixCredentials,
	FixRequest,
	OutcomeUnknown,
	RetryLater,
	SendError,
	_,
	classify,
)
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import Sent

DAY = 86400  # seconds
NUMBER_FIELDS = (
	"display_phone_number",
	"verified_name",
	"quality_rating",
	"status",
	"name_status",
	"code_verification_status",
	"throughput",
	"platform_type",
	"whatsapp_business_manager_messaging_limit",
)


@dataclass(frozen=True)
class NumberInfo:
	"""A business phone number as Meta sees it, in Meta's words; "" where Meta said nothing.

	`quality` is GREEN, YELLOW, RED, NA or UNKNOWN; `tier` is TIER_250 … TIER_UNLIMITED, unique people per
	moving 24 hours; `throughput` is STANDARD, HIGH or NOT_APPLICABLE. Source: `GET /{PHONE_NUMBER_ID}`.
	"""

	phone_number_id: str
	display_phone_number: str = ""
	verified_name: str = ""
	quality: str = ""
	status: str = ""
	name_status: str = ""
	code_verification_status: str = ""
	throughput: str = ""
	platform_type: str = ""
	tier: str = ""


@dataclass(frozen=True)
class StoredMedia(MediaInfo):
	"""A file as `GET /{MEDIA_ID}` tells of it; its `url` lives five minutes, its `sha256` may be hex."""

	size: int = 0  # bytes, 0 = unknown


@dataclass(frozen=True)
class SubscribedApp:
	"""An app that gets an account's webhooks; `callback_url` where it overrides the app's own."""

	app_id: str
	name: str = ""
	callback_url: str = ""


def read_json(data: bytes | str) -> dict[str, Any] | None:
	"""Return the JSON object in `data`, or None where there is none."""
	try:
		found = json.loads(data)
	except (ValueError, RecursionError):
		return None
	return found if isinstance(found, dict) else None


def find_error(
	status: int,
	headers: Mapping[str, str],
	body: dict[str, Any] | None,
	*,
	hide: Callable[[str], str],
	unsure: type[SendError],
) -> SendError | None:
	"""Return the error that an answer means, or None for a good one.

	Meta's code decides, whatever the HTTP status (DOC/support/error-codes); the status counts where there is
	no code. `unsure` is the class for an answer that doesn't tell whether the request was done; `hide` masks
	our secrets.
	"""
	error = _dict(body, "error")
	code = _code(error)
	if code is not None:
		return _read_graph_error(code, error, headers, hide)
	if 200 <= status < 300 and body is not None and "error" not in body:
		return None
	return _read_status(status, headers, unsure)


def read_sent(body: dict[str, Any]) -> Sent:
	"""Read the answer of `POST /messages`. Raises OutcomeUnknown where it names no message."""
	message, contact = _first(body, "messages"), _first(body, "contacts")
	message_id = _text(message, "id")
	if not message_id:
		raise OutcomeUnknown(_("WhatsApp answered without a message id."), code="no_message_id")
	return Sent(message_id, wa_id=_text(contact, "wa_id"), state=_text(message, "message_status"))


def read_media(media_id: str, body: dict[str, Any]) -> StoredMedia:
	"""Read the answer of `GET /{MEDIA_ID}`."""
	size = str(body.get("file_size", ""))
	return StoredMedia(
		media_id=media_id,
		mime_type=_text(body, "mime_type"),
		sha256=_text(body, "sha256"),
		url=require_text(body, "url"),
		size=int(size) if size.isdecimal() else 0,
	)


def read_number(body: dict[str, Any]) -> NumberInfo:
	"""Read a phone number, alone or as an item of the account's list."""
	return NumberInfo(
		phone_number_id=_text(body, "id"),
		display_phone_number=_text(body, "display_phone_number"),
		verified_name=_text(body, "verified_name"),
		quality=_text(body, "quality_rating"),
		status=_text(body, "status"),
		name_status=_text(body, "name_status"),
		code_verification_status=_text(body, "code_verification_status"),
		throughput=_text(_dict(body, "throughput"), "level"),
		platform_type=_text(body, "platform_type"),
		tier=_read_tier(body.get("whatsapp_business_manager_messaging_limit")),
	)


def read_app(body: dict[str, Any]) -> SubscribedApp:
	"""Read an item of `GET /{WABA_ID}/subscribed_apps`."""
	app = _dict(body, "whatsapp_business_api_data")
	return SubscribedApp(_text(app, "id"), _text(app, "name"), _text(body, "override_callback_uri"))


def read_page(body: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
	"""Return the items of a page, and the cursor of the next page or "".

	`paging.next` itself is never followed: Meta writes the access token into it.
	"""
	items = body.get("data")
	paging = _dict(body, "paging")
	after = _text(_dict(paging, "cursors"), "after") if "next" in paging else ""
	return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else [], after


def require_text(body: dict[str, Any], key: str) -> str:
	"""Return `body[key]`. Raises RetryLater where a repeatable request was answered without it."""
	value = _text(body, key)
	if not value:
		raise RetryLater(_("WhatsApp's answer lacks {0}."), key, code="bad_answer")
	return value


def require_success(body: dict[str, Any]) -> None:
	"""Raise RetryLater unless the answer is `{"success": true}`."""
	if body.get("success") is not True:
		raise RetryLater(_("WhatsApp did not confirm the request."), code="bad_answer")


def _read_graph_error(
	code: int, error: dict[str, Any], headers: Mapping[str, str], hide: Callable[[str], str]
) -> SendError:
	message = hide(_text(error, "message"))
	details = hide(_text(error, "error_user_msg") or _text(_dict(error, "error_data"), "details"))
	after = _seconds_to_wait(headers, is_account_wide=code in RetryLater.DEVICE_CODES)
	found = classify(code, message, details, after)
	if type(found) is FixRequest and error.get("is_transient") is True:
		return RetryLater(found.template, *found.values, after=after, code=found.code, details=found.details)
	return found


def _read_status(status: int, headers: Mapping[str, str], unsure: type[SendError]) -> SendError:
	"""Make the error of an answer that holds no code of Meta's: a proxy's page, a gateway's, or garbage."""
	code, after = f"http_{status}", _seconds_to_wait(headers, is_account_wide=False)
	if status in (401, 403):
		return FixCredentials(_("WhatsApp refused the access token (HTTP {0})."), status, code=code)
	if status == 429:
		return RetryLater(
			_("WhatsApp asks to send more slowly (HTTP 429)."), after=after, scope="device", code=code
		)
	if 300 <= status < 400 or status == 408:
		return RetryLater(_("The request did not reach WhatsApp (HTTP {0})."), status, after=after, code=code)
	if 400 <= status < 500:
		return FixRequest(_("WhatsApp refused the request without a reason (HTTP {0})."), status, code=code)
	error = unsure(_("WhatsApp gave an answer that can't be read (HTTP {0})."), status, code=code)
	if isinstance(error, RetryLater):
		error.after = after
	return error


def _seconds_to_wait(headers: Mapping[str, str], *, is_account_wide: bool) -> float | None:
	"""Return how long Meta asks to wait, at most a day, or None where it doesn't say.

	`estimated_time_to_regain_access` is in minutes and speaks of the account's management calls (Graph API,
	rate limiting).
	"""
	asked = headers.get("Retry-After", "").strip()
	if asked.isdecimal():
		return min(DAY, float(asked))
	if not is_account_wide:
		return None
	minutes = _minutes_to_regain_access(read_json(headers.get("X-Business-Use-Case-Usage", "")) or {})
	return min(DAY, minutes * 60) if minutes > 0 else None


def _minutes_to_regain_access(usage: dict[str, Any]) -> float:
	entries = [entry for found in usage.values() if isinstance(found, list) for entry in found]
	minutes = [entry.get("estimated_time_to_regain_access") for entry in entries if isinstance(entry, dict)]
	return max((value for value in minutes if isinstance(value, int | float)), default=0)


def _read_tier(limit: Any) -> str:
	"""Find the tier in a bare string, or in an object under whatever key Meta gives it."""
	found = limit.values() if isinstance(limit, dict) else [limit]
	return next((value for value in found if isinstance(value, str) and value.startswith("TIER_")), "")


def _code(error: dict[str, Any]) -> int | None:
	code = str(error.get("code", ""))
	return int(code) if code.isdecimal() and len(code) < 10 else None


def _first(body: dict[str, Any], key: str) -> dict[str, Any]:
	found = body.get(key)
	return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}


def _dict(body: Any, key: str) -> dict[str, Any]:
	found = body.get(key) if isinstance(body, dict) else None
	return found if isinstance(found, dict) else {}


def _text(body: dict[str, Any], key: str) -> str:
	found = body.get(key)
	return found if isinstance(found, str) else ""
