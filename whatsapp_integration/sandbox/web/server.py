"""The stand-in of WhatsApp Web as one thing, mounted by sandbox.server."""

from __future__ import annotations

from collections.abc import Callable

from whatsapp_integration.sandbox.http import Later, Request, Response
from whatsapp_integration.sandbox.settings import Settings
from whatsapp_integration.sandbox.web.control import WebControl
from whatsapp_integration.sandbox.web.door import Door
from whatsapp_integration.sandbox.web.linking import Linking
from whatsapp_integration.sandbox.web.phone import WebPhone
from whatsapp_integration.sandbox.web.sending import Sending
from whatsapp_integration.sandbox.web.state import WebState
from whatsapp_integration.sandbox.web.wire import Wire
from whatsapp_integration.sandbox.web.writing import Writing


class Web:
	"""`settings` is asked anew each time; `clock` is the time it thinks it is, seconds since 1970."""

	def __init__(self, settings: Callable[[], Settings], clock: Callable[[], float]):
		self.state = WebState(settings, clock)
		wire = Wire(self.state)
		sending = Sending(self.state, wire)
		linking = Linking(self.state, wire)
		self.control = WebControl(self.state, linking, sending, Writing(self.state, wire, sending))
		phone = WebPhone(self.state, self.control)
		self._door = Door(self.state, linking, sending, self.control, phone)

	def start(self) -> None:
		self.state.timers.start()

	def stop(self) -> None:
		self.state.timers.stop()

	def handle(self, request: Request) -> Response | Later:
		return self._door.handle(request)
