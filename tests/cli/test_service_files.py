import configparser
import re
import shlex
import sys

import pytest

from whatsapp_integration.cli.service_files import STOP_SECONDS, TEMPLATES, describe

COMMAND = ["/opt/my bench/env/bin/bench", "--site", "shop.example.com", "whatsapp-worker"]
FOLDER = "/opt/my bench"


def read_ini(text):
	parser = configparser.ConfigParser(interpolation=None)
	parser.optionxform = str
	parser.read_string(text)
	return {section: dict(parser[section]) for section in parser.sections()}


def describe_site(manager, site="shop.example.com"):
	return describe(manager, COMMAND, folder=FOLDER, site=site)


@pytest.mark.parametrize("site", ["", "shop.example.com", "a_b", "متجر", "..", "x y"])
def test_a_process_of_the_procfile_has_a_name_that_honcho_takes(site):
	(line,) = [line for line in describe_site("procfile", site).splitlines() if not line.startswith("#")]
	name, _colon, command = line.partition(": ")
	assert re.fullmatch(r"[A-Za-z0-9_-]+", name)
	assert shlex.split(command) == COMMAND


def test_supervisor_restarts_it_and_gives_it_time_to_close_the_browsers():
	((section, values),) = read_ini(describe_site("supervisor")).items()
	assert section == "program:whatsapp-worker-shop-example-com"
	assert shlex.split(values["command"]) == COMMAND
	assert (values["directory"], values["autorestart"], values["stopsignal"]) == (FOLDER, "true", "TERM")
	assert int(values["stopwaitsecs"]) == STOP_SECONDS > 20


def test_systemd_restarts_it_and_ends_the_worker_before_its_browsers():
	unit = read_ini(describe_site("systemd"))
	service = unit["Service"]
	assert shlex.split(service["ExecStart"]) == COMMAND
	assert (service["WorkingDirectory"], service["Restart"], service["KillMode"]) == (
		FOLDER,
		"always",
		"mixed",
	)
	assert int(service["TimeoutStopSec"]) == STOP_SECONDS
	assert unit["Install"]["WantedBy"] == "multi-user.target"


@pytest.mark.parametrize("manager", list(TEMPLATES))
def test_the_worker_prints_itself_with_all_that_it_was_told(run, data, tmp_path, monkeypatch, manager):
	wa_js = tmp_path / "wa js.js"
	wa_js.touch()
	monkeypatch.setenv("WHATSAPP_WEB_URL", "http://127.0.0.1:8585/web/")
	result = run("worker", "--print", manager, "--data", "data", "--port", "9000", "--wa-js", "wa js.js")
	assert result.exit_code == 0
	command = [sys.executable, "-m", "whatsapp_integration", "worker", "--data", str(data)]
	told = ["--port", "9000", "--web-url", "http://127.0.0.1:8585/web/", "--wa-js", str(wa_js)]
	assert shlex.join(command + told) in result.output
	assert not data.exists()
