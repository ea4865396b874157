"""Fixtures for pages with the real wa-js. Another folder's conftest may import them from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.wa_js import stand_in
from tests.wa_js.driving import HUDA_ID, HUDA_LID, Bridge
from whatsapp_integration.whatsapp_web.page import scripts as our_scripts


@pytest.fixture(scope="session")
def bundle() -> str:
	"""The text of the real wa-js."""
	if not stand_in.BUNDLE.is_file():
		pytest.skip("node_modules has no @wppconnect/wa-js: run npm install")
	return stand_in.BUNDLE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page_server() -> Iterator[stand_in.PageServer]:
	server = stand_in.PageServer()
	yield server
	server.close()


@pytest.fixture(scope="session")
def browser() -> Iterator:
	pytest.importorskip("selenium", reason="needs selenium: pip install selenium")
	found = stand_in.find_chromium()
	if not found:
		pytest.skip("needs Chromium and its driver: apt install chromium chromium-driver")
	driver = stand_in.start_browser(*found)
	yield driver
	driver.quit()


@pytest.fixture(scope="session")
def tabs(browser, page_server) -> stand_in.Tabs:
	return stand_in.Tabs(browser, page_server)


@pytest.fixture
def wa_page(tabs) -> Iterator[Callable]:
	"""wa_page(scripts, linked=False): a selenium driver on the stand-in page, just opened, each time in a new tab.

	scripts: JavaScript texts, injected in this order at every new document: [config, bundle, bridge].
	linked: the page of a device that was linked before; otherwise WhatsApp asks for a scan.
	"""

	def open_page(scripts: list[str], linked: bool = False):
		tabs.driver.get_log("browser")  # what is asked for later is of this page only
		tabs.open(tuple(scripts), linked)
		return tabs.driver

	yield open_page
	tabs.close_used()


@pytest.fixture
def ready_page(tabs) -> Iterator[Callable]:
	"""As wa_page, but the tab was opened some time before: its logs are among those of other tabs."""

	def take_page(scripts: list[str], linked: bool = False):
		tabs.take(tuple(scripts), linked)
		return tabs.driver

	yield take_page
	tabs.close_used()


@pytest.fixture
def unlinked(ready_page, bundle):
	"""A page with wa-js, ready, that waits to be linked; its events are recorded."""
	driver = ready_page([stand_in.CONFIG, bundle, stand_in.RECORDER])
	stand_in.wait_until_ready(driver)
	return driver


@pytest.fixture
def linked(ready_page, bundle):
	"""A page with wa-js, ready, of a device that was linked before; its events are recorded."""
	driver = ready_page([stand_in.CONFIG, bundle, stand_in.RECORDER], linked=True)
	stand_in.wait_until_ready(driver)
	return driver


@pytest.fixture
def unlinked_bridge(ready_page, bundle, tmp_path) -> Bridge:
	"""Our bridge over the real wa-js, ready, on a page that waits to be linked."""
	driver = ready_page([*our_scripts(bundle), stand_in.RECORDER])
	stand_in.wait_until_ready(driver)
	return Bridge(driver, tmp_path)


@pytest.fixture
def bridge(ready_page, bundle, tmp_path) -> Bridge:
	"""Our bridge over the real wa-js, ready, in the page of a device that was linked before; Huda is on WhatsApp."""
	driver = ready_page([*our_scripts(bundle), stand_in.RECORDER], linked=True)
	stand_in.wait_until_ready(driver)
	stand_in.run(driver, "stub.addPerson({ pn: a, lid: b, name: 'Huda' });", HUDA_ID, HUDA_LID)
	return Bridge(driver, tmp_path)
