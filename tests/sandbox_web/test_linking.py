"""Linking, restarting and logging out in a real browser."""

from __future__ import annotations

from tests.sandbox_web.browser import PATIENCE
from tests.sandbox_web.pages import CUSTOMER, SHOP

OTHERS = {"966500000002": "Riyadh Shop", "14155550123": "Third Shop"}


def test_a_scanned_code_links_the_browser(box, open_tab):
	tab = open_tab()
	code = tab.code()
	tab.wait_screen("qr")
	assert tab.run("return [WPP.conn.isMainReady(), WPP.isFullReady]") == [
		True,
		True,
	]  # on the QR screen already
	assert tab.run("return [WPP.conn.isAuthenticated(), WPP.conn.getStreamData().mode]") == [False, "QR"]
	assert tab.call("conn.getAuthCode")["fullCode"] == code
	assert [value and value["fullCode"] for value in tab.heard("conn.auth_code_change")] == [None, code]

	box.web.scan(code, SHOP)
	tab.wait_mode("MAIN")
	tab.wait_screen("chats")
	assert tab.run("return String(WPP.conn.getMyUserId())") == f"{SHOP}@c.us"
	assert tab.run("return WPP.profile.getMyProfileName()") == "Cairo Shop"
	assert tab.heard("conn.stream_mode_changed") == ["QR", "SYNCING", "MAIN"]
	assert len(tab.heard("conn.authenticated")) == len(tab.heard("conn.main_ready")) == 1
	assert tab.heard("conn.auth_code_change")[-1] is None
	assert tab.call("conn.getAuthCode") is None


def test_a_pairing_code_links_the_browser(box, open_tab):
	tab = open_tab()
	tab.code()
	code = tab.call("conn.startLinkDeviceCodeForPhoneNumber", SHOP)
	assert tab.call("conn.startLinkDeviceCodeForPhoneNumber", SHOP) == code
	assert tab.heard("conn.link_code_change") == [code]
	assert tab.call("conn.refreshLinkDeviceCode") != code
	box.web.enter_pairing_code(tab.heard("conn.link_code_change")[-1], SHOP)
	tab.wait_mode("MAIN")
	refused = tab.wpp("conn.startLinkDeviceCodeForPhoneNumber", SHOP)
	assert refused["code"] == "cannot_get_code_for_already_authenticated"


def test_pairing_codes_are_renewed_until_they_expire(box, open_tab):
	box.configure(web_pairing_seconds=0.05)
	tab = open_tab()
	tab.code()
	tab.call("conn.startLinkDeviceCodeForPhoneNumber", SHOP)
	tab.wait_heard("conn.link_code_expired")
	assert len(set(tab.heard("conn.link_code_change"))) == 6


def test_codes_follow_each_other_and_then_stop_until_they_are_wanted_again(box, open_tab):
	box.configure(web_qr_first_seconds=0.05, web_qr_seconds=0.05, web_qr_refs=3)
	tab = open_tab()
	tab.wait_heard("conn.qrcode_idle")
	codes = [value["fullCode"] for value in tab.heard("conn.auth_code_change") if value]
	assert len(set(codes)) == len(codes) == 3
	assert len({code.split(",", 1)[1] for code in codes}) == 1  # the keys of the browser stay
	assert tab.run("return WPP.conn.isIdle()") is True
	assert box.web.codes() == []
	box.configure(web_qr_first_seconds=PATIENCE)
	assert tab.call("conn.refreshQR")["fullCode"] == box.web.codes()[0]["code"]


def test_a_linked_profile_opens_again_without_a_code(box, open_tab):
	tab = open_tab()
	box.web.scan(tab.code(), SHOP)
	tab.wait_mode("MAIN")
	tab.close()
	again = open_tab()
	again.wait_mode("MAIN")
	assert len(box.web.companions()) == 1
	assert again.heard("conn.authenticated") == []  # nobody logged in now
	assert [value for value in again.heard("conn.auth_code_change") if value] == []


def test_a_logout_on_the_phone_shows_codes_again(box, tab):
	tab.mark()
	tab.run("WPP.on('conn.logout_reason', (reason) => sessionStorage.reason = reason)")
	box.web.log_out(SHOP)
	tab.wait("the page loading itself again", tab.is_reloaded)
	tab.wait_screen("qr")
	assert tab.run("return sessionStorage.reason") == "user_initiated"
	box.web.scan(tab.code(), SHOP)
	tab.wait_mode("MAIN")


def test_a_logout_by_the_page_unlinks_it_on_the_phone(box, tab):
	tab.mark()
	assert tab.call("conn.logout") is True
	assert box.web.companions() == []
	tab.wait("the page loading itself again", tab.is_reloaded)
	tab.wait_screen("qr")


def test_a_locked_account_says_so(box, tab):
	tab.run("WPP.on('conn.logout_reason', (reason) => sessionStorage.reason = reason)")
	tab.mark()
	box.web.misbehave("account_locked", account=SHOP)
	tab.wait("the page loading itself again", tab.is_reloaded)
	assert tab.run("return sessionStorage.reason") == "account_locked"


def test_three_browsers_of_three_phones_keep_apart(box, open_tab):
	numbers = {SHOP: "Cairo Shop", **OTHERS}
	tabs = {}
	for number, name in numbers.items():
		box.web.add_account(number, name)
		tabs[number] = open_tab(profile=number)
	for number, tab in tabs.items():
		box.web.scan(tab.code(), number)
	for number, tab in tabs.items():
		tab.wait_mode("MAIN")
		box.web.write(number, CUSTOMER, text=f"to {number}")
		tab.call("chat.sendTextMessage", f"{CUSTOMER}@c.us", f"from {number}", {"linkPreview": False})
	for number, tab in tabs.items():
		heard = tab.wait_heard("chat.new_message", 2)
		assert {message["body"] for message in heard} == {f"to {number}", f"from {number}"}
		assert [row["body"] for row in box.web.messages(account=number, from_me=True)] == [f"from {number}"]


def test_a_headless_user_agent_is_not_supported(box, open_tab):
	tab = open_tab(agent="")
	tab.wait_screen("unsupported")
	assert tab.run("return [WPP.isInjected, WPP.isReady]") == [False, False]
	assert box.web.stats()["pages"] == 0


def test_a_bundle_started_without_the_privacy_settings_is_told_on(box, open_tab):
	open_tab(config="").code()
	assert {leak["what"] for leak in box.web.leaks()} == {"google_analytics", "link_preview_servers"}


def test_a_bundle_started_with_them_is_not(box, tab):
	assert box.web.leaks() == []
