"""How much may be sent now, and when to try again."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatsapp_integration.core.config import OFFICIAL_LIMITS, UNOFFICIAL_LIMITS, Limits, Retry
from whatsapp_integration.core.limits import (
	allowance,
	pair_history,
	pair_ready_at,
	rate_windows,
	warmed_up,
)
from whatsapp_integration.core.retry import backoff, pair_backoff

PAIR = Limits(pair_seconds=6, pair_burst=45)


def test_the_usual_limits_are_those_of_the_two_modes():
	assert rate_windows(OFFICIAL_LIMITS) == {1: 80}
	assert rate_windows(UNOFFICIAL_LIMITS) == {60: 20, 3600: 200, 86400: 1000}


def test_the_tightest_window_decides():
	windows = rate_windows(UNOFFICIAL_LIMITS)
	assert allowance(windows, {60: 5, 3600: 190, 86400: 0}, wanted=50) == 10
	assert allowance(windows, {60: 25}, wanted=50) == 0
	assert allowance({}, {}, wanted=50) == 50


def test_a_first_message_to_somebody_may_go_at_once():
	assert pair_ready_at([], 100.0, PAIR) == 100.0


def test_a_burst_of_twenty_is_waited_out_for_two_minutes():
	burst = [100.0 + index / 10 for index in range(20)]
	assert round(pair_ready_at(burst, 110.0, PAIR)) == 220


def test_no_more_than_the_burst_may_be_borrowed():
	burst = [100.0] * 45
	assert pair_ready_at(burst[:44], 101.0, PAIR) == 101.0
	assert pair_ready_at(burst, 101.0, PAIR) == 100.0 + 45 * 6


def test_without_a_pair_limit_nothing_waits():
	assert pair_history(Limits()) == 0
	assert pair_ready_at([100.0] * 1000, 100.0, Limits()) == 100.0


@given(st.lists(st.floats(0, 3000), max_size=400))
def test_whoever_obeys_never_sends_faster_than_one_in_six_seconds_over_time(wishes):
	sent: list[float] = []
	for wish in sorted(wishes):
		seen = [at for at in sent if at > wish - pair_history(PAIR)]
		if pair_ready_at(seen, wish, PAIR) <= wish:
			sent.append(wish)
	for index, at in enumerate(sent):
		within = [other for other in sent[index:] if other < at + 3600]
		assert len(within) <= 45 + 3600 / 6


def test_each_attempt_waits_longer_up_to_the_ceiling():
	waits = [backoff(Retry(base=10, ceiling=3600), attempt, jitter=0.5) for attempt in range(1, 12)]
	assert all(later >= earlier for earlier, later in pairwise(waits))
	assert (waits[0], max(waits)) == (7.5, 2700)


def test_the_pair_limit_is_answered_by_powers_of_four():
	assert [pair_backoff(Retry(), attempt) for attempt in (1, 2, 3, 4)] == [1, 4, 16, 64]


def test_a_phone_that_was_just_linked_begins_small_and_grows_evenly():
	days = [warmed_up(UNOFFICIAL_LIMITS, age, first_day=50, days=10).per_day for age in (0, 2, 5, 9)]
	assert days == [50, 240, 525, 905]


def test_after_the_warm_up_the_usual_limit_holds():
	for age in (10, 10.5, 400):
		assert warmed_up(UNOFFICIAL_LIMITS, age, first_day=50, days=10) == UNOFFICIAL_LIMITS


def test_the_warm_up_changes_no_other_limit():
	warm = warmed_up(UNOFFICIAL_LIMITS, 1, first_day=50, days=10)
	assert replace(warm, per_day=UNOFFICIAL_LIMITS.per_day) == UNOFFICIAL_LIMITS


def test_without_days_there_is_no_warm_up():
	assert warmed_up(UNOFFICIAL_LIMITS, 0, first_day=50, days=0) == UNOFFICIAL_LIMITS


def test_a_limit_below_that_of_the_first_day_is_not_raised():
	limits = Limits(per_day=20)
	assert warmed_up(limits, 0, first_day=50, days=10) == limits


def test_a_phone_without_a_daily_limit_is_warmed_up_too():
	limits = Limits(per_minute=20)
	assert [warmed_up(limits, age, first_day=50, days=10).per_day for age in (0, 5)] == [50, 275]
	assert warmed_up(limits, 10, first_day=50, days=10).per_day == 0


def test_a_clock_that_went_back_does_not_shrink_the_first_day():
	assert warmed_up(UNOFFICIAL_LIMITS, -3, first_day=50, days=10).per_day == 50


@pytest.mark.parametrize(("mode", "people"), [(OFFICIAL_LIMITS, 0), (UNOFFICIAL_LIMITS, 50)])
def test_only_linked_devices_have_a_budget_for_new_people(mode, people):
	assert mode.first_contacts == people
