"""A headless Chromium with a profile of its own, as whatsapp-worker starts one, and what its wa-js says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from whatsapp_integration.sandbox.web.door import STATIC

PATIENCE = 30  # seconds until something that does not happen is a failure
PRIVACY = "window.WPPConfig = {disableGoogleAnalytics: true, linkPreviewApiServers: []};"
FLAGS = (
	"--headless=new",
	"--disable-gpu",
	"--disable-dev-shm-usage",
	"--disable-background-networking",
	"--disable-component-update",
	"--no-first-run",
	"--window-size=1200,800",
)
AGENT = (
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
)
# Plays the bridge: remembers every event as what JSON can hold of it.
LISTENER = """
if (window === window.top) {
	window.heard = [];
	const plain = (value) => value instanceof Error ? {message: value.message, code: value.code}
		: JSON.parse(JSON.stringify(value ?? null, (key, part) => part?.remote && part._serialized ? part._serialized : part));
	const names = ["loader.injected", "loader.ready", "loader.full_ready"];
	for (const name of "auth_code_change qrcode_idle link_code_change link_code_expired link_code_error stream_mode_changed stream_info_changed authenticated require_auth main_init main_loaded main_ready logout logout_reason needs_update online backend_event".split(" ")) names.push("conn." + name);
	for (const name of "msg_ack_change new_message msg_revoke msg_edited new_reaction unread_count_changed".split(" ")) names.push("chat." + name);
	for (const name of names) window.WPP.on(name, (value) => window.heard.push([name, plain(value)]));
}
"""


def missing() -> str:
	"""What keeps a browser from running here, "" when nothing does."""
	try:
		import selenium  # noqa: F401
	except ImportError:
		return "selenium is not installed"
	absent = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
	return f"not in the PATH: {', '.join(absent)}" if absent else ""


class Tab:
	def __init__(self, url: str, profile: Path, agent: str = AGENT, config: str = PRIVACY):
		self.url = url
		self.driver = _start(profile, agent)
		for source in (config, (STATIC / "wpp.js").read_text(), LISTENER):
			self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
		self.driver.set_script_timeout(PATIENCE)
		self.driver.get(f"{url}/web/")

	def close(self) -> None:
		self.driver.quit()

	def run(self, script: str, *args: Any) -> Any:
		return self.driver.execute_script(script, *args)

	def wpp(self, function: str, *args: Any) -> Any:
		"""Call a function of WPP: {"value"} as JSON (keys and ids as text), or {"error", "code"}."""
		script = """
		const [path, args, done] = [arguments[0], arguments[1], arguments[arguments.length - 1]];
		const [room, name] = path.split(".");
		const plain = (value) => JSON.parse(JSON.stringify(value ?? null, (key, part) => part?.remote ? part._serialized : part));
		(async () => WPP[room][name](...args))().then(
			(value) => done({value: plain(value)}),
			(error) => done({error: String(error?.message ?? error), code: error?.code ?? ""}),
		);
		"""
		return self.driver.execute_async_script(script, function, list(args))

	def call(self, function: str, *args: Any) -> Any:
		answer = self.wpp(function, *args)
		assert "value" in answer, answer
		return answer["value"]

	def begin(self, function: str, *args: Any) -> None:
		"""Call it without waiting; `settled()` tells whether its promise was."""
		script = """
		const [room, name] = arguments[0].split(".");
		window.isSettled = false;
		WPP[room][name](...arguments[1]).finally(() => { window.isSettled = true; }).catch(() => {});
		"""
		self.run(script, function, list(args))

	def settled(self) -> bool:
		return self.run("return window.isSettled")

	def heard(self, name: str) -> list[Any]:
		"""The values of all events of this name on this page, oldest first."""
		return [value for event, value in self.run("return window.heard ?? []") if event == name]

	def wait(self, what: str, condition: Any) -> Any:
		"""What `condition()` returns as soon as that is true; while the page is loaded, that it fails is no."""
		from selenium.common.exceptions import TimeoutException, WebDriverException
		from selenium.webdriver.support.ui import WebDriverWait

		waiting = WebDriverWait(self.driver, PATIENCE, 0.05, ignored_exceptions=(WebDriverException,))
		try:
			return waiting.until(lambda _driver: condition())
		except TimeoutException as err:
			raise AssertionError(f"not seen within {PATIENCE} s: {what}; heard {self._events()}") from err

	def _events(self) -> list[str]:
		return [name for name, _ in self.run("return window.heard ?? []")][-20:]

	def wait_heard(self, name: str, count: int = 1) -> list[Any]:
		self.wait(f"{count} × {name}", lambda: len(self.heard(name)) >= count)
		return self.heard(name)

	def wait_screen(self, screen: str) -> None:
		self.wait(f"screen {screen}", lambda: self.run("return document.body?.dataset.screen") == screen)

	def wait_mode(self, mode: str) -> None:
		self.wait(f"mode {mode}", lambda: self.run("return WPP.conn.getStreamData().mode") == mode)

	def code(self) -> str:
		return self.wait("a QR code", lambda: self.run("return window.StandIn?.ref?.fullCode"))

	def mark(self) -> None:
		"""Remember this load of the page, for `is_reloaded`."""
		self.run("window.mark = 1")

	def is_reloaded(self) -> bool:
		return self.run("return window.mark === undefined && Boolean(window.StandIn)")

	def give_file(self, content: bytes, path: Path) -> None:
		"""Put a file into the page as `window.given`."""
		path.write_bytes(content)
		self.run(
			"const input = Object.assign(document.createElement('input'), {type: 'file', id: 'given'});"
			"input.style.display = 'none'; document.documentElement.append(input);"
		)
		self.driver.find_element("css selector", "#given").send_keys(str(path))
		self.run("window.given = document.getElementById('given').files[0]")

	def send_given(self, to: str, options: dict[str, Any]) -> dict[str, Any]:
		script = """
		const done = arguments[arguments.length - 1];
		WPP.chat.sendFileMessage(arguments[0], window.given, arguments[1]).then(done, (error) => done({error: String(error)}));
		"""
		return self.driver.execute_async_script(script, to, options)


def _start(profile: Path, agent: str) -> Any:
	from selenium import webdriver

	options = webdriver.ChromeOptions()
	options.binary_location = shutil.which("chromium")
	root = ("--no-sandbox",) if os.geteuid() == 0 else ()
	own_agent = (f"--user-agent={agent}",) if agent else ()
	for flag in (*FLAGS, *root, *own_agent, f"--user-data-dir={profile}"):
		options.add_argument(flag)
	options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
	service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
	return webdriver.Chrome(options=options, service=service)
