"""The steps of `try`. Each proves one promise from the rows, and says how; it raises NotProven otherwise."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from whatsapp_integration.cli.proofs import accepted_once, all_settled, describe_bytes, wait_file
from whatsapp_integration.cli.samples import contents
from whatsapp_integration.cli.stage import (
	CUSTOMER,
	DEVICE,
	SHAKY_NUMBER,
	SILENT_NUMBER,
	WRONG_NUMBER,
	NotProven,
	Stage,
	require,
)
from whatsapp_integration.core import status as st
from whatsapp_integration.core.messages import CONTENTS, MEDIA_KINDS, Document, Media, Text
from whatsapp_integration.services import devices
from whatsapp_integration.store import chats
from whatsapp_integration.store import overview as rows

Step = tuple[str, Callable[[Stage], str]]

API_TYPES = {"voice": "audio", **dict.fromkeys(("buttons", "list", "cta_url", "flow"), "interactive")}
SCHEDULE_SECONDS = 3
MIME_TYPES = {"photo.png": "image/png", "invoice.pdf": "application/pdf"}


def all_steps() -> list[Step]:
	"""What is done, in order: what it is called, and the function that does and proves it."""
	return [
		("Device connected, webhooks subscribed", connect),
		("A customer writes first", receive_text),
		("All messages are queued", queue_all),
		*((f"Sent: {kind}", partial(prove_kind, kind)) for kind in CONTENTS),
		("Sent: a PDF, whole", prove_pdf),
		("The same idempotency key twice sends once", prove_key),
		("A scheduled message leaves in its time", prove_schedule),
		("A passing error is retried", prove_retry),
		("An error for good fails, once", prove_failure),
		("Received: an image", partial(prove_media, "photo.png")),
		("Received: a document", partial(prove_media, "invoice.pdf")),
		("A webhook posted three times more changes nothing", prove_replay),
		("No answer: the outcome is unknown, nothing is resent", prove_unknown),
		("The status by webhook settles it", prove_reconciled),
		("Nothing is left over, nothing went twice", prove_end),
	]


def connect(stage: Stage) -> str:
	report = devices.connect(stage.host, DEVICE)
	stage.host.db.commit()
	failed = [f"{check.label}: {check.detail} {check.advice}" for check in report.checks if not check.ok]
	require(not failed, "; ".join(failed))
	row = next(row for row in rows.all_devices(stage.host.db) if row["name"] == DEVICE)
	require(row["status"] == "Connected" and row["verified_name"], f"the device is {row['status']}")
	number = f"{row['verified_name']} {row['display_phone_number']}"
	return f"device {row['status']}, {number}, {len(report.checks)} checks"


def receive_text(stage: Stage) -> str:
	text = "Hello, is my order ready? مرحبًا"
	stage.received["hello"] = stage.box.reply(CUSTOMER, text=text, name="Sara")["id"]
	row = stage.wait_received("hello")
	require(
		(row["status"], row["body"]) == (st.RECEIVED, text), f"the row says {row['status']}: {row['body']}"
	)
	chat = chats.get(stage.host.db, row["chat"])
	require(
		chat["title"] == "Sara" and chat["window_end"] > stage.host.now(),
		"the chat does not know Sara's window",
	)
	return f"row {st.RECEIVED}, chat of {chat['title']}, service window open"


def queue_all(stage: Stage) -> str:
	"""All at once, the one that must wait first; the later steps look at one each."""
	references = {name: stage.host.add_file(path) for name, path in stage.samples.items()}
	send_at = stage.host.now() + timedelta(seconds=SCHEDULE_SECONDS)
	stage.send("scheduled", CUSTOMER, Text("I was scheduled."), send_at=send_at)
	for kind, content in contents(references, stage.received["hello"]).items():
		stage.send(kind, CUSTOMER, content)
	invoice = Media(file=references["invoice.pdf"])
	stage.send("pdf", CUSTOMER, Document(invoice, "Your invoice"), reply_to=stage.received["hello"])
	stage.send("failing", WRONG_NUMBER, Text("Nobody reads this."))
	stage.send("retried", SHAKY_NUMBER, Text("Second time lucky."))
	key = f"try-{stage.sent['pdf']}"
	first = stage.send("keyed", CUSTOMER, Text("Only once, please."), idempotency_key=key)
	second = stage.send("keyed", CUSTOMER, Text("Only once, please."), idempotency_key=key)
	require(second.is_duplicate and second.name == first.name, "the second call made a message of its own")
	queued = len(set(stage.sent.values()))
	found = [row for row in stage.all_rows() if row["direction"] == "Outgoing"]
	require(len(found) == queued, f"{len(found)} rows for {queued} messages")
	return f"{queued} outgoing rows"


def prove_kind(kind: str, stage: Stage) -> str:
	"""Meta tells only "sent" of a reaction; all else is read."""
	row = stage.wait_status(kind, st.SENT if kind == "reaction" else st.READ)
	accepted = accepted_once(stage, kind, row)
	api_type = API_TYPES.get(kind, kind)
	require(accepted["type"] == api_type, f"it arrived as {accepted['type']}")
	if kind in MEDIA_KINDS:
		_same_file(stage, row, accepted)
	return f"{row['status']}, accepted once as {api_type}{', same bytes' if kind in MEDIA_KINDS else ''}"


def prove_pdf(stage: Stage) -> str:
	row = stage.wait_status("pdf", st.READ)
	accepted = accepted_once(stage, "pdf", row)
	content = _same_file(stage, row, accepted)
	require(content.startswith(b"%PDF-") and accepted["message"]["filename"] == "invoice.pdf", "it is no PDF")
	require(accepted["context"] == stage.received["hello"], "it does not quote the customer")
	return f"{row['status']}, invoice.pdf, {describe_bytes(content)}, quotes the customer"


def prove_key(stage: Stage) -> str:
	row = stage.wait_status("keyed", st.READ)
	same = [found for found in stage.all_rows() if found["idempotency_key"] == row["idempotency_key"]]
	require(len(same) == 1, f"{len(same)} rows have the key")
	accepted_once(stage, "keyed", row)
	return f"one row with the key, {row['status']}, accepted once"


def prove_schedule(stage: Stage) -> str:
	row = stage.wait_status("scheduled", st.READ)
	late = (row["sent_at"] - row["send_at"]).total_seconds()
	require(late >= 0, f"it left {-late:.1f} s too early")
	accepted = accepted_once(stage, "scheduled", row)
	require(accepted["time"] >= stage.host.to_unix(row["send_at"]), "the sandbox had it before its time")
	return f"due {row['send_at']:%H:%M:%S}, sent {late:.1f} s later"


def prove_retry(stage: Stage) -> str:
	row = stage.wait_status("retried", st.READ)
	require(
		row["attempts"] == 2 and not row["error_text"], f"{row['attempts']} attempts, {row['error_text']}"
	)
	accepted_once(stage, "retried", row)
	return f"131000, then {row['status']} with attempt {row['attempts']}, accepted once"


def prove_failure(stage: Stage) -> str:
	row = stage.wait_status("failing", st.FAILED)
	require(
		row["error_code"] == "131026" and row["advice"], f"the error is {row['error_code']}, {row['advice']}"
	)
	require(row["attempts"] == 1, f"{row['attempts']} attempts")
	accepted_once(stage, "failing", row)
	return f"{row['status']} {row['error_code']} after one attempt: {row['advice']}"


def prove_media(name: str, stage: Stage) -> str:
	original = stage.samples[name].read_bytes()
	kind = MIME_TYPES[name].partition("/")[0].replace("application", "document")
	file = {"data": base64.b64encode(original).decode(), "mime_type": MIME_TYPES[name], "filename": name}
	stage.received[name] = stage.box.reply(CUSTOMER, **{kind: {**file, "caption": "Here it is"}})["id"]
	return wait_file(stage, name, kind, original)


def prove_replay(stage: Stage) -> str:
	"""Compares every column of every message, chat and webhook event."""
	_wait_quiet(stage)
	before, answered = rows.snapshot(stage.host.db), stage.box.stats()["webhooks_acknowledged"]
	posts = stage.box.replay(stage.received["hello"], times=3)
	require(posts == 3, f"the sandbox posted {posts} times")
	stage.wait(
		lambda: stage.box.stats()["webhooks_acknowledged"] >= answered + 3, "the posts were not answered 200"
	)
	_wait_quiet(stage)
	after = rows.snapshot(stage.host.db)
	changed = [doctype for doctype in before if before[doctype] != after[doctype]]
	require(not changed, f"rows changed: {', '.join(changed)}")
	return f"three posts answered 200, {sum(map(len, after.values()))} rows unchanged in every column"


def prove_unknown(stage: Stage) -> str:
	"""The answer never comes, and the statuses are kept back until the time-out."""
	delay = stage.box.state.settings.sent_delay
	stage.box.configure(sent_delay=3600.0)
	try:
		stage.send("unknown", SILENT_NUMBER, Text("Did this arrive?"))
		row = stage.wait_status("unknown", st.UNKNOWN)
	finally:
		stage.box.configure(sent_delay=delay)
	require(row["attempts"] == 1 and not row["remote_id"], "the row knows more than it can")
	require(len(stage.accepted("unknown")) == 1, "the sandbox did not take it once")
	return f"{row['status']} ({row['error_code']}) after one attempt, no WhatsApp id; the sandbox has it once"


def prove_reconciled(stage: Stage) -> str:
	"""The row is found by the callback data: it has no WhatsApp id yet."""
	(accepted,) = stage.accepted("unknown")
	stage.box.status(accepted["id"], "delivered")
	row = stage.wait_status("unknown", st.DELIVERED)
	accepted_once(stage, "unknown", row)
	require(
		row["attempts"] == 1 and not row["error_text"], f"{row['attempts']} attempts, {row['error_text']}"
	)
	return f"found by callback data: {row['status']}, WhatsApp id known, still one attempt, accepted once"


def prove_end(stage: Stage) -> str:
	_wait_quiet(stage)
	found = all_settled(stage)
	names = sorted(row["name"] for row in found if row["direction"] == "Outgoing")
	taken = sorted(message["callback_data"] for message in stage.box.messages())
	require(names == taken, f"{len(names)} rows, but the sandbox took {len(taken)} messages")
	events = rows.count_events(stage.host.db)
	require(not events.get("Failed"), f"{events.get('Failed')} webhook posts failed")
	applied = events.get("Done", 0)
	return (
		f"{len(names)} rows, {len(taken)} messages at the sandbox, one each; {applied} webhook posts applied"
	)


def _same_file(stage: Stage, row: dict[str, Any], accepted: dict[str, Any]) -> bytes:
	"""The file at the sandbox, byte for byte the one that the row names."""
	uploaded = stage.box.state.get_media(accepted["message"]["id"])
	content = stage.read_file(row)
	if uploaded is None or uploaded.content != content:
		raise NotProven("the sandbox has another file")
	return content


def _wait_quiet(stage: Stage) -> None:
	"""Until every webhook that is due was posted and applied, and nothing is on its way."""

	def is_quiet() -> bool:
		waiting = [row for row in stage.all_rows() if row["status"] in (st.QUEUED, st.SENDING)]
		return not (waiting or rows.count_events(stage.host.db).get("Pending"))

	stage.wait(is_quiet, "messages or webhooks are still waiting")
