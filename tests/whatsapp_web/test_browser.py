"""With a real Chromium, on pages of this machine."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import psutil
import pytest

from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.whatsapp_web import browser as room
from whatsapp_integration.whatsapp_web import launch
from whatsapp_integration.whatsapp_web.browser import Browser, end_orphans, free_memory
from whatsapp_integration.whatsapp_web.errors import BrowserLost, PageChanged, PageHung, ProfileInUse
from whatsapp_integration.whatsapp_web.processes import find_processes, is_living, wait_ended
from whatsapp_integration.whatsapp_web.profile import ProfileLock

MB = 1_000_000
HANG = "setTimeout(() => { while (true) {} }, 0)"

WRITE = """
localStorage.setItem("key", "kept");
document.cookie = "key=kept; max-age=3600";
return new Promise((resolve, reject) => {
	const request = indexedDB.open("data", 1);
	request.onupgradeneeded = () => request.result.createObjectStore("rows");
	request.onerror = () => reject(request.error);
	request.onsuccess = () => {
		const write = request.result.transaction("rows", "readwrite");
		write.objectStore("rows").put("kept", "key");
		write.oncomplete = () => resolve(true);
	};
});
"""
READ = """
return new Promise((resolve, reject) => {
	const request = indexedDB.open("data", 1);
	request.onupgradeneeded = () => request.transaction.abort();
	request.onerror = () => reject(request.error);
	request.onsuccess = () => {
		const read = request.result.transaction("rows").objectStore("rows").get("key");
		read.onsuccess = () => resolve([localStorage.getItem("key"), document.cookie, read.result]);
	};
});
"""
ALL_KEPT = ["kept", "key=kept", "kept"]

# Starts like Chromium, leaves a process behind, and exits.
BROKEN_BROWSER = """#!/bin/sh
[ "$1" = --version ] && exec chromium --version
sleep 600 < /dev/null > /dev/null 2>&1 3<&- 4>&- &
echo $! > "$0.pid"
exit 1
"""

OWNER = """
import sys
from pathlib import Path
from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.whatsapp_web.browser import Browser
browser = Browser(Path(sys.argv[1]), WebConfig(folder=sys.argv[2]))
browser.start()
browser.open(sys.argv[3])
browser.execute(sys.argv[4])
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def browser(web_config, tmp_path):
	browser = Browser(tmp_path / "profile", web_config)
	yield browser
	browser.kill()


@pytest.fixture(scope="module")
def shared(chromium, tmp_path_factory):
	"""One browser for the tests that leave it as it is; `scripts` count the documents they see."""
	folder = tmp_path_factory.mktemp("shared")
	scripts = ("window.order = ['first']", "window.order.push('second')")
	browser = Browser(folder / "profile", WebConfig(folder=str(folder)), scripts=scripts)
	browser.start()
	yield browser
	browser.stop()


def send_signal(pid, number):
	"""Signal a process, and wait for its end if that is what the signal brings."""
	process = psutil.Process(pid)
	process.send_signal(number)
	if number == signal.SIGKILL:
		assert wait_ended([process], 10) == []


def is_running(pid):
	return psutil.pid_exists(pid) and is_living(psutil.Process(pid))


def getpgid(process):
	try:
		return os.getpgid(process.pid)
	except ProcessLookupError:
		return None


def is_free(profile):
	lock = ProfileLock(profile)
	lock.take()
	lock.release()
	return True


# Data and processes


def test_all_data_of_a_page_survive_a_stop(browser, site):
	browser.start()
	browser.open(site.url)
	browser.execute(WRITE)
	browser.stop()
	browser.start()
	browser.open(site.url)
	assert browser.execute(READ) == ALL_KEPT


def test_a_stopped_browser_leaves_no_process_and_may_be_stopped_again(browser):
	browser.start()
	group, alive = browser.driver_pid, browser.is_alive()
	processes = find_processes(browser.profile)
	assert alive and {browser.pid, group} < {process.pid for process in processes}
	browser.stop()
	browser.stop()
	assert not any(is_living(process) for process in processes)
	assert (browser.is_alive(), browser.pid, browser.driver_pid) == (False, 0, 0)
	assert is_free(browser.profile)
	assert not any(is_living(process) for process in psutil.process_iter() if getpgid(process) == group)


def test_a_killed_browser_leaves_no_process(browser):
	browser.start()
	processes = find_processes(browser.profile)
	browser.kill()
	assert processes and not any(is_living(process) for process in processes)
	assert is_free(browser.profile)


def test_killing_from_another_thread_ends_the_owners_command(browser, site):
	browser.start()
	browser.open(site.url)
	browser.execute("window.started = false")
	timer = threading.Timer(1, browser.kill)
	timer.start()
	with pytest.raises(BrowserLost):
		browser.execute("return new Promise(() => {})")
	timer.join()
	with pytest.raises(BrowserLost):
		browser.execute("return 1")
	assert find_processes(browser.profile) == []


