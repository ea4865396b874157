"""The processes of one browser profile: finding, ending, waiting for and weighing them.

A process belongs to a profile when its command line names the profile's folder, when it was started with our
mark in its environment (chromedriver, the browser's main process), or when it descends from one of these. So they are
found by whoever comes next, also after the Python that started them was killed.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
	from psutil import Process

MARK = "WHATSAPP_INTEGRATION_PROFILE"  # environment variable; its value is the profile's folder

SIGNAL_SECONDS = 5  # a signalled browser writes its data within 0.2 s; a busy machine takes longer
CHILDREN_SECONDS = 1  # a browser's children end with it; one that hangs in a script does not
KILL_SECONDS = 5  # the kernel needs a moment to take a killed process's memory apart


def find_processes(profile: Path) -> list[Process]:
	"""Return the living processes of a profile, parents before their children."""
	import psutil

	found: dict[int, Process] = {}
	for pid in psutil.pids():  # not process_iter: threads would share its cache
		with suppress(psutil.Error):
			if pid not in found and _has_profile(process := psutil.Process(pid), profile):
				found.update({each.pid: each for each in _family(process)})
	return [process for process in found.values() if is_living(process)]


def end_orphans(profile: Path) -> int:
	"""End what an earlier owner of the profile left behind, and return how many processes that was.

	Only for the holder of the profile's lock. Browsers get the chance to write their data first. A process of another
	user can't be ended: it is still found afterwards.
	"""
	orphans = find_processes(profile)
	end_processes(orphans)
	kill_processes(find_processes(profile))
	return len(orphans)


def end_processes(processes: Iterable[Process], seconds: float = SIGNAL_SECONDS) -> None:
	"""End browsers with what belongs to them: by SIGINT, else SIGTERM, waiting `seconds` after each, else SIGKILL.

	SIGINT is what makes Chromium write cookies and localStorage; after SIGKILL they can be lost.
	"""
	processes = list(processes)
	browsers = [process for process in processes if is_browser(process)]
	for number in (signal.SIGINT, signal.SIGTERM):
		_send(browsers, number)
		browsers = wait_ended(browsers, seconds)
	wait_ended([process for process in processes if _is_child(process)], CHILDREN_SECONDS)
	kill_processes(processes)


def kill_processes(processes: Iterable[Process]) -> None:
	"""Kill at once, and return when they are gone."""
	killed = _send(processes, signal.SIGKILL)
	wait_ended(killed, KILL_SECONDS)


def wait_ended(processes: Iterable[Process], seconds: float) -> list[Process]:
	"""Wait until all have ended, `seconds` at most, and return those that live on."""
	end = time.monotonic() + seconds
	processes = list(processes)
	for process in processes:
		_wait(process, max(0.0, end - time.monotonic()))
	return [process for process in processes if is_living(process)]


def is_living(process: Process) -> bool:
	"""A process that ended but that nobody has reaped yet lives no more."""
	import psutil

	try:
		return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
	except psutil.Error:
		return False


def is_browser(process: Process) -> bool:
	"""Tell whether this is the main process of a browser: one that has a profile and is no child of another."""
	arguments = _arguments(process)
	return any(argument.startswith("--user-data-dir=") for argument in arguments) and not _is_child(process)


def used_memory(processes: Iterable[Process]) -> int:
	"""Return the bytes that processes use together, a page shared by three counting for a third in each (PSS).

	Chromium's processes share most of their pages: adding up resident sizes counts those many times.
	"""
	import psutil

	total = 0
	for process in processes:
		with suppress(psutil.Error):
			full = process.memory_full_info()
			total += getattr(full, "pss", full.uss)
	return total


def free_memory() -> int:
	"""Return the bytes that new processes may take without swapping (MemAvailable)."""
	import psutil

	return psutil.virtual_memory().available


def _has_profile(process: Process, profile: Path) -> bool:
	import psutil

	if f"--user-data-dir={profile}" in process.cmdline():
		return True
	with suppress(psutil.AccessDenied):  # the environment is shown to its own user only
		return process.environ().get(MARK) == str(profile)
	return False


def _family(process: Process) -> list[Process]:
	import psutil

	try:
		return [process, *process.children(recursive=True)]
	except psutil.NoSuchProcess:
		return []


def _is_child(process: Process) -> bool:
	return any(argument.startswith("--type=") for argument in _arguments(process))


def _arguments(process: Process) -> list[str]:
	import psutil

	try:
		return process.cmdline()
	except psutil.Error:
		return []


def _send(processes: Iterable[Process], number: int) -> list[Process]:
	"""Signal those that live and may be signalled by us, and return them."""
	import psutil

	sent = []
	for process in processes:
		with suppress(psutil.Error):
			if is_living(process):
				process.send_signal(number)
				sent.append(process)
	return sent


def _wait(process: Process, seconds: float) -> None:
	"""Wait until one process has ended. A pidfd tells it at once, also of a process that is not our child."""
	import psutil

	try:
		fd = os.pidfd_open(process.pid)
	except (AttributeError, OSError):  # gone, or a system without pidfds
		with suppress(psutil.Error):
			process.wait(seconds)
		return
	try:
		poll = select.poll()
		poll.register(fd, select.POLLIN)
		if process.is_running():  # else another process has its number by now
			poll.poll(seconds * 1000)
	finally:
		os.close(fd)
