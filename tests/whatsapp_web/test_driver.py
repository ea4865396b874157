"""With executables that only tell a version, and with libraries that only say what they were asked."""

from __future__ import annotations

import json
import os
import time

import pytest

from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.whatsapp_web import driver
from whatsapp_integration.whatsapp_web.driver import Found, find
from whatsapp_integration.whatsapp_web.errors import SetupError

CHROMIUM = "Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)"
CHROME = "Google Chrome 157.0.1.2 "
DRIVER_156 = "ChromeDriver 156.0.8078.41 (a21ce95c24ce-refs/branch-heads/8078@{#1704})"
DRIVER_155 = "ChromeDriver 155.0.1.1 (abc)"
WITHOUT_PATHS = WebConfig()

# What each library was asked lands in the file ASKED, and its answer is the file ANSWER, if that is there.
FAKE_WEBDRIVER_MANAGER = {
	"webdriver_manager/__init__.py": "",
	"webdriver_manager/core/__init__.py": "",
	"webdriver_manager/core/os_manager.py": "class OperationSystemManager: pass",
	"webdriver_manager/core/driver_cache.py": "class DriverCacheManager(dict): pass",
	"webdriver_manager/chrome.py": """
import json, os
class ChromeDriverManager:
	def __init__(self, chrome_type, cache_manager, os_system_manager):
		assert cache_manager.pop("os_system_manager") is os_system_manager
		version = os_system_manager.get_browser_version_from_os(chrome_type)
		self.asked = [chrome_type, version, dict(cache_manager)]
	def install(self):
		open(os.environ["ASKED"], "w").write(json.dumps(self.asked))
		print("a library may print, too")
		return open(os.environ["ANSWER"]).read()
""",
}
FAKE_SELENIUM = {
	"selenium/__init__.py": "",
	"selenium/webdriver/__init__.py": "",
	"selenium/webdriver/common/__init__.py": "",
	"selenium/webdriver/common/selenium_manager.py": """
import json, os
class SeleniumManager:
	def binary_paths(self, arguments):
		open(os.environ["ASKED"], "w").write(json.dumps([os.environ["SE_AVOID_STATS"], *arguments]))
		return {"driver_path": open(os.environ["ANSWER"]).read()}
""",
}
HANGING = {"webdriver_manager/__init__.py": "import time; time.sleep(600)"}
FAILING = {"webdriver_manager/__init__.py": "raise ConnectionError('Could not reach host')"}


@pytest.fixture
def machine(tmp_path, monkeypatch):
	"""A machine with nothing installed: its PATH is one empty folder, no library can be imported."""
	(tmp_path / "bin").mkdir()
	(tmp_path / "lib").mkdir()
	monkeypatch.setenv("PATH", str(tmp_path / "bin"))
	monkeypatch.setattr(driver, "SYSTEM_PATH", str(tmp_path / "usr"))
	monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
	monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
	monkeypatch.setenv("ANSWER", str(tmp_path / "answer"))
	install_library(tmp_path, {"selenium/__init__.py": "raise ImportError('no selenium')"})
	install_library(tmp_path, FAILING)
	return tmp_path


def install(machine, name, says, folder="bin", status=0):
	path = machine / folder / name
	path.parent.mkdir(exist_ok=True)
	path.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
	path.chmod(0o755)
	return str(path)


def install_library(machine, files):
	for name, text in files.items():
		path = machine / "lib" / name
		path.parent.mkdir(parents=True, exist_ok=True)
		path.write_text(text)


def read_asked(machine):
	return json.loads((machine / "asked").read_text())


def test_the_installed_browser_and_its_driver_are_found(machine):
	browser = install(machine, "chromium", CHROMIUM)
	fitting = install(machine, "chromedriver", DRIVER_156)
	assert find(WITHOUT_PATHS, machine / "cache") == Found(browser, fitting, "156.0.8078.79", 156)


