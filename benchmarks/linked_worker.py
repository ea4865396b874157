"""The worker that linked.py measures, in a process of its own: linked_worker.py FOLDER URL"""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path

import whatsapp_integration.sandbox.web
from whatsapp_integration.cli.data import DataFolder
from whatsapp_integration.cli.engine import Engine
from whatsapp_integration.core.config import Limits, Pacing, WebConfig
from whatsapp_integration.host.base import Settings

STAND_IN = Path(whatsapp_integration.sandbox.web.__file__).parent / "static" / "wpp.js"


def open_data(folder: Path, url: str) -> DataFolder:
	"""A data folder whose linked devices talk to the stand-in at `url`, without the pauses of a person and limits."""
	web = WebConfig(url=f"{url}/web/", wa_js_path=str(STAND_IN), min_free_memory=0)
	overrides = {"pacing": Pacing(typing_speed=0), "limits": Limits()}
	return DataFolder(folder, settings=Settings(web=web), overrides=overrides)


def main() -> None:
	logging.basicConfig(format="%(asctime)s %(threadName)s %(message)s")
	engine = Engine(open_data(Path(sys.argv[1]), sys.argv[2]))
	for number in (signal.SIGTERM, signal.SIGINT):
		signal.signal(number, lambda *_: engine.end())
	with engine:
		engine.stopped.wait()
	sys.exit(1 if engine.error else 0)


if __name__ == "__main__":
	main()
