"""What the steps of `try` work on: the sandbox, the engine, and the rows that prove them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whatsapp_integration.cli.data import WatchedHost
from whatsapp_integration.cli.engine import Engine
from whatsapp_integration.cli.waiting import wait_for
from whatsapp_integration.core.messages import Content
from whatsapp_integration.services import outbox
from whatsapp_integration.store import messages
from whatsapp_integration.store import overview as rows

if TYPE_CHECKING:
	from whatsapp_integration.sandbox.server import Sandbox

DEVICE = "sandbox"
CUSTOMER = "+201001234567"
WRONG_NUMBER = "+201000000001"  # the ends are faults of the sandbox: accepted, then failed with 131026
SHAKY_NUMBER = "+201000000002"  # 131000 once, then all is well
SILENT_NUMBER = "+201000000003"  # accepted, but the answer never comes


class NotProven(Exception):
	"""A step's promise does not show in the rows; says what does."""


@dataclass
class Stage:
	"""Used by the main thread. What the steps call a message → its row (`sent`) or its WhatsApp id (`received`)."""

	box: Sandbox
	host: WatchedHost
	engine: Engine
	samples: dict[str, Path]
	patience: float  # seconds for one wait
	started: datetime
	sent: dict[str, str] = field(default_factory=dict)
	received: dict[str, str] = field(default_factory=dict)

	def send(self, label: str, to: str, content: Content, **options: Any) -> outbox.Receipt:
		"""Queue a message and remember its row as `label`."""
		receipt = outbox.send(self.host, outbox.SendRequest(content, to, DEVICE, **options))
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
			row = rows.by_remote_id(self.host.db, DEVICE, self.received[label])
			return row if row and is_ready(row) else None

		found = self._wait(arrived)
		if not found:
			raise NotProven(
				f"{label} of the customer did not arrive whole; webhooks: {rows.count_events(self.host.db)}"
			)
		return found

	def wait(self, condition: Callable[[], Any], otherwise: str) -> Any:
		"""Wait until `condition` says something true. Raises NotProven(otherwise)."""
		found = self._wait(condition)
		if not found:
			raise NotProven(otherwise)
		return found

	def all_rows(self) -> list[dict[str, Any]]:
		"""The messages of this run, oldest first."""
		return rows.find_messages(self.host.db, device=DEVICE, since=self.started)

	def _wait(self, condition: Callable[[], Any]) -> Any:
		"""The last word of `condition`. Raises NotProven at once when the engine has stopped."""
		found = wait_for(lambda: condition() or self.engine.error, self.patience, self.engine.changed)
		if self.engine.error:
			raise NotProven(f"the engine stopped: {self.engine.error}")
		return found


def require(condition: Any, otherwise: str) -> None:
	if not condition:
		raise NotProven(otherwise)
