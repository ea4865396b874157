"""Configuration as frozen values: read once at the edge by the host, passed down, never read again."""

from __future__ import annotations

from dataclasses import dataclass, field

GRAPH_URL = "https://graph.facebook.com"
GRAPH_VERSION = "v25.0"

OFFICIAL = "Official"
UNOFFICIAL = "Unofficial"
MEMORY = "Memory"


@dataclass(frozen=True)
class Limits:
	"""How much one device may send. 0 means no limit. Pair limit: DOC/about-the-platform."""

	per_second: int = 0
	per_minute: int = 0
	per_hour: int = 0
	per_day: int = 0
	pair_seconds: float = 0  # one message to the same recipient in so many seconds …
	pair_burst: int = 0  # … of which so many may be borrowed at once
	first_contacts: int = 0  # people a day who had no word from or to this number before


OFFICIAL_LIMITS = Limits(per_second=80, pair_seconds=6, pair_burst=45)
UNOFFICIAL_LIMITS = Limits(per_minute=20, per_hour=200, per_day=1000, first_contacts=50)


@dataclass(frozen=True)
class Retry:
	"""Exponential back-off: `base` × 2^attempt seconds, at most `ceiling`, `attempts` in all."""

	attempts: int = 5
	base: float = 10
	ceiling: float = 3600


@dataclass(frozen=True)
class Pacing:
	"""How a linked device writes: like a person. Seconds; 0 characters a second means no typing at all."""

	typing_speed: float = 20  # characters a second
	typing_max: float = 8
	pause_min: float = 0.5  # before each message
	pause_max: float = 2.5


@dataclass(frozen=True)
class WebConfig:
	"""How linked devices are driven. Times are seconds, memory is bytes."""

	folder: str = ""  # profiles, the driver cache and fetched bundles live below it
	url: str = "https://web.whatsapp.com/"
	wa_js_path: str = ""  # "" is the bundle that was installed with the app
	wa_js_version: str = ""  # "" is the installed one; another is fetched with npm
	browser_path: str = ""  # "" finds Chromium or Chrome
	driver_path: str = ""  # "" finds chromedriver
	headless: bool = True
	receive_groups: bool = True
	link_seconds: float = 300  # how long one attempt to link a phone lasts
	boot_seconds: float = 90  # how long WhatsApp Web may take to start
	reconnect_attempts: int = 5  # before the admin is told
	min_free_memory: int = 1_500_000_000  # a browser is started only above this
	max_browser_memory: int = 1_500_000_000  # a browser is recycled above this
	recycle_seconds: float = 24 * 3600


@dataclass(frozen=True)
class DeviceConfig:
	"""One line of WhatsApp, secrets included; never log it (the secrets stay out of repr)."""

	name: str
	mode: str = OFFICIAL
	enabled: bool = True
	status: str = "Disconnected"
	phone_number: str = ""  # E.164
	country: str = ""  # ISO 3166 alpha-2, for numbers written without a country code
	phone_number_id: str = ""
	waba_id: str = ""
	access_token: str = field(default="", repr=False)
	app_secret: str = field(default="", repr=False)
	verify_token: str = field(default="", repr=False)
	graph_url: str = GRAPH_URL
	graph_version: str = GRAPH_VERSION
	connect_timeout: float = 5  # seconds
	read_timeout: float = 30  # seconds
	media_hosts: tuple[str, ...] = (
		"lookaside.fbsbx.com",
	)  # hosts beside graph_url's own that media may come from
	limits: Limits = OFFICIAL_LIMITS
	retry: Retry = Retry()
	pacing: Pacing = Pacing()
	linked_since: float = 0  # unix seconds; when the phone that is linked now was
	ack_seconds: float = 60  # a linked phone that takes no message within this is not connected any more
