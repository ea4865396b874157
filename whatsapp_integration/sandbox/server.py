"""The sandbox as one thing: in a thread of a test, or in the foreground of a terminal."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from whatsapp_integration.sandbox import defaults
from whatsapp_integration.sandbox.control import Control
from whatsapp_integration.sandbox.faults import Faults
from whatsapp_integration.sandbox.front import Front
from whatsapp_integration.sandbox.graph import Graph
from whatsapp_integration.sandbox.http import Later, Request, Response
from whatsapp_integration.sandbox.ladder import Ladder
from whatsapp_integration.sandbox.phone import Phone
from whatsapp_integration.sandbox.replies import Replies
from whatsapp_integration.sandbox.sending import Sending
from whatsapp_integration.sandbox.settings import Settings
from whatsapp_integration.sandbox.state import State
from whatsapp_integration.sandbox.web.server import Web
from whatsapp_integration.sandbox.webhooks import Webhooks


class Sandbox:
	"""A stand-in of the Cloud API on `url`, with a phone page at the same address, and of WhatsApp Web on `url`/web/.

	`settings` are those of settings.Settings (callback_url, app_secret, latency, mps …); `clock` is the time it thinks
	it is. Use it in a `with`, or call start() and stop().
	"""

	def __init__(
		self,
		host: str = defaults.HOST,
		port: int = 0,
		clock: Callable[[], float] = time.time,
		**settings: Any,
	):
		self.state = State(Settings().changed(settings), clock)
		self.faults = Faults()
		self.webhooks = Webhooks(self.state)
		ladder = Ladder(self.state, self.webhooks)
		self.control = Control(
			self.state, self.webhooks, ladder, Replies(self.state, self.webhooks), self.faults
		)
		self._graph = Graph(self.state, Sending(self.state, ladder, self.faults), self.faults)
		self._phone = Phone(self.state)
		self._web = Web(lambda: self.state.settings, clock)
		self.web = self._web.control
		self._front = Front(self.handle, host, port)
		self.state.listeners.append(self._front.announce)
		self._web.state.listeners.append(self._front.announce)

	def __enter__(self) -> Sandbox:
		self.start()
		return self

	def __exit__(self, *exc_info: object) -> None:
		self.stop()

	def start(self) -> None:
		"""Raises OSError when the port is taken."""
		self._front.start()
		self.webhooks.start()
		self._web.start()

	def stop(self) -> None:
		self._front.stop()
		self.webhooks.close()
		self._web.stop()

	@property
	def url(self) -> str:
		"""The address to use as graph_url; the phone page is there too."""
		host = self._front.host if self._front.host not in ("0.0.0.0", "::") else "127.0.0.1"
		return f"http://{host}:{self._front.port}"

	def handle(self, request: Request) -> Response | Later:
		"""One request of any kind; `latency` holds back the Graph API's answers only."""
		if request.path == "/" or request.path.startswith(("/static/", "/phone/", "/favicon")):
			return self._phone.handle(request)
		if (request.path + "/").startswith(("/web/", "/sandbox/web/")):
			return self._web.handle(request)
		if request.path.startswith("/sandbox"):
			return self.control.handle(request)
		return self._slowed(self._graph.handle(request))

	def _slowed(self, response: Response | Later) -> Response | Later:
		latency = self.state.settings.latency
		if not latency or isinstance(response, Later) or response.ending:
			return response
		return response.later(latency)

	def configure(self, **values: Any) -> None:
		"""Change settings while it runs. Raises ValueError on an unknown one."""
		self.control.configure(values)

	def messages(self, **filters: Any) -> list[dict[str, Any]]:
		"""Accepted messages, oldest first; filters: to, callback_data, incoming."""
		return self.control.messages(**filters)

	def stats(self) -> dict[str, Any]:
		return self.control.stats()

	def reply(self, customer: str, **what: Any) -> dict[str, Any]:
		"""Let a customer write, for example `reply("+201001234567", text="hello")`; all keys in replies.Replies."""
		return self.control.reply({"from": customer, **what})

	def read(self, customer: str) -> int:
		"""Let the customer open the chat; returns how many read receipts go out."""
		return self.control.read(customer)["read"]

	def status(self, message_id: str, status: str, code: int = 131000) -> None:
		self.control.status(message_id, status, code)

	def replay(self, message_id: str, times: int = 1) -> int:
		"""Post every past webhook about this message again; returns how many posts."""
		return self.control.replay(message_id, times)["posts"]

	def webhook(self, field: str, value: dict[str, Any]) -> None:
		"""Post any other webhook, for example `webhook("message_template_status_update", {…})`."""
		self.control.webhook(field, value)

	def fault(self, **data: Any) -> None:
		"""Switch a fault on: code or kind, times, probability, to, on (faults.Fault)."""
		self.control.add_fault(data)

	def clear_faults(self) -> None:
		self.control.clear_faults()

	def add_template(self, template: dict[str, Any]) -> dict[str, Any]:
		return self.control.add_template(template)

	def reset(self) -> None:
		self.control.reset()
		self.web.reset()

	def wait_for(self, condition: Callable[[], Any], timeout: float = 5) -> Any:
		"""Wait until `condition()` is true after some change of the sandbox; returns its value, false at the time limit."""
		with self.state.changed:
			return self.state.changed.wait_for(condition, timeout)

	def wait_idle(self, timeout: float = 5) -> bool:
		"""Wait until every webhook was delivered or given up."""
		return self.webhooks.wait_idle(timeout)


def _say(text: str) -> None:
	print(text, flush=True)


def run(
	host: str = defaults.HOST,
	port: int = defaults.PORT,
	echo: Callable[[str], Any] = _say,
	**settings: Any,
) -> None:
	"""Serve until SIGINT or SIGTERM. Read receipts come from the phone page unless `auto_read` is given."""
	stopped = threading.Event()
	previous = {
		number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)
	}
	try:
		with Sandbox(host, port, **{"auto_read": False, **settings}) as box:
			echo(describe(box))
			stopped.wait()
	finally:
		for number, handler in previous.items():
			signal.signal(number, handler)


def describe(box: Sandbox) -> str:
	"""What a person needs to know to use a running sandbox."""
	settings = box.state.settings
	return "\n".join(
		(
			f"Phone page        {box.url}/",
			f"WhatsApp Web      {box.url}/web/ (its phones: {box.url}/web/phone)",
			f"Graph URL         {box.url}",
			f"Phone number      {settings.phone_number}",
			f"Phone number ID   {settings.phone_number_id}",
			f"Account (WABA) ID {settings.waba_id}",
			f"Access token      {settings.access_token}",
			f"App secret        {settings.app_secret}",
			f"Verify token      {settings.verify_token}",
			f"Webhook           {settings.callback_url or 'none yet: connect a device, or POST /sandbox/config'}",
			"Ctrl+C stops it.",
		)
	)
