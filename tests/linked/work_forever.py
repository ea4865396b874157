"""The worker of a data folder, for tests that kill it: work_forever.py FOLDER URL

SIGUSR1 breaks every connection to the database, in the middle of whatever its thread does.
"""

import logging
import signal
import sys
from pathlib import Path

import whatsapp_integration.sandbox.web
from whatsapp_integration.cli.data import DataFolder
from whatsapp_integration.cli.engine import Engine
from whatsapp_integration.core.config import Limits, Pacing, Retry, WebConfig
from whatsapp_integration.host import local
from whatsapp_integration.host.base import Settings
from whatsapp_integration.host.local import SqliteDatabase

STAND_IN = Path(whatsapp_integration.sandbox.web.__file__).parent / "static" / "wpp.js"


def open_data(folder: Path, url: str, **web) -> DataFolder:
	"""A data folder whose linked devices talk to the stand-in at `url`, without pauses and limits."""
	web = {"min_free_memory": 0, "boot_seconds": 8.0, **web}
	config = WebConfig(url=f"{url}/web/", wa_js_path=str(STAND_IN), **web)
	overrides = {"pacing": Pacing(typing_speed=0), "limits": Limits(), "ack_seconds": 5.0}
	return DataFolder(
		folder,
		settings=Settings(retry=Retry(attempts=20, base=0.2, ceiling=2), web=config),
		overrides=overrides,
	)


class Breakable(SqliteDatabase):
	"""A connection that is gone at its next statement after `break_all`, as one that a server has dropped."""

	breaks = 0

	def __init__(self, path: Path):
		super().__init__(path)
		self._breaks = Breakable.breaks

	@classmethod
	def break_all(cls) -> None:
		cls.breaks += 1

	def sql(self, *args, **kwargs):
		if self._breaks != Breakable.breaks:
			self._connection.close()
		return super().sql(*args, **kwargs)


def main() -> None:
	logging.basicConfig(format="%(asctime)s %(threadName)s %(message)s")
	engine = Engine(open_data(Path(sys.argv[1]), sys.argv[2]))
	for number in (signal.SIGTERM, signal.SIGINT):
		signal.signal(number, lambda *_: engine.end())
	local.SqliteDatabase = Breakable
	signal.signal(signal.SIGUSR1, lambda *_: Breakable.break_all())
	with engine:
		while not engine.stopped.wait(0.5):
			pass
	sys.exit(1 if engine.error else 0)


if __name__ == "__main__":
	main()
