import json

import pytest

from whatsapp_integration.cli.samples import make_pdf


def test_a_text_is_sent_and_shown(run, memory_line, rows):
	result = run("send", "--to", "+20 100 123 4567", "--text", "Hello [bold]there[/bold]")
	assert result.exit_code == 0, result.output
	(row,) = rows()
	assert (row["status"], row["recipient"], row["body"]) == (
		"Sent",
		"+201001234567",
		"Hello [bold]there[/bold]",
	)
	assert "✓ Sent" in result.output and "Hello [bold]there[/bold]" in result.output


@pytest.mark.parametrize(
	("name", "kind"),
	[
		("invoice.pdf", "document"),
		("photo.JPG", "image"),
		("clip.mp4", "video"),
		("song.mp3", "audio"),
		("note.opus", "audio"),
		("hello.webp", "sticker"),
		("list.xlsx", "document"),
	],
)
def test_a_file_becomes_the_kind_that_takes_it(run, memory_line, rows, tmp_path, name, kind):
	file = tmp_path / name
	file.write_bytes(make_pdf("x"))
	result = run("send", "--to", "+201001234567", "--file", file)
	assert result.exit_code == 0, result.output
	(row,) = rows()
	assert (row["message_type"], row["status"]) == (kind, "Sent")
	assert (memory_line / "files" / row["attachment"]).read_bytes() == file.read_bytes()


def test_a_voice_note_is_asked_for_by_kind(run, memory_line, rows, tmp_path):
	(tmp_path / "note.ogg").write_bytes(b"OggS")
	assert (
		run("send", "--to", "+201001234567", "--file", tmp_path / "note.ogg", "--kind", "voice").exit_code
		== 0
	)
	assert rows()[0]["message_type"] == "voice"


def test_a_file_that_whatsapp_does_not_take_is_refused(run, memory_line, rows, tmp_path):
	(tmp_path / "game.exe").write_bytes(b"MZ")
	result = run("send", "--to", "+201001234567", "--file", tmp_path / "game.exe")
	assert result.exit_code == 1
	assert "WhatsApp takes no" in result.output
	assert rows() == []


def test_a_template_with_its_values(run, line, box):
	args = ("--template", "appointment_reminder", "--language", "en_US")
	result = run("send", "--to", "01001234567", *args)
	assert result.exit_code == 1
	assert "✘ Failed" in result.output and "132000" in result.output
	assert run("send", "--to", "01001234567", "--template", "hello_world").exit_code == 0
	(message,) = box.messages()
	assert (message["type"], message["to"]) == ("template", "+201001234567")


def test_any_other_kind_by_its_json(run, memory_line, rows):
	content = json.dumps({"latitude": 30.1, "longitude": 31.2, "label": "Shop"})
	assert run("send", "--to", "+201001234567", "--kind", "location", "--content", content).exit_code == 0
	assert (rows()[0]["message_type"], rows()[0]["body"]) == ("location", "Shop")


@pytest.mark.parametrize("args", [(), ("--text", "a", "--template", "b"), ("--content", "{")])
def test_exactly_one_content_is_needed(run, memory_line, args):
	assert run("send", "--to", "+201001234567", *args).exit_code == 2


def test_the_same_key_sends_once(run, memory_line, rows):
	args = ("send", "--to", "+201001234567", "--text", "once", "--key", "invoice-1")
	assert run(*args).exit_code == 0
	again = run(*args)
	assert again.exit_code == 0
	assert "nothing new was sent" in again.output
	assert len(rows()) == 1


def test_a_message_for_later_waits(run, memory_line, rows):
	result = run("send", "--to", "+201001234567", "--text", "later", "--at", "2100-01-01 10:00")
	assert result.exit_code == 0
	assert rows()[0]["status"] == "Queued"
	assert "It waits until 01 Jan 2100 10:00:00" in result.output


def test_only_queued_with_wait_0(run, memory_line, rows):
	assert run("send", "--to", "+201001234567", "--text", "queue me", "--wait", "0").exit_code == 0
	assert rows()[0]["status"] == "Queued"


def test_a_message_with_no_answer_is_unknown_and_exit_code_1(run, line, rows):
	"""The sandbox takes it and closes the connection without an answer."""
	result = run("send", "--to", "+201000000012", "--text", "hello")
	assert result.exit_code == 1
	assert rows()[0]["status"] == "Unknown"
	assert "? Unknown" in result.output


def test_among_several_devices_one_is_chosen(run, memory_line, rows):
	run("device", "add", "second", "--mode", "Memory")
	result = run("send", "--to", "+201001234567", "--text", "x")
	assert result.exit_code == 2
	assert "Choose one with --device: mem, second" in result.output
	assert run("send", "--device", "second", "--to", "+201001234567", "--text", "x").exit_code == 0
	assert rows()[0]["device"] == "second"


@pytest.mark.parametrize(
	("to", "text"), [("123", "too short"), ("+201001234567", "x" * 4097), ("+201001234567", " ")]
)
def test_bad_input_is_told_in_words_and_writes_nothing(run, memory_line, rows, to, text):
	result = run("send", "--to", to, "--text", text)
	assert result.exit_code == 1
	assert result.output.startswith("Error: ")
	assert rows() == []
