import io

import pytest
from rich.console import Console

from whatsapp_integration.cli.log import STATUSES, build_table
from whatsapp_integration.core import status as st


@pytest.fixture
def filled(run, memory_line):
	for to, text in (("+201001234567", "first"), ("+201007654321", "second"), ("+201001234567", "third")):
		assert run("send", "--to", to, "--text", text).exit_code == 0
	run(
		"send", "--to", "+201001234567", "--kind", "location", "--content", '{"latitude": 1, "label": "Shop"}'
	)
	run("send", "--to", "+201001234567", "--text", "queued", "--wait", "0")
	return memory_line


def shown(result):
	texts = ("first", "second", "third", "Shop", "queued")
	return [text for text in sorted(texts, key=result.output.find) if text in result.output]


def test_the_newest_message_stands_last(run, filled):
	assert shown(run("log")) == ["first", "second", "third", "Shop", "queued"]


@pytest.mark.parametrize(
	("args", "expected"),
	[
		(("--to", "+201007654321"), ["second"]),
		(("--from", "7654321"), ["second"]),
		(("--status", "queued"), ["queued"]),
		(("--status", "Queued", "--status", "Failed"), ["queued"]),
		(("--kind", "location"), ["Shop"]),
		(("--direction", "incoming"), []),
		(("--device", "nobody"), []),
		(("--limit", "2"), ["Shop", "queued"]),
		(("--to", "%"), []),
	],
)
def test_filters(run, filled, args, expected):
	result = run("log", *args)
	assert result.exit_code == 0
	assert shown(result) == expected
	assert ("No messages." in result.output) == (not expected)


def test_every_status_has_a_sign():
	assert set(STATUSES) == set(st.SOURCES)


def row(**values):
	from datetime import datetime

	empty = dict.fromkeys(("body", "media_filename", "reaction", "error_code", "error_text", "advice"))
	base = {
		"creation": datetime(2026, 1, 2, 3, 4),
		"message_type": "text",
		"recipient": "+201001234567",
		"status": "Failed",
	}
	return {**base, **empty, **values}


def draw(width, *rows, **options):
	file = io.StringIO()
	console = Console(file=file, width=width, **options)
	console.print(build_table(console, rows))
	return file.getvalue()


FAILED = row(
	body="Hello", error_code="131026", error_text="Message undeliverable", advice="Check the number."
)


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_error_and_the_advice_are_shown_at_any_width(width):
	text = draw(width, FAILED)
	assert max(map(len, text.splitlines())) <= width
	letters = "".join(text.split())
	for word in ("Hello", "131026:", "undeliverable", "Check", "number."):
		assert word in letters
	assert ("Error" in text.splitlines()[1]) == (width >= 110)


def test_a_customers_text_can_not_steer_the_terminal():
	text = draw(100, row(body="a\x1b[31mred\x07\x9b1m\r\nb[bold]c", recipient="\x1b]0;title\x07"))
	assert not set(text) & set("\x1b\x07\x9b\r")
	assert "[bold]c" in text
