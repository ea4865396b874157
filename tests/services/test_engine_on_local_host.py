"""The engine's promises, kept on the embedded host."""

import tempfile
import unittest
from pathlib import Path

from whatsapp_integration.host.local import LocalHost
from whatsapp_integration.tests.engine_contract import (
	DEVICE_VALUES,
	SECRET,
	SETTINGS,
	EngineContract,
	MovableClock,
)


class Host(MovableClock, LocalHost):
	pass


class TestEngineOnLocalHost(EngineContract, unittest.TestCase):
	def make_host(self):
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		host = Host(Path(folder.name), secrets={self.device: {"app_secret": SECRET}}, settings=SETTINGS)
		self.addCleanup(host.close)
		host.add_device(self.device, **DEVICE_VALUES)
		return host
