"""Fixtures for pages with the real wa-js. Another folder's conftest may import them from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.wa_js import stand_in


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


@pytest.fixture
def wa_page(browser, page_server) -> Iterator[Callable]:
	"""wa_page(scripts, linked=False): a selenium driver on the stand-in page, each time in a new tab.

	scripts: JavaScript texts, injected in this order at every new document: [config, bundle, bridge].
	linked: the page of a device that was linked before; otherwise WhatsApp asks for a scan.
	"""
	first = browser.current_window_handle

	def open_page(scripts: list[str], linked: bool = False):
		browser.switch_to.new_window("tab")
		for script in scripts:
			browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
		browser.get_log("browser")  # what is asked for later is of this page only
		browser.get(page_server.url(linked))
		return browser

	yield open_page
	for handle in browser.window_handles:
		if handle != first:
			browser.switch_to.window(handle)
			browser.close()
	browser.switch_to.window(first)


@pytest.fixture
def unlinked(wa_page, bundle):
	"""A page with wa-js, ready, that waits to be linked; its events are recorded."""
	driver = wa_page([stand_in.CONFIG, bundle, stand_in.RECORDER])
	stand_in.wait_until_ready(driver)
	return driver


@pytest.fixture
def linked(wa_page, bundle):
	"""A page with wa-js, ready, of a device that was linked before; its events are recorded."""
	driver = wa_page([stand_in.CONFIG, bundle, stand_in.RECORDER], linked=True)
	stand_in.wait_until_ready(driver)
	return driver
