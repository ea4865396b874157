"""A person's Chromium, within a test. Every wait is for something to be seen, never for a time to pass."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 30  # seconds until something that does not appear is a failure
# Machines that have both have the driver of the first.
CHROMIUM_NAMES = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser")
FLAGS = (
	"--headless=new",
	"--disable-gpu",
	"--disable-dev-shm-usage",
	"--disable-background-networking",
	"--disable-component-update",
	"--no-first-run",
	"--window-size=1400,900",
)


class Browser:
	"""Tabs are named. `pictures` is a folder for `picture`, "" for none."""

	def __init__(self, pictures: str = ""):
		self.pictures = pictures
		self._profile = tempfile.mkdtemp(prefix="whatsapp-chromium-")
		self.driver = _start(self._profile)
		self._tabs = {}

	@staticmethod
	def missing() -> str:
		"""What keeps it from running here, "" when nothing does."""
		try:
			import selenium  # noqa: F401
		except ImportError:
			return "no selenium"
		if not _chromium():
			return "no chromium in the PATH"
		return "" if shutil.which("chromedriver") else "no chromedriver in the PATH"

	def close(self):
		self.driver.quit()
		shutil.rmtree(self._profile, ignore_errors=True)

	def log_in(self, tab: str, url: str, user: str, password: str):
		"""Open a page of the desk as this user: it asks who it is, and goes on there."""
		self.open(tab, url)
		self.type("#login_email", user)
		self.type("#login_password", password)
		self.click(".btn-login")

	def open(self, tab: str, url: str):
		"""Open an address in a tab, in a new one unless there is one of this name."""
		if tab in self._tabs:
			self.show(tab)
		else:
			if self._tabs:
				self.driver.switch_to.new_window("tab")
			self._tabs[tab] = self.driver.current_window_handle
		self.driver.get(url)

	def show(self, tab: str):
		"""Bring a tab to the front, as it was left."""
		self.driver.switch_to.window(self._tabs[tab])
		self.driver.execute_cdp_cmd("Page.bringToFront", {})

	def wait(self, what: str, condition: Callable, seconds: float = PATIENCE):
		"""What `condition()` returns as soon as that is true. Elements that vanish meanwhile are looked up again."""
		from selenium.common.exceptions import TimeoutException, WebDriverException
		from selenium.webdriver.support.ui import WebDriverWait

		waiting = WebDriverWait(self.driver, seconds, 0.1, ignored_exceptions=(WebDriverException,))
		try:
			return waiting.until(lambda _driver: condition())
		except TimeoutException as err:
			raise AssertionError(f"Not seen within {seconds} s: {what}") from err

	def shown(self, css: str, text: str = "") -> list:
		"""The elements that are to be seen now and hold the text."""
		found = self.driver.find_elements("css selector", css)
		return [element for element in found if element.is_displayed() and text in element.text]

	def see(self, css: str, text: str = "", seconds: float = PATIENCE):
		return self.wait(f"{css} {text!r}", lambda: self.shown(css, text), seconds)[0]

	def close_dialog(self):
		"""A dialog that still fades in ignores the click, so it is pressed until the dialog is gone."""

		def press():
			for button in self.shown(".modal.show .btn-modal-close")[:1]:
				button.click()
			return not self.shown(".modal.show")

		self.wait("the dialog to close", press)

	def click(self, css: str, text: str = ""):
		def press():
			for element in self.shown(css, text)[:1]:
				element.click()
				return True

		self.wait(f"{css} {text!r} to press", press)

	def type(self, css: str, text: str):
		"""Replace what a field holds."""

		def fill():
			field = self.shown(css)[0]
			field.clear()
			field.send_keys(text)
			return field.get_property("value") == text

		self.see(css)
		self.wait(f"{text!r} in {css}", fill)

	def press_control(self, key: str):
		from selenium.webdriver.common.action_chains import ActionChains
		from selenium.webdriver.common.keys import Keys

		ActionChains(self.driver).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()

	def run(self, script: str):
		return self.driver.execute_script(script)

	def scroll_to(self, element):
		self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)

	def mark_page(self):
		"""Remember this page of the tab, for `is_same_page`."""
		self.run("window.was_not_reloaded = true")

	def is_same_page(self) -> bool:
		return bool(self.run("return window.was_not_reloaded"))

	def picture(self, name: str):
		if self.pictures:
			is_solid = "(one) => getComputedStyle(one).opacity === '1'"
			solid = f"return [...document.querySelectorAll('.modal.show')].every({is_solid})"
			self.wait("the dialog to have faded in", lambda: self.run(solid))
			os.makedirs(self.pictures, exist_ok=True)
			self.driver.save_screenshot(os.path.join(self.pictures, f"{name}.png"))

	@contextmanager
	def picture_of_failure(self) -> Iterator[None]:
		"""Save what the front tab shows when something fails, and say where."""
		try:
			yield
		except Exception as err:
			handle, path = tempfile.mkstemp(prefix="whatsapp-failure-", suffix=".png")
			os.close(handle)
			self.driver.save_screenshot(path)
			where = f"At {self.driver.current_url}\nScreenshot: {path}"
			raise AssertionError("\n".join((str(err), where, *self.console()))) from err

	def console(self) -> list[str]:
		"""Errors in the front tab's console since the last look."""
		return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


def _start(profile: str):
	from selenium import webdriver

	options = webdriver.ChromeOptions()
	options.binary_location = _chromium()
	root = ("--no-sandbox",) if os.geteuid() == 0 else ()
	for flag in (*FLAGS, *root, f"--user-data-dir={profile}"):
		options.add_argument(flag)
	options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
	service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
	return webdriver.Chrome(options=options, service=service)


def _chromium() -> str:
	return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), "")
