"""Fetches a chromedriver, in a process of its own: `driver` runs it with a time limit.

The last line printed is the driver's path:

    python -m whatsapp_integration.whatsapp_web.fetch_driver webdriver_manager chromium 156.0.8078 FOLDER
    python -m whatsapp_integration.whatsapp_web.fetch_driver selenium_manager /usr/bin/chromium FOLDER
"""

from __future__ import annotations

import sys

VALID_DAYS = 3650  # a driver that was fetched for a version stays right for it


def fetch_with_webdriver_manager(kind: str, build: str, folder: str) -> str:
	"""Return the driver for a build ("156.0.8078") of "chromium" or "google-chrome".

	The build is told, not looked up: webdriver-manager would ask the first browser on PATH, which may be another one.
	"""
	from webdriver_manager.chrome import ChromeDriverManager
	from webdriver_manager.core.driver_cache import DriverCacheManager
	from webdriver_manager.core.os_manager import OperationSystemManager

	class KnownBrowser(OperationSystemManager):
		def get_browser_version_from_os(self, browser_type=None):
			return build

	system = KnownBrowser()
	cache = DriverCacheManager(root_dir=folder, valid_range=VALID_DAYS, os_system_manager=system)
	return ChromeDriverManager(chrome_type=kind, cache_manager=cache, os_system_manager=system).install()


def fetch_with_selenium_manager(browser: str, folder: str) -> str:
	"""Return the driver for the browser at a path."""
	from selenium.webdriver.common.selenium_manager import SeleniumManager

	arguments = ["--browser", "chrome", "--browser-path", browser, "--cache-path", folder, "--avoid-stats"]
	return SeleniumManager().binary_paths(arguments)["driver_path"]


FETCHERS = {
	"webdriver_manager": fetch_with_webdriver_manager,
	"selenium_manager": fetch_with_selenium_manager,
}

if __name__ == "__main__":
	print(FETCHERS[sys.argv[1]](*sys.argv[2:]))
