"""Proofs that the steps of both ways of sending share; they raise NotProven."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from whatsapp_integration.cli.stage import Stage, require
from whatsapp_integration.core import status as st

SETTLED = frozenset({st.SENT, st.DELIVERED, st.READ, st.PLAYED, st.FAILED, st.RECEIVED})


def accepted_once(stage: Stage, label: str, row: dict[str, Any]) -> dict[str, Any]:
	"""What the sandbox took as this message: one, under the id that the row has."""
	accepted = stage.accepted(label)
	times = sum(message.get("times_accepted", 1) for message in accepted)
	require(times == 1, f"the sandbox accepted it {times} times")
	require(accepted[0]["id"] == row["remote_id"], "the row has another WhatsApp id than the sandbox")
	return accepted[0]


def wait_file(stage: Stage, label: str, kind: str, original: bytes) -> str:
	"""Wait until a file of the customer's is kept, byte for byte, with its caption "Here it is"."""
	row = stage.wait_received(label, lambda row: row["media_state"] not in ("Pending", None))
	require(row["media_state"] == "Stored", f"the file is {row['media_state']}: {row['error_text']}")
	arrived = (row["message_type"], row["body"])
	require(arrived == (kind, "Here it is"), f"it arrived as {row['message_type']}: {row['body']}")
	content = stage.read_file(row)
	digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
	require(content == original and digest == row["media_sha256"], "the kept file is another one")
	return f"row {row['status']}, file {row['media_state']}, {describe_bytes(content)}"


def all_settled(stage: Stage) -> list[dict[str, Any]]:
	"""The rows of this run, of which none may be open."""
	found = stage.all_rows()
	left = [row["name"] for row in found if row["status"] not in SETTLED]
	require(not left, f"not settled: {', '.join(left)}")
	return found


def describe_bytes(content: bytes) -> str:
	return f"{len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()[:12]}"
