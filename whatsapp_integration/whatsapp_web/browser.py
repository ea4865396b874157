"""One Chromium with one profile, and its chromedriver, used by the one thread that started it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.core.errors import _
from whatsapp_integration.whatsapp_web import launch
from whatsapp_integration.whatsapp_web.driver import Found, find
from whatsapp_integration.whatsapp_web.errors import BrowserLost, ProfileInUse
from whatsapp_integration.whatsapp_web.failures import first_line, guarded
from whatsapp_integration.whatsapp_web.processes import (
	KILL_SECONDS,
	end_orphans,
	end_processes,
	find_processes,
	free_memory,
	is_browser,
	is_living,
	kill_processes,
	used_memory,
	wait_ended,
)
from whatsapp_integration.whatsapp_web.profile import ProfileLock, drop_foreign_lock, make_private_folder

if TYPE_CHECKING:
	from psutil import Process
	from selenium.webdriver import Remote

__all__ = ["Browser", "end_orphans", "free_memory"]

# How long a page may take until its DOM stands. chromedriver looks for a load that is under way before every command,
# so this is also how soon a page that hangs in a script is noticed.
PAGE_SECONDS = 45
SCRIPT_SECONDS = 20  # our scripts only put into and take out of queues: a second is long
# chromedriver's own answer, by then, says more; but a page that hangs while it loads makes it wait for ever.
COMMAND_SECONDS = PAGE_SECONDS + 5
CLOSE_SECONDS = 3  # to be told to close; a chromedriver that hangs never passes it on


class Browser:
	"""A browser that can be started, used, and ended without a trace.

	`profile` is its folder; "<profile>.lock" and "<profile>.downloads" lie beside it. `scripts` run in this order at
	every new document, before the page's own. Commands raise BrowserLost, PageHung and PageChanged. All is for the
	thread that started it, but `kill`, `is_alive` and `memory`, which any thread may call.
	"""

	def __init__(self, profile: Path, config: WebConfig, *, scripts: Sequence[str] = ()):
		self.profile = Path(os.path.abspath(profile))
		self.downloads = Path(f"{self.profile}.downloads")
		self.scripts = scripts
		self._config = config
		self._lock = ProfileLock(self.profile)
		self._ending = threading.Lock()  # of the two that may end it, one does
		self._process: subprocess.Popen | None = None  # chromedriver
		self._main: Process | None = None  # the browser's main process
		self._driver: Remote | None = None

	@property
	def driver(self) -> Remote:
		"""Selenium's driver. Raises BrowserLost while there is none."""
		if self._driver is None:
			raise BrowserLost(_("The browser is not running."), code="not_running")
		return self._driver

	@property
	def pid(self) -> int:
		"""The process number of the browser, 0 if it was not started."""
		return self._main.pid if self._main else 0

	@property
	def driver_pid(self) -> int:
		"""The process number of chromedriver, which is also that of their process group; 0 if it was not started."""
		return self._process.pid if self._process else 0

	def start(self) -> None:
		"""Start it, or raise and leave nothing behind.

		Raises ProfileInUse, SetupError and BrowserLost.
		"""
		make_private_folder(self.profile)
		self._lock.take()
		try:
			self._clean()
			found = find(self._config, self._cache())
			with guarded():
				self._connect(found)
				self._set_up()
		except BaseException:
			self.kill()
			raise

	def open(self, url: str) -> None:
		"""Go to an address, and return when its DOM stands."""
		from selenium.common.exceptions import WebDriverException

		with guarded():
			try:
				self.driver.get(url)
			except WebDriverException as err:
				if "net::" in str(err):
					raise _unreachable(url, first_line(err)) from err
				raise
			# Some failures chromedriver takes for a page like any other.
			if self.driver.execute_script("return location.protocol") == "chrome-error:":
				raise _unreachable(url)

	def execute(self, script: str, *arguments: Any) -> Any:
		"""Run a script in the page and return what it returns; a promise is waited for."""
		with guarded():
			return self.driver.execute_script(script, *arguments)

	def cdp(self, command: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
		"""Give a command of the Chrome DevTools Protocol, and return its answer."""
		with guarded():
			payload = {"cmd": command, "params": parameters or {}}
			return self.driver.execute("executeCdpCommand", payload)["value"]

	def screenshot(self) -> bytes:
		"""Return what the page looks like, as PNG."""
		with guarded():
			return self.driver.get_screenshot_as_png()

	def send_file(self, css: str, path: str | Path) -> None:
		"""Choose a file of this machine in the `<input type=file>` that a CSS selector finds.

		Raises FileNotFoundError for a file that is not there. Nothing is copied: 50 MB take 0.15 s, where they would take
		9 s and 1.7 GB as an argument of a script.
		"""
		path = Path(path).resolve(strict=True)
		with guarded():
			self.driver.find_element("css selector", css).send_keys(str(path))

	def stop(self, seconds: float = 10) -> None:
		"""Close it so that the profile keeps all its data, and let the profile go. Never raises for a dead browser.

		It has `seconds` to close by itself; then SIGINT, SIGTERM and SIGKILL follow, so that a browser that reacts to
		nothing takes some 25 s more.
		"""
		if not self._lock.is_held:
			return
		processes = find_processes(self.profile)
		if self._ask_to_close():
			wait_ended([process for process in processes if is_browser(process)], seconds)
		end_processes(processes)
		self.kill()

	def kill(self) -> None:
		"""End it at once, and let the profile go. From another thread it makes the owner's command fail."""
		with self._ending:
			if self._lock.is_held:
				self._sweep()

	def is_alive(self) -> bool:
		"""Tell whether browser and chromedriver both run; the page may still have crashed."""
		import psutil

		main, process = self._main, self._process
		if main is None or process is None:
			return False
		with suppress(psutil.Error):
			return is_living(main) and is_living(psutil.Process(process.pid))
		return False

	def memory(self) -> int:
		"""Return the bytes that chromedriver and the whole browser hold (PSS)."""
		return used_memory(find_processes(self.profile))

	def _cache(self) -> Path:
		return Path(self._config.folder or self.profile.parent) / "driver"

	def _clean(self) -> None:
		"""Make the profile ready for a browser, whatever happened to the last one."""
		end_orphans(self.profile)
		if find_processes(self.profile):
			raise ProfileInUse(
				_("The browser of another user of this server has the profile {0}."), self.profile.name
			)
		drop_foreign_lock(self.profile)
		shutil.rmtree(self.downloads, ignore_errors=True)  # whoever waited for them waits no more
		make_private_folder(self.downloads)

	def _connect(self, found: Found) -> None:
		with self._ending:
			if not self._lock.is_held:  # killed meanwhile
				raise BrowserLost(_("The browser is not running."), code="not_running")
			process = self._process = launch.start_driver(found, self.profile)
		arguments = launch.build_arguments(self.profile, found.major, self._config.headless)
		self._driver = launch.connect(launch.read_port(process), found, arguments)
		self._main = next(filter(is_browser, find_processes(self.profile)), None)

	def _set_up(self) -> None:
		self._limit_commands(COMMAND_SECONDS)
		self.driver.set_page_load_timeout(PAGE_SECONDS)
		self.driver.set_script_timeout(SCRIPT_SECONDS)
		self.cdp("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(self.downloads)})
		for script in self.scripts:
			self.cdp("Page.addScriptToEvaluateOnNewDocument", {"source": script})

	def _ask_to_close(self) -> bool:
		"""Ask the browser to close, and tell whether it heard that."""
		try:
			self._limit_commands(CLOSE_SECONDS)
			self.cdp("Browser.close")
		except BrowserLost:
			return False
		return True

	def _limit_commands(self, seconds: float) -> None:
		self.driver.command_executor.client_config.timeout = seconds

	def _sweep(self) -> None:
		"""Kill what is left, chromedriver always, and let go of the profile."""
		known = find_processes(
			self.profile
		)  # before: one that is just dying is not found any more, only waited for
		if self._process is not None:
			with suppress(ProcessLookupError):
				os.killpg(self._process.pid, signal.SIGKILL)
		kill_processes(known)
		kill_processes(find_processes(self.profile))
		if self._process is not None:
			with suppress(subprocess.TimeoutExpired):
				self._process.wait(KILL_SECONDS)
			self._process.stdout.close()
		self._process = self._main = self._driver = None
		self._lock.release()


def _unreachable(url: str, details: str = "") -> BrowserLost:
	return BrowserLost(
		_("{0} can't be opened. Check the internet connection of this server."),
		url,
		code="unreachable",
		details=details,
	)
