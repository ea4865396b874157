"""The page of WhatsApp Web as the session sees it: jobs in, results and events out. Used by the browser's one thread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whatsapp_integration.core.errors import _
from whatsapp_integration.whatsapp_web.errors import PageChanged

if TYPE_CHECKING:
	from whatsapp_integration.whatsapp_web.browser import Browser

MAX_ITEMS = 200  # of one pull

# Before wa-js starts: it reports to Google Analytics and sends the links in texts to strangers' servers unless told not to.
PRIVACY = (
	"window.WPPConfig = {disableGoogleAnalytics: true, linkPreviewApiServers: [], "
	"deviceName: false, poweredBy: null, syncAllStatus: false};"
)


@dataclass(frozen=True)
class Pulled:
	"""`items` in order; `is_reloaded` when the page began anew since the last pull, and with it every open job is gone."""

	items: list[dict[str, Any]]
	state: dict[str, Any]
	is_reloaded: bool


def scripts(bundle: str) -> list[str]:
	"""What is injected at every new document, in this order; `bundle` is the source of wa-js."""
	return [PRIVACY, bundle, _bridge()]


class Page:
	def __init__(self, browser: Browser, url: str):
		self._browser = browser
		self._url = url
		self._boot = ""
		self._seen = 0
		self._numbers = count(1)

	def open(self) -> None:
		self._browser.open(self._url)

	def submit(self, kind: str, args: dict[str, Any], limit: float) -> int:
		"""Begin a job that may take `limit` seconds in the page; the item of its result has this number."""
		number = next(self._numbers)
		job = {"id": number, "kind": kind, "args": args, "limit": limit}
		self._browser.execute("window.whatsappBridge.submit(arguments[0])", job)
		return number

	def put_file(self, path: str) -> str:
		"""Hand a file of this machine to the page; returns the id of the input that holds it."""
		name = f"whatsapp-file-{next(self._numbers)}"
		self._browser.execute("window.whatsappBridge.makeInput(arguments[0])", name)
		self._browser.send_file(f"#{name}", path)
		return name

	def pull(self) -> Pulled:
		"""What came since the last pull. Raises PageChanged where the bridge is not in the page."""
		answer = self._browser.execute(
			"return window.whatsappBridge ? window.whatsappBridge.pull(...arguments) : null",
			self._boot,
			self._seen,
			MAX_ITEMS,
		)
		if answer is None:
			raise PageChanged(_("The browser shows another page than WhatsApp Web."))
		is_reloaded = bool(self._boot) and answer["boot"] != self._boot
		self._boot = answer["boot"]
		items = answer["items"]
		self._seen = items[-1]["seq"] if items else 0 if is_reloaded else self._seen
		return Pulled(items, answer["state"], is_reloaded)

	def screenshot(self) -> bytes:
		return self._browser.screenshot()


@cache
def _bridge() -> str:
	return Path(__file__).with_name("bridge.js").read_text(encoding="utf-8")
