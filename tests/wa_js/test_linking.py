"""Linking, the state of the link, and its end, through the real wa-js on the stand-in of WhatsApp's modules."""

from __future__ import annotations

import pytest

from tests.wa_js.stand_in import (
	CONFIG,
	RECORDER,
	events,
	refusal,
	requests_elsewhere,
	run,
	wait_for,
	wait_until_ready,
)

STATE = """
const { conn } = WPP;
return {
	authenticated: conn.isAuthenticated(),
	registered: conn.isRegistered(),
	main_init: conn.isMainInit(),
	main_ready: conn.isMainReady(),
	idle: conn.isIdle(),
	online: conn.isOnline(),
	needs_update: conn.needsUpdate(),
	stream: conn.getStreamData(),
};
"""
# The ref is shown by WhatsApp; the keys are those of the stand-in, "s" and "i" 32 times in base64.
STATIC_KEY = "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="
IDENTITY_KEY = "aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWk="


def auth_code(ref: str) -> dict:
	return {
		"type": "multidevice",
		"ref": ref,
		"staticKeyPair": STATIC_KEY,
		"identityKeyPair": IDENTITY_KEY,
		"secretKey": "secret",
		"fullCode": f"{ref},{STATIC_KEY},{IDENTITY_KEY},secret",
	}


def test_an_unlinked_page_asks_for_a_scan_and_counts_as_ready_all_the_same(unlinked):
	"""The trap: main_ready and isFullReady do not mean connected."""
	wait_for(unlinked, "conn.require_auth")
	assert wait_for(unlinked, "conn.stream_mode_changed") == ["QR"]
	assert run(unlinked, "return WPP.conn.getAuthCode();") is None
	assert run(unlinked, STATE) == {
		"authenticated": False,
		"registered": False,
		"main_init": True,
		"main_ready": True,
		"idle": False,
		"online": True,
		"needs_update": False,
		"stream": {"mode": "QR", "info": "OPENING"},
	}
	assert run(unlinked, "return WPP.conn.getMyUserId() ?? null;") is None
	assert run(unlinked, "try { WPP.conn.getMyUserLid(); } catch (error) { return error.message; }")


def test_each_new_code_is_told_whole(unlinked):
	run(unlinked, "stub.showCode('first');")
	assert wait_for(unlinked, "conn.auth_code_change", "(code) => code?.ref === 'first'") == [
		auth_code("first")
	]
	run(unlinked, "stub.showCode('second');")
	assert wait_for(unlinked, "conn.auth_code_change", "(code) => code?.ref === 'second'") == [
		auth_code("second")
	]
	assert run(unlinked, "return WPP.conn.getAuthCode();") == auth_code("second")


def test_refreshing_answers_the_next_code(unlinked):
	run(unlinked, "stub.showCode('first');")
	wait_for(unlinked, "conn.auth_code_change", "(code) => code?.ref === 'first'")
	assert run(unlinked, "return (await WPP.conn.refreshQR()).ref;") == "ref-1"


def test_idle_is_told_when_whatsapp_stops_making_codes(unlinked):
	run(unlinked, "stub.showCode(); stub.stopCodes();")
	assert wait_for(unlinked, "conn.qrcode_idle") == []
	assert run(unlinked, "return WPP.conn.isIdle();") is True


def test_a_scan_leads_to_main_and_to_knowing_who_we_are(unlinked):
	run(unlinked, "stub.showCode(); stub.scan();")
	assert wait_for(unlinked, "conn.authenticated") == []
	assert wait_for(unlinked, "conn.stream_mode_changed", "(mode) => mode === 'MAIN'") == ["MAIN"]
	assert wait_for(unlinked, "conn.stream_info_changed", "(info) => info === 'NORMAL'") == ["NORMAL"]
	state = run(unlinked, STATE)
	assert (state["authenticated"], state["registered"]) == (True, True)
	assert state["stream"] == {"mode": "MAIN", "info": "NORMAL"}
	me = """
		const { conn, profile } = WPP;
		return [conn.getMyUserId(), conn.getMyUserLid(), profile.getMyProfileName(), conn.getPlatform()].map(String);
	"""
	assert run(unlinked, me) == ["966500000001@c.us", "77000000000001@lid", "Najd Trading", "android"]
	assert run(unlinked, "return WPP.conn.getAuthCode();") is None


def test_a_linked_page_is_never_told_that_it_is_authenticated(linked):
	"""The session has to ask isAuthenticated and the mode by itself."""
	assert run(linked, STATE)["stream"] == {"mode": "MAIN", "info": "NORMAL"}
	assert run(linked, "return WPP.conn.isAuthenticated();") is True
	assert "conn.authenticated" not in events(linked)
	assert "conn.require_auth" not in events(linked)


def test_a_reload_brings_wa_js_and_the_link_back(linked):
	linked.refresh()
	wait_until_ready(linked)
	assert run(linked, "return [WPP.conn.isAuthenticated(), WPP.conn.getStreamData().mode];") == [
		True,
		"MAIN",
	]


def test_a_pairing_code_is_made_once_and_told(unlinked):
	start = "return WPP.conn.startLinkDeviceCodeForPhoneNumber('966500000001');"
	assert run(unlinked, start) == "ABCD0001"
	assert run(unlinked, start) == "ABCD0001"
	assert wait_for(unlinked, "conn.link_code_change") == ["ABCD0001"]
	assert run(unlinked, "return WPP.conn.refreshLinkDeviceCode();") == "ABCD0002"
	assert (
		run(unlinked, "return WPP.conn.genLinkDeviceCodeForPhoneNumber('966500000001', false);") == "ABCD0003"
	)
	assert run(unlinked, "return stub.told();") == [
		"pairing 966500000001 true",
		"pairing 966500000001 true",
		"pairing 966500000001 false",
	]


