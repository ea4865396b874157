"""Signed webhook posts to a bench site, side by side with an empty guest POST in the same run.

Measured twice: the answering alone, with the jobs parked in a Redis database of their own and the posts applied
afterwards; and with the bench's worker, if it runs, applying them at the same time on the same processors. Either way
each post has to become exactly one row.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import secrets
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Group
from rich.table import Table

CLIENTS = 8
WORKERS = 2
THREADS = 4  # of each gunicorn worker
WEBHOOK = "/api/method/whatsapp_integration.api.webhook.receive"
EMPTY = "/api/method/ping"
NUMBER_ID = "100000000000001"
PARKING = 14  # number of a Redis database that no worker looks at


def measure(site: str | None, seconds: float, rounds: int) -> Group | str:
	bench = Path(os.environ.get("FRAPPE_BENCH") or Path.home() / "frappe-bench")
	if not bench.is_dir():
		return f"SKIPPED the webhook benchmark: no Frappe bench at {bench}; set FRAPPE_BENCH to run it"
	config = json.loads((bench / "sites" / "common_site_config.json").read_text())
	site = site or config.get("default_site")
	parked = {"FRAPPE_REDIS_QUEUE": f"{config['redis_queue'].rstrip('/')}/{PARKING}"}
	app_secret = secrets.token_hex(16)
	with _device(bench, site, app_secret):
		alone = _rounds(bench, site, app_secret, seconds, rounds, "posts applied afterwards", parked)
		both = _rounds(bench, site, app_secret, seconds, rounds, "the bench's worker applies meanwhile", {})
	return Group(alone, both)


def _rounds(
	bench: Path, site: str, app_secret: str, seconds: float, rounds: int, title: str, env: dict[str, str]
) -> Table:
	posts, runs = _Posts(app_secret), []
	with _gunicorn(bench, env) as port:
		for _round in range(rounds):
			_on_site(bench, site, "count", posts.prefix)  # what the last round left is not this one's work
			empty = _load(port, site, seconds, lambda: (EMPTY, b"", {}))
			webhook = _load(port, site, seconds, posts)
			runs.append((empty, webhook))
	kept = _on_site(bench, site, "count", posts.prefix)
	return _table(title, runs, posts.count, int(kept))


class _Posts:
	"""Makes each post once: a signed text message of its own."""

	def __init__(self, app_secret: str):
		self.prefix = f"wamid.{secrets.token_hex(4)}."
		self.count = 0
		self._secret = app_secret.encode()
		self._lock = threading.Lock()

	def __call__(self) -> tuple[str, bytes, dict[str, str]]:
		with self._lock:
			self.count += 1
			number = self.count
		body = json.dumps(self._payload(number)).encode()
		signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
		return (
			WEBHOOK,
			body,
			{"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"},
		)

	def _payload(self, number: int) -> dict:
		sender = f"2010{number % 500:08d}"
		message = {
			"id": f"{self.prefix}{number}",
			"from": sender,
			"timestamp": str(int(time.time())),
			"type": "text",
		}
		value = {
			"messaging_product": "whatsapp",
			"metadata": {"display_phone_number": "15550001111", "phone_number_id": NUMBER_ID},
			"contacts": [{"profile": {"name": "Mona"}, "wa_id": sender}],
			"messages": [{**message, "text": {"body": "How much is it?"}}],
		}
		return {
			"object": "whatsapp_business_account",
			"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
		}


def _load(port: int, site: str, seconds: float, make: Callable[[], tuple[str, bytes, dict]]) -> list[float]:
	"""Post from several clients for so long; the answer times in seconds. Raises where an answer is not 200."""
	end = time.perf_counter() + seconds
	times: list[float] = []
	failures: list[int] = []

	def client() -> None:
		connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
		while time.perf_counter() < end and not failures:
			path, body, headers = make()
			start = time.perf_counter()
			connection.request("POST", path, body, {"Host": site, **headers})
			response = connection.getresponse()
			response.read()
			times.append(time.perf_counter() - start)
			if response.status != 200:
				failures.append(response.status)

	threads = [threading.Thread(target=client) for _client in range(CLIENTS)]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join()
	if failures:
		raise SystemExit(f"The site answered {failures[0]} instead of 200.")
	return [seconds, *times]


def _table(title: str, runs: list[tuple[list[float], list[float]]], posted: int, kept: int) -> Table:
	table = Table(title=f"Signed webhook posts beside empty guest posts, {CLIENTS} clients; {title}")
	for heading in ("round", "empty POST", "webhook", "ratio", "webhook p50", "webhook p99"):
		table.add_column(heading, justify="right")
	ratios = []
	for number, (empty, webhook) in enumerate(runs, 1):
		rates = [(len(times) - 1) / times[0] for times in (empty, webhook)]
		ratios.append(rates[1] / rates[0])
		percentiles = statistics.quantiles(webhook[1:], n=100)
		table.add_row(
			str(number),
			f"{rates[0]:,.0f} / s",
			f"{rates[1]:,.0f} / s",
			f"{ratios[-1]:.2f}",
			f"{percentiles[49] * 1000:.0f} ms",
			f"{percentiles[98] * 1000:.0f} ms",
		)
	table.caption = f"median ratio {statistics.median(ratios):.2f}; {kept:,} rows from {posted:,} posts"
	return table


@contextmanager
def _gunicorn(bench: Path, env: dict[str, str]) -> Iterator[int]:
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		port = probe.getsockname()[1]
	command = [
		bench / "env/bin/gunicorn", "-b", f"127.0.0.1:{port}", "-w", str(WORKERS), "--threads", str(THREADS),
		"--worker-class", "gthread", "--preload", "-t", "120", "frappe.app:application",
	]  # fmt: skip
	process = subprocess.Popen(command, cwd=bench / "sites", stderr=subprocess.DEVNULL, env=os.environ | env)
	try:
		_wait_for(port, process)
		yield port
	finally:
		process.terminate()
		process.wait()


def _wait_for(port: int, process: subprocess.Popen, seconds: float = 60) -> None:
	end = time.monotonic() + seconds
	while time.monotonic() < end and process.poll() is None:
		with socket.socket() as probe:
			if probe.connect_ex(("127.0.0.1", port)) == 0:
				return
		threading.Event().wait(0.1)
	raise SystemExit("gunicorn did not start.")


@contextmanager
def _device(bench: Path, site: str, app_secret: str) -> Iterator[None]:
	_on_site(bench, site, "add", app_secret)
	try:
		yield
	finally:
		_on_site(bench, site, "remove")


def _on_site(bench: Path, site: str, *arguments: str) -> str:
	script = Path(__file__).with_name("webhook_site.py")
	command = [bench / "env/bin/python", script, site, NUMBER_ID, *arguments]
	done = subprocess.run(command, cwd=bench / "sites", capture_output=True, text=True)
	if done.returncode:
		raise SystemExit(done.stderr)
	return done.stdout.strip()
