import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from whatsapp_integration.commands import commands
from whatsapp_integration.sandbox import defaults
from whatsapp_integration.sandbox.server import Sandbox


@pytest.fixture
def stopped_soon():
	timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM))
	timer.start()
	yield
	timer.cancel()


@pytest.fixture(params=["cli", "bench"])
def sandbox(request, run):
	if request.param == "cli":
		return lambda *args: run("sandbox", *args)
	command = next(command for command in commands if command.name == "whatsapp-sandbox")
	assert command.name == "whatsapp-sandbox"
	return lambda *args: CliRunner().invoke(command, [str(arg) for arg in args])


def test_it_prints_the_phone_page_and_the_credentials_and_ends_on_sigterm(sandbox, stopped_soon):
	before = signal.getsignal(signal.SIGTERM)
	result = sandbox("--port", "0")
	assert result.exit_code == 0
	assert "Phone page: http://127.0.0.1:" in result.output
	for value in (
		defaults.PHONE_NUMBER_ID,
		defaults.WABA_ID,
		defaults.ACCESS_TOKEN,
		defaults.APP_SECRET,
		defaults.VERIFY_TOKEN,
	):
		assert value in result.output
	assert signal.getsignal(signal.SIGTERM) is before


def test_it_prints_how_to_use_the_stand_in_of_whatsapp_web(sandbox, stopped_soon):
	words = sandbox("--port", "0").output.split()
	address = next(word for word in words if word.endswith("/web/"))
	assert f"{address}phone" in words
	command = words[words.index("--web-url") :][:4]
	assert command[:3] == ["--web-url", address, "--wa-js"]
	assert "window.WPP" in Path(command[3]).read_text(encoding="utf-8")


def test_a_taken_port_is_told_in_words(sandbox):
	with Sandbox() as box:
		result = sandbox("--port", box.url.rpartition(":")[2])
	assert result.exit_code == 1
	assert "Choose another --port." in result.output


def test_bench_commands_import_nothing_heavy(root):
	code = (
		"import sys, whatsapp_integration.commands; "
		"print(*sorted({'rich', 'requests', 'werkzeug', 'sqlite3', 'frappe'} & set(sys.modules)))"
	)
	done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
	assert done.stdout.strip() == ""


def test_the_module_runs_and_lists_its_commands(root):
	done = subprocess.run(
		[sys.executable, "-m", "whatsapp_integration", "--help"],
		cwd=root,
		capture_output=True,
		text=True,
		check=True,
	)
	for name in ("try", "sandbox", "send", "log", "device", "worker"):
		assert f"  {name} " in done.stdout
