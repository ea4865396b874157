"""Our bridge over the real wa-js: linking, the state of the link, and everything that is sent."""

from __future__ import annotations

from tests.wa_js.driving import Bridge
from tests.wa_js.stand_in import RECORDER
from whatsapp_integration.whatsapp_web import page
from whatsapp_integration.whatsapp_web.states import Screen

HUDA = "966500000011"
HUDA_ID = f"{HUDA}@c.us"
HUDA_LID = "88000000000011@lid"
GROUP = "120363000000000001@g.us"
ME = "966500000001"
ME_LID = "77000000000001@lid"
ID = "3EB0AAAAAAAAAAAAAAAAAA"
KEY = f"true_{HUDA_ID}_{ID}"

# -- linking --


def test_the_page_of_a_new_device_is_unlinked_and_at_no_moment_connected(wa_page, bundle, tmp_path):
	driver = wa_page([*page.scripts(bundle), RECORDER])
	seen = []
	bridge = Bridge(driver, tmp_path, wait=False)
	bridge.until(lambda: seen.append(bridge.screen) or seen[-1] is Screen.UNLINKED)
	assert set(seen) == {Screen.STARTING, Screen.UNLINKED}
	assert (bridge.state["main_ready"], bridge.state["authenticated"], bridge.state["mode"]) == (
		True,
		False,
		"QR",
	)


def test_each_code_to_scan_is_told_and_the_last_one_can_be_asked_for(unlinked_bridge):
	assert unlinked_bridge.do("qr") == {"code": ""}
	for ref in ("first", "second"):
		unlinked_bridge.run("stub.showCode(a);", ref)
		code = unlinked_bridge.wait_for("qr", lambda item: item["code"].startswith("second,"))["code"] if ref == "second" else unlinked_bridge.wait_for("qr", lambda item: item["code"].startswith("first,"))["code"]
		assert unlinked_bridge.do("qr") == {"code": code}
		assert len(code.split(",")) == 4
