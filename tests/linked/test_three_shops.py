"""Three branches of one company, each with its own phone, in one worker."""

import threading
from collections import Counter

import pytest

from tests.linked.conftest import Place
from whatsapp_integration.cli.engine import Engine
from whatsapp_integration.core.messages import Document, Media, Reaction, Text
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.services import devices, inbox, outbox
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.tests import chaos

SHOPS = {"Cairo": "+201000000001", "Giza": "+201000000002", "Luxor": "+201000000003"}
CUSTOMER = "+201112223344"


class Shops(Place):
	"""The worker runs in this process, so that tests can look at its sessions."""

	def start(self) -> None:
		self.engine = Engine(self.data)
		self.engine.start()

	def stop(self) -> None:
		self.engine.stop()
		assert self.engine.error is None

	def session(self, name: str):
		return self.engine._keeper.find(name)

	def is_busy(self, name: str) -> bool:
		"""Does a script of its page keep a processor to itself?"""
		profile = self.session(name)._browser.profile
		return any(tab.cpu_percent(0.3) > 25 for tab in chaos.processes_of(profile, kind="renderer"))

	def send(self, content, device: str, to: str = CUSTOMER, **options) -> str:
		receipt = outbox.send(self.host, SendRequest(content, to, device, **options))
		self.host.db.commit()
		return receipt.name

	def row(self, name: str) -> dict:
		return next(row for row in self.rows() if row["name"] == name)

	def wait_status(self, name: str, *statuses: str) -> dict:
		self.wait(lambda: self.row(name)["status"] in statuses, lambda: dict(self.row(name)))
		return self.row(name)

	def wait_received(self, remote_id: str, is_ready=lambda row: True) -> dict:
		def arrived():
			return [row for row in self.rows(remote_id=remote_id) if is_ready(row)]

		return self.wait(arrived, f"{remote_id} did not arrive")[0]

	def accepted(self, **filters) -> list[dict]:
		return self.box.web.messages(from_me=True, from_phone=False, **filters)


SENT = ("Sent", "Delivered", "Read")


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
	with Sandbox() as box:
		shops = Shops(tmp_path_factory.mktemp("shops") / "data", box)
		for name, number in SHOPS.items():
			shops.add(name, number)
		shops.start()
		shops.link(*SHOPS)
		yield shops
		shops.stop()
		shops.close()


@pytest.fixture
def shops(linked):
	linked.box.web.behave()
	for name in SHOPS:
		linked.wait_connected(name)
	yield linked
	linked.box.web.behave()


def test_the_form_knows_whose_phone_is_linked(shops):
	device = shops.device("Giza")
	assert (device["linked_name"], device["phone_number"]) == ("Giza", SHOPS["Giza"])
	assert device["linked_lid"].endswith("@lid")
	assert shops.host.link_code("Giza") is None


def test_all_send_at_once_and_every_customer_is_answered_from_the_number_they_wrote_to(shops):
	names = [shops.send(Text(f"{shop} {n}"), shop) for n in range(5) for shop in SHOPS]
	for name in names:
		shops.wait_status(name, *SENT)
	told = Counter(message["account"] for message in shops.accepted() if message["body"][-1].isdigit())
	assert told == {number.lstrip("+"): 5 for number in SHOPS.values()}
	for shop, number in SHOPS.items():
		question = shops.box.web.write(number, CUSTOMER, text=f"Is {shop} open?")
		row = shops.wait_received(question["id"])
		assert (row["device"], row["recipient"]) == (shop, CUSTOMER)
		answer = outbox.send(
			shops.host, SendRequest(Text(f"{shop}: yes"), chat=row["chat"], reply_to=row["remote_id"])
		)
		shops.host.db.commit()
		shops.wait_status(answer.name, *SENT)
		(sent,) = [message for message in shops.accepted() if message["body"] == f"{shop}: yes"]
		assert (sent["account"], sent["quoted"]) == (number.lstrip("+"), question["id"])


def test_ticks_rise_to_read(shops):
	name = shops.send(Text("Ticks?"), "Cairo")
	shops.wait_status(name, "Sent", "Delivered")
	shops.box.web.read(CUSTOMER, SHOPS["Cairo"])
	row = shops.wait_status(name, "Read")
	assert row["delivered_at"] and row["read_at"]


def test_a_document_arrives_whole_under_its_name(shops, tmp_path):
	path = tmp_path / "stored.pdf"
	path.write_bytes(b"%PDF-1.4 " + bytes(range(256)) * 40)
	media = Media(file=shops.host.add_file(path), filename="Rechnung – فاتورة.pdf")
	name = shops.send(Document(media, "Your invoice"), "Cairo")
	shops.wait_status(name, *SENT)
	(sent,) = shops.accepted(filename="Rechnung – فاتورة.pdf")
	assert (sent["caption"], sent["size"], sent["type"]) == ("Your invoice", path.stat().st_size, "document")


