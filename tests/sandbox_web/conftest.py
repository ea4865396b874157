"""A sandbox, and browsers whose wa-js is the stand-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox_web import browser
from tests.sandbox_web.pages import SHOP, FakePage, link
from whatsapp_integration.sandbox.server import Sandbox


@pytest.fixture
def box() -> Iterator[Sandbox]:
	delays = {"sent_delay": 0, "delivered_delay": 0, "read_delay": 0, "web_boot_seconds": 0}
	with Sandbox(**delays) as box:
		box.web.add_account(SHOP, "Cairo Shop")
		yield box


@pytest.fixture
def page(box) -> FakePage:
	return FakePage(box)


@pytest.fixture
def linked(box) -> FakePage:
	"""A page that was linked to the shop."""
	return link(FakePage(box, "linked"))


@pytest.fixture
def open_tab(box, tmp_path) -> Iterator[Callable[..., browser.Tab]]:
	"""Opens the page in a browser of its own; `profile` names the folder, which a later browser may open again."""
	why = browser.missing()
	if why:
		pytest.skip(f"no browser here: {why}")
	tabs = []

	def open_one(profile: str = "profile", **more: Any) -> browser.Tab:
		tabs.append(browser.Tab(box.url, tmp_path / profile, **more))
		return tabs[-1]

	yield open_one
	for tab in tabs:
		tab.close()


@pytest.fixture
def tab(box, open_tab) -> browser.Tab:
	"""A browser that is linked to the shop."""
	tab = open_tab()
	box.web.scan(tab.code(), SHOP)
	tab.wait_mode("MAIN")
	return tab
