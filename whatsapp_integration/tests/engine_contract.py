"""What the engine promises, whatever host it runs on. Each host has a test case that adds itself to this one."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from whatsapp_integration.core.config import MEMORY, UNOFFICIAL, UNOFFICIAL_LIMITS, Limits, Retry
from whatsapp_integration.core.errors import (
	FixCredentials,
	InvalidContent,
	InvalidPhone,
	InvalidRequest,
	MarketingHold,
	NeedsTemplate,
	OutcomeUnknown,
	RecipientUnreachable,
	RetryLater,
	StopDevice,
	Unsupported,
)
from whatsapp_integration.core.events import (
	DeviceIdentified,
	DeviceStateChanged,
	MediaInfo,
	MessageEchoed,
	MessageEdited,
	MessageReceived,
	QrIssued,
	StatusChanged,
)
from whatsapp_integration.core.messages import Contacts, Document, Media, Outgoing, Sent, Template, Text
from whatsapp_integration.host.base import Settings
from whatsapp_integration.senders.factory import create_sender
from whatsapp_integration.senders.memory import MemorySender, clear_mailboxes, mailbox
from whatsapp_integration.services import caps, fail_over, inbox, media, outbox, webhooks
from whatsapp_integration.services import devices as device_service
from whatsapp_integration.services.dispatcher import Dispatcher
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.store import bulk, devices, leases, workers
from whatsapp_integration.store.keys import CHAT, DEVICE, LEASE, MESSAGE, WEBHOOK_EVENT, WORKER

NUMBER_ID = "109999999999999"
WABA_ID = "208888888888888"
SECRET = "app-secret"
TO = "+201001234567"
OTHER = "+201112223334"
GROUP = "120363000000000001@g.us"
LID = "99887766554433@lid"
SECONDS = 20  # the longest that anything here waits
PNG = (  # one pixel
	b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
	b"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"
)


class PlanningSender(MemorySender):
	"""Sends with ids that were chosen beforehand, one at a time, while `ready` is set: as a linked device does."""

	PLANS_IDS = True
	PARALLEL = 1

	def __init__(self, device, ready: threading.Event):
		super().__init__(device)
		self.ready = ready

	@property
	def is_ready(self) -> bool:
		return self.ready.is_set()

	def _deliver(self, message: Outgoing) -> Sent:
		return replace(super()._deliver(message), message_id=message.planned_id)


class Script:
	"""Answers in order, then takes everything; keeps what it was asked. While it is `shut`, it answers nobody."""

	def __init__(self, *answers):
		self.answers = list(answers)
		self.asked: list[Outgoing] = []
		self.open = threading.Event()
		self.open.set()
		self.came = threading.Semaphore(0)

	def __call__(self, message: Outgoing):
		self.asked.append(message)
		self.came.release()
		self.open.wait(SECONDS)
		return self.answers.pop(0) if self.answers else None

	def bodies(self) -> list[str]:
		return [message.content.body for message in self.asked]


class MovableClock:
	"""Lets a test move the host's clock."""

	offset = 0.0

	def time(self) -> float:
		return super().time() + self.offset