def test_links_in_texts_go_to_nobody_for_a_preview(shops):
	name = shops.send(Text("Look: https://example.com/secret-key"), "Cairo")
	shops.wait_status(name, *SENT)
	(sent,) = [message for message in shops.accepted() if "secret-key" in message["body"]]
	assert sent["link_preview"] is False
	assert shops.box.web.leaks() == []


def test_a_reaction_is_shown_on_the_message_it_means(shops):
	question = shops.box.web.write(SHOPS["Cairo"], CUSTOMER, text="Thanks!")
	shops.wait_received(question["id"])
	shops.wait_status(shops.send(Reaction(question["id"], "👍"), "Cairo"), *SENT)
	shops.box.web.wait_for(lambda: shops.box.web.messages(id=question["id"])[0]["reactions"])


def test_what_the_customer_and_the_phone_do_shows_in_the_rows(shops, tmp_path):
	web, shop = shops.box.web, SHOPS["Luxor"]
	text = web.write(shop, CUSTOMER, text="Helo")
	gone = web.write(shop, CUSTOMER, text="Never mind")
	echo = web.write(shop, CUSTOMER, text="From the phone", from_phone=True)
	photo = web.write(shop, CUSTOMER, image={"data": "iVBORw0KGgo=", "mime_type": "image/png"})
	shops.wait_received(gone["id"])
	web.edit(text["id"], "Hello")
	web.revoke(gone["id"])
	web.react(text["id"], "❤️")
	row = shops.wait_received(text["id"], lambda row: row["is_edited"] and row["reaction"])
	assert (row["body"], row["reaction"]) == ("Hello", "❤️")
	assert shops.wait_received(gone["id"], lambda row: row["is_revoked"])
	sent = shops.wait_received(echo["id"])
	assert (sent["direction"], sent["is_echo"], sent["body"]) == ("Outgoing", 1, "From the phone")
	file = shops.wait_received(photo["id"], lambda row: row["media_state"] == "Stored")
	with open(shops.host.open_file(file["attachment"]).path, "rb") as kept:
		assert kept.read() == b"\x89PNG\r\n\x1a\n"


def test_a_chat_that_was_read_here_shows_the_customer_blue_ticks(shops):
	told = shops.box.web.write(SHOPS["Cairo"], "+201112223366", text="Did you see this?")
	row = shops.wait_received(told["id"])
	inbox.send_read_receipt(shops.host, row["chat"])
	shops.host.db.commit()
	shops.wait(lambda: not shops.box.web.messages(id=told["id"])[0]["unread"], "it is still unread")


def test_a_group_has_one_chat_with_the_names_of_its_senders(shops):
	group = shops.box.web.add_group("Drivers", [CUSTOMER, "+201112223355"])
	told = shops.box.web.write(SHOPS["Cairo"], CUSTOMER, text="On my way", group=group)
	row = shops.wait_received(told["id"])
	assert row["recipient"] == group
	name = shops.send(Text("Thanks all"), "Cairo", to=group)
	assert shops.wait_status(name, *SENT)["chat"] == row["chat"]


def test_a_customer_who_shows_only_a_lid_is_answered_in_the_same_chat(shops):
	hidden = "+201119990700"
	told = shops.box.web.write(SHOPS["Cairo"], hidden, text="Guess who", lid_only=True)
	row = shops.wait_received(told["id"])
	assert row["recipient"].endswith("@lid")
	answer = outbox.send(shops.host, SendRequest(Text("Welcome"), chat=row["chat"]))
	shops.host.db.commit()
	shops.wait_status(answer.name, *SENT)
	assert [message for message in shops.accepted() if message["body"] == "Welcome"]


def test_a_number_without_whatsapp_fails_for_good_and_says_so(shops):
	row = shops.wait_status(shops.send(Text("Hello?"), "Cairo", to="+201112220404"), "Failed")
	assert (row["error_code"], row["attempts"]) == ("not_on_whatsapp", 2)
	assert row["advice"]


def test_a_message_that_was_taken_but_never_confirmed_is_found_and_not_sent_again(shops):
	name = shops.send(Text("Did it arrive?"), "Giza", to="+201112220202")
	row = shops.wait_status(name, *SENT)
	(sent,) = [message for message in shops.accepted() if message["body"] == "Did it arrive?"]
	assert (sent["id"], sent["times_accepted"]) == (row["remote_id"], 1)


