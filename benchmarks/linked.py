"""The worker of linked phones against a stand-in of WhatsApp Web, one and three phones: at rest and at work.

Beside it, in the same run: the same browsers while the worker is stopped, and a bare script that drives a linked browser
through Selenium. Real WhatsApp Web is a bigger page than the stand-in's: what it takes itself comes on top.
"""

from __future__ import annotations

import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import linked_worker
from linked_bare import BareScript, bare_script
from rich.console import Console, Group
from rich.table import Table

from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.core.messages import Text
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.services import devices, outbox
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.store.keys import DEVICE, MESSAGE, WORKER
from whatsapp_integration.whatsapp_web.driver import find
from whatsapp_integration.whatsapp_web.errors import SetupError
from whatsapp_integration.whatsapp_web.processes import used_memory

SHOPS = {"Cairo": "+201000000001", "Giza": "+201000000002", "Luxor": "+201000000003"}
BARE_NUMBER = "+201000000009"
CUSTOMER = "+201112223344"
SETTLE_SECONDS = 10  # a browser that has just started tidies up for so long
PATIENCE = 120  # seconds
POLL_SECONDS = 0.005  # between looks at the rows of another process
PAUSE = 1.0  # at most so many seconds lie between two messages, so that they fall anywhere between two polls
MILLION = 1_000_000


def measure(seconds: float, messages: int) -> Group | str:
	"""`seconds` of rest are measured each time, and `messages` that go alone; twice as many go together."""
	with tempfile.TemporaryDirectory() as folder:
		try:
			find(WebConfig(), Path(folder))
		except SetupError as err:
			return f"SKIPPED the benchmark of linked phones: {err} {err.advice}"
		with Sandbox(suffix_faults=False) as box, _worker(Path(folder), box) as worker:
			worker.link("Cairo")
			rest = [_Rest.measure(worker, seconds)]
			sending, receiving, together = _sending(worker, messages), _receiving(worker, messages), []
			together.append(_together(worker, ["Cairo"], 2 * messages))
			weights = [worker.weigh()]
			with bare_script(Path(folder), box, BARE_NUMBER, _wait) as script:
				bare = _bare(box, script, messages)
			worker.link("Giza", "Luxor")
			rest.append(_Rest.measure(worker, seconds))
			together.append(_together(worker, list(SHOPS), 2 * messages))
			weights.append(worker.weigh())
	return Group(_rest_table(rest, weights, seconds), _work_table(sending, receiving, together, bare))


# -- the worker and its phones --


@dataclass
class _Worker:
	"""A data folder and the process that works on it."""

	box: Sandbox
	host: Any
	process: subprocess.Popen
	linked: list[str] = field(default_factory=list)

	def link(self, *names: str) -> None:
		_wait(lambda: self.host.db.sql(f"SELECT 1 FROM `tab{WORKER}`"), "no worker")
		for name in names:
			self.box.web.add_account(SHOPS[name], name)
			self.host.add_device(name, mode="Unofficial", phone_number=SHOPS[name])
			devices.link(self.host, name)
			self.host.db.commit()
			code = _wait(lambda: self.host.link_code(name), f"no code for {name}")  # noqa: B023
			self.box.web.scan(code.code, SHOPS[name])
			_wait(lambda: self._is_connected(name), f"{name} is not connected")  # noqa: B023
			self.linked.append(name)

	def _is_connected(self, name: str) -> bool:
		status = self.host.db.sql(f"SELECT `status` FROM `tab{DEVICE}` WHERE `name` = %s", [name])
		return status == [("Connected",)]

	def count(self, status: str) -> int:
		return self.host.db.sql(f"SELECT COUNT(*) FROM `tab{MESSAGE}` WHERE `status` = %s", [status])[0][0]

	def is_known(self, column: str, value: str, *statuses: str) -> bool:
		rows = self.host.db.sql(f"SELECT `status` FROM `tab{MESSAGE}` WHERE `{column}` = %s", [value])
		return any(status in statuses for (status,) in rows)

	def processes(self) -> dict[str, list]:
		"""What runs, as psutil's processes by kind."""
		import psutil

		worker = psutil.Process(self.process.pid)
		found: dict[str, list] = {"worker": [worker], "chromedriver": [], "browser": []}
		for child in worker.children(recursive=True):
			found["chromedriver" if "chromedriver" in child.name() else "browser"].append(child)
		return found

	def weigh(self) -> dict[str, float]:
		"""MB of the worker (RSS and PSS), and of one browser with its chromedriver (PSS)."""
		found = self.processes()
		browsers = used_memory(found["chromedriver"] + found["browser"])
		return {
			"RSS": found["worker"][0].memory_info().rss / MILLION,
			"PSS": used_memory(found["worker"]) / MILLION,
			"browser": browsers / MILLION / len(self.linked),
		}

	@contextmanager
	def stopped(self) -> Iterator[None]:
		"""Nobody asks the browsers anything meanwhile."""
		self.process.send_signal(signal.SIGSTOP)
		try:
			yield
		finally:
			self.process.send_signal(signal.SIGCONT)


