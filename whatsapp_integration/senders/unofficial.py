"""The Unofficial way: a phone linked through WhatsApp Web, whose session lives in a whatsapp-worker."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from whatsapp_integration.core import pacing
from whatsapp_integration.core.config import UNOFFICIAL, DeviceConfig
from whatsapp_integration.core.errors import (
	FixRequest,
	OutcomeUnknown,
	RecipientUnreachable,
	RetryLater,
	SendError,
	_,
)
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import Contacts, MediaContent, Outgoing, Reaction, Sent
from whatsapp_integration.senders.base import Sender
from whatsapp_integration.whatsapp_web.errors import JobFailed

if TYPE_CHECKING:
	from whatsapp_integration.whatsapp_web.session import Session

FIND_SECONDS = 30  # to find the chat, an earlier attempt and the message to quote
UPLOAD_RATE = 100_000  # bytes a second that even a poor line takes
DEVICE_RETRY_SECONDS = 5
ASK_AGAIN_SECONDS = 16
# Words of WhatsApp after which the message is certainly not on its way.
_NOT_SENT = frozenset({"ERROR_EXPIRED", "ERROR_CANCELLED", "ERROR_UPLOAD"})
_WRONG = {
	"file_too_large": _("WhatsApp takes no file as large as this one."),
	"file_missing": _("The file of the message is missing. Attach it again."),
	"msg_not_found": _("The message to answer is not in this chat any more."),
	"invalid_quoted_msg": _("WhatsApp does not let this message be quoted."),
	"quoted_msg_can_not_reply": _("WhatsApp does not let this message be quoted."),
	"invalid_wid": _("WhatsApp knows no such address."),
}


class UnofficialSender(Sender):
	"""Sends through the session that `find_session` gives; a process without one is never ready."""

	MODE = UNOFFICIAL
	KINDS = frozenset(
		{
			"text", "image", "video", "audio", "voice", "document", "sticker", "location", "contacts", "reaction",
		}
	)  # fmt: skip
	PARALLEL = 1
	PLANS_IDS = True

	def __init__(self, device: DeviceConfig, find_session: Callable[[], Session | None] = lambda: None):
		super().__init__(device)
		self._find_session = find_session

	@property
	def is_ready(self) -> bool:
		session = self._find_session()
		return bool(session and session.is_ready)

	def fetch_media(self, media: MediaInfo) -> tuple[bytes, str]:
		chat, _slash, message_id = media.media_id.rpartition("/")
		try:
			return self._session().download(chat, message_id)
		except JobFailed as err:
			if err.code in ("media_not_found", "message_not_contains_media", "msg_not_found"):
				raise FixRequest(
					_("WhatsApp no longer has this file. Ask for it again."), code="media_gone"
				) from err
			raise RetryLater(_("The file could not be read from WhatsApp Web."), code=err.code) from err

	def _deliver(self, message: Outgoing) -> Sent:
		try:
			if isinstance(message.content, Reaction):
				return self._react(message)
			job = self._job(message)
			limit = FIND_SECONDS + job["typing"] + job["confirm_within"]
			answer = self._session().call("send", job, limit=limit, file=_path(message))
		except JobFailed as err:
			raise _error(err, message) from err
		return _read_answer(answer, message)

	def _react(self, message: Outgoing) -> Sent:
		reaction = message.content
		asked = {"to": _address(message.to), "message_id": reaction.message_id, "emoji": reaction.emoji}
		answer = self._session().call("react", asked, limit=self.device.ack_seconds)
		return Sent(message.planned_id, wa_id=_wa_id(answer["wid"]))

	def _session(self) -> Session:
		session = self._find_session()
		if session is None:
			raise JobFailed("not_connected")
		return session

	def _job(self, message: Outgoing) -> dict[str, Any]:
		text = message.content.preview() if not isinstance(message.content, MediaContent) else ""
		return {
			"to": _address(message.to),
			"id": message.planned_id,
			"is_repeat": message.is_repeat,
			"reply_to": message.reply_to,
			"typing": pacing.writing_seconds(text, self.device.pacing, random.random()),
			"confirm_within": self.device.ack_seconds
			+ (message.file.size / UPLOAD_RATE if message.file else 0),
			"content": _content(message),
		}


def _content(message: Outgoing) -> dict[str, Any]:
	"""What the bridge is to send. A file comes to it by another way, with its name and type."""
	content = message.content
	if isinstance(content, MediaContent):
		if message.file is None:
			raise FixRequest(_("The file of the message is missing. Attach it again."), code="file")
		file = {
			"filename": content.media.filename or message.file.filename,
			"mime_type": content.media.mime_type or message.file.mime_type,
		}
		return {"kind": content.KIND, "caption": content.caption, **file}
	if isinstance(content, Contacts):
		return {"kind": content.KIND, "contacts": [_card(contact) for contact in content.contacts]}
	values = content.to_dict()
	return {"kind": content.KIND, **values, "preview": bool(values.get("preview_url"))}


def _card(contact: dict[str, Any]) -> dict[str, str]:
	"""WhatsApp Web sends cards of WhatsApp numbers only, so the first phone stands for the person."""
	phones = contact.get("phones") or [{}]
	digits = _digits(str(phones[0].get("wa_id") or phones[0].get("phone") or ""))
	if not digits:
		raise FixRequest(_("A linked device sends contacts that have a phone number only."), code="contacts")
	return {"id": f"{digits}@c.us", "name": contact["name"]["formatted_name"]}


def _path(message: Outgoing) -> str:
	return message.file.path if message.file else ""


def _address(to: str) -> str:
	"""Digits of a phone number, or an id of WhatsApp Web as it is."""
	return to if "@" in to else _digits(to)


def _wa_id(wid: str) -> str:
	"""The phone digits of an id of WhatsApp Web; "" of a group or a LID."""
	return _digits(wid) if wid.endswith("@c.us") else ""


def _digits(text: str) -> str:
	return re.sub(r"\D", "", text.partition("@")[0])


def _read_answer(answer: dict[str, Any], message: Outgoing) -> Sent:
	sent = Sent(message.planned_id, wa_id=_wa_id(answer["wid"]))
	if answer.get("found"):
		return _read_found(answer["ack"], sent, is_insisted=message.is_insisted)
	word = answer["result"]
	if word in _NOT_SENT:
		raise RetryLater(_("WhatsApp did not take the message ({0})."), word, code=word)
	if word != "OK" and answer["ack"] < 1:
		raise OutcomeUnknown(_("WhatsApp does not say whether it took the message ({0})."), word, code=word)
	return sent


def _read_found(ack: int, sent: Sent, *, is_insisted: bool) -> Sent:
	"""An earlier attempt is in the chat: sent (from 1 on), still on its way (0), or refused (below).

	One on its way is WhatsApp's to send, unless a person who saw it waiting wants it sent anew.
	"""
	if ack > 0:
		return sent
	if ack == 0 and not is_insisted:
		raise OutcomeUnknown(_("The message waits in WhatsApp Web and has not left yet."), code="pending")
	raise RetryLater(_("WhatsApp did not take the message ({0})."), f"ack {ack}", code="ack", after=0)


def _error(err: JobFailed, message: Outgoing) -> SendError:
	"""What a failed job means for the message. One whose earlier attempt may have left stays unknown until that was seen."""
	if message.is_repeat and not err.has_left:
		return _unknown(err)
	if err.code == "not_on_whatsapp":
		return _unreachable(err, message)
	if err.code in _WRONG:
		return FixRequest(_WRONG[err.code], code=err.code, details=err.text)
	if err.has_left:
		return _unknown(err)
	if err.code in ("not_connected", "browser_lost", "offline"):
		return RetryLater(
			_("The linked phone is not connected now."),
			code=err.code,
			scope="device",
			after=DEVICE_RETRY_SECONDS,
		)
	return RetryLater(_("WhatsApp Web could not send the message: {0}"), err.text or err.code, code=err.code)


def _unknown(err: JobFailed) -> OutcomeUnknown:
	return OutcomeUnknown(
		_("The connection broke before WhatsApp confirmed the message ({0})."), err.code, code=err.code
	)


def _unreachable(err: JobFailed, message: Outgoing) -> SendError:
	"""wa-js says "no" of a number when it could not ask, too, and keeps that for 15 seconds; so it is asked twice."""
	said = _("This number is not on WhatsApp.")
	if message.attempt == 1:
		return RetryLater(said, code=err.code, after=ASK_AGAIN_SECONDS)
	return RecipientUnreachable(said, code=err.code)


def open_session(*args: Any, **kwargs: Any) -> Session:
	"""A session of whatsapp_web, which brings the browser's packages along."""
	from whatsapp_integration.whatsapp_web.session import Session

	return Session(*args, **kwargs)


def free_memory() -> int:
	"""Bytes of memory that a new browser could take."""
	from whatsapp_integration.whatsapp_web.browser import free_memory

	return free_memory()
