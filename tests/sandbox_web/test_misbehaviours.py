"""What goes wrong on demand, in a real browser."""

from __future__ import annotations

import pytest

from tests.sandbox_web.browser import PATIENCE
from tests.sandbox_web.pages import CHAT, CUSTOMER, SHOP


@pytest.mark.parametrize(("ending", "result"), [("0503", "ERROR_NETWORK"), ("0410", "ERROR_EXPIRED")])
def test_a_send_may_resolve_without_success(box, tab, ending, result):
	answer = tab.call("chat.sendTextMessage", f"2010012{ending}@c.us", "hello")
	assert answer["sendMsgResult"]["messageSendResult"] == result
	assert box.web.messages() == []


def test_who_is_not_on_whatsapp_is_not_found(tab):
	assert tab.call("contact.queryWidExists", "20100120404@c.us") is None
	assert "Failed to find" in tab.wpp("chat.sendTextMessage", "20100120404@c.us", "hello")["error"]


def test_a_send_may_be_rejected_with_a_plain_string(tab):
	assert tab.wpp("chat.sendTextMessage", "20100120500@c.us", "hello") == {
		"error": "the stand-in throws",
		"code": "",
	}


def test_a_send_may_hang_with_and_without_being_accepted(box, tab):
	tab.begin("chat.sendTextMessage", "20100120408@c.us", "never accepted")
	tab.wait_heard("chat.new_message")
	tab.begin("chat.sendTextMessage", "20100120202@c.us", "accepted")
	tab.wait_heard("chat.msg_ack_change", 3)
	assert [row["body"] for row in box.web.messages()] == ["accepted"]
	assert tab.settled() is False


def test_another_window_takes_over_until_the_page_is_loaded_again(box, tab):
	box.web.misbehave("conflict", account=SHOP)
	tab.wait_mode("CONFLICT")
	tab.wait_screen("stopped")
	tab.driver.refresh()
	tab.wait_mode("MAIN")


def test_a_banned_account_says_so_and_sends_nothing(box, tab):
	tab.call("chat.find", CHAT)
	box.web.misbehave("banned", account=SHOP)
	tab.wait_mode("TOS_BLOCK")
	assert tab.heard("conn.backend_event") == ["account_temporarily_banned"]
	tab.begin("chat.sendTextMessage", CHAT, "hello")
	tab.wait_heard("chat.new_message")
	tab.driver.refresh()
	tab.wait_mode("TOS_BLOCK")
	box.web.behave("banned")
	tab.wait_mode("MAIN")
	assert box.web.messages() == []


def test_an_outdated_version_says_so(box, tab):
	box.web.misbehave("deprecated", account=SHOP)
	tab.wait_mode("DEPRECATED_VERSION")
	assert len(tab.heard("conn.needs_update")) == 1
	assert tab.run("return WPP.conn.needsUpdate()") is True


def test_the_page_may_load_itself_again(box, tab):
	tab.mark()
	box.web.misbehave("reload", account=SHOP)
	tab.wait("the page loading itself again", tab.is_reloaded)
	tab.wait_mode("MAIN")


def test_a_busy_page_answers_late_but_answers(box, tab):
	tab.run("window.turns = 0; setInterval(() => window.turns++, 10)")
	tab.run(
		"window.longest = 0; let last = Date.now(); setInterval(() => { longest = Math.max(longest, Date.now() - last); last = Date.now(); }, 10)"
	)
	box.web.misbehave("busy", account=SHOP, seconds=1)
	tab.wait("a second without a turn", lambda: tab.run("return window.longest >= 1000"))


def test_a_dead_stream_looks_well_until_the_page_is_loaded_again(box, tab):
	tab.call("chat.find", CHAT)
	box.web.misbehave("dead", account=SHOP)
	tab.begin("chat.sendTextMessage", CHAT, "hello")
	tab.wait_heard("chat.new_message")
	box.web.write(SHOP, CUSTOMER, text="are you there?")
	assert tab.run("return WPP.conn.getStreamData()") == {"mode": "MAIN", "info": "NORMAL"}
	assert (tab.settled(), tab.heard("chat.msg_ack_change")) == (False, [])
	tab.driver.refresh()
	tab.wait_mode("MAIN")
	unread = tab.call("chat.getMessages", CHAT, {"count": -1, "onlyUnread": True})
	assert [message["body"] for message in unread] == ["are you there?"]
	tab.call("chat.sendTextMessage", CHAT, "yes")


def test_without_a_network_a_message_waits_for_it(box, tab):
	tab.call("chat.find", CHAT)
	box.web.misbehave("offline", account=SHOP)
	assert tab.wait_heard("conn.online") == [False]
	assert tab.call("contact.queryWidExists", "14155550123@c.us") is None
	assert tab.run("return [WPP.conn.isOnline(), WPP.conn.getStreamData().info]") == [False, "OFFLINE"]
	tab.begin("chat.sendTextMessage", CHAT, "hello")
	tab.wait_heard("chat.new_message")
	assert box.web.messages() == []
	box.web.behave("offline")
	tab.wait("the send to end", tab.settled)
	assert [row["times_accepted"] for row in box.web.messages()] == [1]


def test_a_changed_page_never_becomes_ready(box, tab):
	box.web.misbehave("not_ready")
	tab.driver.refresh()
	tab.wait_screen("loading")
	assert tab.run("return [WPP.isInjected, WPP.isReady]") == [False, False]


def test_functions_may_be_missing(box, open_tab):
	box.web.misbehave("missing", functions=["chat.sendTextMessage", "conn.getAuthCode"])
	tab = open_tab()
	tab.wait("wa-js", lambda: tab.run("return WPP.isReady"))
	assert tab.run("return [typeof WPP.chat.sendTextMessage, typeof WPP.chat.find]") == [
		"undefined",
		"function",
	]


def test_a_slow_page_shows_that_it_is_loading(box, tab):
	box.web.misbehave("slow_boot", account=SHOP, seconds=PATIENCE * 10)
	tab.driver.refresh()
	tab.wait_screen("loading")
	assert tab.run("return WPP.conn.isMainReady()") is False


def test_the_driver_can_crash_the_tab(tab):
	from selenium.common.exceptions import WebDriverException

	with pytest.raises(WebDriverException):
		tab.driver.execute_cdp_cmd("Page.crash", {})
		tab.run("return 1")


def test_a_listener_that_throws_at_the_start_keeps_wa_js_from_getting_ready(open_tab):
	tab = open_tab(
		config="addEventListener('DOMContentLoaded', () => WPP.on('loader.injected', () => { throw 1; }));"
	)
	tab.wait("wa-js", lambda: tab.run("return WPP.isInjected"))
	assert tab.run("return WPP.isReady") is False
