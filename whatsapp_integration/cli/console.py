"""What all commands of the terminal share: the console, clean texts, errors in words, signals."""

from __future__ import annotations

import codecs
import errno
import logging
import os
import signal
import sys
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.cells import cell_len
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text

from whatsapp_integration.core.errors import WhatsAppError

# For terminals without UTF-8: one character each, so that tables keep their shape.
_PLAIN = str.maketrans("✔✘✓▶→←—–…·•‖“”", '+xv>><--~-*=""')


def make_console() -> Console:
	"""A console on stdout that never fails on a character which the terminal can't show."""
	console = Console(highlight=False)
	if not is_utf8(console) and hasattr(sys.stdout, "reconfigure"):
		codecs.register_error("whatsapp_plain", _plain)
		sys.stdout.reconfigure(errors="whatsapp_plain")
	return console


def is_utf8(console: Console) -> bool:
	return console.encoding.lower().startswith("utf")


def spinner(console: Console) -> str:
	"""The name of a spinner that this terminal can show."""
	return "dots" if is_utf8(console) else "line"


def clean(text: object) -> str:
	"""One line without control characters: what customers write must not steer the terminal."""
	words = " ".join(str(text or "").split())
	return "".join(" " if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in words)


def check_line(is_good: bool, title: str, detail: str = "") -> Table:
	"""A line with ✔ or ✘ whose continuation lines stay to the right of the sign."""
	line = Table.grid(padding=(0, 1))
	sign = Text("✔", "bold green") if is_good else Text("✘", "bold red")
	line.add_row(
		sign,
		Text.assemble(clean(title), (f" — {clean(detail)}" if detail else "", "dim" if is_good else "red")),
	)
	return line


def left_out_line(title: str, detail: str) -> Table:
	"""A line like check_line's for what was neither proven nor disproven."""
	line = Table.grid(padding=(0, 1))
	line.add_row(Text("–", "bold yellow"), Text.assemble(clean(title), (f" — {clean(detail)}", "yellow")))
	return line


def log_to(console: Console) -> None:
	"""Show warnings and errors of the engine above whatever is drawn on the console."""
	logger = logging.getLogger("whatsapp_integration")
	for handler in list(logger.handlers):
		if isinstance(handler, RichHandler):
			logger.removeHandler(handler)
	logger.addHandler(RichHandler(console=console, show_path=False, rich_tracebacks=False))


def cannot_listen(host: str, port: int, error: OSError) -> click.ClickException:
	"""What to say when a port can't be had."""
	reason = os.strerror(error.errno) if error.errno else str(error)
	return click.ClickException(f"Can't listen on {host}:{port}: {reason}. Choose another --port.")


@contextmanager
def show_errors() -> Iterator[None]:
	"""Turn errors that a person can do something about into a sentence and exit code 1."""
	try:
		yield
	except WhatsAppError as err:
		advice = err.advice.format(*err.values) if err.advice else ""
		raise click.ClickException("\n".join(filter(None, (str(err), advice)))) from err
	except OSError as err:
		if err.errno == errno.EPIPE:  # the reader of our output went away: click's business
			raise
		raise click.ClickException(str(err)) from err


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
	"""An event that SIGINT and SIGTERM set, in place of what they did before."""
	stopped = threading.Event()
	numbers = (signal.SIGINT, signal.SIGTERM)
	previous = {number: signal.signal(number, lambda *_: stopped.set()) for number in numbers}
	try:
		yield stopped
	finally:
		for number, handler in previous.items():
			signal.signal(number, handler)


@contextmanager
def interrupt_on_term() -> Iterator[None]:
	"""Let SIGTERM end the work as Ctrl+C does, so that everything is closed on the way out."""
	previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
	try:
		yield
	finally:
		signal.signal(signal.SIGTERM, previous)


def _plain(error: UnicodeError) -> tuple[str, int]:
	text = error.object[error.start : error.end].translate(_PLAIN)
	return "".join(letter if letter.isascii() else "?" * cell_len(letter) for letter in text), error.end
