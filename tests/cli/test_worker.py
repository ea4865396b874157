import os
import signal
import threading

from whatsapp_integration.cli.data import DataFolder
from whatsapp_integration.cli.waiting import wait_for


def when(condition, then):
	"""Call `then` from another thread when `condition` is true, at the latest after 15 seconds."""

	def work():
		wait_for(condition, 15)
		then()

	thread = threading.Thread(target=work)
	thread.start()
	return thread


def free_port():
	import socket

	with socket.create_server(("127.0.0.1", 0)) as server:
		return server.getsockname()[1]


def test_it_sends_what_waits_takes_webhooks_and_ends_on_sigterm(run, line, box, rows, monkeypatch):
	port = free_port()
	assert run("send", "--to", "+201001234567", "--text", "hello", "--wait", "0").exit_code == 0
	box.configure(callback_url=f"http://127.0.0.1:{port}/webhook")

	def is_read():
		return [row["status"] for row in rows()] == ["Read"]

	thread = when(is_read, lambda: os.kill(os.getpid(), signal.SIGTERM))
	result = run("worker", "--port", port)
	thread.join()
	assert result.exit_code == 0, result.output
	assert is_read()
	assert f"http://127.0.0.1:{port}/webhook" in result.output
	assert "Stopped." in result.output


def test_an_engine_that_fails_ends_the_worker_with_exit_code_1(run, memory_line, monkeypatch):
	monkeypatch.setattr("whatsapp_integration.services.media.fetch_due", lambda host, owner, **options: 1 / 0)
	result = run("worker", "--port", 0)
	assert result.exit_code == 1
	assert "The engine stopped: division by zero" in result.output


def test_a_taken_port_is_told_in_words(run, memory_line):
	import socket

	with socket.create_server(("127.0.0.1", 0)) as server:
		result = run("worker", "--port", server.getsockname()[1])
	assert result.exit_code == 1
	assert "Address already in use. Choose another --port." in result.output


def test_without_data_it_does_not_start(run, data):
	assert run("worker", "--data", data).exit_code == 1
	assert not data.exists()


def test_a_damaged_secrets_file_is_named(run, memory_line):
	(memory_line / "secrets.json").write_text("{")
	result = run("worker", "--port", 0)
	assert result.exit_code == 1
	assert "secrets.json is damaged" in result.output
	assert DataFolder(memory_line).path.exists()
