import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.linked.work_forever import open_data
from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.services import devices
from whatsapp_integration.store.overview import find_device
from whatsapp_integration.tests import chaos
from whatsapp_integration.whatsapp_web.driver import find
from whatsapp_integration.whatsapp_web.errors import SetupError

SCRIPT = Path(__file__).with_name("work_forever.py")
PATIENCE = 60


@pytest.fixture(scope="session", autouse=True)
def browser(tmp_path_factory):
	try:
		return find(WebConfig(), tmp_path_factory.mktemp("drivers"))
	except SetupError as err:
		pytest.skip(f"no browser to link a phone with: {err} {err.advice}")


@pytest.fixture
def box():
	with Sandbox() as box:
		yield box


class Place:
	"""A data folder with linked devices, its worker process, and the rows."""

	def __init__(self, folder: Path, box: Sandbox):
		self.box = box
		self.data = open_data(folder, box.url)
		folder.mkdir(exist_ok=True)
		self.host = self.data.open()
		self.profiles = folder / "whatsapp-web" / "profiles"
		self.worker: subprocess.Popen | None = None

	def start(self) -> None:
		environment = os.environ | {"PYTHONPATH": str(SCRIPT.parents[2])}
		self.worker = subprocess.Popen(
			[sys.executable, SCRIPT, self.data.path, self.box.url], env=environment
		)

	def wait(self, condition, what, seconds: float = PATIENCE):
		"""The value of a condition on the rows, once it is true; they change in another process, which tells nobody."""
		deadline = time.monotonic() + seconds
		while not (value := condition()):
			assert time.monotonic() < deadline, f"{what() if callable(what) else what}: {self.states()}"
			time.sleep(0.05)
		return value

	def states(self) -> dict[str, tuple[str, str]]:
		rows = self.host.db.sql("SELECT `name`, `status`, `status_reason` FROM `tabWhatsApp Device`")
		return {name: (status, reason) for name, status, reason in rows}

	def device(self, name: str) -> dict:
		return find_device(self.host.db, name)

	def link(self, *names: str) -> None:
		"""Link devices by QR, each with the phone of its own number."""
		self.wait(lambda: self.host.db.sql("SELECT 1 FROM `tabWhatsApp Worker`"), "no worker")
		for name in names:
			devices.link(self.host, name)
			self.host.db.commit()
			code = self.wait(lambda: self.host.link_code(name), f"no code for {name}")  # noqa: B023
			self.box.web.scan(code.code, self.device(name)["phone_number"])
		for name in names:
			self.wait_connected(name)

	def wait_connected(self, name: str) -> None:
		self.wait(lambda: self.device(name)["status"] == "Connected", f"{name} is not connected")

	def add(self, name: str, number: str) -> None:
		self.box.web.add_account(number, name)
		self.host.add_device(name, mode="Unofficial", phone_number=number)

	def rows(self, **where) -> list[dict]:
		rows = self.host.db.sql("SELECT * FROM `tabWhatsApp Message Log`", as_dict=True)
		return [row for row in rows if all(row[key] == value for key, value in where.items())]

	def close(self) -> None:
		if self.worker and self.worker.poll() is None:
			self.worker.kill()
			self.worker.wait()
		chaos.kill(chaos.chromedrivers_of(self.profiles) + chaos.processes_of(self.profiles))
		self.host.close()


@pytest.fixture
def place(tmp_path, box):
	place = Place(tmp_path / "data", box)
	yield place
	place.close()
