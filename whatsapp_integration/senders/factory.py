"""Chooses the sender of a device by its mode. The classes are imported when first needed."""

from __future__ import annotations

from importlib import import_module

from whatsapp_integration.core.config import MEMORY, OFFICIAL, UNOFFICIAL, DeviceConfig
from whatsapp_integration.core.errors import Unsupported, _
from whatsapp_integration.senders.base import Sender

_senders = {
	OFFICIAL: "whatsapp_integration.senders.official.OfficialSender",
	UNOFFICIAL: "whatsapp_integration.senders.unofficial.UnofficialSender",
	MEMORY: "whatsapp_integration.senders.memory.MemorySender",
}


def register(mode: str, dotted: str) -> None:
	"""Make `dotted`, a Sender subclass, the sender of `mode`."""
	_senders[mode] = dotted


def create_sender(device: DeviceConfig) -> Sender:
	"""Make the sender of a device. Raises Unsupported, with the modes there are, for any other mode."""
	return sender_class(device.mode)(device)


def sender_class(mode: str) -> type[Sender]:
	"""The Sender subclass of a mode. Raises Unsupported as `create_sender` does."""
	dotted = _senders.get(mode)
	if dotted is None:
		raise _unknown_mode(mode)
	module, _dot, name = dotted.rpartition(".")
	return getattr(import_module(module), name)


def _unknown_mode(mode: str) -> Unsupported:
	return Unsupported(_("There is no mode {0}. Use one of: {1}."), mode, ", ".join(_senders), code="mode")
