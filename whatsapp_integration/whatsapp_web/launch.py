"""Starts chromedriver, and through it a browser with the flags that WhatsApp Web and a small server need."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from whatsapp_integration.core.errors import _
from whatsapp_integration.whatsapp_web.driver import Found
from whatsapp_integration.whatsapp_web.errors import BrowserLost, SetupError
from whatsapp_integration.whatsapp_web.processes import MARK

if TYPE_CHECKING:
	from selenium.webdriver import ChromeOptions, Remote

DRIVER_SECONDS = 20  # chromedriver listens within 0.1 s; a cold disk takes longer
START_SECONDS = 75  # chromedriver itself gives a browser 60 s, and then says what was wrong

_PORT = re.compile(r"started successfully on port (\d+)")

# What a page in a headless browser has no use for: each costs memory, or calls home.
_FEATURES_OFF = (
	"BackForwardCache",
	"InitialWebUI",
	"InterestFeedContentSuggestions",
	"MediaRouter",
	"OptimizationHints",
	"PreloadTopChromeWebUI",
	"SpareRendererForSitePerProcess",
	"Translate",
)
_LEAN = (
	"--disable-background-networking",
	"--disable-breakpad",
	"--disable-component-update",
	"--disable-default-apps",
	"--disable-domain-reliability",
	"--disable-extensions",
	"--disable-sync",
	"--disk-cache-size=104857600",
	"--metrics-recording-only",
	"--mute-audio",
	"--no-default-browser-check",
	"--no-first-run",
	"--no-pings",
)


def build_arguments(profile: Path, major: int, headless: bool) -> list[str]:
	"""Return Chromium's flags.

	A user agent with "HeadlessChrome" in it, or with an old version, gets WhatsApp's page for unsupported browsers.
	"""
	agent = f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
	arguments = [
		f"--user-data-dir={profile}",
		f"--user-agent={agent}",
		"--disable-blink-features=AutomationControlled",  # navigator.webdriver
		"--remote-debugging-pipe",  # instead of a port that every user of this machine could connect to
		"--disable-renderer-backgrounding",
		f"--disable-features={','.join(_FEATURES_OFF)}",
		"--lang=en-US",
		"--accept-lang=en-US,en",
		"--window-size=1280,900",
		*_LEAN,
	]
	if headless:
		arguments.append("--headless=new")
	if os.geteuid() == 0:
		arguments.append("--no-sandbox")  # Chromium's sandbox refuses root
	return arguments


def start_driver(found: Found, profile: Path) -> subprocess.Popen:
	"""Start chromedriver as the leader of a process group of its own, marked with the profile."""
	try:
		return subprocess.Popen(
			[found.driver, "--port=0", "--log-level=SEVERE"],  # OFF would hide the port too
			stdin=subprocess.DEVNULL,
			stdout=subprocess.PIPE,
			stderr=subprocess.DEVNULL,
			start_new_session=True,
			env={**os.environ, MARK: str(profile)},
			text=True,
		)
	except OSError as err:
		raise SetupError(_("{0} can't be started."), found.driver, code="driver", details=str(err)) from err


def read_port(process: subprocess.Popen) -> int:
	"""Wait until chromedriver says which port it listens on; the pipe stays open, as it may write to it later."""
	timer = threading.Timer(DRIVER_SECONDS, process.kill)
	timer.start()
	try:
		with suppress(ValueError):  # the pipe was closed, by a kill from another thread
			for line in process.stdout:
				if match := _PORT.search(line):
					return int(match[1])
	finally:
		timer.cancel()
	raise BrowserLost(_("chromedriver did not start."), code="driver_start")


def connect(port: int, found: Found, arguments: list[str]) -> Remote:
	"""Have chromedriver start the browser, and return the connection. Raises Selenium's errors.

	Every command has a time limit, none is sent a second time, and the proxies of the environment are left out.
	"""
	from selenium.webdriver import Remote
	from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
	from selenium.webdriver.common.proxy import Proxy, ProxyType
	from selenium.webdriver.remote.client_config import ClientConfig
	from selenium.webdriver.remote.file_detector import UselessFileDetector

	url = f"http://127.0.0.1:{port}"
	direct = Proxy()
	direct.proxy_type = ProxyType.DIRECT
	config = ClientConfig(
		url,
		proxy=direct,
		timeout=START_SECONDS,
		init_args_for_pool_manager={"init_args_for_pool_manager": {"retries": False}},
	)
	connection = ChromiumRemoteConnection(url, "goog", "chrome", client_config=config)
	# The file detector of a remote driver would upload files that are on this machine already.
	return Remote(connection, options=_build_options(found, arguments), file_detector=UselessFileDetector())


def _build_options(found: Found, arguments: list[str]) -> ChromeOptions:
	from selenium.webdriver import ChromeOptions

	options = ChromeOptions()
	options.binary_location = found.browser
	options.page_load_strategy = "eager"  # WhatsApp loads for long; with "none" no time-out ends a hung page
	options.unhandled_prompt_behavior = "accept"  # a "leave this page?" would block every command
	for argument in arguments:
		options.add_argument(argument)
	return options