def test_a_page_that_hangs_holds_up_nobody_else(shops):
	shops.box.web.misbehave("busy", account=SHOPS["Giza"], seconds=0)
	shops.wait(lambda: shops.is_busy("Giza"), "the page does not hang")
	hung = shops.send(Text("Stuck"), "Giza")
	others = [shops.send(Text(f"Free {n}"), shop) for n in range(4) for shop in ("Cairo", "Luxor")]
	for name in others:
		shops.wait_status(name, *SENT)
	assert shops.row(hung)["status"] not in SENT
	shops.wait_status(hung, *SENT)
	assert len([message for message in shops.accepted() if message["body"] == "Stuck"]) == 1


def test_a_dead_connection_is_noticed_by_the_missing_ack_and_started_anew(shops):
	"""WhatsApp Web itself sends what waited in it, once it is connected again."""
	shops.box.configure(web_resend_pending=True)
	before = shops.session("Luxor")
	shops.box.web.misbehave("dead", account=SHOPS["Luxor"])
	name = shops.send(Text("Anybody?"), "Luxor")
	shops.wait_status(name, *SENT)
	assert shops.session("Luxor") is not before
	assert len([message for message in shops.accepted() if message["body"] == "Anybody?"]) == 1


def test_what_waits_in_whatsapp_web_is_never_sent_beside_it_until_a_person_says_so(shops):
	shops.box.configure(web_resend_pending=False)
	shops.box.web.misbehave("dead", account=SHOPS["Luxor"])
	name = shops.send(Text("Stuck in there"), "Luxor")
	shops.wait(lambda: shops.row(name)["error_code"] == "pending", "it was not looked for")
	planned = shops.row(name)["remote_id"]
	assert not [message for message in shops.accepted() if message["body"] == "Stuck in there"]
	outbox.retry(shops.host, [name])
	shops.host.db.commit()
	assert shops.wait_status(name, *SENT)["remote_id"] != planned
	assert len([message for message in shops.accepted() if message["body"] == "Stuck in there"]) == 1


def test_what_came_during_an_outage_is_there_afterwards(shops):
	shops.session("Luxor").kill()
	told = shops.box.web.write(SHOPS["Luxor"], CUSTOMER, text="While you were away")
	assert shops.wait_received(told["id"])["body"] == "While you were away"


@pytest.mark.parametrize("kind", ["conflict", "reload"])
def test_a_page_that_is_pushed_aside_comes_back_by_itself(shops, kind):
	shops.box.web.misbehave(kind, account=SHOPS["Giza"])
	name = shops.send(Text(f"After {kind}"), "Giza")
	shops.wait_status(name, *SENT)


def test_a_ban_stops_the_device_and_tells_the_admin(shops):
	shops.box.web.misbehave("banned", account=SHOPS["Giza"])
	shops.wait(lambda: shops.device("Giza")["status"] == "Blocked", "not blocked")
	name = shops.send(Text("Wait"), "Giza")
	device = shops.device("Giza")
	assert "blocked" in device["status_reason"] and device["wanted_state"] == "Disconnected"
	shops.wait(lambda: shops.session("Giza") is None, "its browser still runs")
	assert shops.row(name)["status"] == "Queued"
	shops.box.web.behave()
	devices.restart(shops.host, "Giza")
	shops.host.db.commit()
	shops.wait_status(name, *SENT)


def test_a_page_that_changed_is_degraded_with_a_picture_for_the_admin(shops):
	shops.box.web.misbehave("not_ready", account=SHOPS["Giza"])
	devices.restart(shops.host, "Giza")
	shops.host.db.commit()
	shops.wait(lambda: shops.device("Giza")["status"] == "Degraded", "not degraded")
	device = shops.device("Giza")
	assert "did not start" in device["status_reason"]
	with open(shops.host.open_file(device["screenshot"]).path, "rb") as picture:
		assert picture.read(8) == b"\x89PNG\r\n\x1a\n"


def test_a_paused_device_keeps_its_messages_and_goes_on_receiving(shops):
	devices.pause(shops.host, "Cairo")
	shops.host.db.commit()
	name = shops.send(Text("Later"), "Cairo")
	told = shops.box.web.write(SHOPS["Cairo"], CUSTOMER, text="Are you there?")
	shops.wait_received(told["id"])
	assert (shops.row(name)["status"], shops.device("Cairo")["status"]) == ("Queued", "Paused")
	devices.resume(shops.host, "Cairo")
	shops.host.db.commit()
	shops.wait_status(name, *SENT)
	shops.wait_connected("Cairo")


def test_no_thread_waits_for_a_device_that_has_nothing_to_do(shops):
	shops.wait(lambda: not shops.rows(status="Sending"), "something is on its way")
	assert all(session.is_idle for session in map(shops.session, SHOPS))
	assert sum(thread.name.startswith("whatsapp-Cairo") for thread in threading.enumerate()) == 1
