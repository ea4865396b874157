"""What WhatsApp tells us, in our words. Both modes produce these; `services.inbox.apply` is their only reader.

`account` says whose event it is: the Phone Number ID of an official number, or the device name of a linked one; account
and template events carry only `waba_id`. `at` is unix seconds, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Event:
	account: str = ""
	waba_id: str = ""
	at: float = 0


@dataclass(frozen=True)
class MediaInfo:
	"""A file that waits at the provider. `sha256` is base64 of the digest, as Meta gives it."""

	media_id: str
	mime_type: str = ""
	sha256: str = ""
	filename: str = ""
	url: str = ""
	voice: bool = False


@dataclass(frozen=True, kw_only=True)
class MessageReceived(Event):
	"""A message from a customer (or, in a group, from `sender_id`)."""

	message_id: str
	chat_id: str  # wa_id digits, BSUID when no number is known, or a group id
	sender_id: str = ""
	phone: str = ""  # digits without "+", "" when WhatsApp hides it
	user_id: str = ""  # BSUID
	profile_name: str = ""
	kind: str = "text"  # text, image, …, unsupported
	body: str = ""  # readable text or caption
	media: MediaInfo | None = None
	data: dict[str, Any] = field(
		default_factory=dict
	)  # the typed part as it came: location, contacts, interactive …
	reply_to: str = ""  # message id that is quoted
	is_group: bool = False
	forwarded: bool = False
	referral: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class MessageEchoed(MessageReceived):
	"""A message that the company sent from the phone itself; `chat_id` is the customer."""


@dataclass(frozen=True, kw_only=True)
class StatusChanged(Event):
	"""`status` is one of core.status SENT, DELIVERED, READ, PLAYED, FAILED."""

	message_id: str
	status: str
	recipient_id: str = ""
	user_id: str = ""
	callback_data: str = ""  # the name of our row, when we gave it along
	error_code: int = 0
	error_title: str = ""
	error_details: str = ""
	pricing_category: str = ""
	billable: bool | None = None


@dataclass(frozen=True, kw_only=True)
class MessageEdited(Event):
	message_id: str  # of the original
	body: str


@dataclass(frozen=True, kw_only=True)
class MessageRevoked(Event):
	message_id: str  # of the original


@dataclass(frozen=True, kw_only=True)
class ReactionChanged(Event):
	message_id: str  # of the message reacted to
	chat_id: str
	emoji: str  # "" removes it
	from_me: bool = False


@dataclass(frozen=True, kw_only=True)
class IdentityLinked(Event):
	"""Two names of one person: the number changed, or a BSUID or LID became known for a phone."""

	old_id: str
	new_id: str
	user_id: str = ""
	reason: str = ""


@dataclass(frozen=True, kw_only=True)
class DeviceStateChanged(Event):
	"""The state of a linked device, one of WhatsApp Device's. `reason` and `advice` are untranslated sentences of ours."""

	state: str
	reason: str = ""
	values: tuple = ()  # for the places of `reason`
	advice: str = ""
	needs_people: bool = False  # somebody must be told
	screenshot: bytes = field(default=b"", repr=False)  # PNG of a page that nobody understands


@dataclass(frozen=True, kw_only=True)
class DeviceIdentified(Event):
	"""Whose phone was linked: its number in E.164, LID, profile name and platform as WhatsApp spells them."""

	number: str
	lid: str = ""
	name: str = ""
	platform: str = ""
	is_new: bool = False  # linked a moment ago


@dataclass(frozen=True, kw_only=True)
class QrIssued(Event):
	"""A credential to link a phone with: a QR code to draw, or a pairing code to type. An empty one takes it back."""

	code: str = field(repr=False)
	is_pairing_code: bool = False
	expires_in: float = 0  # seconds


@dataclass(frozen=True, kw_only=True)
class TemplateChanged(Event):
	"""`change` is status, quality, category or components; `value` its new value in Meta's words."""

	template_id: str
	template_name: str
	language: str  # with an underscore: en_US
	change: str
	value: str
	reason: str = ""
	data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AccountChanged(Event):
	"""Something about the number or the account; `topic` is the webhook field, `data` its value as it came."""

	topic: str
	event: str = ""
	display_phone_number: str = ""
	data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ConsentChanged(Event):
	chat_id: str
	user_id: str = ""
	category: str = ""
	opted_in: bool = False


@dataclass(frozen=True, kw_only=True)
class ErrorReported(Event):
	"""`value.errors` of a webhook that has neither messages nor statuses."""

	code: int
	title: str = ""
	details: str = ""


@dataclass(frozen=True, kw_only=True)
class Unsupported(Event):
	"""Something nobody here knows; kept and shown, never an error."""

	reason: str
	data: Any = None
