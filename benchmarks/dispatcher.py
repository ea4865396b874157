"""From Queued to Sent on the embedded host, against a stand-in that takes 100 ms to answer."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests
from rich.table import Table

from whatsapp_integration.core.config import Limits
from whatsapp_integration.core.messages import Text
from whatsapp_integration.host.local import LocalHost
from whatsapp_integration.sandbox import defaults
from whatsapp_integration.services import outbox
from whatsapp_integration.services.dispatcher import Dispatcher
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.store.keys import MESSAGE

LATENCY = 0.1  # seconds before every answer
THREADS = 128
BASELINE = 5_000  # messages of the bare pool
STEPS = 4  # how often the memory is read


def measure(messages: int) -> Table:
	with stand_in() as url:
		bare = _bare_pool(url, min(BASELINE, messages))
		rate, memory, statuses = _dispatcher(url, messages)
	table = Table(
		title=f"{messages:,} messages, stand-in answers after {LATENCY * 1000:.0f} ms, {THREADS} threads"
	)
	table.add_column("what")
	table.add_column("result", justify="right")
	table.add_row("bare pool of requests sessions", f"{bare:,.0f} / s")
	table.add_row("dispatcher, Queued to Sent", f"{rate:,.0f} / s")
	table.add_row("ratio", f"{rate / bare:.2f}")
	table.add_row("rows Sent", f"{statuses.get('Sent', 0):,} of {messages:,}")
	for share, megabytes in memory:
		table.add_row(f"memory after {share:,} messages", f"{megabytes:.0f} MB")
	return table


@contextmanager
def stand_in() -> Iterator[str]:
	"""The sandbox in a process of its own, so that both sides have a core."""
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		port = probe.getsockname()[1]
	code = f"from whatsapp_integration.sandbox.server import run; run(port={port}, latency={LATENCY}, suffix_faults=False)"
	process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
	try:
		process.stdout.readline()  # it listens when it has said so
		yield f"http://127.0.0.1:{port}"
	finally:
		process.terminate()
		process.wait()


def _bare_pool(url: str, count: int) -> float:
	local = threading.local()
	address = f"{url}/{defaults.GRAPH_VERSION}/{defaults.PHONE_NUMBER_ID}/messages"

	def post(index: int) -> None:
		if not hasattr(local, "session"):
			local.session = requests.Session()
			local.session.headers["Authorization"] = f"Bearer {defaults.ACCESS_TOKEN}"
		payload = {
			"messaging_product": "whatsapp",
			"to": _number(index),
			"type": "text",
			"text": {"body": "Hello"},
		}
		local.session.post(address, json=payload, timeout=30).raise_for_status()

	return _rate(count, lambda: _in_threads(post, count))


def _in_threads(work: Callable[[int], None], count: int) -> None:
	with ThreadPoolExecutor(THREADS) as pool:
		for _done in pool.map(work, range(count)):
			pass


def _dispatcher(url: str, count: int) -> tuple[float, list[tuple[int, float]], dict[str, int]]:
	with tempfile.TemporaryDirectory() as folder:
		host = _host(Path(folder), url)
		requests_ = (SendRequest(Text("Hello"), to=_number(index), device="Bench") for index in range(count))
		outbox.enqueue(host, list(requests_))
		host.db.commit()
		memory: list[tuple[int, float]] = []

		def run() -> None:
			host.publish = _MemoryWatch(count, memory)
			Dispatcher(host, threads=THREADS).drain(seconds=3600)

		rate = _rate(count, run)
		statuses = dict(host.db.sql(f"SELECT `status`, COUNT(*) FROM `tab{MESSAGE}` GROUP BY `status`"))
		host.close()
	return rate, memory, statuses


class _MemoryWatch:
	"""Reads the memory of this process each time another share of the messages was settled."""

	def __init__(self, count: int, memory: list[tuple[int, float]]):
		self.memory, self.settled = memory, 0
		self.marks = [count * step // STEPS for step in range(1, STEPS + 1)]

	def __call__(self, changed: dict, **_new: dict) -> None:
		self.settled += len(changed.get(MESSAGE, ()))
		while self.marks and self.settled >= self.marks[0]:
			self.memory.append((self.marks.pop(0), _resident_megabytes()))


def _host(folder: Path, url: str) -> LocalHost:
	secrets = {"Bench": {"access_token": defaults.ACCESS_TOKEN}}
	host = LocalHost(
		folder, secrets=secrets, overrides={"graph_url": url, "limits": Limits(pair_seconds=6, pair_burst=45)}
	)
	host.add_device("Bench", phone_number=defaults.PHONE_NUMBER, phone_number_id=defaults.PHONE_NUMBER_ID)
	return host


def _rate(count: int, work: Callable[[], None]) -> float:
	start = time.perf_counter()
	work()
	return count / (time.perf_counter() - start)


def _number(index: int) -> str:
	return f"+20100{index:07d}"


def _resident_megabytes() -> float:
	pages = int(Path("/proc/self/statm").read_text().split()[1])
	return pages * resource.getpagesize() / 1024 / 1024
