"""What is served, to whom, and the control API by HTTP."""

from __future__ import annotations

import re

import pytest
import requests

from tests.sandbox_web.pages import CUSTOMER, SHOP
from whatsapp_integration.sandbox.web.control import VERBS, WebControl
from whatsapp_integration.sandbox.web.door import STATIC

# What the driver may use of wa-js 4.6.0.
SURFACE = {
	"conn": "getAuthCode refreshQR genLinkDeviceCodeForPhoneNumber startLinkDeviceCodeForPhoneNumber "
	"refreshLinkDeviceCode cancelLinkDeviceCode isAuthenticated isRegistered isMainInit isMainLoaded isMainReady isIdle "
	"isOnline needsUpdate getStreamData getMyUserId getMyUserWid getMyUserLid getMyDeviceId getPlatform logout "
	"setKeepAlive markAvailable getHistorySyncProgress getMigrationState getBuildConstants",
	"profile": "getMyProfileName",
	"chat": "find get list sendTextMessage sendFileMessage sendLocationMessage sendVCardContactMessage "
	"sendReactionToMessage deleteMessage generateMessageID getMessageById getMessageACK getMessages markIsRead "
	"markIsComposing markIsPaused markIsRecording downloadMedia canReply getQuotedMsg",
	"contact": "queryWidExists queryExists getPnLidEntry get",
	"group": "getAllGroups getParticipants",
	"util": "blobToBase64",
}


def control(box, verb: str, **data) -> requests.Response:
	return requests.post(f"{box.url}/sandbox/web/{verb}", json=data, timeout=10)


def test_every_method_of_the_control_but_waiting_is_a_verb():
	methods = {name for name in vars(WebControl) if not name.startswith("_")}
	assert methods == {*VERBS, "wait_for"}


def test_a_verb_does_what_the_method_does(box):
	message = control(box, "write", number=SHOP, customer=CUSTOMER, text="hello").json()
	assert control(box, "messages", account=f"+{SHOP}").json() == [message]
	assert control(box, "add_group", subject="Sales", members=[CUSTOMER]).json().endswith("@g.us")


def test_looking_may_be_done_with_get_and_changing_may_not(box):
	assert requests.get(f"{box.url}/sandbox/web/stats", timeout=10).json() == box.web.stats()
	assert requests.get(f"{box.url}/sandbox/web/reset", timeout=10).status_code == 405


@pytest.mark.parametrize(
	("verb", "data", "status"),
	[
		("nothing", {}, 404),
		("wait_for", {}, 404),
		("scan", {"code": "x"}, 400),
		("scan", {"code": "x", "number": SHOP}, 400),
		("write", {"number": "12", "customer": CUSTOMER, "text": "a"}, 400),
		("ack", {"message_id": "3EB0X", "ack": 1}, 400),
		("misbehave", {"kind": "nonsense"}, 400),
	],
)
def test_a_wrong_request_says_what_is_wrong(box, verb, data, status):
	reply = control(box, verb, **data)
	assert reply.status_code == status
	assert reply.json()["error"]


def test_another_web_page_may_neither_play_nor_ask(box):
	headers = {"Origin": "https://elsewhere.example"}
	for path in ("/sandbox/web/reset", "/web/boot", "/web/upload"):
		reply = requests.post(f"{box.url}{path}", json={"page": "x"}, headers=headers, timeout=10)
		assert reply.status_code == 403


@pytest.mark.parametrize("path", ["/web/", "/web", "/web/phone"])
def test_pages_and_all_their_files_are_served_under_a_strict_policy(box, path):
	page = requests.get(f"{box.url}{path}", timeout=10)
	files = re.findall(r'(?:src|href)="(/(?:web/)?static/[^"]+)"', page.text)
	assert len(files) >= 3
	for reply in [page, *(requests.get(f"{box.url}{name}", timeout=10) for name in files)]:
		assert reply.status_code == 200
		assert "unsafe" not in reply.headers["Content-Security-Policy"]
	assert "style=" not in page.text and "<script>" not in page.text


def test_scripts_never_turn_text_into_markup_and_load_nothing_foreign():
	for file in STATIC.glob("*.js"):
		code = file.read_text()
		assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|srcdoc", code)
		assert not re.search(r"https?://", code), file.name


def test_other_files_are_not_served(box):
	for name in ("../door.py", "%2e%2e/door.py", "nothing.js"):
		with requests.Session() as http:
			request = requests.Request("GET", box.url).prepare()
			request.url = f"{box.url}/web/static/{name}"
			assert http.send(request, timeout=5).status_code == 404


def test_a_code_is_drawn_as_a_picture(box):
	reply = requests.get(f"{box.url}/web/qr.png", params={"code": "2@" + "x" * 300}, timeout=10)
	assert reply.headers["Content-Type"] == "image/png"
	assert reply.content.startswith(b"\x89PNG")
	assert requests.get(f"{box.url}/web/qr.png", timeout=10).status_code == 400


def test_both_languages_of_the_phone_page_have_the_same_words():
	code = (STATIC / "texts.js").read_text()
	english, arabic = (
		set(re.findall(r"^\t(\w+):", part, re.MULTILINE)) for part in code.split("const ARABIC")
	)
	assert english == arabic and len(english) > 40


def test_every_word_of_the_phone_page_is_there():
	words = set(re.findall(r"^\t(\w+):", (STATIC / "texts.js").read_text(), re.MULTILINE))
	html = (STATIC / "phone.html").read_text()
	used = set(re.findall(r'data-t(?:-label|-hint)?="(\w+)"', html))
	for name in ("phone.js", "desk.js", "talk.js"):
		used |= set(re.findall(r'\bt\("(\w+)"', (STATIC / name).read_text()))
	assert used <= words


def test_the_bundle_has_what_the_driver_uses(open_tab):
	tab = open_tab()
	absent = tab.run(
		"return Object.entries(arguments[0]).flatMap(([room, names]) => names.split(' ')"
		".filter((name) => typeof WPP[room][name] !== 'function').map((name) => `${room}.${name}`))",
		SURFACE,
	)
	assert absent == []
