"""Kills parts of a running whatsapp-worker, one after the other, and counts what became of the messages."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path


def processes_of(profiles: Path, *, kind: str = "") -> list:
	"""The living processes of the browsers below a folder of profiles: all, or those of a kind ("renderer", "browser")."""
	import psutil

	found = []
	for process in psutil.process_iter(["cmdline", "status"]):
		line = " ".join(process.info["cmdline"] or ())
		if str(profiles) not in line or process.info["status"] == psutil.STATUS_ZOMBIE:
			continue
		own = line.partition("--type=")[2].partition(" ")[0] or "browser"
		if kind in ("", own):
			found.append(process)
	return found


def chromedrivers_of(profiles: Path) -> list:
	"""The drivers whose children are these browsers."""
	import psutil

	parents = []
	for process in processes_of(profiles):
		try:
			parent = process.parent()
		except psutil.Error:
			continue
		if parent and "chromedriver" in parent.name():
			parents.append(parent)
	return parents


def kill(processes: Iterable, number: int = signal.SIGKILL) -> bool:
	"""Send a signal to each that still lives; was there any?"""
	import psutil

	hit = False
	for process in processes:
		try:
			process.send_signal(number)
			hit = True
		except psutil.Error:
			continue
	return hit


def kill_browser(profiles: Path) -> bool:
	return kill(processes_of(profiles, kind="browser"))


def kill_tab(profiles: Path) -> bool:
	return kill(processes_of(profiles, kind="renderer"))


def kill_chromedriver(profiles: Path) -> bool:
	return kill(chromedrivers_of(profiles))


def run_until_sent(
	blows: list[Callable[[], object]],
	count_waiting: Callable[[], int],
	wait_progress: Callable[[int], object],
	*,
	messages: int,
	chance: random.Random,
) -> Counter:
	"""Strike at random moments until nothing waits; every blow falls in turn. Returns how often each did."""
	struck: Counter = Counter()
	turn = 0
	while left := count_waiting():
		# On the average each blow falls twice in the run.
		pause = chance.randint(1, max(1, messages // (2 * len(blows))))
		wait_progress(max(0, left - pause))
		if not count_waiting():
			break
		blow = blows[turn % len(blows)]
		blow()
		struck[blow.__name__] += 1
		turn += 1
	return struck
