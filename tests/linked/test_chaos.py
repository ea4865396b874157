"""A linked phone loses nothing and sends nothing twice, whatever of its worker is killed, again and again."""

import os
import random
import signal
from collections import Counter

import pytest

from whatsapp_integration.core.messages import Text
from whatsapp_integration.services import outbox
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.tests import chaos

MESSAGES = 200
SHOP = "+201000000001"
WAITING = ("Queued", "Sending", "Unknown")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kills_at_random_moments_lose_nothing_and_send_nothing_twice(place):
	# What waits in WhatsApp Web when its browser dies, it sends by itself later.
	place.box.configure(web_resend_pending=True)
	place.add("Shop", SHOP)
	place.start()
	place.link("Shop")
	companions = place.box.web.companions(SHOP)
	requests = [
		SendRequest(Text(f"Hello {n}"), to=f"+2010011{n:05d}", device="Shop") for n in range(MESSAGES)
	]
	outbox.enqueue(place.host, requests)
	place.host.db.commit()

	def end_worker(number):
		place.worker.send_signal(number)
		assert place.worker.wait(20) in (0, -number)
		if number == signal.SIGTERM:
			assert not chaos.processes_of(place.profiles)
		place.start()

	def term_worker():
		end_worker(signal.SIGTERM)

	def kill_worker():
		end_worker(signal.SIGKILL)

	def kill_chromedriver():
		chaos.kill_chromedriver(place.profiles)

	def kill_browser():
		chaos.kill_browser(place.profiles)

	def kill_tab():
		chaos.kill_tab(place.profiles)

	def kill_database_connections():
		place.worker.send_signal(signal.SIGUSR1)

	def count_waiting():
		return sum(row["status"] in WAITING for row in place.rows())

	struck = chaos.run_until_sent(
		[kill_worker, kill_browser, kill_database_connections, term_worker, kill_tab, kill_chromedriver],
		count_waiting,
		lambda left: place.wait(lambda: count_waiting() <= left, f"more than {left} are waiting", 120),
		messages=MESSAGES,
		chance=random.Random(os.environ.get("CRASH_SEED")),
	)

	accepted = Counter(message["body"] for message in place.box.web.messages(from_me=True))
	assert len(struck) == 6, f"only these blows fell: {struck}"
	assert Counter(row["status"] for row in place.rows()) <= Counter(
		{"Sent": MESSAGES, "Delivered": MESSAGES, "Read": MESSAGES}
	)
	assert len(accepted) == MESSAGES, "a message was lost"
	assert max(accepted.values()) == 1, "a message was sent twice under another id"
	assert max(m["times_accepted"] for m in place.box.web.messages(from_me=True)) == 1, (
		"a message was sent twice"
	)
	assert [c["session"] for c in place.box.web.companions(SHOP)] == [c["session"] for c in companions], (
		"a new QR"
	)

	place.wait_connected("Shop")
	place.worker.send_signal(signal.SIGTERM)
	assert place.worker.wait(20) == 0
	assert not chaos.processes_of(place.profiles), "a browser was left over"
