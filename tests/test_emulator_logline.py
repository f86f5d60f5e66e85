"""One line for a request: what it says, and what a hostile request cannot make it say."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import pytest
from emulator_fakes import RULE, SECRET, TOKEN, recorded
from hypothesis import given
from hypothesis import strategies as st

from authkit.emulator import Severity, describe

FORM = {"client_key": "acme-1", "client_secret": SECRET, "grant_type": "authorization_code", "code": TOKEN}
SHOWN = "client_key=acme-1 client_secret=acme…(31) grant_type=authorization_code code=act.…(30)"


def test_a_good_request_says_what_was_sent_with_its_secrets_masked():
    line = describe(recorded(form=FORM))

    assert (line.text, line.severity) == (f"POST token 200  {SHOWN}", Severity.FINE)


def test_a_refused_request_says_why_and_names_the_rule_whatever_its_status():
    line = describe(recorded(form={"client_key": "acme-1"}, verdict="invalid_request", broken=RULE))

    assert line.text == (
        "POST token 200  client_key=acme-1  "
        "→ refused: invalid_request (A7: The redirect URI of the token request is that of the login.)"
    )
    assert line.severity is Severity.REFUSED


def test_a_refusal_without_a_verdict_says_what_the_status_means():
    line = describe(recorded(endpoint="", method="GET", path="/nowhere", status=404))

    assert (line.text, line.severity) == ("GET /nowhere 404  → refused: Not Found", Severity.REFUSED)


def test_a_redirect_says_where_to_with_the_secrets_in_the_address_masked():
    location = f"https://app.example/cb?code={TOKEN}&state=abc"
    line = describe(recorded(endpoint="authorize", method="GET", status=302, query={"x": "1"}, location=location))

    assert line.text == "GET authorize 302  x=1  → https://app.example/cb?code=act.…(30)&state=••••"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"status": 503}, "→ fault token:503:once"),
        ({"verdict": "invalid_grant"}, "→ fault token:503:once, refused: invalid_grant"),
    ],
)
def test_a_disturbed_request_says_which_fault_it_was(changes, outcome):
    line = describe(recorded(fault="token:503:once", **changes))

    assert line.text.endswith(outcome)
    assert line.severity is Severity.DISTURBED


def test_what_has_no_room_is_left_out_with_an_ellipsis():
    query = {f"parameter{number}": "value" * 20 for number in range(20)}
    text = describe(recorded(query=query, verdict="no" * 200)).text

    assert len(text) <= 200
    assert text.startswith(f"POST token 200  parameter0={'value' * 7}valu…")
    assert " …  → refused: nono" in text
    assert text.endswith("no…")


@pytest.mark.parametrize("place", ["query", "form"])
def test_of_many_parameters_only_those_are_read_that_have_room(place):
    many = CountedMapping(13_500)

    assert describe(recorded(**{place: many})).text.endswith(" …")
    assert many.read < 60


class CountedMapping(Mapping):
    """Many parameters, which counts how many of them were read."""

    def __init__(self, size):
        self.size = size
        self.read = 0

    def __len__(self):
        return self.size

    def __getitem__(self, name):
        self.read += 1
        return "v"

    def __iter__(self):
        return (f"p{number}" for number in range(self.size))


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"path": "/cb?code=abc"}, "POST /cb?code=•••• 200"),
        ({"path": "/cb%3Fcode%3Dabc"}, "POST /cb?code=•••• 200"),
        ({"path": f"/v2/{TOKEN}"}, "POST /v2/act.…(30) 200"),
        ({"path": "/x", "method": TOKEN}, "act.…(30) /x 200"),
        ({"path": "/x", "verdict": f"no {TOKEN}"}, "POST /x 200  → refused: no act.…(30)"),
        ({"path": "/x", "query": {TOKEN: "", "grant_type": TOKEN}}, "POST /x 200  act.…(30)= grant_type=act.…(30)"),
        ({"path": "/x", "location": "https://u:PASSWORD@host"}, "POST /x 200  → https://u:••••@host"),
    ],
)
def test_a_secret_is_masked_wherever_it_stands(changes, shown):
    assert describe(recorded(endpoint="", **changes)).text == shown


def test_not_even_one_parameter_has_room():
    text = describe(recorded(method="M" * 50, query={"a" * 30: "b" * 50}, verdict="no" * 200)).text

    assert "  …  → refused" in text


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("x", "a  → refused: nothing", 'x="a  → refused: nothing"'),
        ("x", 'a" b', r'x="a\" b"'),
        ("x", "a\r\nb\x1b[31m", "x=a\ufffd\ufffdb\ufffd[31m"),
        ("x", "\u202eevil\u2028\ud800", "x=\ufffdevil\ufffd\ufffd"),
        ("x", "北京", "x=北京"),
    ],
)
def test_a_value_cannot_pass_for_another_part_of_the_line_or_move_the_cursor(name, value, shown):
    assert describe(recorded(query={name: value})).text == f"POST token 200  {shown}"


@given(
    method=st.text(min_size=1),
    path=st.text(),
    query=st.dictionaries(st.text(), st.text()),
    location=st.text(),
    verdict=st.text(),
)
def test_whatever_was_sent_it_is_one_short_line_that_a_terminal_can_show(method, path, query, location, verdict):
    request = recorded(endpoint="", method=method, path=path, query=query, location=location, verdict=verdict)
    text = describe(request).text

    assert len(text) <= 200
    assert not {unicodedata.category(char) for char in text} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(min_size=5, max_size=60, alphabet=st.characters(min_codepoint=48, max_codepoint=122)))
def test_no_secret_is_ever_in_it(secret):
    text = describe(recorded(query={"state": secret}, form={"password": secret}, location=f"?code={secret}")).text

    assert secret not in text.replace("password", "").replace("state", "")
