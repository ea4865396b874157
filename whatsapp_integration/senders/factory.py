"""Chooses the sender of a device by its mode. The classes are imported when first needed."""

from __future__ import annotations

from importlib import import_module

from whatsapp_integration.core.config import MEMORY, OFFICIAL, UNOFFICIAL, DeviceConfig
from whatsapp_integration.core.errors import Unsupported, _
from whatsapp_integration.senders.base import Sender

_senders = {
	OFFICIAL: "whatsapp_integration.senders.official.OfficialSender",
	MEMORY: "whatsapp_integration.senders.memory.MemorySender",
}


def register(mode: str, dotted: str) -> None:
	"""Make `dotted`, a Sender subclass, the sender of `mode`."""
	_senders[mode] = dotted


def create_sender(device: DeviceConfig) -> Sender:
	"""Make the sender of a device. Raises Unsupported, with the modes there are, for any other mode."""
	dotted = _senders.get(device.mode)
	if dotted is None:
		raise _unknown_mode(device.mode)
	module, _dot, name = dotted.rpartition(".")
	return getattr(import_module(module), name)(device)


def _unknown_mode(mode: str) -> Unsupported:
	modes = ", ".join(_senders)
	if mode == UNOFFICIAL:
		return Unsupported(
			_("Linked devices ({0} mode) are not available in this version. Use one of: {1}."),
			mode,
			modes,
			code="mode",
		)
	return Unsupported(_("There is no mode {0}. Use one of: {1}."), mode, modes, code="mode")
