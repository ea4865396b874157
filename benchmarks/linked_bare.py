"""The baseline of linked.py: a script that drives a linked browser and nothing else.

It calls wa-js through Selenium and waits for each answer: no rows, no worker, no ids chosen beforehand, nothing that
survives a crash. It is about as fast as a message can pass through a browser.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from linked_worker import STAND_IN

from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.whatsapp_web.browser import Browser

IS_CONNECTED = "return WPP.conn.isAuthenticated() && WPP.conn.getStreamData().mode === 'MAIN'"
SEND = "return WPP.chat.sendTextMessage(`${arguments[0]}@c.us`, arguments[1], {linkPreview: false}).then(() => null)"
LISTEN = """
	window.came = [];
	WPP.on("chat.new_message", ({ id }) => {
		if (id.fromMe) return;
		came.push(id.id);
		window.onCame?.();
	});
"""
HEAR = "return came.shift() ?? new Promise((done) => { window.onCame = () => done(came.shift()); })"

Wait = Callable[[Callable[[], object], str], object]


class BareScript:
	def __init__(self, box: Sandbox, browser: Browser, number: str):
		self._box, self._browser, self._number = box, browser, number
		browser.execute(LISTEN)

	def send(self, to: str, text: str) -> float:
		"""Send one text; returns the unix time at which it was decided to."""
		start = time.time()
		self._browser.execute(SEND, to.lstrip("+"), text)
		return start

	def hear(self, customer: str, text: str, after: float) -> tuple[str, float]:
		"""Let a customer write in so many seconds; returns the message's id and the unix time at which it was known."""
		threading.Timer(after, lambda: self._box.web.write(self._number, customer, text=text)).start()
		return self._browser.execute(HEAR), time.time()


@contextmanager
def bare_script(folder: Path, box: Sandbox, number: str, wait: Wait) -> Iterator[BareScript]:
	"""A browser of its own, linked with the phone of `number`."""
	box.web.add_account(number, "Bare")
	browser = Browser(folder / "bare", WebConfig(), scripts=[STAND_IN.read_text(encoding="utf-8")])
	browser.start()
	try:
		browser.open(f"{box.url}/web/")
		(page,) = wait(lambda: [page for page in box.web.codes() if page["code"]], "no code to scan")
		box.web.scan(page["code"], number)
		wait(lambda: browser.execute(IS_CONNECTED), "the bare browser is not connected")
		yield BareScript(box, browser, number)
	finally:
		browser.stop()