class EngineContract:
	"""A subclass gives `make_host()`: a host with MovableClock, whose device row `self.device` a test may change."""

	limits = Limits()

	def setUp(self):
		super().setUp()
		clear_mailboxes()
		self.device = f"Line {secrets.token_hex(4)}"
		self.host = self.make_host()
		self.box = mailbox(self.device)

	# -- helpers --

	def request(self, body="Hello", to=TO, **values) -> SendRequest:
		return SendRequest(Text(body), to=to, device=self.device, **values)

	def queue(self, *requests: SendRequest) -> list[str]:
		receipts = outbox.enqueue(self.host, requests or [self.request()])
		self.host.db.commit()
		return [receipt.name for receipt in receipts]

	def drain(self, **kwargs) -> None:
		def sender(device):
			return create_sender(replace(device, limits=self.limits))

		def limited(device):
			return replace(device, limits=self.limits)

		read = self.host.device
		self.host.device = lambda name: limited(read(name))
		try:
			Dispatcher(self.host, threads=4, create_sender=sender, **kwargs).drain(seconds=20)
		finally:
			del self.host.device

	def row(self, name: str, doctype: str = MESSAGE) -> dict:
		(row,) = self.host.db.sql(f"SELECT * FROM `tab{doctype}` WHERE `name` = %s", [name], as_dict=True)
		return row

	def rows(self, doctype: str = MESSAGE) -> list[dict]:
		return self.host.db.sql(
			f"SELECT * FROM `tab{doctype}` WHERE `device` = %s", [self.device], as_dict=True
		)

	def received(self, message_id="wamid.in1", at=None, **values) -> MessageReceived:
		return MessageReceived(
			account=NUMBER_ID,
			message_id=message_id,
			chat_id="201001234567",
			phone="201001234567",
			sender_id="201001234567",
			profile_name="Mona",
			body=values.pop("body", "Salam"),
			at=at or self.host.time(),
			**values,
		)

	def status(self, message_id, status, **values) -> StatusChanged:
		return StatusChanged(
			account=NUMBER_ID, message_id=message_id, status=status, at=self.host.time(), **values
		)

	def apply(self, *events) -> inbox.Outcome:
		outcome = inbox.apply(self.host, events)
		self.host.db.commit()
		return outcome

	def post(self, payload: dict | bytes, secret: str = SECRET) -> None:
		body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
		signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
		webhooks.receive(self.host, body, signature)
		self.host.db.commit()

	# -- asking for a message --

	def test_a_message_belongs_to_the_callers_transaction(self):
		outbox.send(self.host, self.request())
		self.host.db.rollback()
		self.assertEqual(self.rows(), [])

	def test_a_number_is_kept_as_e164_whatever_its_digits(self):
		(name,) = self.queue(self.request(to="٠١٠٠ ١٢٣ ٤٥٦٧"))
		self.assertEqual(self.row(name)["recipient"], TO)

	def test_the_same_idempotency_key_makes_one_row(self):
		first = outbox.send(self.host, self.request(idempotency_key=f"{self.device} 1"))
		second = outbox.send(self.host, self.request(idempotency_key=f"{self.device} 1"))
		self.assertEqual((second.name, second.is_duplicate), (first.name, True))
		self.assertEqual(len(self.rows()), 1)

	def test_a_key_of_another_message_is_refused(self):
		outbox.send(self.host, self.request(idempotency_key=f"{self.device} 1"))
		with self.assertRaisesRegex(InvalidRequest, "belongs to another message"):
			outbox.send(self.host, self.request("Something else", idempotency_key=f"{self.device} 1"))

	def test_keys_are_compared_exactly(self):
		names = self.queue(
			*[self.request(idempotency_key=f"{self.device} {key}") for key in ("a", "A", "á", "a ")]
		)
		self.assertEqual(len(set(names)), 4)

	def test_a_wrong_message_is_refused_with_nothing_written(self):
		wrong = [
			(InvalidPhone, self.request(to="12")),
			(InvalidContent, self.request("")),
			(InvalidContent, self.request("x" * 4097)),
			(InvalidContent, self.request("half a \ud83d")),
			(InvalidRequest, self.request(priority="Soon")),
			(InvalidRequest, self.request(reply_to="x" * 141)),
			(InvalidContent, replace(self.request(), content=Contacts(({"name": {"formatted_name": 5}},)))),
			(InvalidContent, replace(self.request(), content=Template("a", "en", ({"x": float("nan")},)))),
			(InvalidContent, replace(self.request(), content=Template("a", "en", (nested(60),)))),
			(InvalidRequest, replace(self.request(), device="Nowhere")),
			(InvalidRequest, replace(self.request(), chat="Nowhere")),
		]
		for error, request in wrong:
			with self.subTest(error=error, request=request), self.assertRaises(error):
				outbox.send(self.host, request)
		self.assertEqual((self.rows(), self.rows(CHAT)), ([], []))

	def test_in_bulk_even_what_no_column_takes_is_a_failed_row(self):
		(name,) = self.queue(replace(self.request(), content=Template("a", "en", ({"x": float("nan")},))))
		self.assertEqual(self.row(name)["status"], "Failed")

	def test_in_bulk_a_wrong_message_is_a_failed_row_and_the_others_go(self):
		names = self.queue(self.request(to="12"), self.request())
		bad, good = (self.row(name) for name in names)
		self.assertEqual((bad["status"], good["status"]), ("Failed", "Queued"))
		self.assertTrue(bad["error_text"] and bad["advice"])

	def test_a_shut_window_takes_only_a_template(self):
		self.host.db.sql(f"UPDATE `tab{DEVICE}` SET `mode` = 'Official' WHERE `name` = %s", [self.device])
		self.apply(self.received(at=self.host.time() - 25 * 3600))
		with self.assertRaises(NeedsTemplate):
			outbox.send(self.host, self.request())
		template = SendRequest(Template("hello", "en_US"), to=TO, device=self.device)
		self.assertEqual(outbox.send(self.host, template).status, "Queued")

	def test_a_disabled_device_is_refused(self):
		self.host.db.sql(f"UPDATE `tab{DEVICE}` SET `enabled` = 0 WHERE `name` = %s", [self.device])
		with self.assertRaisesRegex(InvalidRequest, "disabled"):
			outbox.send(self.host, self.request())

	def test_a_message_for_a_linked_phone_waits_for_the_process_that_holds_it(self):
		self.host.db.sql(f"UPDATE `tab{DEVICE}` SET `mode` = 'Unofficial' WHERE `name` = %s", [self.device])
		(name,) = self.queue()
		self.drain()
		row = self.row(name)
		self.assertEqual((row["status"], row["attempts"], row["first_contact"]), ("Queued", 0, 1))

	# -- sending --

	def test_a_queued_message_is_sent_once_and_shows_in_its_chat(self):
		(name,) = self.queue()
		self.drain()
		self.drain()
		row = self.row(name)
		self.assertEqual((row["status"], row["remote_id"], row["attempts"]), ("Sent", "mem.1", 1))
		self.assertEqual([message.name for message in self.box.sent], [name])
		(chat,) = self.rows(CHAT)
		self.assertEqual((chat["last_message"], chat["last_direction"]), ("Hello", "Outgoing"))

	def test_messages_to_one_person_keep_their_order(self):
		self.queue(*[self.request(str(index), to=to) for index in range(10) for to in (TO, OTHER)])
		self.drain()
		for to in (TO, OTHER):
			bodies = [message.content.body for message in self.box.sent if message.to == to]
			self.assertEqual(bodies, [str(index) for index in range(10)])

	def test_one_to_one_messages_go_before_a_campaign(self):
		self.queue(
			*[self.request(f"bulk {index}", to=f"+2010012345{index}0", priority="Bulk") for index in range(5)]
		)
		self.queue(self.request("urgent", priority="High"))
		self.drain()
		self.assertIn("urgent", [message.content.body for message in self.box.sent[:4]])

	def test_a_scheduled_message_waits_for_its_time(self):
		(name,) = self.queue(self.request(send_at=self.host.now() + timedelta(hours=1)))
		self.drain()
		self.assertEqual(self.row(name)["status"], "Queued")
		self.host.offset += 3601
		self.drain()
		self.assertEqual(self.row(name)["status"], "Sent")

	def test_a_passing_failure_is_retried_and_later_messages_wait_behind_it(self):
		self.box.script = [RetryLater("Busy")]
		first, second = self.queue(self.request("1"), self.request("2"))
		self.drain()
		self.assertEqual((self.row(first)["status"], self.row(second)["status"]), ("Queued", "Queued"))
		self.host.offset += 60
		self.drain()
		self.assertEqual([message.content.body for message in self.box.sent], ["1", "2"])
		self.assertIsNone(self.row(first)["error_text"])

	def test_a_message_fails_after_its_last_attempt(self):
		self.box.script = lambda message: RetryLater("Busy", code=131016)
		(name,) = self.queue()
		for _attempt in range(Retry().attempts):
			self.drain()
			self.host.offset += 7200
		self.drain()
		row = self.row(name)
		self.assertEqual((row["status"], row["error_code"], row["attempts"]), ("Failed", "131016", 5))

	def test_an_unreachable_person_fails_with_the_reason_and_what_to_do(self):
		self.box.script = [RecipientUnreachable("{0}", "Message undeliverable", code=131026)]
		(name,) = self.queue()
		self.drain()
		row = self.row(name)
		self.assertEqual((row["status"], row["error_text"]), ("Failed", "Message undeliverable"))
		self.assertIn("another way", row["advice"])

	def test_an_unknown_outcome_is_never_sent_again_by_itself(self):
		self.box.script = [OutcomeUnknown("No answer", code="timeout")]
		(name,) = self.queue()
		self.drain()
		self.host.offset += 3 * 86400
		self.drain()
		self.assertEqual((self.row(name)["status"], self.box.sent), ("Unknown", []))

	def test_an_unknown_outcome_is_settled_by_the_status_that_names_its_row(self):
		self.box.script = [OutcomeUnknown("No answer", code="timeout")]
		(name,) = self.queue()
		self.drain()
		self.apply(self.status("wamid.x", "Delivered", callback_data=name))
		row = self.row(name)
		self.assertEqual((row["status"], row["remote_id"], row["error_text"]), ("Delivered", "wamid.x", None))

	def test_an_outcome_that_stays_unknown_ends_as_failed(self):
		self.box.script = [OutcomeUnknown("No answer", code="timeout")]
		(name,) = self.queue()
		self.drain()
		self.host.offset += 25 * 3600
		outbox.settle_unknown(self.host)
		self.assertEqual(self.row(name)["status"], "Failed")

	def test_wrong_credentials_stop_the_device_and_keep_the_message(self):
		for error, state in (
			(FixCredentials("Bad token", code=190), "Auth Failed"),
			(StopDevice("Banned"), "Blocked"),
		):
			with self.subTest(state=state):
				self.set_state("Connected")
				self.box.script = [error]
				(name,) = self.queue()
				self.drain()
				self.assertEqual(self.row(name)["status"], "Queued")
				self.assertEqual(self.row(self.device, DEVICE)["status"], state)
				self.drain()
				self.assertEqual(self.row(name)["status"], "Queued")
				outbox.cancel(self.host, [name])

	def set_state(self, state):
		self.host.db.sql(f"UPDATE `tab{DEVICE}` SET `status` = %s WHERE `name` = %s", [state, self.device])

	def test_a_marketing_hold_lasts_a_day(self):
		self.box.script = [MarketingHold("Not now", code=131049)]
		(name,) = self.queue()
		self.drain()
		self.assertEqual(self.row(name)["status"], "Held")
		self.host.offset += 23 * 3600
		self.drain()
		self.assertEqual(self.row(name)["status"], "Held")
		self.host.offset += 2 * 3600
		self.drain()
		self.assertEqual(self.row(name)["status"], "Sent")

	def test_the_pair_limit_lets_a_burst_through_and_then_waits(self):
		self.limits = Limits(pair_seconds=6, pair_burst=3)
		names = self.queue(*[self.request(str(index)) for index in range(5)])
		self.drain()
		self.assertEqual(len(self.box.sent), 3)
		self.assertEqual([self.row(name)["status"] for name in names[3:]], ["Queued", "Queued"])
		self.host.offset += 19
		self.drain()
		self.assertEqual([message.content.body for message in self.box.sent], ["0", "1", "2", "3", "4"])

	def test_a_message_that_comes_later_queues_behind_those_that_wait(self):
		self.limits = Limits(pair_seconds=6, pair_burst=1)
		self.queue(*[self.request(str(index)) for index in range(3)])
		self.drain()
		self.queue(self.request("3"))
		for _turn in range(6):
			self.drain()
			self.host.offset += 7
		self.assertEqual([message.content.body for message in self.box.sent], ["0", "1", "2", "3"])

	def test_limits_are_counted_from_rows_and_outlive_the_process(self):
		self.limits = Limits(per_hour=3)
		self.queue(*[self.request(to=f"+2010012345{index}0") for index in range(5)])
		self.drain()
		self.drain()
		self.assertEqual(len(self.box.sent), 3)
		self.host.offset += 3601
		self.drain()
		self.assertEqual(len(self.box.sent), 5)

	def test_throughput_reached_slows_the_device_and_costs_no_attempt(self):
		self.box.script = [RetryLater("Slow down", code=130429, scope="device", after=30)]
		(name,) = self.queue()
		self.drain()
		self.assertEqual((self.row(name)["status"], self.row(name)["attempts"]), ("Queued", 0))
		self.host.offset += 31
		self.drain()
		self.assertEqual(self.row(name)["status"], "Sent")

	def test_a_cancelled_message_is_not_sent_and_a_sent_one_not_cancelled(self):
		first, second = self.queue(self.request("1"), self.request("2", to=OTHER))
		self.assertEqual(outbox.cancel(self.host, [first]), {first})
		self.drain()
		self.assertEqual(outbox.cancel(self.host, [first, second]), {first})
		self.assertEqual([message.name for message in self.box.sent], [second])

	def test_a_failed_message_is_sent_again_when_a_person_says_so(self):
		self.box.script = [RecipientUnreachable("No")]
		(name,) = self.queue()
		self.drain()
		self.assertEqual(outbox.retry(self.host, [name]), {name})
		self.drain()
		self.assertEqual((self.row(name)["status"], outbox.retry(self.host, [name])), ("Sent", set()))

	def test_a_device_has_one_dispatcher_at_a_time(self):
		(name,) = self.queue()
		first = Dispatcher(self.host, threads=4)
		first.tick()
		self.queue(self.request("2", to=OTHER))
		second = Dispatcher(self.host, threads=4)
		self.assertIsNone(second.tick())
		second.close()
		first.close()
		self.assertEqual(self.row(name)["status"], "Sent")

	def test_what_a_dead_dispatcher_left_is_unknown_not_resent(self):
		(name,) = self.queue()
		self.host.db.sql(
			f"UPDATE `tab{MESSAGE}` SET `status` = 'Sending', `lease_owner` = 'dead' WHERE `name` = %s",
			[name],
		)
		self.drain()
		self.assertEqual((self.row(name)["status"], self.box.sent), ("Unknown", []))

	def test_an_error_nobody_foresaw_is_recorded_as_unknown(self):
		self.box.script = [ZeroDivisionError("bug")]
		(name,) = self.queue()
		self.drain()
		self.assertEqual(self.row(name)["status"], "Unknown")

	def test_a_lost_file_fails_the_message_with_its_name(self):
		names = self.queue(self.request())
		self.host.db.sql(
			f"UPDATE `tab{MESSAGE}` SET `message_type` = 'document', `content` = %s WHERE `name` = %s",
			[json.dumps(Document(Media(file="gone.pdf", mime_type="application/pdf")).to_dict()), names[0]],
		)
		self.drain()
		self.assertEqual(self.row(names[0])["status"], "Failed")
		self.assertIn("gone.pdf", self.row(names[0])["error_text"])

	def test_a_file_that_can_not_be_read_holds_up_nobody_else(self):
		document = Document(Media(link="https://example.com/a.pdf"))
		names = self.queue(SendRequest(document, to=TO, device=self.device), self.request(to=OTHER))
		broken = json.dumps(Document(Media(file="broken.pdf")).to_dict())
		self.host.db.sql(f"UPDATE `tab{MESSAGE}` SET `content` = %s WHERE `name` = %s", [broken, names[0]])
		self.host.open_file = lambda reference: (_ for _ in ()).throw(OSError("disk"))
		self.drain()
		self.assertEqual([self.row(name)["status"] for name in names], ["Queued", "Sent"])

	def test_an_answer_that_can_not_be_written_costs_only_its_own_row(self):
		self.box.script = lambda message: Sent("the same id")
		names = self.queue(self.request(), self.request(to=OTHER))
		self.drain()
		self.assertEqual(sorted(self.row(name)["status"] for name in names), ["Sending", "Sent"])
		self.drain()
		self.assertEqual(sorted(self.row(name)["status"] for name in names), ["Sent", "Unknown"])

	def test_a_refusal_of_the_whole_device_keeps_the_order_and_outlives_the_process(self):
		refused = []

		def refuse_the_first(message):
			if not refused:
				refused.append(message)
				return RetryLater("Slow down", code=130429, scope="device", after=30)

		self.box.script = refuse_the_first
		self.queue(self.request("1"), self.request("2"))
		self.drain()
		self.drain()
		self.assertEqual(self.box.sent, [])
		self.host.offset += 31
		self.drain()
		self.assertEqual([message.content.body for message in self.box.sent], ["1", "2"])

	# -- receiving --

	def test_a_received_message_makes_a_chat_and_counts_as_unread(self):
		self.apply(self.received(), self.received("wamid.in2", body="again"))
		(chat,) = self.rows(CHAT)
		self.assertEqual((chat["unread_count"], chat["title"], chat["last_message"]), (2, "Mona", "again"))
		self.assertEqual({row["status"] for row in self.rows()}, {"Received"})

	def test_a_chat_that_was_read_shows_the_customer_blue_ticks(self):
		self.apply(self.received(), self.received("wamid.in2", at=self.host.time() + 1))
		(chat,) = self.rows(CHAT)
		inbox.mark_read(self.host, chat["name"])
		inbox.send_read_receipt(self.host, chat["name"])
		self.assertEqual((self.rows(CHAT)[0]["unread_count"], self.box.read), (0, [("wamid.in2", False)]))

	def test_an_answer_from_the_phone_itself_means_the_chat_was_read(self):
		echo = MessageEchoed(
			**{**vars(self.received("wamid.echo", body="I answer")), "at": self.host.time() + 1}
		)
		self.apply(self.received())
		self.apply(echo)
		(chat,) = self.rows(CHAT)
		self.assertEqual(
			(chat["unread_count"], chat["last_message"], chat["last_direction"]), (0, "I answer", "Outgoing")
		)
		self.assertEqual(
			{row["remote_id"]: row["direction"] for row in self.rows()}["wamid.echo"], "Outgoing"
		)

	def test_an_older_message_does_not_take_the_place_of_the_last(self):
		self.apply(self.received(body="new"))
		self.apply(self.received("wamid.old", body="old", at=self.host.time() - 60))
		(chat,) = self.rows(CHAT)
		self.assertEqual((chat["last_message"], chat["unread_count"]), ("new", 2))

	def test_a_chat_is_called_by_its_number_until_a_name_is_known(self):
		self.queue()
		self.assertEqual(self.rows(CHAT)[0]["title"], TO)
		self.apply(self.received())
		self.assertEqual(self.rows(CHAT)[0]["title"], "Mona")
		self.apply(replace(self.received("wamid.in2"), profile_name="Somebody"))
		self.assertEqual(self.rows(CHAT)[0]["title"], "Mona")

	def test_a_replayed_event_changes_nothing(self):
		events = [self.received(), self.received("wamid.in2")]
		self.apply(*events)
		before = (self.rows(), self.rows(CHAT))
		self.apply(*events)
		self.assertEqual((self.rows(), self.rows(CHAT)), before)

	def test_the_spellings_of_one_number_share_a_chat(self):
		mexico = {"chat_id": "5215512345678", "phone": "5215512345678", "sender_id": "5215512345678"}
		self.apply(replace(self.received(), **mexico))
		outbox.send(self.host, self.request(to="+52 55 1234 5678"))
		self.assertEqual(len(self.rows(CHAT)), 1)

	def test_an_answer_goes_to_the_chat_from_its_own_device(self):
		self.apply(self.received())
		(chat,) = self.rows(CHAT)
		receipt = outbox.send(self.host, SendRequest(Text("Hi"), chat=chat["name"]))
		row = self.row(receipt.name)
		self.assertEqual((row["device"], row["recipient"], row["chat"]), (self.device, TO, chat["name"]))

	def test_a_status_never_goes_back(self):
		(name,) = self.queue()
		self.drain()
		self.apply(self.status("mem.1", "Read"))
		self.apply(self.status("mem.1", "Delivered"), self.status("mem.1", "Sent"))
		row = self.row(name)
		self.assertEqual(row["status"], "Read")
		self.assertTrue(row["delivered_at"] and row["read_at"])

	def test_failed_does_not_overwrite_delivered(self):
		(name,) = self.queue()
		self.drain()
		self.apply(self.status("mem.1", "Delivered"), self.status("mem.1", "Failed", error_code=131026))
		self.assertEqual(self.row(name)["status"], "Delivered")

	def test_statuses_out_of_order_end_where_the_truth_is(self):
		(name,) = self.queue()
		self.drain()
		self.apply(self.status("mem.1", "Failed", error_code=131026))
		self.apply(self.status("mem.1", "Sent"))
		self.assertEqual(self.row(name)["status"], "Failed")
		self.apply(self.status("mem.1", "Delivered"))
		self.assertEqual((self.row(name)["status"], self.row(name)["error_text"]), ("Delivered", None))

	def test_a_failure_that_is_quicker_than_the_answer_stays(self):
		(name,) = self.queue()
		dispatcher = Dispatcher(self.host, threads=1)
		dispatcher.tick()
		failed = self.status("wamid.f", "Failed", error_code=131026, callback_data=name)
		self.apply(failed)
		dispatcher.close()
		self.assertEqual(self.row(name)["status"], "Failed")

	def test_a_failure_without_a_code_does_not_stop_the_device(self):
		(name,) = self.queue()
		self.drain()
		self.apply(self.status("mem.1", "Failed"))
		self.assertEqual(self.row(name)["status"], "Failed")
		self.assertEqual(self.row(self.device, DEVICE)["status"], "Connected")

	def test_a_failed_status_says_why(self):
		(name,) = self.queue()
		self.drain()
		self.apply(self.status("mem.1", "Failed", error_code=131026, error_details="Not on WhatsApp"))
		row = self.row(name)
		self.assertEqual(
			(row["status"], row["error_code"], row["error_text"]), ("Failed", "131026", "Not on WhatsApp")
		)

	def test_a_status_that_is_quicker_than_the_answer_is_not_lost(self):
		(name,) = self.queue()
		self.apply(self.status("wamid.early", "Delivered", callback_data=name))
		self.drain()
		self.assertEqual((self.row(name)["status"], self.box.sent), ("Delivered", []))

	def test_an_edit_that_comes_before_its_message_waits_for_it(self):
		edit = MessageEdited(account=NUMBER_ID, message_id="wamid.in1", body="Better")
		self.assertEqual(self.apply(edit).deferred, 1)
		self.assertEqual(self.apply(self.received(), edit).deferred, 0)
		(row,) = self.rows()
		self.assertEqual((row["body"], row["is_edited"]), ("Better", 1))

	def test_an_event_of_an_unknown_number_is_ignored(self):
		outcome = self.apply(
			replace(self.received(), account="unknown"), replace(self.received(), account=self.device)
		)
		self.assertEqual((outcome.ignored, self.rows()), (2, []))

	def test_deeply_nested_and_odd_data_is_kept(self):
		self.apply(self.received(kind="unsupported", data=nested(60)))
		self.assertEqual(len(self.rows()), 1)

	# -- webhooks --

	def message_payload(self, *message_ids: str) -> dict:
		found = [
			{
				"id": message_id,
				"from": "201001234567",
				"timestamp": "1795000000",
				"type": "text",
				"text": {"body": self.device},
			}
			for message_id in message_ids
		]
		value = {
			"messaging_product": "whatsapp",
			"metadata": {"display_phone_number": "15550001111", "phone_number_id": NUMBER_ID},
			"contacts": [{"profile": {"name": "Mona"}, "wa_id": "201001234567"}],
			"messages": found,
		}
		changes = [{"field": "messages", "value": value}]
		return {"object": "whatsapp_business_account", "entry": [{"id": WABA_ID, "changes": changes}]}

	def test_a_signed_post_is_stored_and_applied_behind_the_answer(self):
		self.post(self.message_payload("wamid.a", "wamid.b"))
		self.assertEqual(self.rows(), [])
		webhooks.process(self.host, "test")
		self.assertEqual(len(self.rows()), 2)

	def test_a_post_that_comes_three_times_is_applied_once(self):
		for _time in range(3):
			self.post(self.message_payload("wamid.a"))
			webhooks.process(self.host, "test")
		(chat,) = self.rows(CHAT)
		self.assertEqual((len(self.rows()), chat["unread_count"]), (1, 1))

	def test_a_post_with_a_wrong_signature_is_refused(self):
		with self.assertRaises(webhooks.Forbidden):
			self.post(self.message_payload("wamid.a"), secret="guess")
		with self.assertRaises(webhooks.TooLarge):
			self.post(b"x" * (webhooks.MAX_BYTES + 1))

	def test_a_bad_post_is_kept_with_its_error_and_stops_nobody(self):
		bad = secrets.token_hex(8).encode() + b"["
		self.post(bad)
		self.post(self.message_payload("wamid.a"))
		webhooks.process(self.host, "test")
		self.assertEqual(len(self.rows()), 1)
		kept = self.row(hashlib.sha256(bad).hexdigest()[:32], WEBHOOK_EVENT)
		self.assertEqual(kept["status"], "Failed")

	# -- files --

	def test_a_received_file_is_fetched_and_kept(self):
		self.box.media["m1"] = (b"%PDF-1.4 hello", "application/pdf")
		info = MediaInfo("m1", "application/pdf", "", "../bill.pdf")
		self.apply(self.received(kind="document", media=info))
		self.assertEqual(media.fetch_due(self.host, "test"), 1)
		(row,) = self.rows()
		self.assertEqual((row["media_state"], self.read(row["attachment"])), ("Stored", b"%PDF-1.4 hello"))

	def test_a_file_that_the_host_refuses_holds_up_nobody_else(self):
		keep = self.host.save_file

		def refuse_large(message, filename, content):
			if filename == "large.pdf":
				raise InvalidContent("This site does not keep the file: too large")
			return keep(message, filename, content)

		self.host.save_file = refuse_large
		for name in ("large.pdf", "small.pdf"):
			self.box.media[name] = (name.encode(), "application/pdf")
			info = MediaInfo(name, "application/pdf", "", name)
			self.apply(self.received(f"wamid.{name}", kind="document", media=info))
		self.assertEqual(media.fetch_due(self.host, "test"), 1)
		states = {row["media_id"]: row["media_state"] for row in self.rows()}
		self.assertEqual(states, {"large.pdf": "Failed", "small.pdf": "Stored"})

	def test_a_file_that_is_gone_is_failed_with_the_reason(self):
		self.apply(self.received(kind="image", media=MediaInfo("gone", "image/png")))
		media.fetch_due(self.host, "test")
		(row,) = self.rows()
		self.assertEqual(row["media_state"], "Failed")
		self.assertIn("no longer has this file", row["error_text"])

	def read(self, reference: str) -> bytes:
		with open(self.host.open_file(reference).path, "rb") as file:
			return file.read()

	# -- linked devices: helpers --

	def link(self, **values) -> None:
		"""Make the device a linked one."""
		values = {"mode": UNOFFICIAL, "status": "Connected"} | values
		devices.set_values(self.host.db, self.device, **values)
		self.host.db.commit()

	def script(self, *answers) -> Script:
		self.box.script = Script(*answers)
		return self.box.script

	def planning(self, *, ready: threading.Event | None = None, **kwargs) -> Dispatcher:
		"""A dispatcher whose senders choose ids beforehand, with `self.limits`."""
		read, limits = type(self.host).device, self.limits
		self.host.device = lambda name: replace(read(self.host, name), limits=limits)
		if ready is None:
			ready = threading.Event()
			ready.set()

		def create(device):
			if not device.name.startswith(self.device):
				raise Unsupported("A device of another test")
			return PlanningSender(device, ready)

		return Dispatcher(self.host, threads=4, create_sender=create, **kwargs)

	def plan(self, **kwargs) -> None:
		self.planning(**kwargs).drain(seconds=SECONDS)

	def change(self, name: str, doctype: str = MESSAGE, **values) -> None:
		sets = ", ".join(f"`{column}` = %s" for column in values)
		self.host.db.sql(f"UPDATE `tab{doctype}` SET {sets} WHERE `name` = %s", [*values.values(), name])
		self.host.db.commit()

	def alerts(self) -> list[tuple[str, str]]:
		"""Where alerts go from now on."""
		told: list[tuple[str, str]] = []
		self.host.alert = lambda subject, text, *, device="": told.append((subject, text))
		return told

	def tell(self, *events, device: str = "") -> None:
		inbox.apply(self.host, events, device=device or self.device)
		self.host.db.commit()

	def add_other(self, **values) -> str:
		"""A second device."""
		name = f"{self.device} B"
		row = {"name": name, "device_name": name} | DEVICE_VALUES
		row |= {"phone_number": "+15550002222", "phone_number_id": None, "waba_id": None} | values
		bulk.insert(self.host.db, DEVICE, [row], now=self.host.now(), user="Administrator")
		self.host.db.commit()
		self.addCleanup(self.remove_device, name)
		return name

	def remove_device(self, name: str) -> None:
		self.host.db.rollback()
		for doctype in (MESSAGE, CHAT):
			self.host.db.sql(f"DELETE FROM `tab{doctype}` WHERE `device` = %s", [name])
		self.host.db.sql(f"DELETE FROM `tab{LEASE}` WHERE `name` = %s", [f"dispatch:{name}"])
		self.host.db.sql(f"DELETE FROM `tab{DEVICE}` WHERE `name` = %s", [name])
		self.host.db.commit()

	def hold_session(self, seconds: float = 60) -> None:
		"""A worker keeps the session of the device."""
		now = bulk.micros(self.host.time())
		until = now + bulk.micros(seconds)
		lease = f"session:{self.device}"
		leases.acquire(self.host.db, lease, "worker", now=now, expires=until, stamp=self.host.now())
		self.host.db.commit()
		self.addCleanup(self.forget, LEASE, lease)

	def beat(self) -> None:
		"""A worker is alive for a minute."""
		until = bulk.micros(self.host.time() + 60)
		workers.beat(self.host.db, self.device, {"alive_until": until}, now=self.host.now())
		self.host.db.commit()
		self.addCleanup(self.forget, WORKER, self.device)

	def forget(self, doctype: str, name: str) -> None:
		self.host.db.rollback()
		self.host.db.sql(f"DELETE FROM `tab{doctype}` WHERE `name` = %s", [name])
		self.host.db.commit()

	def lose_connection(self) -> None:
		"""The database drops this connection."""
		connection = getattr(self.host.db, "_connection", None) or self.host.db._conn
		connection.close()

	# -- ids that are chosen beforehand --

	def test_an_id_is_chosen_and_kept_in_the_commit_of_the_claim(self):
		script = self.script()
		script.open.clear()
		(name,) = self.queue()
		dispatcher = self.planning()
		dispatcher.tick()
		self.host.db.rollback()
		row = self.row(name)
		script.open.set()
		dispatcher.close()
		self.assertEqual(row["status"], "Sending")
		self.assertRegex(row["remote_id"], r"^3EB0[0-9A-F]{18}$")
		(message,) = script.asked
		self.assertEqual((message.planned_id, message.is_repeat), (row["remote_id"], False))
		self.assertEqual((self.row(name)["status"], self.row(name)["remote_id"]), ("Sent", row["remote_id"]))

	def test_every_message_gets_an_id_of_its_own(self):
		script = self.script()
		self.queue(*[self.request(to=f"+2010012345{index}0") for index in range(5)])
		self.plan()
		self.assertEqual(len({message.planned_id for message in script.asked}), 5)

	def test_a_planned_message_whose_outcome_is_unknown_is_looked_for_with_its_id(self):
		script = self.script(OutcomeUnknown("No answer", code="timeout"))
		(name,) = self.queue()
		self.plan()
		first = self.row(name)
		self.assertEqual((first["status"], first["attempts"]), ("Unknown", 1))
		self.plan()
		self.assertEqual(len(script.asked), 1)
		self.host.offset += 60
		self.plan()
		self.assertEqual(
			[(message.planned_id, message.is_repeat) for message in script.asked],
			[(first["remote_id"], False), (first["remote_id"], True)],
		)
		row = self.row(name)
		self.assertEqual(
			(row["status"], row["remote_id"], row["error_text"]), ("Sent", first["remote_id"], None)
		)

	def test_what_certainly_did_not_leave_gets_a_fresh_id(self):
		script = self.script(RetryLater("Not taken"))
		(name,) = self.queue()
		self.plan()
		self.assertEqual((self.row(name)["status"], self.row(name)["remote_id"]), ("Queued", None))
		self.host.offset += 60
		self.plan()
		first, second = script.asked
		self.assertNotEqual(first.planned_id, second.planned_id)
		self.assertFalse(second.is_repeat)
		self.assertEqual(self.row(name)["remote_id"], second.planned_id)

	def test_an_unknown_message_that_did_not_leave_after_all_gets_a_fresh_id(self):
		script = self.script(OutcomeUnknown("No answer"), RetryLater("It is there, refused"))
		self.queue()
		for _attempt in range(3):
			self.plan()
			self.host.offset += 300
		first, second, third = script.asked
		self.assertEqual((second.planned_id, second.is_repeat), (first.planned_id, True))
		self.assertNotEqual(third.planned_id, first.planned_id)
		self.assertFalse(third.is_repeat)

	def test_what_a_dead_dispatcher_left_is_looked_for_where_ids_are_planned(self):
		script = self.script()
		(name,) = self.queue()
		self.change(name, status="Sending", lease_owner="dead", remote_id="3EB0LEFT", attempts=1)
		self.plan()
		(message,) = script.asked
		self.assertEqual((message.planned_id, message.is_repeat), ("3EB0LEFT", True))
		self.assertEqual((self.row(name)["status"], self.row(name)["attempts"]), ("Sent", 2))

	def test_what_left_without_a_planned_id_is_never_repeated(self):
		script = self.script()
		(name,) = self.queue()
		self.change(name, status="Unknown", attempts=1)
		self.plan()
		self.assertEqual((self.row(name)["status"], script.asked), ("Unknown", []))

	def test_an_outcome_that_stays_unknown_is_looked_for_only_so_often(self):
		script = self.script(*[OutcomeUnknown("No answer")] * 20)
		first, second = self.queue(self.request("1"), self.request("2"))
		for _attempt in range(8):
			self.plan()
			self.host.offset += 1000
		self.assertEqual(script.bodies()[: Retry().attempts], ["1"] * Retry().attempts)
		self.assertEqual(script.bodies().count("1"), Retry().attempts)
		self.assertEqual(self.row(first)["status"], "Unknown")
		self.assertIn("2", script.bodies())
		self.assertEqual(self.row(second)["status"], "Unknown")

	def test_an_unknown_message_that_a_person_sends_again_is_looked_for_first(self):
		script = self.script(OutcomeUnknown("No answer"))
		(name,) = self.queue()
		self.plan()
		self.assertEqual(outbox.retry(self.host, [name]), {name})
		self.plan()
		first, second = script.asked
		self.assertEqual((second.planned_id, second.is_repeat), (first.planned_id, True))

	def test_a_status_settles_a_planned_message_whose_answer_never_came(self):
		script = self.script(OutcomeUnknown("No answer"))
		(name,) = self.queue()
		self.plan()
		self.tell(StatusChanged(message_id=self.row(name)["remote_id"], status="Delivered"))
		self.host.offset += 60
		self.plan()
		self.assertEqual((self.row(name)["status"], len(script.asked)), ("Delivered", 1))

	def test_the_echo_of_a_planned_message_makes_no_second_row(self):
		self.link()
		self.script(OutcomeUnknown("No answer"))
		(name,) = self.queue()
		self.plan()
		echo = MessageEchoed(**vars(self.received(self.row(name)["remote_id"], body="Hello")))
		self.tell(echo)
		self.assertEqual([row["name"] for row in self.rows()], [name])

	# -- one at a time, and only where it can --

	def test_an_unknown_message_holds_up_those_behind_it_to_the_same_person_only(self):
		script = self.script(OutcomeUnknown("No answer"))
		self.queue(self.request("1"), self.request("2"), self.request("a", to=OTHER))
		self.plan()
		self.assertEqual(script.bodies(), ["1", "a"])
		self.host.offset += 60
		self.plan()
		self.host.offset += 60
		self.plan()
		self.assertEqual(script.bodies(), ["1", "a", "1", "2"])

	def test_a_message_that_comes_later_waits_behind_an_unknown_one(self):
		script = self.script(OutcomeUnknown("No answer"))
		self.queue(self.request("1"))
		self.plan()
		self.queue(self.request("2"))
		self.plan()
		self.assertEqual(script.bodies(), ["1"])
		self.host.offset += 60
		self.plan()
		self.host.offset += 60
		self.plan()
		self.assertEqual(script.bodies(), ["1", "1", "2"])

	def test_an_urgent_message_does_not_wait_for_an_unknown_one(self):
		script = self.script(OutcomeUnknown("No answer"))
		self.queue(self.request("1"))
		self.plan()
		self.queue(self.request("now", priority="High"))
		self.plan()
		self.assertEqual(script.bodies(), ["1", "now"])

	def test_two_unknown_messages_to_one_person_keep_no_dispatcher_busy(self):
		first, urgent = self.queue(self.request("1"), self.request("now", priority="High"))
		later = bulk.micros(self.host.time() + 600)
		self.change(first, status="Unknown", remote_id="3EB0A", attempts=1)
		self.change(urgent, status="Unknown", remote_id="3EB0B", attempts=1, due=later)
		dispatcher = self.planning()
		pauses = [dispatcher.tick() for _time in range(3)]
		dispatcher.close()
		self.assertNotEqual(pauses[-1], 0)

	def test_a_linked_device_has_one_message_on_its_way(self):
		script = self.script()
		script.open.clear()
		self.queue(*[self.request(to=f"+2010012345{index}0") for index in range(4)])
		dispatcher = self.planning()
		for _time in range(3):
			dispatcher.tick()
		statuses = sorted(row["status"] for row in self.rows())
		script.open.set()
		dispatcher.drain(seconds=SECONDS)
		self.assertEqual(statuses, ["Queued", "Queued", "Queued", "Sending"])
		self.assertEqual([row["status"] for row in self.rows()], ["Sent"] * 4)

	def test_a_sender_that_is_not_ready_takes_nothing(self):
		ready, script = threading.Event(), self.script()
		(name,) = self.queue()
		dispatcher = self.planning(ready=ready)
		self.assertIsNone(dispatcher.tick())
		row = self.row(name)
		self.assertEqual((row["status"], row["attempts"], row["remote_id"]), ("Queued", 0, None))
		self.assertEqual(leases.expires(self.host.db, f"dispatch:{self.device}"), 0)
		ready.set()
		dispatcher.drain(seconds=SECONDS)
		self.assertEqual((self.row(name)["status"], len(script.asked)), ("Sent", 1))

	def test_a_sender_that_is_not_ready_any_more_costs_no_attempt(self):
		ready, script = threading.Event(), self.script()
		ready.set()
		dispatcher = self.planning(ready=ready)
		dispatcher.tick()
		ready.clear()
		(name,) = self.queue()
		dispatcher.tick()
		self.assertEqual((self.row(name)["status"], self.row(name)["attempts"]), ("Queued", 0))
		ready.set()
		dispatcher.drain(seconds=SECONDS)
		self.assertEqual((self.row(name)["status"], len(script.asked)), ("Sent", 1))

	def test_a_device_whose_session_moved_to_another_process_is_sent_for_there(self):
		here, there, script = threading.Event(), threading.Event(), self.script()
		here.set()
		first, second = self.planning(ready=here), self.planning(ready=there)
		self.assertEqual((first.tick(), second.tick()), (None, None))
		here.clear()
		there.set()
		self.queue()
		self.host.offset += 45  # the lease of the first is as good as over, and would be renewed
		first._renew_at = 0.0
		first.tick()
		self.host.offset += 45
		second.drain(seconds=SECONDS)
		first.close()
		self.assertEqual(script.bodies(), ["Hello"])

	# -- the limits of linked devices --

	def test_messages_to_new_people_keep_within_their_budget_and_people_hear_of_it_once(self):
		self.link()
		self.limits = Limits(first_contacts=2)
		told = self.alerts()
		self.tell(self.received())
		new = [f"+2010012345{index}0" for index in range(4)]
		self.queue(
			*[self.request(to=to) for to in new], self.request("again", to=new[0]), self.request("known")
		)
		self.plan()
		self.assertEqual([message.to for message in self.box.sent], [new[0], new[1], new[0], TO])
		for _hour in range(3):
			self.host.offset += caps.POSTPONE_SECONDS + 60
			self.plan()
		self.assertEqual(len(self.box.sent), 4)
		((subject, _text),) = told
		self.assertIn(self.device, subject)
		self.host.offset += 24 * 3600
		self.plan()
		self.assertEqual([message.to for message in self.box.sent[4:]], new[2:])

	def test_who_answered_or_was_written_to_before_is_nobody_new(self):
		self.link()
		self.tell(self.received())
		known, new = self.queue(self.request(), self.request(to=OTHER))
		self.plan()
		(again,) = self.queue(self.request("2", to=OTHER))
		self.assertEqual([self.row(name)["first_contact"] for name in (known, new, again)], [0, 1, 0])

	def test_an_official_number_has_no_first_contacts(self):
		(name,) = self.queue()
		self.assertEqual(self.row(name)["first_contact"], 0)

	def test_people_hear_once_that_the_limit_of_an_hour_is_reached(self):
		self.limits = Limits(per_hour=2)
		told = self.alerts()
		self.queue(*[self.request(to=f"+2010012345{index}0") for index in range(7)])
		self.plan()
		self.plan()
		((subject, text),) = told
		self.assertIn(self.device, subject)
		self.assertIn("2", subject)
		self.assertTrue(text)
		self.host.offset += 3700
		self.plan()
		self.plan()
		self.assertEqual((len(self.box.sent), len(told)), (4, 2))

	def test_a_full_day_is_told_rather_than_the_full_hour_in_it(self):
		self.limits = Limits(per_minute=1, per_hour=1, per_day=1)
		told = self.alerts()
		self.queue(self.request(), self.request(to=OTHER))
		self.plan()
		self.host.offset += 7200
		self.plan()
		self.assertEqual([("day" in subject) for subject, _text in told], [True])

	def test_a_full_minute_is_nobodys_news(self):
		self.limits = Limits(per_minute=1)
		told = self.alerts()
		self.queue(self.request(), self.request(to=OTHER))
		dispatcher = self.planning()
		dispatcher.tick()
		dispatcher.close()
		dispatcher = self.planning()
		self.assertGreater(dispatcher.tick(), 0)
		dispatcher.close()
		self.assertEqual((len(self.box.sent), told), (1, []))

	def test_a_phone_that_was_just_linked_is_warmed_up(self):
		self.link(warm_up=1, linked_since=self.host.now())
		first_day = self.host.device(self.device).limits.per_day
		self.host.offset += 3 * 86400
		later = self.host.device(self.device).limits.per_day
		self.host.offset += 400 * 86400
		full = self.host.device(self.device).limits.per_day
		self.assertEqual(full, UNOFFICIAL_LIMITS.per_day)
		self.assertTrue(0 < first_day < later < full, (first_day, later, full))

	def test_without_a_warm_up_a_new_phone_has_its_full_limits(self):
		self.link(warm_up=0, linked_since=self.host.now())
		self.assertEqual(self.host.device(self.device).limits.per_day, UNOFFICIAL_LIMITS.per_day)

	# -- groups, and people whose number is hidden --

	def test_a_linked_device_writes_to_groups_and_to_lids(self):
		self.link()
		for to, is_group in ((GROUP, 1), (LID, 0)):
			with self.subTest(to=to):
				(name,) = self.queue(self.request(to=to))
				row = self.row(name)
				chat = self.row(row["chat"], CHAT)
				self.assertEqual((row["recipient"], chat["remote_id"], chat["is_group"]), (to, to, is_group))
				self.assertFalse(chat["phone"])
				self.plan()
				self.assertEqual((self.row(name)["status"], self.box.sent[-1].to), ("Sent", to))

	def test_a_group_is_no_first_contact(self):
		self.link()
		(name,) = self.queue(self.request(to=GROUP))
		self.assertEqual(self.row(name)["first_contact"], 0)

	def test_an_official_device_knows_no_groups(self):
		for to in (GROUP, LID):
			with self.subTest(to=to), self.assertRaises(InvalidPhone):
				outbox.send(self.host, self.request(to=to))

	def test_a_group_is_one_chat_whoever_writes_in_it(self):
		self.link()
		self.queue(self.request(to=GROUP))
		for person in ("201001234567", "201112223334"):
			event = replace(
				self.received(f"3EB0{person}"), chat_id=GROUP, phone="", is_group=True, sender_id=person
			)
			self.tell(event)
		(chat,) = self.rows(CHAT)
		self.assertEqual((chat["remote_id"], chat["is_group"], chat["unread_count"]), (GROUP, 1, 2))
		incoming = [row for row in self.rows() if row["direction"] == "Incoming"]
		self.assertEqual({row["wa_id"] for row in incoming}, {"201001234567", "201112223334"})
		self.assertEqual({row["recipient"] for row in incoming}, {GROUP})

	def test_an_answer_to_a_hidden_number_goes_to_its_lid(self):
		self.link()
		self.tell(replace(self.received(), chat_id=LID, phone="", sender_id=LID))
		(chat,) = self.rows(CHAT)
		receipt = outbox.send(self.host, SendRequest(Text("Hi"), chat=chat["name"]))
		row = self.row(receipt.name)
		self.assertEqual((row["recipient"], row["chat"]), (LID, chat["name"]))

	def test_a_linked_device_has_no_service_window(self):
		self.link()
		self.tell(self.received(at=self.host.time() - 40 * 3600))
		self.assertIsNone(self.rows(CHAT)[0]["window_end"])
		self.assertEqual(outbox.send(self.host, self.request()).status, "Queued")

	# -- what a linked device tells --

	def test_the_state_of_a_device_is_written_with_its_reason(self):
		self.link()
		self.tell(DeviceStateChanged(state="Degraded", reason="Version {0}", values=("2.3",)))
		row = self.row(self.device, DEVICE)
		self.assertEqual((row["status"], row["status_reason"]), ("Degraded", "Version 2.3"))
		self.assertTrue(row["down_since"])
		self.tell(DeviceStateChanged(state="Connected"))
		row = self.row(self.device, DEVICE)
		self.assertEqual((row["status"], row["status_reason"], row["down_since"]), ("Connected", "", 0))

	def test_since_when_it_is_down_stays_through_further_states(self):
		self.link()
		self.tell(DeviceStateChanged(state="Reconnecting"))
		since = self.row(self.device, DEVICE)["down_since"]
		self.host.offset += 600
		self.tell(DeviceStateChanged(state="Initializing"), DeviceStateChanged(state="Authenticated"))
		self.assertEqual(self.row(self.device, DEVICE)["down_since"], since)

	def test_a_paused_device_stays_paused_while_its_phone_comes_and_goes(self):
		self.link()
		device_service.pause(self.host, self.device)
		for state in ("Reconnecting", "Initializing", "Connected", "Disconnected"):
			self.tell(DeviceStateChanged(state=state))
			self.assertEqual(self.row(self.device, DEVICE)["status"], "Paused")
		self.tell(DeviceStateChanged(state="Logged Out", reason="Gone"))
		self.assertEqual(self.row(self.device, DEVICE)["status"], "Logged Out")

	def test_people_are_told_what_needs_them_and_nothing_else(self):
		self.link()
		told = self.alerts()
		self.tell(
			DeviceStateChanged(state="Reconnecting", reason="Lost"), DeviceStateChanged(state="Connected")
		)
		self.assertEqual(told, [])
		self.tell(DeviceStateChanged(state="Blocked", reason="Banned", advice="Wait.", needs_people=True))
		((subject, text),) = told
		self.assertIn(self.device, subject)
		self.assertEqual(text.split(), ["Banned", "Wait."])

	def test_the_picture_of_a_strange_page_is_kept_privately(self):
		self.link()
		self.tell(DeviceStateChanged(state="Degraded", screenshot=PNG))
		self.assertEqual(self.read(self.row(self.device, DEVICE)["screenshot"]), PNG)

	def test_whose_phone_was_linked_is_noted(self):
		self.link(phone_number="")
		phone = DeviceIdentified(number=TO, lid="1@lid", name="Our shop", platform="android", is_new=True)
		self.tell(phone)
		row = self.row(self.device, DEVICE)
		self.assertEqual(
			(row["phone_number"], row["linked_name"], row["linked_platform"], row["linked_lid"]),
			(TO, "Our shop", "android", "1@lid"),
		)
		since = row["linked_since"]
		self.assertTrue(since)
		self.host.offset += 86400
		self.tell(replace(phone, number=OTHER, is_new=False))
		row = self.row(self.device, DEVICE)
		self.assertEqual((row["phone_number"], row["linked_since"]), (TO, since))

	def test_a_code_is_kept_until_it_expires_and_in_no_table(self):
		self.link()
		secret = f"2@{secrets.token_hex(16)}"
		self.tell(QrIssued(code=secret, expires_in=60))
		code = self.host.link_code(self.device)
		self.assertEqual((code.code, code.is_pairing_code), (secret, False))
		tables = (MESSAGE, CHAT, DEVICE, LEASE, WORKER, WEBHOOK_EVENT)
		rows = [self.host.db.sql(f"SELECT * FROM `tab{table}`", as_dict=True) for table in tables]
		self.assertNotIn(secret, str(rows))
		self.assertNotIn(secret, repr(code))
		self.tell(QrIssued(code=""))
		self.assertIsNone(self.host.link_code(self.device))

	def test_a_pairing_code_takes_the_place_of_the_last(self):
		self.link()
		for code in ("AAAA1111", "BBBB2222"):
			self.tell(QrIssued(code=code, is_pairing_code=True, expires_in=195))
		code = self.host.link_code(self.device)
		self.assertEqual((code.code, code.is_pairing_code), ("BBBB2222", True))
		self.assertAlmostEqual(code.expires, self.host.time() + 195, delta=60)

	def test_what_a_session_told_twice_is_there_once(self):
		self.link()
		for _time in range(2):
			self.tell(self.received("3EB0IN"), StatusChanged(message_id="3EB0NONE", status="Read"))
		self.assertEqual((len(self.rows()), self.rows(CHAT)[0]["unread_count"]), (1, 1))

	def test_events_of_a_session_belong_to_its_device_alone(self):
		other = self.add_other(mode=UNOFFICIAL)
		self.link()
		self.tell(replace(self.received("3EB0IN"), account=""), device=other)
		self.assertEqual(self.rows(), [])

	# -- devices that nobody holds --

	def test_a_device_that_no_worker_holds_is_said_to_be_down_once(self):
		self.link()
		self.hold_session()
		told = self.alerts()
		device_service.note_orphans(self.host)
		self.assertEqual((self.row(self.device, DEVICE)["status"], told), ("Connected", []))
		self.host.offset += 61
		for _time in range(2):
			device_service.note_orphans(self.host)
		row = self.row(self.device, DEVICE)
		self.assertEqual(row["status"], "Disconnected")
		self.assertIn(self.host.how_to_start_worker(), row["status_reason"])
		self.assertTrue(row["down_since"])
		self.assertEqual([self.device in subject for subject, _text in told], [True])

	def test_only_linked_devices_that_should_be_up_are_said_to_be_down(self):
		told = self.alerts()
		for values in (
			{"mode": MEMORY, "status": "Connected"},
			{"status": "Paused"},
			{"status": "Logged Out"},
			{"status": "Disconnected"},
		):
			with self.subTest(values=values):
				self.link(**values)
				device_service.note_orphans(self.host)
				self.assertEqual(self.row(self.device, DEVICE)["status"], values["status"])
		self.assertEqual(told, [])

	def test_without_a_worker_people_are_told_how_to_start_one(self):
		self.link(status="Disconnected")
		for ask in (
			device_service.link,
			device_service.relink,
			device_service.log_out,
			device_service.restart,
		):
			with self.subTest(ask=ask.__name__), self.assertRaises(InvalidRequest) as caught:
				ask(self.host, self.device)
			self.assertEqual(caught.exception.code, "no_worker")
			self.assertIn(self.host.how_to_start_worker(), str(caught.exception))
		self.assertFalse(self.row(self.device, DEVICE)["request"])

	def test_a_worker_that_did_not_say_so_for_long_is_not_alive(self):
		self.beat()
		device_service.require_worker(self.host)
		self.host.offset += 61
		with self.assertRaises(InvalidRequest):
			device_service.require_worker(self.host)

	def test_what_a_person_asks_for_is_written_for_the_worker(self):
		self.link(status="Disconnected")
		self.beat()
		asked = [
			(lambda: device_service.link(self.host, self.device), "link:", "Connected"),
			(lambda: device_service.link(self.host, self.device, TO), f"link:{TO[1:]}", "Connected"),
			(lambda: device_service.relink(self.host, self.device), "relink:", "Connected"),
			(lambda: device_service.restart(self.host, self.device), "restart", "Connected"),
			(lambda: device_service.log_out(self.host, self.device), "logout", "Disconnected"),
		]
		for ask, request, wanted in asked:
			with self.subTest(request=request):
				ask()
				row = self.row(self.device, DEVICE)
				self.assertEqual((row["request"], row["wanted_state"]), (request, wanted))
				self.assertLessEqual(abs(row["requested"] - bulk.micros(self.host.time())), bulk.micros(60))

	def test_what_can_not_be_linked_says_why(self):
		self.beat()
		with self.assertRaisesRegex(InvalidRequest, "no linked phone"):
			device_service.link(self.host, self.device)
		self.link(enabled=0)
		with self.assertRaisesRegex(InvalidRequest, "disabled"):
			device_service.link(self.host, self.device)
		self.link(enabled=1)
		with self.assertRaises(InvalidPhone):
			device_service.link(self.host, self.device, "12")
		self.assertFalse(self.row(self.device, DEVICE)["request"])

	# -- fail-over --

	def fail_over_to(self, minutes: int = 30, **values) -> str:
		"""A device that takes over what waits for this one, which is down from now on."""
		other = self.add_other(**values)
		self.change(self.device, DEVICE, fail_over_device=other, fail_over_minutes=minutes)
		return other

	def go_down(self, seconds: float = 31 * 60) -> None:
		self.tell(DeviceStateChanged(state="Reconnecting"))
		self.host.offset += seconds

	def test_what_waits_for_a_device_that_is_down_leaves_through_the_other(self):
		other = self.fail_over_to()
		(name,) = self.queue(self.request(reply_to="3EB0QUOTED"))
		self.go_down(29 * 60)
		self.assertEqual(fail_over.move_waiting(self.host), 0)
		self.host.offset += 120
		self.assertEqual(fail_over.move_waiting(self.host), 1)
		row = self.row(name)
		self.assertEqual(
			(row["device"], row["moved_from"], row["status"], row["reply_to_id"], row["recipient"]),
			(other, self.device, "Queued", None, TO),
		)
		self.assertEqual(self.row(row["chat"], CHAT)["device"], other)
		self.drain()
		self.assertEqual([message.name for message in mailbox(other).sent], [name])
		self.assertEqual((self.box.sent, self.row(name)["moved_from"]), ([], self.device))

	def test_what_may_have_left_or_is_not_due_is_not_moved(self):
		self.fail_over_to()
		self.link()
		names = self.queue(
			*[self.request(str(index), to=f"+2010012345{index}0") for index in range(4)],
			self.request("group", to=GROUP),
			self.request("hidden", to=LID),
			self.request("later", send_at=self.host.now() + timedelta(days=1)),
		)
		self.change(names[0], status="Unknown", remote_id="3EB0A")
		self.change(names[1], remote_id="3EB0B")
		self.change(names[2], status="Sending", lease_owner="somebody")
		self.change(names[3], status="Held")
		self.go_down()
		self.assertEqual(fail_over.move_waiting(self.host), 0)
		self.assertEqual({self.row(name)["device"] for name in names}, {self.device})

	def test_a_paused_device_keeps_its_messages(self):
		self.fail_over_to()
		(name,) = self.queue()
		self.go_down()
		device_service.pause(self.host, self.device)
		self.host.offset += 86400
		self.assertEqual(fail_over.move_waiting(self.host), 0)
		self.assertEqual(self.row(name)["device"], self.device)

	def test_a_device_that_came_back_keeps_its_messages(self):
		self.fail_over_to()
		self.queue()
		self.go_down()
		self.tell(DeviceStateChanged(state="Connected"))
		self.assertEqual(fail_over.move_waiting(self.host), 0)

	def test_a_device_that_can_not_send_itself_takes_nothing_over(self):
		for values in ({"status": "Reconnecting"}, {"status": "Paused"}, {"enabled": 0}):
			with self.subTest(values=values):
				other = self.fail_over_to(**values)
				self.queue()
				self.go_down()
				self.assertEqual(fail_over.move_waiting(self.host), 0)
				self.remove_device(other)

	def test_a_worker_that_died_tells_nothing_and_is_missed_all_the_same(self):
		self.fail_over_to()
		self.link()
		self.hold_session()
		(name,) = self.queue()
		self.host.offset += 29 * 60
		self.assertEqual(fail_over.move_waiting(self.host), 0)
		self.host.offset += 3 * 60
		self.assertEqual(fail_over.move_waiting(self.host), 1)
		self.assertEqual(self.row(name)["moved_from"], self.device)

	def test_only_what_the_other_device_can_send_is_moved(self):
		other = self.fail_over_to(mode=UNOFFICIAL)
		template = SendRequest(Template("hello", "en_US"), to=TO, device=self.device)
		stays, goes = self.queue(template, self.request("text", to=OTHER))
		self.go_down()
		self.assertEqual(fail_over.move_waiting(self.host), 1)
		self.assertEqual([self.row(name)["device"] for name in (stays, goes)], [self.device, other])
		self.assertEqual((self.row(stays)["status"], self.row(goes)["first_contact"]), ("Queued", 1))

	def test_what_can_not_be_moved_keeps_nothing_behind_it(self):
		other = self.fail_over_to(mode=UNOFFICIAL)
		template = SendRequest(Template("hello", "en_US"), to=TO, device=self.device)
		_stays, goes = self.queue(template, self.request("text", to=OTHER))
		self.go_down()
		with patch.object(fail_over, "BATCH", 1):
			for _round in range(3):
				fail_over.move_waiting(self.host)
		self.assertEqual(self.row(goes)["device"], other)

	def test_a_message_that_can_not_be_read_stops_no_other_from_moving(self):
		other = self.fail_over_to()
		broken, good = self.queue(self.request("1"), self.request("2", to=OTHER))
		self.change(broken, content='{"colour": "red"}')
		self.go_down()
		fail_over.move_waiting(self.host)
		self.assertEqual([self.row(name)["device"] for name in (broken, good)], [self.device, other])

	def test_the_window_of_the_other_device_counts(self):
		other = self.fail_over_to(mode="Official")
		self.tell(self.received("3EB0OLD", at=self.host.time() - 25 * 3600), device=other)
		template = SendRequest(Template("hello", "en_US"), to=TO, device=self.device)
		stays, goes = self.queue(self.request(), template)
		self.go_down()
		self.assertEqual(fail_over.move_waiting(self.host), 1)
		self.assertEqual([self.row(name)["device"] for name in (stays, goes)], [self.device, other])

	def test_what_was_moved_keeps_its_order(self):
		other = self.fail_over_to()
		self.queue(*[self.request(str(index)) for index in range(5)])
		self.go_down()
		self.assertEqual(fail_over.move_waiting(self.host), 5)
		self.drain()
		self.assertEqual([message.content.body for message in mailbox(other).sent], list("01234"))

	# -- a database that drops the connection --

	def test_a_connection_lost_while_nothing_is_on_its_way_loses_no_message(self):
		(name,) = self.queue()
		dispatcher = Dispatcher(self.host, threads=4)
		self.lose_connection()
		dispatcher.drain(seconds=SECONDS)
		self.assertEqual((self.row(name)["status"], len(self.box.sent)), ("Sent", 1))

	def test_a_connection_lost_while_messages_are_on_their_way_loses_no_answer(self):
		script = self.script()
		script.open.clear()
		names = self.queue(self.request("1"), self.request("2"), self.request("a", to=OTHER))
		dispatcher = Dispatcher(self.host, threads=4)
		dispatcher.tick()
		for _message in range(2):
			self.assertTrue(script.came.acquire(timeout=SECONDS))
		self.lose_connection()
		script.open.set()
		dispatcher.drain(seconds=SECONDS)
		self.assertEqual([self.row(name)["status"] for name in names], ["Sent"] * 3)
		self.assertEqual([self.row(name)["attempts"] for name in names], [1] * 3)
		self.assertEqual(sorted(script.bodies()), ["1", "2", "a"])

	def test_a_connection_lost_just_before_the_end_loses_no_answer(self):
		script = self.script()
		script.open.clear()
		(name,) = self.queue()
		dispatcher = Dispatcher(self.host, threads=4)
		dispatcher.tick()
		self.assertTrue(script.came.acquire(timeout=SECONDS))
		self.lose_connection()
		script.open.set()
		try:
			dispatcher.close()
		finally:
			self.ensure_connection()
		self.assertEqual((self.row(name)["status"], len(self.box.sent)), ("Sent", 1))
		self.assertEqual(leases.expires(self.host.db, f"dispatch:{self.device}"), 0)

	def lose_the_claims_commit(self) -> None:
		"""The next commit that claims a message counts, but its answer is lost with the connection."""
		commit = self.host.db.commit

		def commit_and_lose():
			commit()
			if any(row["status"] == "Sending" for row in self.rows()):
				self.lose_connection()
				self.rows()

		self.host.db.commit = commit_and_lose

	def test_a_commit_of_which_nobody_knows_whether_it_counted_loses_no_message(self):
		script = self.script()
		(name,) = self.queue()
		dispatcher = self.planning()
		self.lose_the_claims_commit()
		dispatcher.tick()
		dispatcher.tick()
		dispatcher.close()
		self.plan()
		self.assertEqual((self.row(name)["status"], len(script.asked)), ("Sent", 1))

	def test_such_a_commit_strands_no_message_while_the_process_goes_on(self):
		script = self.script()
		self.queue()
		dispatcher = self.planning()
		self.lose_the_claims_commit()
		for _time in range(4):
			dispatcher.tick()
			dispatcher._renew_at = 0.0
		(row,) = self.rows()
		dispatcher.close()
		self.assertTrue(script.asked, f"the message is {row['status']}, and nobody sends it")

	def test_a_connection_lost_while_a_file_is_looked_for_strands_no_other_message(self):
		document = Document(Media(link="https://example.com/a.pdf"))
		names = self.queue(SendRequest(document, to=TO, device=self.device), self.request(to=OTHER))
		self.change(names[0], content=json.dumps(Document(Media(file="bill.pdf")).to_dict()))

		def lose(*_args):
			self.lose_connection()
			return self.rows()

		self.host.open_file = lose
		self.host.log_error = lambda title, text: self.rows()
		try:
			self.drain()
		finally:
			self.ensure_connection()
		self.assertEqual(self.row(names[1])["status"], "Sent")

	def ensure_connection(self) -> None:
		try:
			self.rows()
		except Exception:
			self.host.reconnect()


def nested(levels: int) -> dict:
	value: dict = {"leaf": "\ud800"}
	for _level in range(levels):
		value = {"in": value}
	return value


DEVICE_VALUES = {
	"mode": MEMORY,
	"enabled": 1,
	"status": "Connected",
	"phone_number": "+15550001111",
	"phone_number_id": NUMBER_ID,
	"waba_id": WABA_ID,
}
SETTINGS = Settings(default_country="EG", retry=Retry())
