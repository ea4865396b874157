import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from whatsapp_integration.cli import main
from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.host.local import LocalHost
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.sandbox.web.door import STATIC
from whatsapp_integration.whatsapp_web import driver
from whatsapp_integration.whatsapp_web.errors import SetupError
from whatsapp_integration.whatsapp_web.processes import find_processes

WA_JS = STATIC / "wpp.js"

SECRETS = {
	"access_token": "EAAsandboxToken",
	"app_secret": "sandbox-app-secret",
	"verify_token": "sandbox-verify-token",
}


@pytest.fixture(autouse=True)
def clean_place(tmp_path, monkeypatch):
	"""An empty working folder, and no settings of the machine."""
	for name in [name for name in os.environ if name.startswith("WHATSAPP_")]:
		monkeypatch.delenv(name)
	monkeypatch.setenv("COLUMNS", "120")
	monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def lacking(tmp_path_factory):
	"""Why no phone can be linked on this machine, "" where one can."""
	try:
		driver.find(WebConfig(), tmp_path_factory.mktemp("driver"))
	except SetupError as err:
		return f"{err} {err.advice}"
	return ""


@pytest.fixture(scope="session")
def browser(lacking):
	"""Chromium or Chrome with its driver."""
	if lacking:
		pytest.skip(lacking)


@pytest.fixture(scope="session")
def browsers():
	"""The processes of all browsers of a data folder: browsers(folder)."""

	def find(folder):
		profiles = [path for path in Path(folder).glob("whatsapp-web/profiles/*") if not path.suffix]
		return [process for profile in profiles for process in find_processes(profile)]

	return find


@pytest.fixture
def run():
	"""Call the command line; returns click's result."""

	def call(*args, **options):
		return CliRunner().invoke(main, [str(arg) for arg in args], **options)

	return call


@pytest.fixture
def box():
	with Sandbox(hold_seconds=1.0) as box:
		yield box


@pytest.fixture
def data(tmp_path):
	return tmp_path / "data"


@pytest.fixture
def line(run, data, box, monkeypatch):
	"""A data folder with the official device "main", whose secrets are those of the sandbox."""
	monkeypatch.setenv("WHATSAPP_HOME", str(data))
	monkeypatch.setenv("WHATSAPP_GRAPH_URL", box.url)
	for field, value in SECRETS.items():
		monkeypatch.setenv(f"WHATSAPP_MAIN_{field.upper()}", value)
	ids = ("--phone-number-id", "106540352242922", "--waba-id", "102290129340398")
	assert run("device", "add", "main", *ids, "--country", "eg").exit_code == 0
	return data


@pytest.fixture
def memory_line(run, data, monkeypatch):
	"""A data folder with the device "mem", which keeps what it sends in memory."""
	monkeypatch.setenv("WHATSAPP_HOME", str(data))
	assert run("device", "add", "mem", "--mode", "Memory").exit_code == 0
	return data


@pytest.fixture
def rows(data):
	"""Read rows: rows("WhatsApp Message Log") → list of dicts."""

	def read(doctype="WhatsApp Message Log"):
		host = LocalHost(data)
		try:
			return host.db.sql(f"SELECT * FROM `tab{doctype}` ORDER BY `creation`", as_dict=True)
		finally:
			host.close()

	return read