@pytest.mark.parametrize("step", ["find", "read_port", "connect"])
def test_a_browser_that_is_killed_while_it_starts_does_not_come_up(browser, monkeypatch, step):
	module = room if step == "find" else launch
	take = getattr(module, step)

	def take_and_be_killed(*arguments):
		if step == "connect":
			result = take(*arguments)
			browser.kill()
			return result
		browser.kill()
		return take(*arguments)

	monkeypatch.setattr(module, step, take_and_be_killed)
	with pytest.raises(BrowserLost):
		browser.start()
	assert find_processes(browser.profile) == []
	assert is_free(browser.profile)


def test_without_its_chromedriver_a_browser_is_lost_but_closes_with_its_data(browser, site):
	browser.start()
	browser.open(site.url)
	browser.execute(WRITE)
	send_signal(browser.driver_pid, signal.SIGKILL)
	with pytest.raises(BrowserLost):
		browser.execute("return 1")
	assert not browser.is_alive()
	assert find_processes(browser.profile) != []
	browser.stop()
	assert find_processes(browser.profile) == []
	browser.start()
	browser.open(site.url)
	assert browser.execute(READ) == ALL_KEPT


def test_a_browser_that_died_is_lost_and_stops(browser):
	browser.start()
	send_signal(browser.pid, signal.SIGKILL)
	with pytest.raises(BrowserLost):
		browser.execute("return 1")
	assert not browser.is_alive()
	browser.stop()
	assert find_processes(browser.profile) == []


def test_the_orphans_of_a_killed_python_are_ended_by_the_next_start_and_their_data_kept(
	browser, web_config, site, root
):
	owner = subprocess.Popen(
		[sys.executable, "-c", OWNER, browser.profile, web_config.folder, site.url, WRITE],
		stdin=subprocess.PIPE,
		stdout=subprocess.PIPE,
		env={**os.environ, "PYTHONPATH": str(root)},
	)
	with owner:
		assert owner.stdout.readline() == b"ready\n"
		owner.kill()
	orphans = find_processes(browser.profile)
	assert any("chromedriver" in process.name() for process in orphans)
	assert len(orphans) > 2
	browser.start()
	assert not any(is_living(process) for process in orphans)
	browser.open(site.url)
	assert browser.execute(READ) == ALL_KEPT


def test_ending_orphans_spares_the_browsers_of_other_profiles(browser, web_config, tmp_path):
	browser.start()
	assert end_orphans(tmp_path / "prof") == 0
	assert end_orphans(tmp_path / "profile-2") == 0
	assert browser.is_alive()


def test_a_failed_start_leaves_nothing(chromium, tmp_path, monkeypatch):
	monkeypatch.setattr(launch, "START_SECONDS", 3)
	broken = tmp_path / "broken"
	broken.write_text(BROKEN_BROWSER)
	broken.chmod(0o755)
	browser = Browser(tmp_path / "profile", WebConfig(folder=str(tmp_path), browser_path=str(broken)))
	with pytest.raises(BrowserLost):
		browser.start()
	assert not is_running(int((tmp_path / "broken.pid").read_text()))
	assert find_processes(browser.profile) == []
	assert is_free(browser.profile)


# Whose the profile is


def test_a_profile_in_use_is_refused_and_its_user_unharmed(browser, web_config):
	browser.start()
	second = Browser(browser.profile, web_config)
	with pytest.raises(ProfileInUse):
		second.start()
	second.stop()
	second.kill()
	assert browser.execute("return 1") == 1


def test_chromiums_lock_of_another_host_does_not_keep_a_browser_from_starting(browser):
	browser.profile.mkdir()
	lock = browser.profile / "SingletonLock"
	lock.symlink_to("an-old-container-17")
	browser.start()
	assert os.readlink(lock) == f"{socket.gethostname()}-{browser.pid}"


def test_profile_and_downloads_are_private(shared):
	for folder in (shared.profile, shared.downloads):
		assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_downloads_that_nobody_fetched_are_gone_after_the_next_start(browser):
	browser.downloads.mkdir()
	(browser.downloads / "left").write_text("private")
	browser.start()
	assert list(browser.downloads.iterdir()) == []


# Pages that fail


def test_a_crashed_tab_is_a_lost_browser(browser):
	browser.start()
	with pytest.raises(BrowserLost):
		browser.open("chrome://crash")
	with pytest.raises(BrowserLost):
		browser.execute("return 1")
	browser.stop()
	assert find_processes(browser.profile) == []


