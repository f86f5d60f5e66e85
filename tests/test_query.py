"""The callback's query: decoded once, one state, and no parameter twice."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit.errors import InvalidRequest, StateInvalid
from authkit.query import each_once, parse_query, the_state


def test_a_query_is_decoded_once() -> None:
    assert parse_query("a=%252B&b=c+d&a=&e") == {"a": ["%2B", ""], "b": ["c d"], "e": [""]}


@pytest.mark.parametrize(
    "query", ["a" * 16_385, "&".join("a=b" for _ in range(101)), "a=%ff", "a=%ed%a0%80", "%c3=1"]
)
def test_inp_01_a_query_that_is_too_much_or_no_utf_8_is_refused(query: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_query(query)

    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_inp_01_a_query_at_the_limits_is_read() -> None:
    assert parse_query("a=" + "b" * 16_382) == {"a": ["b" * 16_382]}
    assert parse_query("&".join("a=b" for _ in range(100))) == {"a": ["b"] * 100}


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))), max_size=20))
def test_what_is_encoded_is_decoded(pairs: list[tuple[str, str]]) -> None:
    params = parse_query(urlencode(pairs))

    assert {name: [value for key, value in pairs if key == name] for name, _ in pairs} == params


@given(st.text(max_size=300))
def test_any_query_is_read_or_refused(query: str) -> None:
    try:
        params = parse_query(query)
    except InvalidRequest:
        return
    assert all(params.values())


@pytest.mark.parametrize(
    ("params", "state"),
    [
        ({"state": ["x"]}, "x"),
        ({"state": [""]}, ""),
        ({"state": [""], "error": ["e"]}, ""),
        ({}, ""),
        ({"code": ["c"]}, ""),
    ],
)
def test_the_state_is_the_one_that_is_there(params: Mapping[str, list[str]], state: str) -> None:
    assert the_state(params) == state


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"state": ["x", "x"]}, "the callback has more than one state"),
        ({"error": ["e"]}, "the callback has an error, but no state: error=e"),
        (
            {"code": ["c-1"], "error": ["e", "f"], "error_description": ["of\nc-1"]},
            r"the callback has an error, but no state: error=e, error_description=of\n[redacted]",
        ),
    ],
)
def test_a_callback_without_one_state_is_refused(params: Mapping[str, list[str]], reason: str) -> None:
    with pytest.raises(StateInvalid) as caught:
        the_state(params)

    assert caught.value.reason == reason


def test_every_parameter_may_be_there_once() -> None:
    assert each_once({"a": ["1"], "b": [""]}) == {"a": "1", "b": ""}
    with pytest.raises(InvalidRequest, match="the callback has a parameter twice"):
        each_once({"a": ["1"], "b": ["2", "2"]})


def test_an_error_without_state_that_is_made_to_be_slow_to_search_costs_nothing() -> None:
    params = {"error": ["a" * 7000], "code": ["a" * 7000 + "b"]}
    with pytest.raises(StateInvalid) as caught:
        the_state(params)
    assert caught.value.reason == "the callback has an error, but no state: error=(7000 characters)"


def test_errors_without_state_that_are_long_only_together_cost_nothing_either() -> None:
    params = {"code": ["a" * 7000 + "b"], "error": ["a" * 600], "error_uri": ["a" * 600]}
    with pytest.raises(StateInvalid) as caught:
        the_state(params)
    assert caught.value.reason == "the callback has an error, but no state: (1218 characters)"
