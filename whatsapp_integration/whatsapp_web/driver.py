"""Finds a browser and the chromedriver that fits it.

A chromedriver drives the browser of its own major version only. Where the distribution's package is missing, one is
fetched: by webdriver-manager, else by Selenium Manager. The environment variable SE_CHROMEDRIVER has no say: paths are
in the settings.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.core.errors import _
from whatsapp_integration.whatsapp_web.errors import SetupError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DRIVERS = ("chromedriver", "chromium.chromedriver")  # the second is that of the snap
SYSTEM_PATH = "/usr/bin:/snap/bin"  # looked through after PATH, which is short in services

VERSION_SECONDS = 20  # 0.1 s; a cold disk takes longer
FETCH_SECONDS = 60  # webdriver-manager sets its downloads no time limit

_FETCH_MODULE = "whatsapp_integration.whatsapp_web.fetch_driver"
_VERSION = re.compile(r"(Chrom\w+)\D* (\d+)((?:\.\d+)+)")  # "Google Chrome for Testing 156.0.8078.79"


@dataclass(frozen=True)
class Found:
	"""Absolute paths of a browser and of its driver, and the browser's version ("156.0.8078.79", 156)."""

	browser: str
	driver: str
	version: str
	major: int


@dataclass(frozen=True)
class _Program:
	"""An executable and what it says of itself: "Chromium", "Chrome" or "ChromeDriver", and its version."""

	path: str
	name: str
	version: str

	@property
	def major(self) -> int:
		return int(self.version.partition(".")[0])


def find(config: WebConfig, cache: Path) -> Found:
	"""Find them, fetching a driver into `cache` where none is installed. Raises SetupError.

	Configured paths come first, and are never passed over: one that is wrong is an error.
	"""
	browser = _find_browser(config)
	driver = _configured_driver(config, browser) or _installed_driver(browser) or _fetch(browser, cache)
	return Found(browser.path, driver.path, browser.version, browser.major)


def _find_browser(config: WebConfig) -> _Program:
	if config.browser_path:
		browser = _read_program(config.browser_path)
		if browser is None or browser.name == "ChromeDriver":
			raise SetupError(
				_(
					"{0} is no Chromium or Chrome that can be run. Correct the path of the browser, or clear it."
				),
				config.browser_path,
				code="browser_path",
			)
		return browser
	for path in _installed(BROWSERS):
		browser = _read_program(path)  # Ubuntu's chromium-browser may only say which snap to install
		if browser:
			return browser
	raise SetupError(
		_("No Chromium or Chrome is installed on this server. Install the packages {0}."),
		"chromium chromium-driver",
		code="no_browser",
	)


def _configured_driver(config: WebConfig, browser: _Program) -> _Program | None:
	if not config.driver_path:
		return None
	driver = _read_program(config.driver_path)
	if driver is None or driver.name != "ChromeDriver":
		raise SetupError(
			_("{0} is no chromedriver that can be run. Correct the path of the driver, or clear it."),
			config.driver_path,
			code="driver_path",
		)
	if driver.major != browser.major:
		raise SetupError(
			_(
				"The chromedriver {0} has version {1}, but the browser has version {2}. Both must begin alike."
			),
			driver.path,
			driver.version,
			browser.version,
			code="driver_version",
		)
	return driver


def _installed_driver(browser: _Program) -> _Program | None:
	for path in _installed(DRIVERS):
		driver = _read_program(path)
		if _fits(driver, browser):
			return driver
	return None


def _fetch(browser: _Program, cache: Path) -> _Program:
	"""Fetch a driver, or take one that was fetched before for this version of the browser."""
	cache.mkdir(parents=True, exist_ok=True)
	_drop_stale_locks(cache)
	kind = "chromium" if browser.name == "Chromium" else "google-chrome"
	build = browser.version.rpartition(".")[0]  # what webdriver-manager keeps drivers by
	failures = []
	for arguments in (
		("webdriver_manager", kind, build, str(cache)),
		("selenium_manager", browser.path, str(cache)),
	):
		path, failure = _run_fetch(arguments)
		driver = _read_program(path) if path else None
		if _fits(driver, browser):
			return driver
		failures.append(f"{arguments[0]}: {failure or 'no driver of this version'}")
	raise SetupError(
		_("No chromedriver for {0} {1} is installed, and none could be fetched. Install the package {2}."),
		browser.name,
		browser.version,
		"chromium-driver",
		code="no_driver",
		details="\n".join(failures),
	)


def _run_fetch(arguments: tuple[str, ...]) -> tuple[str, str]:
	"""Return the path of a driver, or "" and why not. In a process, the one thing that can be given a time limit."""
	root = str(Path(__file__).resolve().parents[2])
	path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), root)))
	try:
		done = subprocess.run(
			[sys.executable, "-m", _FETCH_MODULE, *arguments],
			stdin=subprocess.DEVNULL,
			capture_output=True,
			text=True,
			errors="replace",
			timeout=FETCH_SECONDS,
			env={**os.environ, "PYTHONPATH": path, "SE_AVOID_STATS": "true"},
		)
	except subprocess.TimeoutExpired:
		return "", f"no answer within {FETCH_SECONDS} seconds"
	said = (done.stderr if done.returncode else done.stdout).strip().splitlines() or [""]
	return ("", said[-1]) if done.returncode else (said[-1], "")


def _drop_stale_locks(cache: Path) -> None:
	"""Remove the locks of fetches that our time limit ended; webdriver-manager would wait for them for ever."""
	for lock in cache.glob(".wdm/.wdm-lock-*"):
		if time.time() - lock.stat().st_mtime > 2 * FETCH_SECONDS:
			lock.unlink(missing_ok=True)


def _installed(names: tuple[str, ...]) -> list[str]:
	paths = (shutil.which(name, path=path) for path in (None, SYSTEM_PATH) for name in names)
	return list(dict.fromkeys(filter(None, paths)))


def _fits(driver: _Program | None, browser: _Program) -> bool:
	return driver is not None and driver.name == "ChromeDriver" and driver.major == browser.major


def _read_program(path: str) -> _Program | None:
	"""Ask an executable for its version; None for one that can't be run or is nothing of Chromium."""
	path = os.path.abspath(path)
	try:
		done = subprocess.run(
			[path, "--version"],
			stdin=subprocess.DEVNULL,
			capture_output=True,
			text=True,
			errors="replace",
			timeout=VERSION_SECONDS,
		)
	except (OSError, subprocess.TimeoutExpired):
		return None
	said = _VERSION.search(done.stdout)
	return _Program(path, said[1], said[2] + said[3]) if said and done.returncode == 0 else None
