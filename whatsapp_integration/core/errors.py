"""What can go wrong, in classes named by what the caller does next.

Every error holds an untranslated sentence with `{0}` places and the values for them, so that a door can say it in the
reader's language: `_(error.template).format(*error.values)`. `str(error)` says it in English. No error ever holds a secret.
"""

from __future__ import annotations

from typing import ClassVar


def _(text: str) -> str:
	"""Mark a sentence for translation; the doors translate it."""
	return text


class WhatsAppError(Exception):
	"""Base of all errors of this app.

	`code` is the provider's code ("131047") or one of ours ("invalid_phone"); `details` is the provider's own text.
	"""

	advice: ClassVar[str] = ""

	def __init__(self, template: str, *values, code: str | int = "", details: str = ""):
		super().__init__(template, *values)
		self.template = template
		self.values = values
		self.code = str(code)
		self.details = details

	@property
	def advice_when_failed(self) -> str:
		"""What to do once this error was the last word on a message."""
		return self.advice

	def __str__(self) -> str:
		return self.template.format(*self.values)


class InvalidRequest(WhatsAppError):
	"""The caller's input is wrong; nothing was written or sent."""


class InvalidPhone(InvalidRequest):
	"""A text that is no phone number; says why."""

	advice = _("Write the number with its country code, for example +20 100 123 4567.")


class InvalidContent(InvalidRequest):
	"""A message that breaks a limit of WhatsApp; says which."""


class Unsupported(InvalidRequest):
	"""The chosen mode can't do this at all."""

	advice = _("Use a device of the other mode, or another kind of message.")


class Refused(InvalidRequest):
	"""The send policy says no: permission, consent, or the state of the device."""


class SendError(WhatsAppError):
	"""A sender's failure. The subclass says what to do next; `CODES` are the provider's codes that mean it.

	Source of the codes: DOC/support/error-codes of Meta's WhatsApp documentation.
	"""

	CODES: ClassVar[frozenset[int]] = frozenset()


class RetryLater(SendError):
	"""Try again by itself, `after` seconds from now (None: the usual back-off).

	`scope` is what has to wait: "message", "recipient" (pair limit) or "device" (throughput).
	"""

	advice = _("Nothing to do: it is tried again by itself.")
	advice_when_failed = _("It is not tried again by itself. Press Retry when the cause is gone.")
	CODES = frozenset({1, 2, 131000, 131016, 131052, 131057, 132069, 133004, 134101, 2494100})
	RECIPIENT_CODES: ClassVar[frozenset[int]] = frozenset({131056})
	DEVICE_CODES: ClassVar[frozenset[int]] = frozenset({4, 80007, 80008, 130429})

	def __init__(self, template: str, *values, after: float | None = None, scope: str = "message", **kwargs):
		super().__init__(template, *values, **kwargs)
		self.after = after
		self.scope = scope


class FixRequest(SendError):
	"""The message itself is wrong; trying it again can't help."""

	advice = _("Correct the message or the template, then send it anew.")


class FixCredentials(SendError):
	"""The token or its permissions are wrong: the device stops until somebody mends it."""

	advice = _("Open the device, enter a valid access token and press Connect to Meta.")
	CODES = frozenset({0, 3, 10, 104, 190, 131005, *range(200, 300)})


class StopDevice(SendError):
	"""The number or its account may not send now: the device stops and the admin is told."""

	advice = _("Look at the account in Meta Business Manager, then resume the device.")
	CODES = frozenset(
		{
			33,
			368,
			131031,
			131037,
			131042,
			131044,
			131045,
			131048,
			131063,
			131064,
			133005,
			133006,
			133008,
			133009,
			133010,
			133015,
			133016,
		}
	)


class RecipientUnreachable(SendError):
	"""This person can't be reached; others can."""

	advice = _(
		"Check that the number uses WhatsApp and accepts your messages; reach this person another way."
	)
	CODES = frozenset({130403, 130472, 130497, 131021, 131026, 131050, 137000})
	OPT_OUT_CODES: ClassVar[frozenset[int]] = frozenset({131050})


class NeedsTemplate(SendError):
	"""The 24-hour service window is shut; only a template may be sent."""

	advice = _("Send an approved template, or wait until the customer writes.")
	CODES = frozenset({131047})


class MarketingHold(SendError):
	"""Meta holds marketing to this person back; not before 24 hours from now."""

	advice = _("Nothing to do: it is tried again after 24 hours.")
	advice_when_failed = _("Wait at least 24 hours before sending marketing to this person again.")
	CODES = frozenset({131049})


class OutcomeUnknown(SendError):
	"""Nobody knows whether the message left. It is never sent again by itself; a status settles it."""

	advice = _("Wait for the status. If none comes, look at the chat before you send it again.")


_CLASSES = (FixCredentials, StopDevice, RecipientUnreachable, NeedsTemplate, MarketingHold, RetryLater)


def classify(code: int, message: str = "", details: str = "", after: float | None = None) -> SendError:
	"""Make the error that says what to do about a code of Meta's, sync or from a webhook.

	A code nobody knows is FixRequest: repeating an unknown refusal is what gets numbers banned.
	"""
	said = details or message or _("WhatsApp refused the message.")
	kwargs = {"code": code, "details": message}
	if code in RetryLater.RECIPIENT_CODES:
		return RetryLater("{0}", said, after=after, scope="recipient", **kwargs)
	if code in RetryLater.DEVICE_CODES:
		return RetryLater("{0}", said, after=after, scope="device", **kwargs)
	for cls in _CLASSES:
		if code in cls.CODES:
			return (
				cls("{0}", said, **kwargs)
				if cls is not RetryLater
				else cls("{0}", said, after=after, **kwargs)
			)
	return FixRequest("{0}", said, **kwargs)