def test_they_are_found_in_the_systems_folders_when_path_lacks_those(machine):
	browser = install(machine, "chromium-browser", CHROMIUM, folder="usr")
	fitting = install(machine, "chromedriver", DRIVER_156, folder="usr")
	found = find(WITHOUT_PATHS, machine / "cache")
	assert (found.browser, found.driver) == (browser, fitting)


def test_a_driver_of_another_version_is_passed_over(machine):
	install(machine, "chromium", CHROMIUM)
	install(machine, "chromedriver", DRIVER_155)
	fitting = install(machine, "chromedriver", DRIVER_156, folder="usr")
	assert find(WITHOUT_PATHS, machine / "cache").driver == fitting


def test_a_launcher_that_only_tells_what_to_install_is_passed_over(machine):
	install(machine, "chromium-browser", "requires the chromium snap, Chromium 1.0.0.0", status=1)
	chrome = install(machine, "google-chrome-stable", CHROME)
	install(machine, "chromedriver", "ChromeDriver 157.0.1.9 (x)")
	found = find(WITHOUT_PATHS, machine / "cache")
	assert (found.browser, found.version, found.major) == (chrome, "157.0.1.2", 157)


def test_configured_paths_win(machine):
	install(machine, "chromium", CHROMIUM)
	install(machine, "chromedriver", DRIVER_156)
	browser = install(machine, "mine", CHROME, folder="opt")
	fitting = install(machine, "mine-too", "ChromeDriver 157.0.0.1", folder="opt")
	config = WebConfig(browser_path=browser, driver_path=fitting)
	assert find(config, machine / "cache") == Found(browser, fitting, "157.0.1.2", 157)


@pytest.mark.parametrize("says", [None, "Mozilla Firefox 140.0", DRIVER_156])
def test_a_configured_browser_that_is_none_is_an_error_though_another_is_installed(machine, says):
	install(machine, "chromium", CHROMIUM)
	install(machine, "chromedriver", DRIVER_156)
	path = install(machine, "wrong", says, folder="opt") if says else str(machine / "missing")
	with pytest.raises(SetupError) as caught:
		find(WebConfig(browser_path=path), machine / "cache")
	assert caught.value.code == "browser_path"
	assert path in str(caught.value)


@pytest.mark.parametrize("says", [None, CHROMIUM])
def test_a_configured_driver_that_is_none_is_an_error_though_another_is_installed(machine, says):
	install(machine, "chromium", CHROMIUM)
	install(machine, "chromedriver", DRIVER_156)
	path = install(machine, "wrong", says, folder="opt") if says else str(machine / "missing")
	with pytest.raises(SetupError) as caught:
		find(WebConfig(driver_path=path), machine / "cache")
	assert caught.value.code == "driver_path"
	assert path in str(caught.value)


def test_a_configured_driver_of_another_version_is_an_error_that_names_both(machine):
	install(machine, "chromium", CHROMIUM)
	path = install(machine, "old", DRIVER_155, folder="opt")
	with pytest.raises(SetupError) as caught:
		find(WebConfig(driver_path=path), machine / "cache")
	assert caught.value.code == "driver_version"
	assert "155.0.1.1" in str(caught.value) and "156.0.8078.79" in str(caught.value)


def test_without_a_browser_the_error_names_the_packages(machine):
	with pytest.raises(SetupError) as caught:
		find(WITHOUT_PATHS, machine / "cache")
	assert caught.value.code == "no_browser"
	assert "chromium chromium-driver" in str(caught.value)


def test_without_a_driver_webdriver_manager_fetches_one_for_this_very_browser(machine):
	install(machine, "chromium", CHROMIUM)
	install_library(machine, FAKE_WEBDRIVER_MANAGER)
	fetched = install(machine, "chromedriver", DRIVER_156, folder="fetched")
	(machine / "answer").write_text(fetched)
	assert find(WITHOUT_PATHS, machine / "cache").driver == fetched
	assert read_asked(machine) == [
		"chromium",
		"156.0.8078",
		{"root_dir": str(machine / "cache"), "valid_range": 3650},
	]


