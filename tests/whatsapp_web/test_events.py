"""The bridge's items in our words."""

import pytest

from whatsapp_integration.core.events import (
	IdentityLinked,
	MediaInfo,
	MessageEchoed,
	MessageEdited,
	MessageReceived,
	MessageRevoked,
	ReactionChanged,
	StatusChanged,
)
from whatsapp_integration.whatsapp_web import events
from whatsapp_integration.whatsapp_web.events import read_identity, read_item, read_status

PHONE = "201001234567"
CHAT = f"{PHONE}@c.us"
LID = "99887766554433@lid"
GROUP = "120363000000000001@g.us"
AT = 1795000000

MESSAGE = {
	"id": "3EB0AA",
	"from_me": False,
	"chat": CHAT,
	"person": CHAT,
	"phone": PHONE,
	"lid": "",
	"is_group": False,
	"name": "Mona",
	"type": "chat",
	"subtype": "",
	"body": "Salam",
	"caption": "",
	"at": AT,
	"ack": 0,
	"mime_type": "",
	"filename": "",
	"sha256": "",
	"reply_to": "",
	"forwarded": False,
	"location": None,
	"vcards": [],
}


def read(*, groups=True, **values) -> list:
	item = {"seq": 1, "at": AT + 5, "kind": "message", "message": MESSAGE | values}
	return read_item(item, groups=groups)


def test_a_text_becomes_a_message_of_its_sender():
	assert read() == [
		MessageReceived(
			message_id="3EB0AA",
			chat_id=PHONE,
			sender_id=PHONE,
			phone=PHONE,
			profile_name="Mona",
			kind="text",
			body="Salam",
			at=AT,
		)
	]


def test_a_quoted_and_forwarded_message_says_so():
	(event,) = read(reply_to="3EB0BB", forwarded=True)
	assert (event.reply_to, event.forwarded) == ("3EB0BB", True)


def test_what_was_written_on_the_phone_is_an_echo_with_its_status():
	echo, status = read(from_me=True, ack=2, name="Our shop")
	assert type(echo) is MessageEchoed
	assert (echo.chat_id, echo.phone, echo.profile_name) == (PHONE, PHONE, "")
	assert status == StatusChanged(message_id="3EB0AA", status="Delivered")


def test_an_echo_that_only_waits_has_no_status_yet():
	(echo,) = read(from_me=True, ack=0)
	assert type(echo) is MessageEchoed


def test_the_two_names_of_a_person_are_told_before_the_message():
	linked, event = read(chat=LID, person=LID, lid=LID)
	assert linked == IdentityLinked(old_id=LID, new_id=PHONE, reason="message")
	assert (event.chat_id, event.sender_id, event.phone) == (PHONE, PHONE, PHONE)


def test_a_person_whose_number_whatsapp_hides_is_known_by_the_lid():
	(event,) = read(chat=LID, person=LID, lid=LID, phone="")
	assert (event.chat_id, event.sender_id, event.phone) == (LID, LID, "")


def test_in_a_group_the_chat_is_the_group_and_the_sender_a_person():
	linked, event = read(chat=GROUP, person=LID, lid=LID, is_group=True)
	assert type(linked) is IdentityLinked
	assert (event.chat_id, event.sender_id, event.phone, event.is_group) == (GROUP, PHONE, "", True)
	assert event.profile_name == "Mona"


def test_an_echo_in_a_group_has_no_sender_and_no_identity():
	(event,) = read(chat=GROUP, person=GROUP, is_group=True, from_me=True, phone="")
	assert type(event) is MessageEchoed
	assert (event.chat_id, event.phone) == (GROUP, "")


def test_groups_that_are_not_wanted_are_left_out():
	assert read(chat=GROUP, is_group=True, groups=False) == []
	assert len(read(groups=False)) == 1


@pytest.mark.parametrize("chat", ["status@broadcast", "123@broadcast", "120363@newsletter"])
def test_stories_and_channels_are_no_chats(chat):
	assert read(chat=chat) == []


@pytest.mark.parametrize("kind", sorted(events._SILENT))
def test_notices_of_whatsapp_and_undecrypted_texts_are_no_messages(kind):
	assert read(type=kind) == []


