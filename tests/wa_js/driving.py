"""Our bridge in a page with the real wa-js, driven as the session drives it: through Page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.wa_js.stand_in import PATIENCE, run
from whatsapp_integration.core.events import Event
from whatsapp_integration.whatsapp_web.events import read_item
from whatsapp_integration.whatsapp_web.page import Page
from whatsapp_integration.whatsapp_web.states import Screen, read_screen

JOB_SECONDS = 20
# Somebody on WhatsApp; the bridge fixture makes her known to the servers, not to the browser.
HUDA = "966500000011"
HUDA_ID = f"{HUDA}@c.us"
HUDA_LID = "88000000000011@lid"
# Those of the stand-in.
ME = "966500000001"
ME_LID = "77000000000001@lid"
GROUP = "120363000000000001@g.us"
ID = "3EB0AAAAAAAAAAAAAAAAAA"  # of the message that is sent
KEY = f"true_{HUDA_ID}_{ID}"


class Tab:
	"""What Page needs of a browser, over the driver of the tests."""

	def __init__(self, driver):
		self._driver = driver

	def execute(self, script: str, *arguments: Any) -> Any:
		return self._driver.execute_script(script, *arguments)

	def send_file(self, css: str, path: str) -> None:
		self._driver.find_element("css selector", css).send_keys(path)


def build_send(content: dict[str, Any], **changes: Any) -> dict[str, Any]:
	"""The arguments of a send job, as the sender builds them."""
	usual = {"to": HUDA, "id": ID, "is_repeat": False, "reply_to": "", "typing": 0, "confirm_within": 10}
	return {**usual, **changes, "content": content}


class Bridge:
	def __init__(self, driver, downloads: Path):
		self.driver = driver
		self.page = Page(Tab(driver), "")
		self.downloads = downloads
		self.items: list[dict[str, Any]] = []
		self.state: dict[str, Any] = {}
		behaviour = {"behavior": "allow", "downloadPath": str(downloads)}
		driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)

	def run(self, script: str, *args: Any) -> Any:
		"""Have WhatsApp or the phone do something; parameters a, b, c, d, and window.stub for it."""
		return run(self.driver, script, *args)

	def pull(self) -> bool:
		"""Take what came; tells whether the page began anew."""
		pulled = self.page.pull()
		self.items += pulled.items
		self.state = pulled.state
		return pulled.is_reloaded

	@property
	def screen(self) -> Screen:
		self.pull()
		return read_screen(self.state)

	def until(self, condition: Callable[[], Any]) -> Any:
		from selenium.webdriver.support.wait import WebDriverWait

		return WebDriverWait(self.driver, PATIENCE, poll_frequency=0.02).until(lambda _driver: condition())

	def wait_for(
		self, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda item: True
	) -> dict[str, Any]:
		"""The first item of this kind that fits, past or to come."""

		def find() -> dict[str, Any] | None:
			self.pull()
			return next((item for item in self.items if item["kind"] == kind and fits(item)), None)

		return self.until(find)

	def submit(self, kind: str, *, limit: float = JOB_SECONDS, **args: Any) -> int:
		return self.page.submit(kind, args, limit)

	def result(self, number: int) -> dict[str, Any]:
		return self.wait_for("result", lambda item: item["job"] == number)

	def do(self, kind: str, **args: Any) -> Any:
		"""The value of a job that must not fail."""
		item = self.result(self.submit(kind, **args))
		assert "error" not in item, item
		return item["value"]

	def fail(self, kind: str, **args: Any) -> tuple[str, bool]:
		"""The code of a job that has to fail, and whether its message may have left."""
		item = self.result(self.submit(kind, **args))
		return item["error"]["code"], item["has_left"]

	def send(self, content: dict[str, Any], **changes: Any) -> Any:
		"""The value of a send job that must not fail."""
		return self.do("send", **build_send(content, **changes))

	def refuse(self, content: dict[str, Any], **changes: Any) -> tuple[str, bool]:
		"""As `fail`, of a send job; nothing new may have gone out."""
		before = self.sent()
		failed = self.fail("send", **build_send(content, **changes))
		assert self.sent() == before
		return failed

	def sent(self) -> list[dict[str, Any]]:
		"""The messages that went out, in WhatsApp's own fields."""
		return self.run("return stub.sent();")

	def receive(self, **fields: Any) -> str:
		"""A message comes in; its serialized key."""
		return self.run("return stub.receive(a);", fields)

	def attach(self, path: Path, content: dict[str, Any]) -> dict[str, Any]:
		"""The content of a message with a file."""
		return content | {"input": self.page.put_file(str(path)), "filename": path.name}

	def events(self, *, groups: bool = True) -> list[Event]:
		"""Everything that was told so far, in our words."""
		self.do("self")  # events are told in order, so that what came before this is there too
		return [event for item in self.items for event in read_item(item, groups=groups)]