def test_a_hung_page_is_told_and_stopping_still_ends_everything(browser, site):
	browser.start()
	browser.open(site.url)
	browser.driver.set_page_load_timeout(1)
	with pytest.raises(PageHung):
		browser.execute(HANG)
		browser.execute("return 1")
	browser.stop(seconds=1)
	assert find_processes(browser.profile) == []


def test_a_hung_chromedriver_is_told_and_stopping_still_ends_everything(browser, monkeypatch):
	monkeypatch.setattr(room, "CLOSE_SECONDS", 0.5)
	browser.start()
	browser.driver.command_executor.client_config.timeout = 1
	send_signal(browser.driver_pid, signal.SIGSTOP)
	with pytest.raises(PageHung):
		browser.execute("return 1")
	browser.stop()
	assert find_processes(browser.profile) == []


def test_an_address_that_is_not_reached_says_so(shared):
	with socket.socket() as unused:
		unused.bind(("127.0.0.1", 0))
		url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
		for address in (url, "http://127.0.0.1:9/"):  # Chromium refuses port 9 by itself
			with pytest.raises(BrowserLost) as caught:
				shared.open(address)
			assert caught.value.code == "unreachable"


def test_a_script_that_throws_and_an_element_that_is_missing_are_the_pages_fault(shared, site, tmp_path):
	(tmp_path / "note.txt").write_text("hello")
	shared.open(site.url)
	with pytest.raises(PageChanged, match="no such thing"):
		shared.execute("throw new Error('no such thing')")
	with pytest.raises(PageChanged):
		shared.send_file("#missing", tmp_path / "note.txt")


def test_a_browser_that_is_not_started_is_lost(web_config, tmp_path):
	with pytest.raises(BrowserLost):
		Browser(tmp_path / "profile", web_config).execute("return 1")


# What the page sees


def test_the_page_sees_an_ordinary_chrome_of_the_real_version(shared, site):
	shared.open(site.url)
	agent, is_driven, language, width = shared.execute(
		"return [navigator.userAgent, navigator.webdriver, navigator.language, window.outerWidth]"
	)
	version = shared.cdp("Browser.getVersion")["product"]
	assert "Headless" not in agent
	assert re.search(r"Chrome/(\d+)\.0\.0\.0 ", agent)[1] == re.search(r"/(\d+)\.", version)[1]
	assert (is_driven, language, width) == (False, "en-US", 1280)


def test_scripts_run_in_order_before_those_of_each_page_and_again_after_a_reload(shared, site):
	site.pages["/order"] = "<script>window.seen = window.order.slice(); window.order.push('page')</script>"
	shared.open(site.url + "order")
	assert shared.execute("return [window.seen, window.order.length]") == [["first", "second"], 3]
	shared.execute("window.seen = null; location.reload()")
	assert shared.execute("return [window.seen, window.order.length]") == [["first", "second"], 3]


def test_no_port_is_open_but_that_of_chromedriver(shared):
	pids = {process.pid for process in find_processes(shared.profile)}
	connections = [connection for connection in psutil.net_connections("tcp") if connection.pid in pids]
	listening = {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
	assert len(listening) == 1


def test_a_proxy_and_a_driver_of_the_environment_have_no_say(browser, monkeypatch):
	monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
	monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
	monkeypatch.setenv("SE_CHROMEDRIVER", "/nowhere/chromedriver")
	browser.start()
	assert browser.execute("return 1 + 1") == 2


# Files, pictures, memory


def test_a_file_of_this_machine_is_chosen_on_the_page(shared, site, tmp_path):
	path = tmp_path / "فاتورة.txt"
	path.write_text("hello")
	site.pages["/file"] = "<input type=file id=file style='display: none'>"
	shared.open(site.url + "file")
	shared.send_file("#file", path)
	read = "const file = document.querySelector('#file').files[0]; return file.text().then(text => [file.name, text])"
	assert shared.execute(read) == ["فاتورة.txt", "hello"]
	with pytest.raises(FileNotFoundError):
		shared.send_file("#file", tmp_path / "missing.txt")


def test_a_download_lands_in_the_private_folder(shared, site):
	site.pages["/download"] = "<a download='report.txt' href='data:text/plain,hello'>x</a>"
	shared.open(site.url + "download")
	shared.execute("document.querySelector('a').click()")
	deadline = time.monotonic() + 20
	contents = []
	while contents != ["hello"] and time.monotonic() < deadline:
		contents = [path.read_text() for path in shared.downloads.iterdir()]
	assert contents == ["hello"]


def test_a_screenshot_is_a_png(shared):
	assert shared.screenshot().startswith(b"\x89PNG")


def test_memory_counts_the_whole_browser(shared):
	main = psutil.Process(shared.pid).memory_full_info().pss
	assert main + 50 * MB < shared.memory() < free_memory() + 4000 * MB
