"""The steps of `try` with a phone that is linked through the stand-in of WhatsApp Web, in a real browser."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whatsapp_integration.cli.proofs import accepted_once, all_settled, describe_bytes, wait_file
from whatsapp_integration.cli.stage import (
	BRANCH_NUMBER,
	CUSTOMER,
	NOBODYS_NUMBER,
	LinkedStage,
	require,
)
from whatsapp_integration.core import status as st
from whatsapp_integration.core.errors import InvalidRequest
from whatsapp_integration.core.messages import Document, Media, Text
from whatsapp_integration.services import devices
from whatsapp_integration.store import chats
from whatsapp_integration.whatsapp_web.processes import find_processes

if TYPE_CHECKING:
	from psutil import Process

Step = tuple[str, Callable[[LinkedStage], str]]

BROWSER_SECONDS = 90  # a browser that starts on a busy machine
PROFILE_NAME = "Cairo Branch"
ACK_READ = 3  # as WhatsApp Web counts ticks


def linked_steps() -> list[Step]:
	"""What is done, in order: what it is called, and the function that does and proves it."""
	return [
		("A phone is linked by QR code", link),
		("Sent by the phone: a text, with its ticks", prove_text),
		("Sent by the phone: a PDF, whole", prove_pdf),
		("An answer arrives", receive_answer),
		("Received by the phone: an image", receive_image),
		("A number that is not on WhatsApp fails for good", prove_nobody),
		("The worker is stopped and started: no new QR code", prove_restart),
		("Nothing went twice, nothing was told to others", prove_end),
		("The worker ends and leaves no browser", prove_no_browser),
	]


def link(stage: LinkedStage) -> str:
	"""The code that the page shows is the one that people are shown, and it is taken back at once."""
	stage.box.web.add_account(BRANCH_NUMBER, PROFILE_NAME)
	stage.wait(lambda: _has_worker(stage), "no worker says that it is alive")
	devices.relink(
		stage.host, stage.device
	)  # a session that an earlier run kept belongs to a sandbox that is gone
	stage.host.db.commit()
	code = stage.wait(
		lambda: stage.host.link_code(stage.device), lambda: f"no code came; {_tell(stage)}", BROWSER_SECONDS
	)
	require(not code.is_pairing_code and _shown(stage) == [code.code], "the page shows another code")
	stage.box.web.scan(code.code, BRANCH_NUMBER)
	row = _wait_state(stage, "Connected")
	known = (row["linked_name"], row["phone_number"], bool(row["linked_since"]))
	require(known == (PROFILE_NAME, BRANCH_NUMBER, True), f"the device knows {known}")
	require(stage.host.link_code(stage.device) is None, "the code can still be read")
	require(len(stage.box.web.companions(BRANCH_NUMBER)) == 1, "the phone does not list one linked browser")
	return f"device {row['status']}, {row['linked_name']} {row['phone_number']}, code taken back"


def prove_text(stage: LinkedStage) -> str:
	text = "Your order is on its way: https://example.com/orders/1 شكرًا"
	stage.send("nobody", NOBODYS_NUMBER, Text("Is anybody there?"))  # asked for twice, with time between
	stage.send("text", CUSTOMER, Text(text))
	row, accepted = _wait_read(stage, "text")
	require(accepted["body"] == text, f"it arrived as {accepted['body']}")
	require(accepted["link_preview"] is False, "a link preview was asked for")
	return f"Sent, Delivered, {row['status']}; accepted once, without a link preview"


def prove_pdf(stage: LinkedStage) -> str:
	invoice = Media(file=stage.host.add_file(stage.samples["invoice.pdf"]))
	stage.send("pdf", CUSTOMER, Document(invoice, "Your invoice"))
	row, accepted = _wait_read(stage, "pdf")
	content = stage.read_file(row)
	require(accepted["sha256"] == hashlib.sha256(content).hexdigest(), "the sandbox has another file")
	about = (accepted["type"], accepted["filename"], accepted["caption"])
	require(about == ("document", "invoice.pdf", "Your invoice"), f"it arrived as {about}")
	return f"{row['status']}, {accepted['filename']}, {describe_bytes(content)}"


def receive_answer(stage: LinkedStage) -> str:
	text = "Thank you! شكرًا"
	stage.received["answer"] = _write(stage, text=text, quoted=stage.row("text")["remote_id"])
	row = stage.wait_received("answer")
	require((row["status"], row["body"]) == (st.RECEIVED, text), f"the row is {row['status']}: {row['body']}")
	require(row["reply_to_id"] == stage.row("text")["remote_id"], "it does not quote our text")
	require(row["chat"] == stage.row("text")["chat"], "it is in another chat")
	title = chats.get(stage.host.db, row["chat"])["title"]
	require(title == "Sara", f"the chat is called {title}")
	return f"row {row['status']} in the chat of {title}, quotes our text"


def receive_image(stage: LinkedStage) -> str:
	original = stage.samples["photo.png"].read_bytes()
	data = base64.b64encode(original).decode()
	image = {"data": data, "mime_type": "image/png", "caption": "Here it is"}
	stage.received["image"] = _write(stage, image=image)
	return wait_file(stage, "image", "image", original)


def prove_nobody(stage: LinkedStage) -> str:
	row = stage.wait_status("nobody", st.FAILED)
	require(row["error_code"] == "not_on_whatsapp", f"the error is {row['error_code']}: {row['error_text']}")
	require(row["attempts"] == 2 and not stage.accepted("nobody"), f"{row['attempts']} attempts")
	return f"{row['status']} when it was asked for twice: {row['error_text']}"


def prove_restart(stage: LinkedStage) -> str:
	"""What is queued while no worker runs leaves when the next one is there."""
	before = stage.box.web.companions(BRANCH_NUMBER)
	_stop_worker(stage)
	stage.send("queued", CUSTOMER, Text("The worker slept, this did not get lost."))
	require(stage.row("queued")["status"] == st.QUEUED, "the row is not Queued")
	stage.room.restart()
	_wait_state(stage, "Connected", lambda: require(not _codes(stage), "a new code was shown"))
	after = stage.box.web.companions(BRANCH_NUMBER)
	require(list(map(_identity, after)) == list(map(_identity, before)), "the phone lists other browsers")
	require(after[0]["page"] != before[0]["page"], "the browser was not started again")
	row, _accepted = _wait_read(stage, "queued")
	return f"linked as before, what waited is {row['status']}, accepted once"


def prove_end(stage: LinkedStage) -> str:
	found = all_settled(stage)
	outgoing = [row for row in found if row["direction"] == "Outgoing"]
	sent = sorted(row["remote_id"] for row in outgoing if row["status"] != st.FAILED)
	taken = stage.taken()
	require(
		sorted(message["id"] for message in taken) == sent, "the sandbox took other messages than were sent"
	)
	twice = [message["id"] for message in taken if message["times_accepted"] != 1]
	require(not twice, f"accepted twice: {', '.join(twice)}")
	previews = [message["id"] for message in taken if message["link_preview"]]
	require(not previews, f"link previews of {', '.join(previews)}")
	leaks = stage.box.web.leaks()
	require(not leaks, f"told to others: {leaks}")
	return f"{len(found)} rows, {len(taken)} messages at the sandbox, one each; 0 leaks, 0 link previews"


def prove_no_browser(stage: LinkedStage) -> str:
	return f"{_stop_worker(stage)} processes of the browser ended, device {stage.phone()['status']}"


def _write(stage: LinkedStage, **what: Any) -> str:
	return stage.box.web.write(BRANCH_NUMBER, CUSTOMER, name="Sara", **what)["id"]


def _wait_read(stage: LinkedStage, label: str) -> tuple[dict[str, Any], dict[str, Any]]:
	"""The row of a message that was read, and what the sandbox took as it."""
	row = stage.wait_status(label, st.READ)
	accepted = accepted_once(stage, label, row)
	require(row["sent_at"] and row["delivered_at"] and row["read_at"], "a tick has no time")
	require(accepted["ack"] == ACK_READ, f"the sandbox counts {accepted['ack']} ticks")
	return row, accepted


def _wait_state(stage: LinkedStage, state: str, check: Callable[[], object] = lambda: None) -> dict[str, Any]:
	"""The device's row when it is in this state; `check` has to hold all the time."""

	def reached() -> dict[str, Any] | None:
		check()
		row = stage.phone()
		return row if row["status"] == state else None

	return stage.wait(reached, lambda: _tell(stage), BROWSER_SECONDS)


