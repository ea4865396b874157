"""The phone page, where a person plays the company's phones and the customers."""

from __future__ import annotations

import pytest

from tests.sandbox_web.pages import CUSTOMER, SHOP


@pytest.fixture
def phone(box, open_tab):
	tab = open_tab(profile="person", config="")
	tab.driver.get(f"{box.url}/web/phone?account={SHOP}")
	return tab


def press(tab, css: str) -> None:
	def click():
		element = tab.driver.find_element("css selector", css)
		element.click()
		return True

	tab.wait(f"{css} to press", click)


def type_into(tab, css: str, text: str) -> None:
	tab.driver.find_element("css selector", css).send_keys(text)


def shown(tab, css: str) -> list[str]:
	return [element.text for element in tab.driver.find_elements("css selector", css)]


def test_a_shown_code_is_scanned_with_a_press(box, phone, page):
	page.show("2@a,b,c,d")
	press(phone, f".scan[data-as='{SHOP}']")
	phone.wait("the linked browser", lambda: shown(phone, "#devices button"))
	assert [item["account"] for item in box.web.companions()] == [SHOP]
	press(phone, "#devices button")
	phone.wait("no linked browser", lambda: not shown(phone, "#devices button"))
	assert box.web.companions() == []


def test_a_customer_and_the_companys_phone_write(box, phone):
	type_into(phone, "#new-number", "+٢٠ ١٠٠ ١٢٣ ٤٥٦٧ Sara\n")
	phone.wait("the chat", lambda: shown(phone, "#who") == ["Sara"])
	type_into(phone, "#text", "hello\n")
	phone.wait("the message", lambda: shown(phone, ".row.mine .words") == ["hello"])
	press(phone, ".sides label:last-child")
	type_into(phone, "#text", "welcome\n")
	phone.wait("the answer", lambda: shown(phone, ".row.theirs .words") == ["welcome"])
	first, second = box.web.messages(customer=CUSTOMER)
	assert (first["from_me"], second["from_me"], second["from_phone"]) == (False, True, True)


def test_a_misbehaviour_is_switched_on_and_off(box, phone):
	pressed = "#trouble [aria-pressed='true']"
	press(phone, "#trouble .fault")
	phone.wait("the pressed switch", lambda: len(shown(phone, pressed)) == 1)
	assert [row["kind"] for row in box.web.faults()["switched"]] == ["offline"]
	press(phone, "#trouble .fault")
	phone.wait("the switch at rest", lambda: not shown(phone, pressed))
	assert box.web.faults()["switched"] == []


def test_the_page_speaks_arabic_from_right_to_left(box, phone):
	phone.driver.get(f"{box.url}/web/phone?lang=ar")
	assert phone.run("return [document.dir, document.title]") == ["rtl", "هواتف WhatsApp Web"]
	assert phone.run("return [...document.querySelectorAll('[data-t]')].every((node) => node.textContent)")
	assert phone.driver.get_log("browser") == []
