"""The phone page: what it serves, and that nothing a customer sends can run in it."""

from __future__ import annotations

import base64
import re

import pytest
import requests

from whatsapp_integration.sandbox.phone import STATIC

CUSTOMER = "+201001234567"


def get(box, path: str, **params) -> requests.Response:
	return requests.get(f"{box.url}{path}", params=params, timeout=10)


def test_the_page_and_all_its_files_are_served_under_a_strict_policy(box):
	page = get(box, "/")
	files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
	assert len(files) > 3
	for reply in [page, *(get(box, path) for path in files)]:
		assert reply.status_code == 200
		assert "script-src 'self'" in reply.headers["Content-Security-Policy"]
		assert "unsafe" not in reply.headers["Content-Security-Policy"]
	assert "style=" not in page.text and "<script>" not in page.text


def test_the_scripts_never_turn_text_into_markup_and_load_nothing_foreign(root):
	for file in STATIC.glob("*.js"):
		code = file.read_text()
		assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|srcdoc", code), (
			file.name
		)
		assert not re.search(r"""(?:import|from|fetch\()\s*["'`]https?:""", code), file.name


def test_both_languages_have_the_same_words():
	code = (STATIC / "texts.js").read_text()
	english, arabic = (
		set(re.findall(r"^\t(\w+):", part, re.MULTILINE)) for part in code.split("const ARABIC")
	)
	assert english == arabic and len(english) > 40


@pytest.mark.parametrize(
	"path", ["/static/../phone.py", "/static/%2e%2e/phone.py", "/static/nothing.js", "/phone/x"]
)
def test_other_files_are_not_served(box, path):
	with requests.Session() as http:
		request = requests.Request("GET", box.url).prepare()
		request.url = box.url + path
		assert http.send(request, timeout=5).status_code == 404


def test_the_chat_list_shows_newest_first_with_unread_counts(graph, box, clock, settle):
	box.configure(auto_read=False)
	graph.send("+201001234567")
	clock.now += 60
	graph.send("+201001234568", type="text", text={"body": "second"})
	settle()
	first, second = get(box, "/phone/chats").json()["chats"]
	assert (first["customer"], first["unread"], first["last"]["text"]) == ("201001234568", 1, "second")
	assert second["customer"] == "201001234567"


def test_a_conversation_holds_both_sides_with_quotes_reactions_and_ticks(graph, box, settle):
	question = box.reply(CUSTOMER, text="Is it ready?", name="Sara")
	answer = graph.send(type="text", text={"body": "Yes"}, context={"message_id": question["id"]}).json()[
		"messages"
	][0]["id"]
	box.reply(CUSTOMER, reaction={"message_id": answer, "emoji": "🙏"})
	settle()
	mine, theirs = get(box, "/phone/chat", customer="201001234567").json()["messages"]
	assert (mine["incoming"], mine["status"], mine["part"]) == (
		True,
		"acknowledged",
		{"body": "Is it ready?"},
	)
	assert theirs["quoted"] == {"incoming": True, "text": "Is it ready?", "type": "text"}
	assert (theirs["reactions"], theirs["my_reaction"], theirs["status"]) == (["🙏"], "🙏", "read")


def test_a_template_is_shown_filled_in(graph, box):
	components = [
		{"type": "header", "parameters": [{"type": "text", "text": "SO-1"}]},
		{
			"type": "body",
			"parameters": [{"type": "text", "text": "Sara"}, {"type": "text", "text": "Monday"}],
		},
		{"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "SO-1"}]},
	]
	graph.send(
		type="template",
		template={"name": "order_update", "language": {"code": "en_US"}, "components": components},
	)
	(message,) = get(box, "/phone/chat", customer="201001234567").json()["messages"]
	shown = message["rendered"]
	assert shown["header"] == {"type": "text", "text": "Order SO-1"}
	assert shown["body"] == "Hello Sara, your order is on its way and arrives on Monday. Thank you!"
	assert shown["buttons"][0]["shown_url"] == "https://example.com/orders/SO-1"


@pytest.mark.parametrize(
	("mime_type", "shown_as"),
	[
		("image/png", "inline"),
		("application/pdf", "inline"),
		("text/html", "attachment"),
		("image/svg+xml", "attachment"),
	],
)
def test_a_file_that_could_run_as_a_page_is_downloaded_instead(box, mime_type, shown_as):
	data = base64.b64encode(b"<script>alert(1)</script>").decode()
	given = {"data": data, "mime_type": mime_type, "filename": 'a"\r\nX: y.html'}
	media_id = box.reply(CUSTOMER, document=given)["message"]["id"]
	reply = get(box, f"/phone/media/{media_id}")
	assert reply.headers["Content-Disposition"].startswith(shown_as)
	assert reply.headers["X-Content-Type-Options"] == "nosniff"
	assert "X" not in reply.headers
	if shown_as == "attachment":
		assert reply.headers["Content-Type"] == "application/octet-stream"


def test_an_upload_of_the_page_becomes_the_fitting_kind(box):
	url = f"{box.url}/sandbox/upload"
	for mime_type, kind in (
		("image/jpeg", "image"),
		("audio/ogg; codecs=opus", "audio"),
		("text/x-python", "document"),
	):
		reply = requests.post(
			url, params={"filename": "f"}, data=b"x", headers={"Content-Type": mime_type}, timeout=5
		)
		assert box.reply(CUSTOMER, file={"id": reply.json()["id"]})["type"] == kind


def test_the_page_is_told_of_changes_as_they_come(box):
	with requests.get(f"{box.url}/sandbox/events", stream=True, timeout=10) as stream:
		lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
		assert next(line for line in lines if line) == "event: change"
		box.reply(CUSTOMER, text="hello")
		assert next(line for line in lines if line.startswith("event:")) == "event: change"


def test_a_served_page_link_never_is_a_script(root):
	assert "/^(https?:\\/\\/|tel:" in (STATIC / "dom.js").read_text()