def test_for_chrome_webdriver_manager_is_asked_for_chromes_driver(machine):
	install(machine, "google-chrome", CHROME)
	install_library(machine, FAKE_WEBDRIVER_MANAGER)
	(machine / "answer").write_text(install(machine, "it", "ChromeDriver 157.0.1.2", folder="fetched"))
	find(WITHOUT_PATHS, machine / "cache")
	assert read_asked(machine)[0] == "google-chrome"


@pytest.mark.parametrize("broken", [FAILING, HANGING])
def test_when_webdriver_manager_fails_or_hangs_selenium_manager_is_asked(machine, monkeypatch, broken):
	browser = install(machine, "chromium", CHROMIUM)
	install_library(machine, broken | FAKE_SELENIUM)
	(machine / "answer").write_text(install(machine, "it", DRIVER_156, folder="fetched"))
	monkeypatch.setattr(driver, "FETCH_SECONDS", 3 if broken is HANGING else 60)
	assert find(WITHOUT_PATHS, machine / "cache").driver == str(machine / "fetched/it")
	assert read_asked(machine) == [
		*("true", "--browser", "chrome", "--browser-path", browser),
		*("--cache-path", str(machine / "cache"), "--avoid-stats"),
	]


def test_a_fetched_driver_of_another_version_is_not_used(machine):
	install(machine, "chromium", CHROMIUM)
	install_library(machine, FAKE_WEBDRIVER_MANAGER)
	(machine / "answer").write_text(install(machine, "it", DRIVER_155, folder="fetched"))
	with pytest.raises(SetupError):
		find(WITHOUT_PATHS, machine / "cache")


def test_when_nothing_can_be_fetched_the_error_names_the_package_and_keeps_the_reasons(machine):
	install(machine, "chromium", CHROMIUM)
	with pytest.raises(SetupError) as caught:
		find(WITHOUT_PATHS, machine / "cache")
	assert caught.value.code == "no_driver"
	assert "chromium-driver" in str(caught.value)
	assert "Could not reach host" in caught.value.details
	assert "no selenium" in caught.value.details


def test_a_driver_fetched_last_year_is_used_without_a_network(machine, monkeypatch):
	"""With the real webdriver-manager, whose own choice is to trust a driver for one day."""
	manager = pytest.importorskip("webdriver_manager.core.os_manager")
	install(machine, "chromium", CHROMIUM)
	fetched = install(machine, "chromedriver", DRIVER_156, folder="fetched")
	key = f"{manager.OperationSystemManager().get_os_type()}_chromedriver_156.0.8078.41_for_156.0.8078"
	(machine / "cache/.wdm").mkdir(parents=True)
	entry = {key: {"timestamp": "01/01/2025", "binary_path": fetched}}
	(machine / "cache/.wdm/drivers.json").write_text(json.dumps(entry))
	monkeypatch.delenv("PYTHONPATH")
	monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
	assert find(WITHOUT_PATHS, machine / "cache").driver == fetched


def test_the_lock_of_a_fetch_that_was_ended_does_not_hold_up_the_next(machine):
	install(machine, "chromium", CHROMIUM)
	folder = machine / "cache/.wdm"
	folder.mkdir(parents=True)
	old, new = folder / ".wdm-lock-old", folder / ".wdm-lock-new"
	for lock, age in ((old, 600), (new, 0)):
		lock.touch()
		os.utime(lock, (time.time() - age,) * 2)
	with pytest.raises(SetupError):
		find(WITHOUT_PATHS, machine / "cache")
	assert (old.exists(), new.exists()) == (False, True)


def test_the_browser_of_this_machine_is_found_with_its_driver(chromium, tmp_path):
	found = find(WITHOUT_PATHS, tmp_path)
	assert found.major > 100
	assert found.version.startswith(f"{found.major}.")
	assert os.access(found.driver, os.X_OK)
