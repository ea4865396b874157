import pytest

from whatsapp_integration.core.config import DeviceConfig
from whatsapp_integration.core.errors import Unsupported
from whatsapp_integration.senders import factory
from whatsapp_integration.senders.base import Sender
from whatsapp_integration.senders.factory import create_sender, register
from whatsapp_integration.senders.memory import MemorySender
from whatsapp_integration.senders.official import OfficialSender
from whatsapp_integration.senders.unofficial import UnofficialSender


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
	monkeypatch.setattr(factory, "_senders", dict(factory._senders))


@pytest.mark.parametrize(
	("mode", "cls"),
	[("Official", OfficialSender), ("Unofficial", UnofficialSender), ("Memory", MemorySender)],
)
def test_the_mode_of_the_device_chooses_its_sender(mode, cls):
	device = DeviceConfig("Sales", mode=mode)
	sender = create_sender(device)
	assert type(sender) is cls
	assert sender.device is device


def test_a_wrong_mode_lists_the_right_ones():
	with pytest.raises(Unsupported) as caught:
		create_sender(DeviceConfig("Sales", mode="official"))
	assert str(caught.value) == "There is no mode official. Use one of: Official, Unofficial, Memory."


class PostalSender(Sender):
	MODE = "Post"
	KINDS = frozenset()

	def _deliver(self, message):
		raise NotImplementedError


def test_a_registered_mode_is_imported_when_first_used():
	register("Lost", "no.such.module.Sender")
	register("Post", f"{__name__}.PostalSender")
	assert type(create_sender(DeviceConfig("Sales", mode="Post"))).__name__ == "PostalSender"
	with pytest.raises(ImportError):
		create_sender(DeviceConfig("Sales", mode="Lost"))


def test_a_sender_says_loudly_what_it_can_not_do():
	with pytest.raises(Unsupported, match="Post mode does not support marking as read"):
		PostalSender(DeviceConfig("Sales")).mark_read("wamid.1")
