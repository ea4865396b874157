"""A dispatcher that is killed at any point loses nothing and sends nothing twice."""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from whatsapp_integration.core import webhook
from whatsapp_integration.core.messages import Text
from whatsapp_integration.host.local import LocalHost
from whatsapp_integration.sandbox import defaults
from whatsapp_integration.sandbox.server import Sandbox
from whatsapp_integration.services import inbox, outbox
from whatsapp_integration.services.outbox import SendRequest
from whatsapp_integration.store.keys import MESSAGE

MESSAGES = 1000
DEVICE = "Main"
SCRIPT = Path(__file__).with_name("dispatch_forever.py")
ENVIRONMENT = os.environ | {
	"WHATSAPP_MAIN_ACCESS_TOKEN": defaults.ACCESS_TOKEN,
	"PYTHONPATH": str(SCRIPT.parents[2]),
}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_dispatcher_killed_at_random_points_loses_nothing_and_sends_nothing_twice(tmp_path):
	host = LocalHost(tmp_path)
	host.add_device(DEVICE, phone_number=defaults.PHONE_NUMBER, phone_number_id=defaults.PHONE_NUMBER_ID)
	requests = [SendRequest(Text(f"Hello {i}"), to=f"+20100{i:07d}", device=DEVICE) for i in range(MESSAGES)]
	outbox.enqueue(host, requests)
	host.db.commit()
	with Sandbox(latency=0.02, suffix_faults=False) as box:
		kills = kill_until_sent(host, tmp_path, box)
		accepted = Counter(message["callback_data"] for message in box.messages())
		before = statuses(host)
		reconcile(host, box)
	after = statuses(host)
	assert kills >= 5
	assert max(accepted.values()) == 1, "a message was sent twice"
	assert sum(before.values()) == MESSAGES, "a row was lost"
	assert set(before) <= {"Sent", "Unknown"}
	assert after["Sent"] == len(accepted), "a row that left is not settled by its status"
	assert after.get("Unknown", 0) == MESSAGES - len(accepted)


def kill_until_sent(host: LocalHost, folder: Path, box: Sandbox) -> int:
	"""Start a dispatcher and kill it, again and again, until nothing is left to send; returns how often."""
	chance = random.Random(os.environ.get("CRASH_SEED"))
	kills = 0
	while statuses(host).keys() & {"Queued", "Sending"}:
		process = subprocess.Popen([sys.executable, SCRIPT, folder, box.url], env=ENVIRONMENT)
		begun = len(box.messages())
		box.wait_for(lambda: len(box.messages()) > begun, timeout=3)  # noqa: B023
		threading.Event().wait(chance.uniform(0, 0.3))
		process.kill()
		process.wait()
		kills += 1
	return kills


def reconcile(host: LocalHost, box: Sandbox) -> None:
	"""Apply the statuses that Meta would send for what it accepted."""
	values = [
		{
			"id": message["id"],
			"status": "sent",
			"timestamp": str(int(time.time())),
			"biz_opaque_callback_data": message["callback_data"],
		}
		for message in box.messages()
	]
	metadata = {"phone_number_id": defaults.PHONE_NUMBER_ID}
	change = {"field": "messages", "value": {"metadata": metadata, "statuses": values}}
	inbox.apply(host, webhook.parse({"entry": [{"id": defaults.WABA_ID, "changes": [change]}]}))
	host.db.commit()


def statuses(host: LocalHost) -> dict[str, int]:
	return dict(host.db.sql(f"SELECT `status`, COUNT(*) FROM `tab{MESSAGE}` GROUP BY `status`"))