@contextmanager
def _worker(folder: Path, box: Sandbox) -> Iterator[_Worker]:
	data = folder / "data"
	host = linked_worker.open_data(data, box.url).open()
	process = subprocess.Popen([sys.executable, linked_worker.__file__, data, box.url])
	try:
		yield _Worker(box, host, process)
	finally:
		process.terminate()
		process.wait(PATIENCE)
		host.close()


# -- at rest --


@dataclass(frozen=True)
class _Rest:
	"""Share of one core that each kind of process takes per phone, in percent."""

	working: dict[str, float]
	stopped: dict[str, float]

	@classmethod
	def measure(cls, worker: _Worker, seconds: float) -> _Rest:
		time.sleep(SETTLE_SECONDS)
		working = _load(worker, seconds)
		with worker.stopped():
			stopped = _load(worker, seconds)
		return cls(working, stopped)


def _load(worker: _Worker, seconds: float) -> dict[str, float]:
	before, start = _processor_seconds(worker), time.perf_counter()
	time.sleep(seconds)
	after, passed = _processor_seconds(worker), time.perf_counter() - start
	return {
		kind: sum(used - before[kind].get(pid, 0) for pid, used in after[kind].items())
		/ (passed * len(worker.linked))
		* 100
		for kind in after
	}


def _processor_seconds(worker: _Worker) -> dict[str, dict[int, float]]:
	return {
		kind: {process.pid: sum(process.cpu_times()[:2]) for process in processes}
		for kind, processes in worker.processes().items()
	}


# -- at work --


def _sending(worker: _Worker, count: int) -> list[float]:
	"""Seconds from the commit of a message to the send call in the page, each alone."""
	committed: dict[str, float] = {}
	for index in range(count):
		time.sleep(random.uniform(0, PAUSE))
		receipt = outbox.send(worker.host, SendRequest(Text(f"Alone {index}"), CUSTOMER, "Cairo"))
		committed[f"Alone {index}"] = time.time()
		worker.host.db.commit()
		_wait(lambda: worker.is_known("name", receipt.name, "Sent", "Delivered", "Read"), "not sent")  # noqa: B023
	return _call_times(worker.box, committed)


def _call_times(box: Sandbox, committed: dict[str, float]) -> list[float]:
	called = {message["body"]: message["timing"].get("called") for message in box.web.messages(from_me=True)}
	return [called[body] / 1000 - start for body, start in committed.items()]


def _receiving(worker: _Worker, count: int) -> list[float]:
	"""Seconds from the event in the page to its row, seen by another connection."""
	seen: dict[str, float] = {}
	for index in range(count):
		time.sleep(random.uniform(0, PAUSE))
		told = worker.box.web.write(SHOPS["Cairo"], CUSTOMER, text=f"Question {index}")
		_wait(lambda: worker.is_known("remote_id", told["id"], "Received"), "not received")  # noqa: B023
		seen[told["id"]] = time.time()
	return _event_times(worker.box, seen)


def _event_times(box: Sandbox, seen: dict[str, float]) -> list[float]:
	def emitted() -> dict[str, float] | None:
		messages = [message for message in box.web.messages(from_me=False) if message["id"] in seen]
		if not all(message["emitted"] for message in messages):
			return None
		return {message["id"]: message["emitted"][0]["at"] / 1000 for message in messages}

	events = _wait(emitted, "the page did not say when it told")
	return [at - events[message_id] for message_id, at in seen.items()]


