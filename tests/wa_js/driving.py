"""Our bridge in a page with the real wa-js, driven as the session drives it: through Page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.wa_js.stand_in import PATIENCE, run, wait_until_ready
from whatsapp_integration.core.events import Event
from whatsapp_integration.whatsapp_web.events import read_item
from whatsapp_integration.whatsapp_web.page import Page
from whatsapp_integration.whatsapp_web.states import Screen, read_screen

JOB_SECONDS = 20


class Tab:
	"""What Page needs of a browser, over the driver of the tests."""

	def __init__(self, driver, downloads: Path):
		self._driver = driver
		self.downloads = downloads

	def execute(self, script: str, *arguments: Any) -> Any:
		return self._driver.execute_script(script, *arguments)

	def send_file(self, css: str, path: str) -> None:
		self._driver.find_element("css selector", css).send_keys(path)


class Bridge:
	def __init__(self, driver, downloads: Path):
		self.driver = driver
		self.page = Page(Tab(driver, downloads), "")
		self.items: list[dict[str, Any]] = []
		self.state: dict[str, Any] = {}
		behaviour = {"behavior": "allow", "downloadPath": str(downloads)}
		driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
		wait_until_ready(driver)

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

	def sent(self) -> list[dict[str, Any]]:
		"""The messages that went out, in WhatsApp's own fields."""
		return self.run("return stub.sent();")

	def receive(self, **fields: Any) -> str:
		"""A message comes in; its serialized key."""
		return self.run("return stub.receive(a);", fields)

	def events(self, *, groups: bool = True) -> list[Event]:
		"""Everything that was told so far, in our words."""
		self.do("self")  # events are told in order, so that what came before this is there too
		return [event for item in self.items for event in read_item(item, groups=groups)]
