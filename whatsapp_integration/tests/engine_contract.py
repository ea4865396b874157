"""What the engine promises, whatever host it runs on. Each host has a test case that adds itself to this one."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import replace
from datetime import timedelta

from whatsapp_integration.core.config import MEMORY, Limits, Retry
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
	MediaInfo,
	MessageEchoed,
	MessageEdited,
	MessageReceived,
	StatusChanged,
)
from whatsapp_integration.core.messages import Contacts, Document, Media, Sent, Template, Text
from whatsapp_integration.host.base import Settings
from whatsapp_integration.senders.factory import create_sender
from whatsapp_integration.senders.memory import clear_mailboxes, mailbox
from whatsapp_integration.services import inbox, media, outbox, webhooks
from whatsapp_integration.services.dispatcher import Dispatcher
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.store.keys import CHAT, DEVICE, MESSAGE, WEBHOOK_EVENT

NUMBER_ID = "109999999999999"
WABA_ID = "208888888888888"
SECRET = "app-secret"
TO = "+201001234567"
OTHER = "+201112223334"


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

	def test_a_mode_that_can_not_send_yet_says_so_when_it_is_asked(self):
		self.host.db.sql(f"UPDATE `tab{DEVICE}` SET `mode` = 'Unofficial' WHERE `name` = %s", [self.device])
		with self.assertRaisesRegex(Unsupported, "Linked devices can't send"):
			outbox.send(self.host, self.request())
		self.drain()

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
