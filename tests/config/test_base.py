import pytest
from pydantic import TypeAdapter, ValidationError

from pyha.config.base import FOR_PEOPLE, AdvertInterval, Duration, Frozen, Interval, IPAddress, Port


class Part(Frozen):
    """A part of a model."""

    wait: Duration = 0
    every: Interval = 1
    advert: AdvertInterval = 100
    port: Port = 1


def test_parts_are_immutable_and_strict_about_names():
    part = Part()
    with pytest.raises(ValidationError, match="frozen"):
        part.wait = 5
    with pytest.raises(ValidationError, match="Extra inputs"):
        Part(wiat=5)


@pytest.mark.parametrize(("field", "value", "read"), [
    ("wait", 5000, 5000), ("wait", "5s", 5000), ("wait", "0", 0), ("every", "1ms", 1), ("advert", "1s", 100),
    ("advert", "10ms", 1), ("advert", 25500, 25500), ("port", 65535, 65535)])
def test_durations_are_numbers_or_text(field, value, read):
    assert getattr(Part.model_validate({field: value}), field) == read


@pytest.mark.parametrize(("field", "value", "message"), [
    ("wait", "5x", "unexpected 'x'"), ("wait", -1, "greater than or equal to 0"), ("every", "0s", "equal to 1"),
    ("advert", "15ms", "too fine"), ("advert", "256s", "25500"), ("advert", "x", "not a time"),
    ("port", 0, "equal to 1"), ("port", 65536, "65535")])
def test_what_does_not_fit_is_refused_with_a_sentence(field, value, message):
    with pytest.raises(ValidationError, match=message):
        Part.model_validate({field: value})


def test_for_programs_durations_are_numbers_and_for_people_they_are_spelled_out():
    part = Part(wait=5000, every=1500, advert=100)
    assert part.model_dump(mode="json") == {"wait": 5000, "every": 1500, "advert": 100, "port": 1}
    assert part.model_dump(mode="json", context=FOR_PEOPLE) == {
        "wait": "5s", "every": "1500ms", "advert": "1s", "port": 1}


def test_addresses_are_of_either_family():
    adapter = TypeAdapter(IPAddress)
    assert [adapter.validate_python(text).version for text in ("10.0.0.1", "fd00::1")] == [4, 6]
    with pytest.raises(ValidationError):
        adapter.validate_python("10.0.0.256")
