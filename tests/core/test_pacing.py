"""How long a linked device writes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatsapp_integration.core.config import Pacing
from whatsapp_integration.core.pacing import writing_seconds

PACING = Pacing(typing_speed=20, typing_max=8, pause_min=0.5, pause_max=2.5)


def test_a_longer_text_takes_longer_to_write():
	assert writing_seconds("x" * 20, PACING, 0.5) == 1.5 + 1
	assert writing_seconds("x" * 80, PACING, 0.5) == 1.5 + 4


def test_nobody_types_a_long_text_to_its_end():
	assert writing_seconds("x" * 4096, PACING, 0.5) == writing_seconds("x" * 160, PACING, 0.5) == 1.5 + 8


def test_a_message_without_a_text_takes_only_the_pause():
	assert [writing_seconds("", PACING, jitter) for jitter in (0, 0.5)] == [0.5, 1.5]


@pytest.mark.parametrize("text", ["", "x", "x" * 4096])
def test_without_a_typing_speed_nothing_waits(text):
	assert writing_seconds(text, replace(PACING, typing_speed=0), 0.99) == 0


@given(st.text(max_size=300), st.floats(0, 1, exclude_max=True))
def test_two_messages_of_one_length_differ_by_chance_within_bounds(text, jitter):
	seconds = writing_seconds(text, PACING, jitter)
	assert PACING.pause_min <= seconds < PACING.pause_max + PACING.typing_max * 1.25
	assert seconds > writing_seconds(text, PACING, 0) or jitter < 1e-9