def _stop_worker(stage: LinkedStage) -> int:
	"""Stop the worker with its browser; returns how many processes that ended, all of them."""
	running = _processes(stage)
	require(running, "there is no browser to be stopped")
	stage.room.engine.stop()
	left = _processes(stage)
	require(not left, f"{len(left)} processes are left: {left}")
	require(stage.phone()["status"] == "Disconnected", _tell(stage))
	return len(running)


def _processes(stage: LinkedStage) -> list[Process]:
	"""All of the profiles below the data folder, whichever device they belong to."""
	profiles = Path(os.path.abspath(stage.host.settings().web.folder)) / "profiles"
	folders = [path for path in profiles.iterdir() if path.is_dir() and not path.suffix]
	return [process for folder in folders for process in find_processes(folder)]


def _has_worker(stage: LinkedStage) -> bool:
	try:
		devices.require_worker(stage.host)
	except InvalidRequest:
		return False
	return True


def _shown(stage: LinkedStage) -> list[str]:
	return [page["code"] for page in stage.box.web.codes()]


def _codes(stage: LinkedStage) -> list[Any]:
	return [*_shown(stage), *filter(None, [stage.host.link_code(stage.device)])]


def _identity(companion: dict[str, Any]) -> tuple:
	return tuple(companion[key] for key in ("session", "account", "device", "linked_at"))


def _tell(stage: LinkedStage) -> str:
	row = stage.phone()
	return f"the device is {row['status']} {row['status_reason'] or ''}".strip()
