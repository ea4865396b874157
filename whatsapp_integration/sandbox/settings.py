"""All switches of the sandbox as one frozen value; `POST /sandbox/config` replaces it by a changed copy."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from whatsapp_integration.sandbox import defaults

WINDOW_MODES = ("off", "sync", "async")


@dataclass(frozen=True)
class Settings:
	"""Times are seconds; a limit of 0 is no limit."""

	phone_number_id: str = defaults.PHONE_NUMBER_ID
	phone_number: str = defaults.PHONE_NUMBER  # E.164
	country_code: str = defaults.COUNTRY_CODE  # of phone_number; Meta puts it before a recipient without "+"
	other_numbers: dict[str, str] = field(default_factory=dict)  # further phone number ids → E.164
	waba_id: str = defaults.WABA_ID
	verified_name: str = defaults.VERIFIED_NAME
	access_token: str = field(default=defaults.ACCESS_TOKEN, repr=False)
	app_secret: str = field(default=defaults.APP_SECRET, repr=False)
	verify_token: str = field(default=defaults.VERIFY_TOKEN, repr=False)

	callback_url: str = ""
	subscribed: bool = False  # naming a callback_url subscribes, unless this is named too
	sent_delay: float = 0.05
	delivered_delay: float = 0.1
	read_delay: float = 0.2
	auto_read: bool = True  # False: read receipts come from the phone page or POST /sandbox/read only
	user_ids: bool = True  # webhooks carry business-scoped user ids, as since April 2026
	batch: int = 1  # updates per webhook POST, at most 1000
	batch_wait: float = 0.1  # a batch collects for so long
	webhook_retries: int = 5
	webhook_backoff: float = 0.1  # before the first retry; doubles
	webhook_timeout: float = 10
	max_pending: int = 500_000  # waiting webhook updates; more are dropped and counted

	latency: float = 0  # before every answer of the Graph API
	mps: int = 0  # messages per second of one number, else 130429
	pair_seconds: float = 0  # one message to the same recipient in so many seconds, else 131056 …
	pair_burst: int = 45  # … of which so many may come at once
	window: str = "off"  # off, sync (error answer 131047), async (failed status 131047)
	window_seconds: float = 24 * 3600
	media_url_seconds: float = 300

	# WhatsApp Web; sent_delay, delivered_delay, read_delay, auto_read and suffix_faults are its too
	web_qr_first_seconds: float = 60  # how long the first QR code is shown …
	web_qr_seconds: float = 20  # … and each further one …
	web_qr_refs: int = 6  # … of so many, then it stops
	web_pairing_seconds: float = 195  # how long a pairing code can be typed
	web_boot_seconds: float = 0.2  # on the loading screen
	web_backlog_events: bool = False  # what came while a browser was away is told by events too
	web_resend_pending: bool = False  # what was never accepted is posted again when the page is loaded again

	suffix_faults: bool = True  # the table of faults.py; switch off for runs over many numbers
	hold_seconds: float = 60  # how long a "timeout" fault holds the connection
	slow_seconds: float = 2  # how late a "slow" fault answers

	def numbers(self) -> dict[str, str]:
		"""Phone number id → E.164 of all business numbers, the first one first."""
		return {self.phone_number_id: self.phone_number, **self.other_numbers}

	def changed(self, values: dict[str, Any]) -> Settings:
		"""A copy with `values`. Raises ValueError naming the first key that is unknown or of a wrong type."""
		kinds = {item.name: type(getattr(self, item.name)) for item in fields(self)}
		for key, value in values.items():
			if key not in kinds:
				raise ValueError(f"unknown setting {key}; there are: {', '.join(kinds)}")
			_check_type(key, value, kinds[key])
		if values.get("callback_url") and "subscribed" not in values:
			values = {**values, "subscribed": True}
		return replace(self, **values)

	def to_dict(self) -> dict[str, Any]:
		return asdict(self)


def _check_type(key: str, value: Any, kind: type) -> None:
	if key == "window" and value not in WINDOW_MODES:
		raise ValueError(f"window must be one of {', '.join(WINDOW_MODES)}")
	number = kind in (int, float) and isinstance(value, int | float) and not isinstance(value, bool)
	if not number and not isinstance(value, kind):
		raise ValueError(f"{key} must be {kind.__name__}")
	if number and value < 0:
		raise ValueError(f"{key} must not be negative")
