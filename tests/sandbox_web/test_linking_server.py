"""How pages become linked, seen from the server."""

from __future__ import annotations

import threading

import pytest
import requests

from tests.sandbox_web.pages import CHAT, CUSTOMER, SHOP, FakePage, link

OTHER = "966500000002"


@pytest.fixture
def other(box) -> str:
	return box.web.add_account(OTHER, "Riyadh Shop")["number"]


def test_a_page_without_a_link_is_asked_to_show_codes(page):
	assert (page.booted["linked"], page.booted["ended"]) == (False, "")
	refs = page.ask("refs")["refs"]
	assert [item["seconds"] for item in refs] == [60, 20, 20, 20, 20, 20]
	assert len({item["ref"] for item in refs}) == 6


def test_a_scanned_code_links_the_page_that_shows_it(box, page):
	assert box.web.codes() == []
	code = page.show()
	assert [row["code"] for row in box.web.codes()] == [code]
	companion = box.web.scan(code, f"+{SHOP}")
	assert (companion["account"], companion["device"], companion["is_online"]) == (SHOP, 1, True)
	(item,) = page.pull()
	assert item["kind"] == "linked"
	assert box.web.codes() == []


def test_only_a_code_that_is_shown_now_can_be_scanned(box, page):
	first = page.show("first")
	page.show("second")
	with pytest.raises(ValueError, match="no page shows"):
		box.web.scan(first, SHOP)
	page.ask("bye")
	with pytest.raises(ValueError, match="no page shows"):
		box.web.scan("second", SHOP)


def test_a_pairing_code_links_for_its_own_number_and_in_its_time(box, page, other):
	pairing = page.ask("pairing", phone=SHOP)
	assert (len(pairing["code"]), pairing["seconds"]) == (8, 195)
	with pytest.raises(ValueError, match="another number"):
		box.web.enter_pairing_code(pairing["code"], other)
	with pytest.raises(ValueError, match="unknown or too old"):
		box.web.enter_pairing_code("AAAABBBB", SHOP)
	typed = f"{pairing['code'][:4]}-{pairing['code'][4:]}".lower()
	assert box.web.enter_pairing_code(typed, SHOP)["account"] == SHOP


def test_a_pairing_code_ends_with_its_time(box, page):
	box.configure(web_pairing_seconds=0)
	code = page.ask("pairing", phone=SHOP)["code"]
	with pytest.raises(ValueError, match="unknown or too old"):
		box.web.enter_pairing_code(code, SHOP)


def test_the_profile_of_a_linked_browser_opens_without_a_code(linked):
	again = linked.loaded_again("second load")
	assert again.booted["linked"]
	assert again.booted["me"]["pn"] == f"{SHOP}@c.us"


def test_a_wrong_secret_opens_nothing(linked):
	stranger = FakePage(linked.box, "stranger")
	stranger.link = {**linked.link, "secret": "guess"}
	assert not stranger.boot()["linked"]


def test_a_browser_logged_out_while_away_learns_why_when_it_is_back(box, linked):
	linked.ask("bye")
	assert box.web.log_out(SHOP) == 1
	assert box.web.companions() == []
	assert linked.loaded_again("back").booted["ended"] == "user_initiated"


def test_three_phones_have_a_browser_each(box, other):
	box.web.add_account("14155550123", "Third")
	pages = [link(FakePage(box, number), number) for number in (SHOP, other, "14155550123")]
	assert [item["account"] for item in box.web.companions()] == [SHOP, other, "14155550123"]
	box.web.write(other, CUSTOMER, text="to the second")
	assert [len(page.pull()) for page in pages] == [0, 1, 0]


def test_a_second_page_of_the_same_profile_puts_the_first_into_conflict(linked):
	linked.loaded_again("second")
	(item,) = linked.pull()
	assert (item["kind"], item["mode"]) == ("mode", "CONFLICT")


def test_what_a_page_was_not_told_is_unread_when_it_is_loaded_again(box, linked):
	linked.ask("bye")
	box.web.write(SHOP, CUSTOMER, text="while away", name="Sara")
	booted = linked.loaded_again("back").booted
	(chat,) = booted["chats"]
	assert (chat["jid"], chat["unread"], chat["name"]) == (CHAT, 1, "Sara")
	assert [message["body"] for message in chat["messages"]] == ["while away"]
	assert booted["again"] == []


def test_the_backlog_is_told_by_events_where_that_is_wanted(box, linked):
	box.configure(web_backlog_events=True)
	box.web.write(SHOP, CUSTOMER, text="pulled by nobody")  # the page was killed before it asked
	linked.ask("bye")
	box.web.write(SHOP, CUSTOMER, text="while away")
	again = linked.loaded_again("back").booted["again"]
	assert [item["message"]["body"] for item in again] == ["pulled by nobody", "while away"]


def test_after_a_reset_pages_learn_that_they_are_unknown(box, linked):
	box.web.reset()
	linked.ask("pull", status=410)


def test_dozens_of_waiting_pages_take_no_thread(box):
	before = threading.active_count()
	streams = [requests.get(f"{box.url}/web/events", stream=True, timeout=10) for _ in range(60)]
	assert threading.active_count() == before
	box.web.write(SHOP, CUSTOMER, text="news")
	for stream in streams:
		lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
		assert [next(lines) for _ in range(4)][3] == "event: change"  # the first was the greeting
		stream.close()
