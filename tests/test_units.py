import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyha.errors import UnitError
from pyha.units import interval_seconds, milliseconds, seconds, size, spelled


@pytest.mark.parametrize(("text", "value"), [
    ("0", 0), ("500", 500), ("500ms", 500), ("3s", 3000), ("2m", 120_000), ("1h", 3_600_000), ("1d", 86_400_000),
    ("24d", 2_073_600_000), ("0s", 0), ("007s", 7000), ("1000us", 1), ("2000us", 2), ("2147483647", 2**31 - 1)])
def test_times_are_read_as_haproxys_manual_says(text, value):
    assert milliseconds(text) == value


@pytest.mark.parametrize("text", ["1us", "999us"])
def test_less_than_a_millisecond_is_one_and_never_none(text):
    assert milliseconds(text) == 1


@pytest.mark.parametrize("text", ["", "s", "x", "-1", "1.5s", " 3s", "3 s", "٣s"])
def test_what_is_no_number_is_no_time(text):
    with pytest.raises(UnitError, match=f"'{text}' is not a time"):
        milliseconds(text)


@pytest.mark.parametrize(("text", "rest"), [("5x", "x"), ("5sec", "sec"), ("5S", "S"), ("5s5", "s5")])
def test_an_unknown_unit_is_named(text, rest):
    with pytest.raises(UnitError, match=f"unexpected '{rest}', expected us, ms, s, m, h or d"):
        milliseconds(text)


@pytest.mark.parametrize("text", ["2147483648", "25d", "99999999999h", "9" * 5000])
def test_a_time_that_is_too_long_is_refused(text):
    with pytest.raises(UnitError, match="too long: at most 24 days fit"):
        milliseconds(text)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("1024", 1024), ("16k", 16384), ("1M", 2**20), ("2g", 2**31)])
def test_sizes_are_read(text, value):
    assert size(text) == value


@pytest.mark.parametrize("text", ["", "k", "1t", "1kb", "-1", "1.5k", "²", "1²", "9" * 5000])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UnitError, match=f"'{text}' is not a size"):
        size(text)


@given(st.integers(0, 2**31 - 1))
def test_what_is_spelled_out_is_read_back(value):
    assert milliseconds(spelled(value)) == value


@pytest.mark.parametrize(("value", "text"), [
    (0, "0ms"), (1, "1ms"), (1500, "1500ms"), (3000, "3s"), (60_000, "1m"), (90_000, "90s"), (86_400_000, "24h")])
def test_durations_are_spelled_in_the_largest_unit_that_fits(value, text):
    assert spelled(value) == text


@given(st.integers(0, 10**9))
def test_microseconds_are_rounded_up_exactly(number):
    assert milliseconds(f"{number}us") == -(-number // 1000)


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused_never_more(text):
    for read in (milliseconds, size):
        try:
            assert read(text) >= 0
        except UnitError:
            pass


def test_units_as_seconds():
    assert (seconds(1500), interval_seconds(150)) == (1.5, 1.5)
