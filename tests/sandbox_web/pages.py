"""Pages played by plain HTTP, without a browser."""

from __future__ import annotations

from typing import Any

import requests

from whatsapp_integration.sandbox.server import Sandbox

SHOP, CUSTOMER = "201000000001", "201001234567"
CHAT = f"{CUSTOMER}@c.us"


class FakePage:
	def __init__(self, box: Sandbox, name: str = "page-1"):
		self.box = box
		self.name = name
		self.link: dict[str, str] = {}
		self.booted = self.boot()

	def ask(self, call: str, status: int = 200, **data: Any) -> Any:
		reply = requests.post(f"{self.box.url}/web/{call}", json={"page": self.name, **data}, timeout=10)
		assert reply.status_code == status, reply.text
		return reply.json()

	def boot(self) -> dict[str, Any]:
		return self.ask("boot", user_agent="Test", **self.link)

	def show(self, code: str = "ref,static,identity,secret") -> str:
		self.ask("show", code=code)
		return code

	def pull(self) -> list[dict[str, Any]]:
		"""What is to be done, which is done by that."""
		items = self.ask("pull")["items"]
		self.ask("pull", got=[item["seq"] for item in items])
		return items

	def send(self, to: str = CHAT, message_id: str = "3EB0A", **more: Any) -> dict[str, Any]:
		return self.ask("send", id=message_id, to=to, type="chat", body="hello", **more)

	def loaded_again(self, name: str) -> FakePage:
		"""Another load of the page with the same profile."""
		page = FakePage(self.box, name)
		page.link = self.link
		page.booted = page.boot()
		return page


def link(page: FakePage, number: str = SHOP) -> FakePage:
	page.box.web.scan(page.show(f"code of {page.name}"), number)
	(item,) = page.pull()
	page.link = {"session": item["session"], "secret": item["secret"]}
	page.booted = page.boot()
	return page
