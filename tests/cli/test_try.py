import json
import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from whatsapp_integration.cli import main, trial
from whatsapp_integration.cli.linked_steps import linked_steps
from whatsapp_integration.cli.steps import all_steps
from whatsapp_integration.core.messages import CONTENTS
from whatsapp_integration.host.local import LocalHost

KEYS = ["ok", "sent", "delivered", "read", "received", "failed", "unknown", "duplicates", "linked"]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
	"""One run with a data folder of its own: the result and the folder. Without a browser no phone is linked in it."""
	folder = tmp_path_factory.mktemp("try") / "data"
	return CliRunner().invoke(main, ["try", "--data", str(folder)]), folder


def test_every_step_is_proven_and_the_exit_code_is_0(good, lacking):
	result, _folder = good
	assert result.exit_code == 0, result.output
	assert result.output.count("✔") == len(all_steps()) + (0 if lacking else len(linked_steps()))
	for kind in CONTENTS:
		assert f"✔ Sent: {kind} — " in result.output


def test_the_last_line_is_the_one_line_of_json_counted_from_the_rows(good, lacking):
	result, folder = good
	lines = result.output.splitlines()
	summary = json.loads(lines[-1])
	assert [line for line in lines if line.startswith("{")] == lines[-1:]
	assert list(summary) == KEYS
	host = LocalHost(folder)
	statuses = [status for (status,) in host.db.sql("SELECT `status` FROM `tabWhatsApp Message Log`")]
	host.close()
	read, delivered, sent = (statuses.count(status) for status in ("Read", "Delivered", "Sent"))
	assert summary == {
		"ok": True,
		"sent": sent + delivered + read,
		"delivered": delivered + read,
		"read": read,
		"received": 3 if lacking else 5,
		"failed": 1 if lacking else 2,
		"unknown": 0,
		"duplicates": 0,
		"linked": "skipped" if lacking else "proven",
	}
	by_phone = 0 if lacking else 3
	assert (
		summary["sent"] == len(CONTENTS) + 5 + by_phone
	)  # the PDF, scheduled, retried, keyed and unknown ones
	assert summary["sent"] + summary["failed"] + summary["received"] == len(statuses)


def test_the_log_shows_kind_number_status_text_and_error(good):
	result, _folder = good
	log = result.output.partition("Message log")[2]
	for kind in CONTENTS:
		assert f" {kind} " in log
	for text in ("+201000000001", "✘ Failed", "✓✓ Read", "← Received", "131026: Message undeliverable"):
		assert text in log


def test_the_linked_phone_sends_receives_and_stays_linked(good, browser, browsers):
	result, folder = good
	for title, _step in linked_steps():
		assert f"✔ {title} — " in result.output
	assert "0 leaks, 0 link previews" in " ".join(result.output.split())
	host = LocalHost(folder)
	columns = "`recipient`, `message_type`, `status`, `media_state`"
	query = f"SELECT {columns} FROM `tabWhatsApp Message Log` WHERE `device` = 'branch' ORDER BY `creation`"
	found = host.db.sql(query)
	host.close()
	assert found == [
		("+201000000404", "text", "Failed", None),
		("+201001234567", "text", "Read", None),
		("+201001234567", "document", "Read", None),
		("+201001234567", "text", "Received", None),
		("+201001234567", "image", "Received", "Stored"),
		("+201001234567", "text", "Read", None),
	]
	assert browsers(folder) == []


def test_without_a_browser_the_linked_phone_is_left_out_and_said_so(run, monkeypatch):
	monkeypatch.setattr(trial, "all_steps", lambda: all_steps()[:2])
	monkeypatch.setattr(trial.driver, "BROWSERS", ())
	result = run("try")
	assert result.exit_code == 0, result.output
	told = " ".join(result.output.split())
	assert "– The steps with a linked phone are left out — No Chromium or Chrome is installed" in told
	assert "apt install chromium chromium-driver" in told
	summary = json.loads(result.output.splitlines()[-1])
	assert (summary["ok"], summary["received"], summary["linked"]) == (True, 1, "skipped")