def _together(worker: _Worker, names: Sequence[str], count: int) -> float:
	"""Messages per second from the commit of all to the row of the last, each to another person."""
	requests = [
		SendRequest(Text(f"Together {index}"), f"+20101{len(names)}{index:06d}", names[index % len(names)])
		for index in range(count)
	]
	outbox.enqueue(worker.host, requests)
	start = time.perf_counter()
	worker.host.db.commit()
	_wait(lambda: not worker.count("Queued") + worker.count("Sending"), "not all were sent", poll=0.02)
	rate = count / (time.perf_counter() - start)
	if failed := worker.count("Failed") + worker.count("Unknown"):
		raise SystemExit(f"{failed} messages were not sent")
	return rate


@dataclass(frozen=True)
class _Bare:
	sending: list[float]
	receiving: list[float]
	rate: float


def _bare(box: Sandbox, script: BareScript, count: int) -> _Bare:
	started, heard = {}, {}
	for index in range(count):
		time.sleep(random.uniform(0, PAUSE))
		started[f"Bare {index}"] = script.send(CUSTOMER, f"Bare {index}")
	for index in range(count):
		message_id, at = script.hear(CUSTOMER, f"Bare question {index}", random.uniform(0, PAUSE))
		heard[message_id] = at
	start = time.perf_counter()
	for index in range(2 * count):
		script.send(f"+201019{index:06d}", f"Bare together {index}")
	rate = 2 * count / (time.perf_counter() - start)
	return _Bare(_call_times(box, started), _event_times(box, heard), rate)


def _wait(condition: Callable[[], Any], what: str, poll: float = POLL_SECONDS) -> Any:
	"""The value of a condition once it is true. It changes in another process, which tells nobody."""
	deadline = time.monotonic() + PATIENCE
	while not (value := condition()):
		if time.monotonic() > deadline:
			raise SystemExit(f"The benchmark of linked phones waited in vain: {what}")
		time.sleep(poll)
	return value


# -- the tables --


def _rest_table(rest: list[_Rest], weights: list[dict[str, float]], seconds: float) -> Table:
	table = Table(
		title=f"Linked phones at rest for {seconds:.0f} s: % of one core each, beside a stopped worker"
	)
	for heading in ("what", "1 phone", "stopped", f"{len(SHOPS)} phones", "stopped"):
		table.add_column(heading, justify="left" if heading == "what" else "right")
	for kind in rest[0].working:
		table.add_row(kind, *(f"{load[kind]:.1f} %" for one in rest for load in (one.working, one.stopped)))
	sums = [sum(load.values()) for one in rest for load in (one.working, one.stopped)]
	table.add_row("together", *(f"{total:.1f} %" for total in sums))
	names = {
		"RSS": "worker's memory, RSS",
		"PSS": "worker's memory, PSS",
		"browser": "a browser's memory, PSS",
	}
	for key, name in names.items():
		table.add_row(name, f"{weights[0][key]:.0f} MB", "", f"{weights[1][key]:.0f} MB", "")
	further = (weights[1]["browser"] * len(SHOPS) - weights[0]["browser"]) / (len(SHOPS) - 1)
	table.add_row("each further browser's", "", "", f"{further:.0f} MB", "")
	return table


def _work_table(sending: list[float], receiving: list[float], together: list[float], bare: _Bare) -> Table:
	table = Table(title=f"Linked phones at work, {len(sending)} messages alone, {2 * len(sending)} together")
	for heading in ("what", "worker", "bare script", "ratio"):
		table.add_column(heading, justify="left" if heading == "what" else "right")
	for name, times, baseline in (
		("commit to send call, p50 / p95", sending, bare.sending),
		("page's event to row, p50 / p95", receiving, bare.receiving),
	):
		table.add_row(name, _percentiles(times), _percentiles(baseline))
	for count, rate in zip((1, len(SHOPS)), together, strict=True):
		name = f"together through {count} phone{'s' if count > 1 else ''}"
		table.add_row(name, f"{rate:.1f} / s", f"{bare.rate:.1f} / s", f"{rate / bare.rate:.2f}")
	return table


def _percentiles(times: list[float]) -> str:
	cuts = statistics.quantiles(times, n=100)
	return f"{cuts[49] * 1000:.0f} / {cuts[94] * 1000:.0f} ms"


if __name__ == "__main__":
	Console().print(measure(seconds=30, messages=100))
