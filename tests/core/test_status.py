"""The status machine."""

import pytest

from whatsapp_integration.core import status as st


def may_move(old: str, new: str) -> bool:
	return old in st.SOURCES[new]


LADDER = [st.QUEUED, st.SENDING, st.SENT, st.DELIVERED, st.READ, st.PLAYED]


def test_a_status_never_goes_back():
	for index, status in enumerate(LADDER):
		if status not in (st.QUEUED, st.SENDING):
			assert not any(may_move(later, status) for later in LADDER[index:])


@pytest.mark.parametrize("reached", [st.DELIVERED, st.READ, st.PLAYED])
def test_failed_never_overwrites_what_was_delivered(reached):
	assert not may_move(reached, st.FAILED)


@pytest.mark.parametrize("truth", [st.SENT, st.DELIVERED, st.READ, st.FAILED])
def test_an_unknown_outcome_takes_any_truth(truth):
	assert may_move(st.UNKNOWN, truth)


def test_nothing_is_sent_again_by_itself_once_it_may_have_left():
	assert not may_move(st.UNKNOWN, st.QUEUED)
	assert not may_move(st.FAILED, st.QUEUED)


def test_only_what_waits_can_be_cancelled():
	assert {st.QUEUED, st.HELD} == st.CANCELLABLE
