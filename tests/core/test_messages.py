"""Contents, their limits and their JSON form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatsapp_integration.core.config import OFFICIAL, UNOFFICIAL
from whatsapp_integration.core.errors import InvalidContent, InvalidRequest, Unsupported
from whatsapp_integration.core.messages import (
	CONTENTS,
	MB,
	Audio,
	Buttons,
	Contacts,
	Document,
	Image,
	ListMenu,
	Location,
	Media,
	Sticker,
	Template,
	Text,
	Voice,
	content_from_dict,
)

PDF = Media(file="bill.pdf", filename="bill.pdf", mime_type="application/pdf", size=1000)
BUTTON = {"id": "yes", "title": "Yes"}


@pytest.mark.parametrize(
	("content", "expected"),
	[
		(Text(""), "empty"),
		(Text(" \n"), "empty"),
		(Text("x" * 4097), "4097 characters"),
		(Document(Media()), "exactly one"),
		(Document(Media(file="a", link="https://b")), "exactly one"),
		(Document(PDF, caption="x" * 1025), "1025 characters"),
		(Document(Media(file="a.zip", mime_type="application/zip")), "no application/zip as document"),
		(
			Image(Media(file="a.jpg", mime_type="image/jpeg", size=6 * MB)),
			"6.0 MB; WhatsApp takes at most 5 MB",
		),
		(Image(Media(file="a.gif", mime_type="image/gif")), "no image/gif"),
		(Voice(Media(file="a.mp3", mime_type="audio/mpeg")), "no audio/mpeg as voice"),
		(Audio(Media(file="a.mp3", mime_type="audio/mpeg"), caption="Listen"), "no caption"),
		(Sticker(Media(file="a.webp", mime_type="image/webp"), caption="Look"), "no caption"),
		(Location(91, 0), "no place on earth"),
		(Location(float("nan"), 0), "no place on earth"),
		(Contacts(()), "at least one contact"),
		(Contacts(({"name": "Mona"},)), "needs a name"),
		(Template("", "en"), "Choose a template"),
		(Template("hello", ""), "language of template hello"),
		(Buttons("Sure?", buttons=()), "one to three"),
		(Buttons("Sure?", buttons=(BUTTON, BUTTON)), "same title"),
		(Buttons("Sure?", buttons=({"id": "a", "title": "x" * 21},)), "21 characters"),
		(Buttons("Sure?", buttons=({"title": "No id"},)), "needs an id"),
		(ListMenu("Pick", button="Open", sections=()), "one to ten sections"),
		(ListMenu("Pick", button="Open", sections=({"rows": []},)), "one to ten rows"),
	],
)
def test_what_whatsapp_would_refuse_is_refused_with_the_reason(content, expected):
	with pytest.raises(InvalidContent, match=expected):
		content.check(OFFICIAL)


def test_the_longest_text_is_taken():
	Text("x" * 4096).check(OFFICIAL)


@pytest.mark.parametrize("content", [Template("hello", "en"), Buttons("Sure?", buttons=(BUTTON,))])
def test_what_a_linked_phone_can_not_send_is_said_loudly(content):
	content.check(OFFICIAL)
	with pytest.raises(Unsupported):
		content.check(UNOFFICIAL)


def test_a_content_comes_back_from_its_json_as_it_was():
	for content in (
		Text("Hello", preview_url=True),
		Document(PDF, caption="Your bill"),
		Location(0.0, 0.0, label="Null Island"),
		Buttons("Sure?", buttons=(BUTTON,), header={"type": "text", "text": "Hi"}),
		Contacts(({"name": {"formatted_name": "Mona"}},)),
	):
		assert content_from_dict(content.KIND, content.to_dict()) == content


@pytest.mark.parametrize("media", [None, 5, [], {"file": 5}, {"size": "big"}, {"colour": "red"}])
def test_a_file_of_a_wrong_shape_is_a_clear_error(media):
	with pytest.raises(InvalidContent, match="field media"):
		content_from_dict("document", {"media": media})


JSON = st.recursive(
	st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
	lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
	max_leaves=8,
)
FIELDS = (
	"body",
	"media",
	"caption",
	"buttons",
	"sections",
	"header",
	"contacts",
	"latitude",
	"url",
	"name",
	"language",
)


@given(st.sampled_from(sorted(CONTENTS)), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_any_json_is_a_content_or_a_clear_error(kind, data):
	try:
		content = content_from_dict(kind, data)
		content.check(OFFICIAL)
		content.to_dict(), content.preview()
	except InvalidRequest as err:
		assert str(err)
