"""`device link` beside a worker that runs as a process of its own, against the stand-in of WhatsApp Web."""

import os
import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import WA_JS
from whatsapp_integration.cli import link as link_module
from whatsapp_integration.cli.data import DataFolder
from whatsapp_integration.cli.link import draw, show_code
from whatsapp_integration.cli.waiting import wait_for
from whatsapp_integration.core.errors import InvalidRequest
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.services import devices

NUMBER = "+201111111111"
DEVICES = ("shop", "desk", "door")
START_SECONDS = 60  # a process, and then a browser, on a busy machine


@pytest.fixture(scope="module")
def web():
	with Sandbox(web_boot_seconds=0) as box:
		box.web.add_account(NUMBER, "Cairo Branch")
		yield box


@pytest.fixture(scope="module")
def start_worker(web, root, browser):
	"""start_worker(folder) → the process of a worker that says it is alive; its data has DEVICES."""
	running = []

	def is_alive(folder):
		with DataFolder(folder).opened() as host:
			try:
				devices.require_worker(host)
			except InvalidRequest:
				return False
		return True

	def start(folder):
		with DataFolder(folder).opened() as host:
			for name in DEVICES:
				host.add_device(name, mode="Unofficial")
		options = ["--data", folder, "--port", "0", "--web-url", f"{web.url}/web/", "--wa-js", WA_JS]
		command = [sys.executable, "-m", "whatsapp_integration", "worker", *map(str, options)]
		environment = {name: value for name, value in os.environ.items() if not name.startswith("WHATSAPP_")}
		process = subprocess.Popen(
			command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
		)
		running.append(process)
		assert wait_for(lambda: is_alive(folder) or process.poll() is not None, START_SECONDS)
		return process

	yield start
	for process in running:
		process.terminate()
		process.communicate(timeout=START_SECONDS)


@pytest.fixture(scope="module")
def folder(start_worker, tmp_path_factory):
	"""A data folder with a running worker."""
	folder = tmp_path_factory.mktemp("link") / "data"
	start_worker(folder)
	return folder


@pytest.fixture
def hold_phone(monkeypatch):
	"""hold_phone(take) → the codes shown from now on, each of which a phone takes: take(code, NUMBER)."""
	shown = []

	def hold(take):
		def show_and_take(console, code):
			show_code(console, code)
			if code.code not in shown:
				shown.append(code.code)
				take(code.code, NUMBER)

		monkeypatch.setattr(link_module, "show_code", show_and_take)
		return shown

	return hold


def test_a_qr_code_is_drawn_and_the_scanned_phone_is_named(run, web, folder, hold_phone):
	shown = hold_phone(web.web.scan)
	result = run("device", "link", "shop", "--data", folder)
	assert result.exit_code == 0, result.output
	(code,) = shown
	assert draw(code) in result.output
	assert "point it at this code" in result.output
	assert f"✔ Device shop is linked. — Cairo Branch {NUMBER}" in " ".join(result.output.split())
	output = run("device", "list", "--data", folder).output
	assert "Connected" in output and "Cairo Branch" in output


def test_a_pairing_code_is_printed_and_typed_on_the_phone(run, web, folder, hold_phone):
	shown = hold_phone(web.web.enter_pairing_code)
	result = run("device", "link", "desk", "--data", folder, "--phone", "+20 111 111 1111")
	assert result.exit_code == 0, result.output
	assert result.output.splitlines()[0] == shown[0]
	assert "Link with phone number instead" in result.output
	assert "█" not in result.output
	assert "✔ Device desk is linked." in result.output


def test_without_a_phone_it_ends_in_its_time_with_exit_code_1(run, folder):
	result = run("device", "link", "door", "--data", folder, "--patience", "3")
	assert result.exit_code == 1
	assert "✘ Device door is not linked." in result.output


def test_a_worker_with_a_linked_phone_ends_on_sigterm_and_leaves_no_browser(
	run, web, start_worker, hold_phone, browsers, tmp_path
):
	"""Process managers kill after 20 seconds."""
	process = start_worker(tmp_path)
	hold_phone(web.web.scan)
	result = run("device", "link", "shop", "--data", tmp_path)
	assert result.exit_code == 0, result.output
	assert browsers(tmp_path)
	process.send_signal(signal.SIGTERM)
	output, _none = process.communicate(timeout=20)
	assert process.returncode == 0, output
	assert "Stopped." in output
	assert browsers(tmp_path) == []
	listed = run("device", "list", "--data", tmp_path).output
	assert "Disconnected" in listed and "The whatsapp-worker was stopped." in " ".join(listed.split())
