"""What the steps of `try` work on: the sandbox, the engine, and the rows that prove them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whatsapp_integration.cli.data import WatchedHost
from whatsapp_integration.cli.engine import EngineRoom
from whatsapp_integration.cli.waiting import wait_for
from whatsapp_integration.core.messages import Content
from whatsapp_integration.services import outbox
from whatsapp_integration.store import messages
from whatsapp_integration.store import overview as rows

if TYPE_CHECKING:
	from whatsapp_integration.sandbox.server import Sandbox

DEVICE = "sandbox"  # speaks to the Cloud API
BRANCH = "branch"  # a linked phone …
BRANCH_NUMBER = "+201111111111"  # … of this number
CUSTOMER = "+201001234567"
WRONG_NUMBER = "+201000000001"  # the ends are faults of the sandbox: accepted, then failed with 131026
SHAKY_NUMBER = "+201000000002"  # 131000 once, then all is well
SILENT_NUMBER = "+201000000003"  # accepted, but the answer never comes
NOBODYS_NUMBER = "+201000000404"  # not on WhatsApp


class NotProven(Exception):
	"""A step's promise does not show in the rows; says what does."""


@dataclass
class Stage:
	"""One device and its sandbox, used by the main thread.

	What the steps call a message → its row (`sent`) or its WhatsApp id (`received`).
	"""

	box: Sandbox
	host: WatchedHost
	room: EngineRoom
	samples: dict[str, Path]
	patience: float  # seconds for one wait
	started: datetime
	device: str = DEVICE
	sent: dict[str, str] = field(default_factory=dict)
	received: dict[str, str] = field(default_factory=dict)

	def send(self, label: str, to: str, content: Content, **options: Any) -> outbox.Receipt:
		"""Queue a message and remember its row as `label`."""
		receipt = outbox.send(self.host, outbox.SendRequest(content, to, self.device, **options))
		self.host.db.commit()
		self.sent[label] = receipt.name
		return receipt

	def row(self, label: str) -> dict[str, Any]:
		"""The present row of a message that was sent."""
		name = self.sent[label]
		return messages.get(self.host.db, [name], "*")[name]

	def accepted(self, label: str) -> list[dict[str, Any]]:
		"""What the sandbox took as this message, found by the callback data: one item if all is well."""
		return self.box.messages(callback_data=self.sent[label])

	def wait_status(self, label: str, status: str) -> dict[str, Any]:
		"""Wait until a row has this status."""

		def reached() -> dict[str, Any] | None:
			row = self.row(label)
			return row if row["status"] == status else None

		found = self._wait(reached)
		if not found:
			row = self.row(label)
			told = f"{row['error_code']}: {row['error_text']}" if row["error_text"] else "without an error"
			raise NotProven(f"the row is {row['status']} instead of {status}, {told}")
		return found

	def wait_received(self, label: str, is_ready: Callable[[dict], Any] = lambda row: True) -> dict[str, Any]:
		"""Wait until what the customer wrote is a row, and `is_ready`."""

		def arrived() -> dict[str, Any] | None:
			row = rows.by_remote_id(self.host.db, self.device, self.received[label])
			return row if row and is_ready(row) else None

		found = self._wait(arrived)
		if not found:
			raise NotProven(f"{label} of the customer did not arrive whole; {self._describe_arrivals()}")
		return found

	def read_file(self, row: dict[str, Any]) -> bytes:
		"""The file that a row names."""
		with open(self.host.open_file(row["attachment"]).path, "rb") as file:
			return file.read()

	def wait(
		self, condition: Callable[[], Any], otherwise: str | Callable[[], str], seconds: float = 0
	) -> Any:
		"""Wait until `condition` says something true, with as much patience as for any step or `seconds` if that is more.

		Raises NotProven(otherwise).
		"""
		found = self._wait(condition, seconds)
		if not found:
			raise NotProven(otherwise if isinstance(otherwise, str) else otherwise())
		return found

	def all_rows(self) -> list[dict[str, Any]]:
		"""The messages of this run, oldest first."""
		return rows.find_messages(self.host.db, device=self.device, since=self.started)

	def _describe_arrivals(self) -> str:
		return f"webhooks: {rows.count_events(self.host.db)}"

	def _wait(self, condition: Callable[[], Any], seconds: float = 0) -> Any:
		"""The last word of `condition`. Raises NotProven at once when the engine has stopped."""
		engine = self.room.engine
		found = wait_for(lambda: condition() or engine.error, max(self.patience, seconds), engine.changed)
		if engine.error:
			raise NotProven(f"the engine stopped: {engine.error}")
		return found


class LinkedStage(Stage):
	"""The linked phone, on the stand-in of WhatsApp Web."""

	def accepted(self, label: str) -> list[dict[str, Any]]:
		"""What the sandbox took as this message, found by the id that was chosen for it beforehand."""
		return self.taken(id=self.row(label)["remote_id"])

	def taken(self, **filters: Any) -> list[dict[str, Any]]:
		"""What the sandbox took from linked browsers, with how many times it took each (`times_accepted`)."""
		return self.box.web.messages(account=BRANCH_NUMBER, from_me=True, from_phone=False, **filters)

	def phone(self) -> dict[str, Any]:
		"""The present row of the device."""
		return rows.find_device(self.host.db, self.device)

	def _describe_arrivals(self) -> str:
		return f"the device is {self.phone()['status']}"


def require(condition: Any, otherwise: str) -> None:
	if not condition:
		raise NotProven(otherwise)