def test_a_pairing_code_that_the_phone_wants_renewed_by_hand_is_told_as_expired(unlinked):
	run(unlinked, "await WPP.conn.startLinkDeviceCodeForPhoneNumber('966500000001');")
	run(unlinked, "stub.tellLinkDeviceEvent('force_manual_refresh');")
	assert wait_for(unlinked, "conn.link_code_expired") == []


def test_a_cancelled_pairing_can_not_be_refreshed(unlinked):
	run(
		unlinked,
		"await WPP.conn.startLinkDeviceCodeForPhoneNumber('966500000001'); WPP.conn.cancelLinkDeviceCode();",
	)
	refresh = "try { await WPP.conn.refreshLinkDeviceCode(); } catch (error) { return error.message; }"
	assert run(unlinked, refresh) == "No phone linking flow is active"


def test_a_number_that_whatsapp_refuses_is_told_and_thrown(unlinked):
	start = "try { await WPP.conn.startLinkDeviceCodeForPhoneNumber('12'); } catch (error) { return error.message; }"
	assert run(unlinked, start) == "IQErrorBadRequest"
	assert wait_for(unlinked, "conn.link_code_error") == [{"message": "IQErrorBadRequest"}]


def test_pairing_is_refused_without_a_number_and_when_linked(unlinked):
	make = "WPP.conn.genLinkDeviceCodeForPhoneNumber"
	assert refusal(unlinked, f"{make}('')") == "send_the_phone_number_to_connect"
	run(unlinked, "stub.scan();")
	start = "WPP.conn.startLinkDeviceCodeForPhoneNumber"
	assert refusal(unlinked, f"{start}('966500000001')") == "cannot_get_code_for_already_authenticated"


def test_logging_out_tells_the_reason_and_the_end(linked):
	assert run(linked, "return WPP.conn.logout();") is True
	assert wait_for(linked, "conn.logout") == []
	assert wait_for(linked, "conn.logout_reason") == ["user_initiated"]
	assert wait_for(linked, "conn.backend_event", "(name) => name === 'starting_logout'") == [
		"starting_logout"
	]
	assert wait_for(linked, "conn.require_auth") == []
	assert run(linked, "return WPP.conn.isAuthenticated();") is False


def test_a_link_that_the_phone_ends_tells_its_reason(linked):
	run(linked, "stub.endLink('unknown_companion');")
	assert wait_for(linked, "conn.logout_reason") == ["unknown_companion"]


@pytest.mark.parametrize("mode", ["CONFLICT", "OFFLINE", "PROXYBLOCK", "TOS_BLOCK", "DEPRECATED_VERSION"])
def test_each_trouble_of_the_stream_is_told(linked, mode):
	run(linked, f"stub.setStream('{mode}', 'RESUMING');")
	assert wait_for(linked, "conn.stream_mode_changed", f"(mode) => mode === '{mode}'") == [mode]
	assert run(linked, "return WPP.conn.getStreamData();") == {"mode": mode, "info": "RESUMING"}


def test_the_network_updates_and_bans_are_told(linked):
	run(
		linked,
		"stub.setOnline(false); stub.askForUpdate(); stub.tellBackendEvent('account_temporarily_banned', 7);",
	)
	assert wait_for(linked, "conn.online") == [False]
	assert wait_for(linked, "conn.needs_update") == []
	assert wait_for(linked, "conn.backend_event") == ["account_temporarily_banned", 7]
	assert run(linked, "return [WPP.conn.isOnline(), WPP.conn.needsUpdate()];") == [False, True]


def test_keeping_alive_makes_the_page_look_looked_at(linked):
	assert run(linked, "return [WPP.conn.setKeepAlive(true), document.hasFocus()];") == [True, True]
	assert run(linked, "return [await WPP.conn.markAvailable(), stub.told()];") == [True, ["available"]]


LINK_AND_LEAVE = """
stub.showCode();
stub.scan();
await WPP.conn.logout();
// wa-js gathers its reports for a second before it sends them.
await new Promise((resolve) => setTimeout(resolve, 1500));
"""


def test_linking_and_leaving_tells_nobody_else(unlinked, page_server):
	run(unlinked, LINK_AND_LEAVE)
	assert requests_elsewhere(unlinked, page_server.origin) == []


def test_without_our_settings_wa_js_would_tell_its_authors(wa_page, bundle, page_server):
	"""Proves that the test above can see what it looks for."""
	driver = wa_page([bundle, RECORDER])
	wait_until_ready(driver)
	run(driver, LINK_AND_LEAVE)
	assert any(
		url.startswith("https://analytics.google.com/")
		for url in requests_elsewhere(driver, page_server.origin)
	)


def test_a_listener_that_throws_stops_wa_js_itself(wa_page, bundle):
	"""Why every listener of our bridge has to catch what it throws."""
	thrower = "WPP.on('conn.main_ready', () => { throw new Error('ours'); });"
	driver = wa_page([CONFIG, bundle, RECORDER, thrower])
	wait_for(driver, "conn.stream_mode_changed")
	wait_for(driver, "loader.ready")
	assert run(driver, "return [WPP.isReady, WPP.conn.isMainReady()];") == [True, False]