def test_a_browser_that_was_named_and_is_none_is_a_usage_error(run):
	result = run("try", "--browser", sys.executable)
	assert result.exit_code == 2
	assert f"{sys.executable} is no Chromium or Chrome" in result.output


def test_a_linked_step_that_is_not_proven_ends_it_and_its_browser(run, browser, browsers, data, monkeypatch):
	"""Nobody reads, so the ticks never turn blue."""
	monkeypatch.setattr(trial, "all_steps", lambda: [])
	result = run("try", "--data", data, "--set", "auto_read=false", "--patience", "4")
	assert result.exit_code == 1
	assert "✔ A phone is linked by QR code — " in result.output
	assert "✘ Sent by the phone: a text, with its ticks — not proven: the row is Delivered" in result.output
	summary = json.loads(result.output.splitlines()[-1])
	assert (summary["ok"], summary["linked"]) == (False, "not proven")
	assert browsers(data) == []


def test_a_step_that_is_not_proven_ends_it_with_exit_code_1(run, tmp_path):
	"""The sandbox signs with another secret: every webhook is refused."""
	result = run("try", "--set", "app_secret=another", "--patience", "1.5")
	assert result.exit_code == 1
	assert "✘ A customer writes first — not proven: " in result.output
	summary = json.loads(result.output.splitlines()[-1])
	assert list(summary) == KEYS
	assert (summary["ok"], summary["received"]) == (False, 0)
	assert list(tmp_path.iterdir()) == []


def test_a_wrong_token_is_not_proven_and_said_in_words(run):
	result = run("try", "--set", "access_token=another", "--patience", "1.5")
	assert result.exit_code == 1
	assert "✘ Device connected, webhooks subscribed — not proven: Access token: " in result.output
	assert json.loads(result.output.splitlines()[-1])["ok"] is False


def test_statuses_that_never_come_are_noticed(run):
	"""Nobody reads: what was sent stays Delivered."""
	result = run("try", "--set", "auto_read=false", "--patience", "3")
	assert result.exit_code == 1
	assert "✘ Sent: text — not proven: the row is Delivered instead of Read" in result.output


def test_a_folder_with_other_devices_is_left_alone(run, memory_line, rows):
	result = run("try", "--data", memory_line)
	assert result.exit_code == 1
	assert "holds other devices (mem)" in result.output
	assert [row["name"] for row in rows("WhatsApp Device")] == ["mem"]


@pytest.mark.parametrize("setting", ["nonsense=1", "latency=-1", "latency"])
def test_a_wrong_setting_of_the_sandbox_is_a_usage_error(run, setting):
	result = run("try", "--set", setting)
	assert result.exit_code == 2
	assert "Traceback" not in result.output


def test_in_a_folder_of_an_earlier_run_without_utf8_and_kept_open_until_sigterm(root, good):
	_result, folder = good
	environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
	command = [sys.executable, "-m", "whatsapp_integration", "try", "--keep", "--data", str(folder)]
	process = subprocess.Popen(
		command,
		cwd=root,
		env=environment | {"PYTHONUNBUFFERED": "1"},
		stdout=subprocess.PIPE,
		stderr=subprocess.PIPE,
		encoding="ascii",
	)
	lines = []
	for line in process.stdout:
		lines.append(line)
		if line.startswith("{"):
			break
	process.send_signal(signal.SIGTERM)
	rest, errors = process.communicate(timeout=30)
	assert (process.returncode, rest, errors) == (0, "", "")
	assert json.loads(lines[-1])["ok"] is True
	assert (
		max(len(line.rstrip("\n")) for line in lines if "python -m" not in line and line != lines[-1]) <= 80
	)
	assert any("Open the phone page: http://127.0.0.1:" in line for line in lines)
