import json
import stat

import pytest

from whatsapp_integration.cli.data import DataFolder
from whatsapp_integration.cli.listener import Listener

IDS = ("--phone-number-id", "106540352242922", "--waba-id", "102290129340398")


def test_without_a_folder_the_way_to_begin_is_shown(run, tmp_path):
	result = run("device", "list")
	assert result.exit_code == 1
	assert "There is no data in whatsapp-data. Begin with the command: device add." in result.output
	assert list(tmp_path.iterdir()) == []


def test_the_default_folder_lies_below_the_present_one_and_is_private(run, tmp_path):
	assert run("device", "add", "mem", "--mode", "Memory").exit_code == 0
	assert stat.S_IMODE((tmp_path / "whatsapp-data").stat().st_mode) == 0o700


def test_a_device_is_added_changed_and_listed(run, line, rows):
	assert run("device", "add", "main", "--phone-number", "+1 555 078 3881").exit_code == 0
	(row,) = rows("WhatsApp Device")
	assert (row["phone_number"], row["phone_number_id"], row["country"]) == (
		"+15550783881",
		"106540352242922",
		"EG",
	)
	output = run("device", "list").output
	assert "main" in output and "Official" in output and "Connected" in output


def test_a_linked_phone_is_listed_with_its_own_name(run, line):
	phone = {"linked_name": "Cairo Branch", "phone_number": "+201111111111", "status": "Logged Out"}
	with DataFolder(line).opened() as host:
		host.add_device("branch", mode="Unofficial", status_reason="The link was ended.", **phone)
	output = run("device", "list").output
	assert "Name at WhatsApp" in output
	for text in ("Unofficial", "Cairo Branch", "+201111111111", "Logged Out", "The link was ended."):
		assert text in output


def test_two_devices_may_not_share_a_number(run, line):
	result = run("device", "add", "other", *IDS)
	assert result.exit_code == 1
	assert "Another device has this Phone Number ID already." in result.output


def test_a_wrong_number_is_refused_with_advice(run, data):
	result = run("device", "add", "main", "--data", data, "--phone-number", "123")
	assert result.exit_code == 1
	assert "Write the number with its country code" in result.output
	assert not data.exists()


def test_a_linked_device_needs_no_secrets_and_says_how_to_go_on(run, data):
	result = run("device", "add", "shop", "--data", data, "--mode", "Unofficial")
	assert result.exit_code == 0
	assert "Go on with: device link shop" in result.output


def test_linking_without_a_worker_says_how_to_start_one(run, data):
	run("device", "add", "shop", "--data", data, "--mode", "Unofficial")
	result = run("device", "link", "shop", "--data", data)
	assert result.exit_code == 1
	assert "No whatsapp-worker is running" in result.output
	assert "python -m whatsapp_integration worker" in result.output


def test_missing_secrets_are_named_by_their_variables(run, data):
	result = run("device", "add", "shop one", "--data", data, *IDS)
	assert result.exit_code == 0
	assert "WHATSAPP_SHOP_ONE_ACCESS_TOKEN, WHATSAPP_SHOP_ONE_APP_SECRET" in result.output


def test_secrets_typed_in_a_terminal_are_hidden_and_kept_privately(run, data, monkeypatch):
	monkeypatch.setattr("whatsapp_integration.cli.device._is_terminal", lambda: True)
	monkeypatch.setenv("WHATSAPP_MAIN_VERIFY_TOKEN", "from-the-environment")
	result = run("device", "add", "main", "--data", data, *IDS, input="hidden-1\nhidden-2\n")
	assert result.exit_code == 0
	assert "hidden-" not in result.output
	path = data / "secrets.json"
	assert stat.S_IMODE(path.stat().st_mode) == 0o600
	assert json.loads(path.read_text()) == {"main": {"access_token": "hidden-1", "app_secret": "hidden-2"}}


def test_a_variable_goes_before_a_kept_secret(run, data, monkeypatch):
	monkeypatch.setattr("whatsapp_integration.cli.device._is_terminal", lambda: True)
	run("device", "add", "main", "--data", data, *IDS, input="old-token\n\n\n")
	from whatsapp_integration.cli.data import read_secrets

	assert read_secrets(data) == {"main": {"access_token": "old-token"}}
	monkeypatch.setenv("WHATSAPP_MAIN_ACCESS_TOKEN", "new-token")
	with DataFolder(data, read_secrets(data)).opened() as host:
		assert host.device("main").access_token == "new-token"


@pytest.mark.parametrize("option", ["--access-token", "--app-secret", "--verify-token"])
def test_no_secret_is_taken_from_the_command_line(run, data, option):
	result = run("device", "add", "main", "--data", data, option, "x")
	assert result.exit_code == 2
	assert "No such option" in result.output


def test_connect_ticks_every_point_and_subscribes_the_webhook(run, line, box, rows):
	with Listener(DataFolder(line).open) as listener:
		result = run("device", "connect", "main", "--webhook-url", listener.url)
	assert result.exit_code == 0, result.output
	for label in (
		"Access token",
		"Number is ready to send",
		"Webhooks are subscribed",
		"Webhook address",
		"App secret",
	):
		assert f"✔ {label}" in result.output
	assert box.state.callback("106540352242922") == listener.url
	(row,) = rows("WhatsApp Device")
	assert (row["status"], row["verified_name"]) == ("Connected", "Sandbox Company")


def test_connect_says_what_is_missing_and_what_to_do(run, line, rows, monkeypatch):
	monkeypatch.setenv("WHATSAPP_MAIN_ACCESS_TOKEN", "wrong")
	monkeypatch.delenv("WHATSAPP_MAIN_APP_SECRET")
	result = run("device", "connect", "main")
	assert result.exit_code == 1
	assert "✘ Access token" in result.output
	assert "enter a valid access token" in result.output
	assert "✘ App secret" in result.output
	assert "Without the app secret every webhook is refused" in result.output
	assert rows("WhatsApp Device")[0]["status"] == "Auth Failed"


def test_pause_and_resume(run, line, rows):
	assert run("device", "pause", "main").exit_code == 0
	assert rows("WhatsApp Device")[0]["status"] == "Paused"
	assert run("device", "resume", "main").exit_code == 0
	assert rows("WhatsApp Device")[0]["status"] == "Connected"


@pytest.mark.parametrize("command", ["connect", "pause", "resume"])
def test_an_unknown_device_is_named(run, line, command):
	result = run("device", command, "nobody")
	assert result.exit_code == 1
	assert "There is no device nobody." in result.output
