"""Typed contents of a message, their limits, and their JSON form in the message log.

Limits are Meta's (DOC/messages, DOC/cloud-api/reference/media); WhatsApp Web takes the same texts and larger files.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

from whatsapp_integration.core.config import MEMORY, OFFICIAL, UNOFFICIAL
from whatsapp_integration.core.errors import InvalidContent, Unsupported, _

MB = 1024 * 1024
TEXT_MAX = 4096
CAPTION_MAX = 1024
CALLBACK_DATA_MAX = 512


@dataclass(frozen=True)
class Media:
	"""A file to send: exactly one of `file` (the host's own reference), `link` (public URL) or `media_id` is set."""

	file: str = ""
	link: str = ""
	media_id: str = ""
	filename: str = ""
	mime_type: str = ""
	size: int = 0  # bytes, 0 = unknown


@dataclass(frozen=True)
class Content:
	"""Base of all contents; `KIND` is the message type of the log."""

	KIND: ClassVar[str] = ""

	def check(self, mode: str) -> None:
		"""Raise InvalidContent or Unsupported where WhatsApp would refuse this content in `mode`."""

	def preview(self) -> str:
		"""The readable text of the message log and of the chat list."""
		return ""

	def to_dict(self) -> dict[str, Any]:
		"""Only what was set, ready for JSON; `content_from_dict` reads it back."""
		return {
			key: value for key, value in asdict(self).items() if value not in ("", None, (), [], {}, False)
		}


@dataclass(frozen=True)
class Text(Content):
	KIND: ClassVar[str] = "text"
	body: str = ""
	preview_url: bool = False

	def check(self, mode: str) -> None:
		_require(self.body.strip(), _("The message is empty. Write a text or attach a file."))
		_at_most(
			self.body, TEXT_MAX, _("The text has {0} characters; WhatsApp takes at most {1}. Shorten it.")
		)

	def preview(self) -> str:
		return self.body


@dataclass(frozen=True)
class MediaContent(Content):
	"""Base of the kinds that carry a file. `MIME_TYPES` maps what the Cloud API takes to its size limit in bytes."""

	MIME_TYPES: ClassVar[dict[str, int]] = {}
	WEB_MAX: ClassVar[int] = 64 * MB

	media: Media = field(default_factory=Media)
	caption: str = ""

	def check(self, mode: str) -> None:
		given = [bool(self.media.file), bool(self.media.link), bool(self.media.media_id)]
		_require(sum(given) == 1, _("Attach exactly one file, link or media id."))
		_at_most(
			self.caption,
			CAPTION_MAX,
			_("The caption has {0} characters; WhatsApp takes at most {1}. Shorten it."),
		)
		if self.media.media_id and mode == UNOFFICIAL:
			raise Unsupported(
				_("A media id belongs to the Cloud API; attach the file itself."), code="media_id"
			)
		if self.media.link and mode == UNOFFICIAL:
			raise Unsupported(
				_("A linked device sends files of this site, no links. Attach the file."), code="link"
			)
		self._check_file(mode)

	def _check_file(self, mode: str) -> None:
		mime_type, size = base_mime_type(self.media.mime_type), self.media.size
		limit = self.WEB_MAX if mode == UNOFFICIAL else self.MIME_TYPES.get(mime_type)
		if mime_type and limit is None:
			raise InvalidContent(
				_("WhatsApp takes no {0} as {1}. It takes: {2}."),
				mime_type,
				self.KIND,
				", ".join(self.MIME_TYPES),
				code="mime_type",
			)
		if limit and size > limit:
			raise InvalidContent(
				_("The file has {0} MB; WhatsApp takes at most {1} MB as {2}."),
				f"{size / MB:.1f}",
				f"{limit / MB:g}",
				self.KIND,
				code="file_too_large",
			)

	def preview(self) -> str:
		return self.caption or self.media.filename


@dataclass(frozen=True)
class Image(MediaContent):
	KIND: ClassVar[str] = "image"
	MIME_TYPES: ClassVar[dict[str, int]] = {"image/jpeg": 5 * MB, "image/png": 5 * MB}


@dataclass(frozen=True)
class Video(MediaContent):
	KIND: ClassVar[str] = "video"
	MIME_TYPES: ClassVar[dict[str, int]] = {"video/mp4": 16 * MB, "video/3gpp": 16 * MB}


@dataclass(frozen=True)
class Audio(MediaContent):
	KIND: ClassVar[str] = "audio"
	MIME_TYPES: ClassVar[dict[str, int]] = dict.fromkeys(
		("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * MB
	)

	def check(self, mode: str) -> None:
		_require(
			not self.caption,
			_("WhatsApp takes no caption on a voice or audio message. Send the text by itself."),
		)
		super().check(mode)


@dataclass(frozen=True)
class Voice(Audio):
	"""A voice note: shown with a player and a wave; ogg with the opus codec only."""

	KIND: ClassVar[str] = "voice"
	MIME_TYPES: ClassVar[dict[str, int]] = {"audio/ogg": 16 * MB}


@dataclass(frozen=True)
class Document(MediaContent):
	KIND: ClassVar[str] = "document"
	WEB_MAX: ClassVar[int] = 2048 * MB
	MIME_TYPES: ClassVar[dict[str, int]] = dict.fromkeys(
		(
			"text/plain",
			"application/pdf",
			"application/msword",
			"application/vnd.ms-excel",
			"application/vnd.ms-powerpoint",
			"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
			"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			"application/vnd.openxmlformats-officedocument.presentationml.presentation",
		),
		100 * MB,
	)


@dataclass(frozen=True)
class Sticker(MediaContent):
	KIND: ClassVar[str] = "sticker"
	MIME_TYPES: ClassVar[dict[str, int]] = {"image/webp": 500 * 1024}

	def check(self, mode: str) -> None:
		_require(not self.caption, _("WhatsApp takes no caption on a sticker. Send the text by itself."))
		super().check(mode)


@dataclass(frozen=True)
class Location(Content):
	KIND: ClassVar[str] = "location"
	latitude: float = 0.0  # degrees, WGS 84
	longitude: float = 0.0
	label: str = ""
	address: str = ""

	def check(self, mode: str) -> None:
		if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
			raise InvalidContent(
				_("{0}, {1} is no place on earth: latitude goes from -90 to 90, longitude from -180 to 180."),
				self.latitude,
				self.longitude,
				code="location",
			)

	def preview(self) -> str:
		return self.label or self.address or f"{self.latitude}, {self.longitude}"

	def to_dict(self) -> dict[str, Any]:
		return {"latitude": self.latitude, "longitude": self.longitude} | super().to_dict()


@dataclass(frozen=True)
class Contacts(Content):
	"""Contact cards, each a dict of the Cloud API's shape: `{"name": {"formatted_name": …}, "phones": [{"phone": …}]}`."""

	KIND: ClassVar[str] = "contacts"
	contacts: tuple[dict[str, Any], ...] = ()

	def check(self, mode: str) -> None:
		_require(self.contacts, _("Add at least one contact."))
		for contact in self.contacts:
			name = contact.get("name") if isinstance(contact, dict) else None
			_require(
				_text(name, "formatted_name").strip(),
				_("Every contact needs a name (formatted_name)."),
			)

	def preview(self) -> str:
		return ", ".join(contact["name"]["formatted_name"] for contact in self.contacts)


@dataclass(frozen=True)
class Template(Content):
	"""An approved template; `components` in the Cloud API's shape (DOC/messages/template-messages)."""

	KIND: ClassVar[str] = "template"
	name: str = ""
	language: str = ""  # for example en_US
	components: tuple[dict[str, Any], ...] = ()
	text: str = ""  # the rendered body, for people to read in the log

	def check(self, mode: str) -> None:
		if mode == UNOFFICIAL:
			raise Unsupported(_("Templates need a device in Official mode."), code="template")
		_require(self.name, _("Choose a template."))
		_require(self.language, _("Choose the language of template {0}."), self.name)

	def preview(self) -> str:
		return self.text or self.name


@dataclass(frozen=True)
class Interactive(Content):
	"""Base of the kinds a person answers by a tap."""

	body: str = ""
	footer: str = ""
	header: dict[str, Any] = field(default_factory=dict)

	BODY_MAX: ClassVar[int] = 1024

	def check(self, mode: str) -> None:
		if mode == UNOFFICIAL:
			raise Unsupported(
				_("Buttons, lists and flows need a device in Official mode."), code="interactive"
			)
		_require(self.body.strip(), _("The message is empty. Write its text."))
		_at_most(
			self.body,
			self.BODY_MAX,
			_("The text has {0} characters; WhatsApp takes at most {1}. Shorten it."),
		)
		_at_most(self.footer, 60, _("The footer has {0} characters; WhatsApp takes at most {1}. Shorten it."))

	def preview(self) -> str:
		return self.body


@dataclass(frozen=True)
class Buttons(Interactive):
	"""One to three reply buttons, each `{"id": …, "title": …}`."""

	KIND: ClassVar[str] = "buttons"
	buttons: tuple[dict[str, str], ...] = ()

	def check(self, mode: str) -> None:
		super().check(mode)
		_require(1 <= len(self.buttons) <= 3, _("Give one to three buttons."))
		titles = [_text(button, "title") for button in self.buttons]
		_require(len(set(titles)) == len(titles), _("Two buttons have the same title."))
		for button, title in zip(self.buttons, titles, strict=True):
			_require(title, _("Every button needs a title."))
			_at_most(title, 20, _("A button title has {0} characters; WhatsApp takes at most {1}."))
			_require(_text(button, "id"), _("Every button needs an id."))
			_at_most(
				_text(button, "id"), 256, _("A button id has {0} characters; WhatsApp takes at most {1}.")
			)


@dataclass(frozen=True)
class ListMenu(Interactive):
	"""A menu: `sections` are `{"title": …, "rows": [{"id", "title", "description"?}]}`."""

	KIND: ClassVar[str] = "list"
	BODY_MAX: ClassVar[int] = 4096
	button: str = ""
	sections: tuple[dict[str, Any], ...] = ()

	def check(self, mode: str) -> None:
		super().check(mode)
		_require(self.button, _("Give the text of the button that opens the list."))
		_at_most(self.button, 20, _("A button title has {0} characters; WhatsApp takes at most {1}."))
		_require(1 <= len(self.sections) <= 10, _("A list has one to ten sections."))
		rows = [row for section in self.sections for row in _list(section, "rows")]
		_require(1 <= len(rows) <= 10, _("A list has one to ten rows in all."))
		for row in rows:
			_require(
				_text(row, "id") and _text(row, "title"), _("Every row of the list needs an id and a title.")
			)
			_at_most(_text(row, "id"), 200, _("A row id has {0} characters; WhatsApp takes at most {1}."))
			_at_most(
				_text(row, "title"), 24, _("A row title has {0} characters; WhatsApp takes at most {1}.")
			)
			_at_most(
				_text(row, "description"),
				72,
				_("A row description has {0} characters; WhatsApp takes at most {1}."),
			)
		for section in self.sections:
			title = _text(section, "title")
			_require(title or len(self.sections) == 1, _("Every section of the list needs a title."))
			_at_most(title, 24, _("A section title has {0} characters; WhatsApp takes at most {1}."))


@dataclass(frozen=True)
class CtaUrl(Interactive):
	KIND: ClassVar[str] = "cta_url"
	display_text: str = ""
	url: str = ""

	def check(self, mode: str) -> None:
		super().check(mode)
		_require(self.display_text, _("Give the text of the link button."))
		_at_most(self.display_text, 20, _("A button title has {0} characters; WhatsApp takes at most {1}."))
		_require(
			self.url.startswith(("http://", "https://")), _("The link must begin with http:// or https://.")
		)


@dataclass(frozen=True)
class Flow(Interactive):
	KIND: ClassVar[str] = "flow"
	flow_id: str = ""
	flow_name: str = ""
	flow_cta: str = ""
	flow_token: str = ""
	flow_action: str = "navigate"
	flow_action_payload: dict[str, Any] = field(default_factory=dict)
	draft: bool = False

	def check(self, mode: str) -> None:
		super().check(mode)
		_require(
			bool(self.flow_id) != bool(self.flow_name), _("Name the flow by its id or by its name, not both.")
		)
		_require(self.flow_cta, _("Give the text of the button that opens the flow."))


@dataclass(frozen=True)
class Reaction(Content):
	KIND: ClassVar[str] = "reaction"
	message_id: str = ""  # wamid of the message reacted to
	emoji: str = ""  # "" takes the reaction back

	def check(self, mode: str) -> None:
		_require(self.message_id, _("Name the message that you react to."))
		_at_most(self.emoji, 32, _("A reaction is one emoji; this has {0} characters."))

	def preview(self) -> str:
		return self.emoji


CONTENTS: dict[str, type[Content]] = {
	cls.KIND: cls
	for cls in (
		Text, Image, Video, Audio, Voice, Document, Sticker, Location, Contacts, Template, Buttons, ListMenu, CtaUrl, Flow,
		Reaction,
	)
}  # fmt: skip
MEDIA_KINDS = frozenset(kind for kind, cls in CONTENTS.items() if issubclass(cls, MediaContent))
MODES = (OFFICIAL, UNOFFICIAL, MEMORY)


@dataclass(frozen=True)
class MediaFile:
	"""A file on this machine's disk that a sender may read in its own thread."""

	path: str
	filename: str
	mime_type: str
	size: int


@dataclass(frozen=True)
class Outgoing:
	"""One message, complete: all a sender needs, so that its thread never asks the database.

	`name` is our row; `to` is E.164 with "+", a BSUID ("US.123…") or a WhatsApp Web id. `file` is set when the content's
	media is a file of the host.
	"""

	name: str
	to: str
	content: Content
	reply_to: str = ""  # message id to quote
	file: MediaFile | None = None
	planned_id: str = ""  # the message id chosen beforehand (Unofficial)
	is_repeat: bool = False  # an earlier attempt with this id may have left: look it up before sending
	attempt: int = 1
	is_insisted: bool = False  # by the word of a person, who looked at the chat


@dataclass(frozen=True)
class Sent:
	"""The provider took the message: its id, and the WhatsApp id it found for the recipient ("" when it said none)."""

	message_id: str
	wa_id: str = ""
	state: str = ""  # the provider's word on a template: accepted, held_for_quality_assessment, paused


def content_from_dict(kind: str, data: dict[str, Any]) -> Content:
	"""Build a content from its kind and JSON form. Raises InvalidContent that names the wrong field."""
	cls = CONTENTS.get(kind)
	if cls is None:
		raise InvalidContent(
			_("Unknown message type {0}. Use one of: {1}."), kind, ", ".join(CONTENTS), code="kind"
		)
	if not isinstance(data, dict):
		raise InvalidContent(_("The content of a {0} message must be an object."), kind, code="content")
	known = {item.name: item for item in fields(cls)}
	values = {}
	for key, value in data.items():
		if key not in known:
			raise InvalidContent(
				_("A {0} message has no field {1}. It has: {2}."), kind, key, ", ".join(known), code=key
			)
		values[key] = _read_value(kind, key, known[key].type, value)
	return cls(**values)


def content_from_json(kind: str, text: str | None) -> Content:
	"""The content as the log keeps it. Raises InvalidContent where it can't be read."""
	try:
		data = json.loads(text or "{}")
	except ValueError as err:
		raise InvalidContent(_("The content of this message can't be read."), code="content") from err
	return content_from_dict(kind, data)


def plan_web_id() -> str:
	"""A fresh message id, in the form that WhatsApp Web gives its own."""
	return "3EB0" + secrets.token_hex(9).upper()


def base_mime_type(mime_type: str) -> str:
	"""Cut the parameters off: "audio/ogg; codecs=opus" → "audio/ogg"."""
	return mime_type.partition(";")[0].strip().lower()


def _read_value(kind: str, key: str, annotation: str, value: Any) -> Any:
	try:
		if annotation == "Media":
			return Media(
				**{name: _only(item, int if name == "size" else str) for name, item in value.items()}
			)
		if annotation == "str":
			return _only(value, str)
		if annotation == "bool":
			return bool(value)
		if annotation == "float":
			return float(value)
		if annotation.startswith("tuple"):
			return tuple(_only(item, dict) for item in _only(value, list, tuple))
		return _only(value, dict)
	except (TypeError, ValueError, AttributeError) as err:
		raise InvalidContent(
			_("The field {0} of a {1} message has a wrong value."), key, kind, code=key
		) from err


def _only(value: Any, *types: type) -> Any:
	if not isinstance(value, types):
		raise TypeError(f"{type(value).__name__} is none of {types}")
	return value


def _require(condition: Any, template: str, *values) -> None:
	if not condition:
		raise InvalidContent(template, *values, code="content")


def _at_most(text: str, limit: int, template: str) -> None:
	if len(text) > limit:
		raise InvalidContent(template, len(text), limit, code="too_long")


def _text(data: Any, key: str) -> str:
	value = data.get(key) if isinstance(data, dict) else None
	return value if isinstance(value, str) else ""


def _list(data: Any, key: str) -> list:
	value = data.get(key) if isinstance(data, dict) else None
	return value if isinstance(value, list | tuple) else []
