"""A browser with the real wa-js on a stand-in of WhatsApp Web's modules (modules.js), for contract tests.

Scripts are injected at every new document, before the page's own scripts, in the given order.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter, defaultdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from whatsapp_integration.whatsapp_web.page import PRIVACY

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
PACKAGE = ROOT / "node_modules/@wppconnect/wa-js"
BUNDLE = PACKAGE / "dist/wppconnect-wa.js"
PATIENCE = 30  # seconds until a script that waits in the page counts as failed

CONFIG = PRIVACY
TABS_AHEAD = 8

# Keeps every event of wa-js: window.heard is [{name, values}], hear(name, fits) waits for one that fits.
RECORDER = """
{
	window.heard = [];
	const waiting = [];
	const show = (_name, value) => {
		if (value instanceof Error) return { code: value.code, message: value.message };
		if (typeof value?.fromMe !== "boolean" || !value.remote) return value;
		const { id, fromMe, remote, participant } = value; // a MsgKey: not each of them has a _serialized
		return { id, fromMe, remote, participant, key: String(value) };
	};
	const plain = (value) => {
		try { return JSON.parse(JSON.stringify(value ?? null, show)); } catch { return "unreadable"; }
	};
	window.hear = (name, fits = () => true) => new Promise((resolve) => {
		const found = heard.find((event) => event.name === name && fits(...event.values));
		if (found) resolve(found.values);
		else waiting.push({ name, fits, resolve });
	});
	WPP.onAny((name, ...values) => {
		const event = { name, values: values.map(plain) };
		heard.push(event);
		for (const { resolve } of waiting.filter((one) => one.name === name && one.fits(...event.values)))
			resolve(event.values);
	});
}
"""


class PageServer:
	"""Serves this folder on a free port of 127.0.0.1."""

	def __init__(self):
		handler = partial(_QuietHandler, directory=str(FOLDER))
		self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
		self._server.daemon_threads = True
		self.origin = f"http://127.0.0.1:{self._server.server_port}"
		threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

	def url(self, linked: bool) -> str:
		return f"{self.origin}/page.html{'?linked' if linked else ''}"

	def close(self) -> None:
		self._server.shutdown()
		self._server.server_close()


class _QuietHandler(SimpleHTTPRequestHandler):
	def log_message(self, *args):
		pass


class Tabs:
	"""The tabs of one browser, some of them opened before they are needed.

	wa-js waits 0.75 s until WhatsApp's modules have settled, which several tabs can do at once. Each is used once.
	"""

	def __init__(self, driver, server: PageServer):
		self.driver = driver
		self._server = server
		self._first = driver.current_window_handle
		self._waiting: dict[tuple[tuple[str, ...], bool], list[str]] = defaultdict(list)
		self._taken: Counter = Counter()
		self._used: list[str] = []

	def open(self, scripts: tuple[str, ...], linked: bool) -> None:
		"""Go to a new tab."""
		self._used.append(self._make(scripts, linked))

	def take(self, scripts: tuple[str, ...], linked: bool) -> None:
		"""Go to a tab that is, or soon will be, ready; the more were wanted so far, the more are opened ahead."""
		kind = (scripts, linked)
		if not self._waiting[kind]:
			wanted = min(TABS_AHEAD, self._taken[kind] + 1)
			self._waiting[kind] = [self._make(scripts, linked) for _number in range(wanted)]
		self._taken[kind] += 1
		self._used.append(self._waiting[kind].pop(0))
		self.driver.switch_to.window(self._used[-1])

	def close_used(self) -> None:
		for handle in self._used:
			self.driver.switch_to.window(handle)
			self.driver.close()
		self._used.clear()
		self.driver.switch_to.window(self._first)

	def _make(self, scripts: tuple[str, ...], linked: bool) -> str:
		self.driver.switch_to.new_window("tab")
		for script in scripts:
			self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
		self.driver.get(self._server.url(linked))
		return self.driver.current_window_handle


def find_chromium() -> tuple[str, str] | None:
	"""(browser, driver), or None."""
	browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
	driver = shutil.which("chromedriver")
	return (browser, driver) if browser and driver else None


def start_browser(browser: str, driver: str):
	"""A headless Chromium that reaches nothing but this machine, and logs every request that a page tries."""
	from selenium import webdriver
	from selenium.webdriver.chrome.service import Service

	options = webdriver.ChromeOptions()
	options.binary_location = browser
	for flag in (
		"--headless=new",
		"--no-sandbox",
		"--disable-dev-shm-usage",
		"--disable-extensions",
		"--disable-background-networking",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
	):
		options.add_argument(flag)
	options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
	started = webdriver.Chrome(options=options, service=Service(driver))
	started.set_script_timeout(PATIENCE)
	return started


def run(driver, body: str, *args: Any) -> Any:
	"""What an async function with this body answers in the page; its parameters are a, b, c, d.

	Raises selenium's JavascriptException when it rejects.
	"""
	return driver.execute_script(f"return (async (a, b, c, d) => {{ {body} }})(...arguments);", *args)


def refusal(driver, call: str, *args: Any) -> str | None:
	"""The code of the error that this call rejects with; None when it does not."""
	return run(driver, f"try {{ await {call}; return null; }} catch (error) {{ return error.code; }}", *args)


def wait_for(driver, event: str, fits: str = "() => true") -> list:
	"""The values of the first event of wa-js of this name that fits, past or to come; needs RECORDER."""
	return run(driver, f"return hear(a, {fits});", event)


def wait_until_ready(driver) -> None:
	"""wa-js is ready and has set itself up, which it does just after it says so; needs RECORDER."""
	run(driver, "await hear('loader.full_ready'); await new Promise((resolve) => setTimeout(resolve));")


def events(driver) -> list[str]:
	"""The names of all events of wa-js since the page loaded, in order; needs RECORDER."""
	return run(driver, "return heard.map(({ name }) => name);")


def requests_elsewhere(driver, origin: str) -> list[str]:
	"""The addresses outside `origin` that pages asked for since the last call, beacons and pictures included."""
	messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
	asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
	return [url for url in asked if not url.startswith((origin, "data:", "blob:", "about:"))]