@pytest.mark.parametrize(("foreign", "ours"), sorted(events.KINDS.items()))
def test_every_known_type_has_our_name(foreign, ours):
	(event,) = read(type=foreign)
	assert event.kind == ours
	assert (event.media is not None) == (ours in events._MEDIA)


def test_a_type_nobody_knows_is_kept_as_unsupported():
	(event,) = read(type="poll_creation", subtype="new")
	assert (event.kind, event.data) == ("unsupported", {"type": "poll_creation", "subtype": "new"})


def test_a_file_names_the_chat_and_the_message_it_can_be_fetched_by():
	file = {"mime_type": "application/pdf", "filename": "bill.pdf", "sha256": "aGFzaA=="}
	(event,) = read(type="document", body="", caption="Your bill", **file)
	assert event.body == "Your bill"
	assert event.media == MediaInfo(
		f"{CHAT}/3EB0AA", mime_type="application/pdf", sha256="aGFzaA==", filename="bill.pdf"
	)


def test_a_voice_note_is_told_from_a_song():
	assert [read(type=kind)[0].media.voice for kind in ("ptt", "audio")] == [True, False]


def test_a_place_is_shown_by_its_label():
	place = {"latitude": 30.04, "longitude": 31.23, "label": "Cairo"}
	(event,) = read(type="location", body="", location=place)
	assert (event.kind, event.body, event.data) == ("location", "Cairo", place)


def test_contact_cards_are_shown_by_their_names():
	cards = [{"name": "Ali", "vcard": "BEGIN:VCARD"}, {"name": "Sara", "vcard": "BEGIN:VCARD"}]
	(event,) = read(type="multi_vcard", body="", vcards=cards)
	assert (event.kind, event.body, event.data) == ("contacts", "Ali, Sara", {"vcards": cards})


@pytest.mark.parametrize(("ack", "status"), [(1, "Sent"), (2, "Delivered"), (3, "Read"), (4, "Played")])
def test_an_ack_is_a_status_of_each_of_its_messages(ack, status):
	item = {"seq": 1, "at": AT, "kind": "ack", "ack": ack, "ids": ["3EB0AA", "3EB0BB"]}
	assert read_item(item, groups=False) == [
		StatusChanged(message_id=id, status=status, at=AT) for id in ("3EB0AA", "3EB0BB")
	]


@pytest.mark.parametrize("ack", [-1, -7])
def test_an_ack_below_zero_is_a_failure_in_words(ack):
	(event,) = read_status("3EB0AA", ack)
	assert (event.status, event.error_details) == ("Failed", "WhatsApp could not send the message.")


@pytest.mark.parametrize("ack", [0, 5, 99])
def test_a_message_that_waits_and_an_ack_nobody_knows_change_nothing(ack):
	assert read_status("3EB0AA", ack) == []


def test_edits_revokes_and_reactions_name_the_message_they_change():
	def item(kind, **values):
		return read_item({"seq": 1, "at": AT, "kind": kind, **values}, groups=False)

	assert item("edited", id="3EB0AA", body="Better") == [
		MessageEdited(message_id="3EB0AA", body="Better", at=AT)
	]
	assert item("revoked", id="3EB0AA") == [MessageRevoked(message_id="3EB0AA", at=AT)]
	reaction = {"message_id": "3EB0AA", "chat": CHAT, "emoji": "👍", "from_me": False}
	assert item("reaction", **reaction) == [
		ReactionChanged(message_id="3EB0AA", chat_id=CHAT, emoji="👍", at=AT)
	]


@pytest.mark.parametrize("kind", ["result", "qr", "trouble", "something new"])
def test_items_of_the_session_itself_are_no_events(kind):
	assert read_item({"seq": 1, "at": AT, "kind": kind}, groups=True) == []


def test_the_answer_to_a_message_may_tell_both_names_of_the_recipient():
	assert read_identity({"wid": CHAT, "lid": LID}) == [
		IdentityLinked(old_id=LID, new_id=PHONE, reason="sent")
	]


@pytest.mark.parametrize(
	"value",
	[None, [], "x", {}, {"wid": CHAT, "lid": ""}, {"wid": LID, "lid": LID}, {"wid": GROUP, "lid": LID}],
)
def test_an_answer_with_fewer_names_tells_nothing(value):
	assert read_identity(value) == []
