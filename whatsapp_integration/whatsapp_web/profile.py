"""A browser's profile on disk: whose it is, and in what state a browser finds it."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress
from pathlib import Path

from whatsapp_integration.core.errors import _
from whatsapp_integration.whatsapp_web.errors import ProfileInUse

PRIVATE = 0o700  # who reads a profile is linked to the phone

_SINGLETON_FILES = ("SingletonLock", "SingletonSocket", "SingletonCookie")


class ProfileLock:
	"""Says that a profile is ours, to all processes of this machine and, with flock, to those that share the disk.

	It is the file "<profile>.lock". The kernel lets go of it when its owner dies, however that comes about. The file
	itself stays: removing it would let two owners lock two files of one name.
	"""

	def __init__(self, profile: Path):
		self.path = Path(f"{profile}.lock")
		self._fd: int | None = None

	@property
	def is_held(self) -> bool:
		return self._fd is not None

	def take(self) -> None:
		"""Take it, or raise ProfileInUse."""
		fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
		try:
			fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
		except OSError as err:
			os.close(fd)
			raise ProfileInUse(_("Another process has the profile {0}."), self.path.stem) from err
		self._fd = fd

	def release(self) -> None:
		"""Let go of it, if it is held."""
		if self._fd is not None:
			os.close(self._fd)
			self._fd = None


def make_private_folder(path: Path) -> None:
	"""Make sure of a folder that only its owner can look into."""
	path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
	path.chmod(PRIVATE)


def drop_foreign_lock(profile: Path) -> None:
	"""Remove Chromium's own lock if it names another host, as after a container was made anew.

	Chromium takes such a profile for one in use on that host, and exits. A lock of this host it cleans by itself. Only
	for the holder of the ProfileLock, after it has seen that no process has the profile.
	"""
	try:
		owner = os.readlink(profile / _SINGLETON_FILES[0])  # "<hostname>-<pid>"
	except OSError:
		return
	if owner.rpartition("-")[0] != socket.gethostname():
		for name in _SINGLETON_FILES:
			with suppress(FileNotFoundError):
				(profile / name).unlink()
