"""Which screen the page's own words tell of, and what its end means."""

import pytest

from whatsapp_integration.core.policy import STOPPED_STATES
from whatsapp_integration.whatsapp_web.states import Screen, blocked, ended, logged_out, read_screen

MAIN = {
	"injected": True,
	"ready": True,
	"main_ready": True,
	"full_ready": True,
	"authenticated": True,
	"mode": "MAIN",
	"info": "NORMAL",
	"needs_update": False,
	"ending": None,
}


def screen(**values) -> Screen:
	return read_screen(MAIN | values)


def test_only_a_linked_page_in_stream_mode_main_is_connected():
	assert screen() is Screen.CONNECTED
	assert screen(authenticated=False) is not Screen.CONNECTED
	for mode in ("SYNCING", "OFFLINE", "", "SOMETHING_NEW"):
		assert screen(mode=mode) is Screen.LOADING


def test_the_qr_screen_is_unlinked_though_wa_js_calls_it_ready():
	assert screen(authenticated=False, mode="QR") is Screen.UNLINKED
	assert screen(authenticated=False, mode="QR", main_ready=False) is Screen.STARTING


def test_a_page_that_does_not_hear_receipts_yet_is_not_connected():
	assert screen(mode="MAIN", full_ready=False) is Screen.LOADING


def test_a_linked_page_that_still_shows_the_qr_mode_is_loading():
	assert screen(mode="QR") is Screen.LOADING


@pytest.mark.parametrize("mode", ["", "QR", "MAIN", "CONFLICT"])
def test_before_wa_js_is_ready_nothing_is_known(mode):
	assert screen(ready=False, mode=mode) is Screen.STARTING


@pytest.mark.parametrize(
	("mode", "expected"),
	[
		("CONFLICT", Screen.CONFLICT),
		("PROXYBLOCK", Screen.BLOCKED),
		("TOS_BLOCK", Screen.BLOCKED),
		("SMB_TOS_BLOCK", Screen.BLOCKED),
		("DEPRECATED_VERSION", Screen.OUTDATED),
	],
)
@pytest.mark.parametrize("authenticated", [True, False])
def test_what_whatsapp_refuses_is_seen_linked_or_not(mode, expected, authenticated):
	assert screen(mode=mode, authenticated=authenticated) is expected


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize(
	("word", "expected"),
	[
		("logout", Screen.ENDED),
		("user_initiated", Screen.ENDED),
		("a reason nobody knows", Screen.ENDED),
		("account_locked", Screen.BLOCKED),
		("account_temporarily_banned", Screen.BLOCKED),
	],
)
def test_the_end_of_a_link_outweighs_what_the_page_still_shows(word, expected, ready):
	assert screen(ending=word, ready=ready) is expected


def test_a_link_that_is_over_needs_people_and_its_profile_goes():
	ending = logged_out("Gone ({0}).", "user_initiated")
	assert (ending.state, ending.values) == ("Logged Out", ("user_initiated",))
	assert ending.forgets
	assert not ending.retries
	assert ending.state in STOPPED_STATES
	assert "scan" in ending.advice


def test_a_banned_number_is_not_tried_again_and_keeps_its_profile():
	ending = blocked("account_temporarily_banned")
	assert (ending.state, ending.values) == ("Blocked", ("account_temporarily_banned",))
	assert not ending.retries
	assert not ending.forgets
	assert ending.state in STOPPED_STATES


def test_a_picture_of_the_page_stays_out_of_logs():
	assert "PNG" not in repr(logged_out("x").__class__("Degraded", screenshot=b"PNG"))


@pytest.mark.parametrize("word", ["web_fail_storage_initialization", "syncd_failure", "missing_enc_salt"])
def test_a_session_that_does_not_open_any_more_asks_for_a_new_link(word):
	ending = ended(word)
	assert (ending.state, ending.values, ending.retries) == ("Auth Failed", (word,), False)
	assert "Relink" in ending.advice


@pytest.mark.parametrize("word", ["user_initiated", "unknown_companion", "logout"])
def test_a_link_that_the_phone_ended_is_logged_out_and_forgotten(word):
	ending = ended(word)
	assert (ending.state, ending.forgets) == ("Logged Out", True)
