"""The control page's answers: what it shows and changes, and whom it refuses."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256

import pytest
from bs4 import BeautifulSoup
from emulator_fakes import NOON, RULE, SECRET, TOKEN, call, make_workbench, post_form, recorded
from hypothesis import given
from hypothesis import strategies as st

from authkit.emulator import CONTROL_PATH, KINDS, Endpoint, Table

JSON = "application/json"
CENTURY = 3155760000


@pytest.fixture
def acme():
    """Give an emulator that nobody has sent anything to."""
    return make_workbench()


def state(app, query=""):
    status, headers, body = call(app, "GET", "/_emulator/api/state", query=query)
    assert (status, headers["Content-Type"], headers["X-Content-Type-Options"]) == (200, JSON, "nosniff")
    return json.loads(body)


def post(app, name, body, **headers):
    """Send JSON to the control page and return the status and what it says."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = call(app, "POST", f"/_emulator/api/{name}", body=raw, content_type=JSON, **headers)
    return status, json.loads(answer)


def refused(reason, status=400):
    return status, {"error": reason}


def log_in(app):
    """Send one request of each kind: good, refused, redirected, astray."""
    call(app, "GET", "/authorize", query="client_id=acme-1&state=abc")
    post_form(app, "/token", client_secret=SECRET, code=TOKEN, redirect_uri="https://app.example/cb")
    post_form(app, "/token", client_secret=SECRET, code=TOKEN, redirect_uri="https://other.example/")
    call(app, "GET", "/me", authorization=f"Bearer {TOKEN}", cookie=f"session={TOKEN}")
    call(app, "GET", "/nowhere")


# The page.


def test_the_page_is_one_document_that_loads_nothing_and_is_the_same_for_everybody(acme):
    log_in(acme)
    status, headers, body = call(acme, "GET", CONTROL_PATH, query="<script>")
    page = BeautifulSoup(body, "html.parser")

    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.title.text == "Acme emulator: control page"
    assert [tag["href"][:5] for tag in page.select("link")] == ["data:"]
    assert not page.select("[src], [style], [onclick]")
    assert body == call(make_workbench(), "GET", CONTROL_PATH)[2]
    assert SECRET not in body.decode()


def test_only_the_one_script_and_the_one_style_can_run_and_nobody_can_frame_the_page(acme):
    _, headers, body = call(acme, "GET", CONTROL_PATH)
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))

    def digest(tag):
        (source,) = re.findall(f"<{tag}>(.*?)</{tag}>", body.decode(), re.DOTALL)
        return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"

    assert policy == {
        "default-src": "'none'",
        "script-src": digest("script"),
        "style-src": digest("style"),
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_a_title_is_text():
    _, _, body = call(make_workbench_titled("<b>&"), "GET", CONTROL_PATH)

    assert BeautifulSoup(body, "html.parser").h1.text == "<b>& emulator"


def make_workbench_titled(title):
    workbench = make_workbench()
    return type(workbench)(title, (), clock=workbench.clock, switches=workbench.switches)


@pytest.mark.parametrize("path", ["/", "/_emulator"])
def test_the_entrances_lead_to_the_page_wherever_the_emulator_is_mounted(acme, path):
    status, headers, _ = call(acme, "GET", path)

    assert (status, headers["Location"]) == (302, "_emulator/")
    assert len(acme.requests) == 0


def test_a_provider_that_has_something_at_the_root_keeps_it():
    from authkit.emulator import Answer

    root = Endpoint("root", "GET", ("/",), lambda request: Answer(200, b"hello"))
    acme = make_workbench((root,))

    assert call(acme, "GET", "/")[2] == b"hello"
    assert call(acme, "POST", "/")[0] == 405


def test_the_entrance_is_not_there_for_other_hosts_and_methods(acme):
    assert call(acme, "GET", "/", Host="www.acme.example")[0] == 404
    assert call(acme, "POST", "/")[0] == 404
    assert [request.path for request in acme.requests] == ["/", "/"]


def test_nothing_that_is_sent_to_the_control_page_is_recorded_or_disturbed(acme):
    acme.faults.add("*:500")
    call(acme, "GET", CONTROL_PATH)
    state(acme)
    post(acme, "clock", {"advance": 1})
    call(acme, "GET", "/_emulator/nothing")
    call(acme, "GET", CONTROL_PATH, Host="evil.example")

    assert len(acme.requests) == 0


# Who may use it.


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8787", "localhost:1", "LOCALHOST", "[::1]:8787", "127.8.7.6", "acme.test:80"]
)
def test_loopback_hosts_and_names_that_were_given_may_be_used(host):
    acme = make_workbench(hosts=["Acme.test"])

    assert call(acme, "GET", CONTROL_PATH, Host=host)[0] == 200


def test_a_name_may_be_given_later(acme):
    before = call(acme, "GET", CONTROL_PATH, Host="acme.test")[0]
    acme.hosts.add("acme.test")

    assert (before, call(acme, "GET", CONTROL_PATH, Host="acme.test")[0]) == (403, 200)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8787",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1@evil.example",
        "127.0.0.1, evil.example",
        "127.0.0.1/x",
        "127.0.0.1\n",
        "127.0.0.1:",
        "[::1",
        "[::1%eth0]",
        "[:::::]",
        "10.0.0.1",
        "0.0.0.0",
        "xacme.test",
        "acme.test.",
    ],
)
@pytest.mark.parametrize("path", [CONTROL_PATH, "/_emulator/api/state", "/_emulator/x"])
def test_a_host_name_that_somebody_else_may_have_pointed_here_is_refused(host, path):
    acme = make_workbench(hosts=["acme.test"])
    status, _, body = call(acme, "GET", path, Host=host)

    assert status == 403
    assert "host names have to be allowed first" in json.loads(body)["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "same-origin", "Origin": "http://127.0.0.1:8787"},
        {"Sec_Fetch_Site": "same-origin", "Origin": "https://127.0.0.1:8787"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": "HTTP://127.0.0.1:8787"},
        {},
    ],
)
def test_the_page_itself_and_scripts_may_change_something(acme, headers):
    assert post(acme, "clock", {"advance": 5}, **headers) == (200, {"text": "the clock moved by 5 seconds"})
    assert acme.clock.ahead == 5


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Sec_Fetch_Site": "cross-site"}, "Sec-Fetch-Site names another site"),
        ({"Sec_Fetch_Site": "same-site"}, "Sec-Fetch-Site names another site"),
        ({"Sec_Fetch_Site": ""}, "Sec-Fetch-Site names another site"),
        ({"Origin": "https://evil.example"}, "Origin names another site"),
        ({"Origin": "http://127.0.0.1:3000"}, "Origin names another site"),
        ({"Origin": "http://127.0.0.1"}, "Origin names another site"),
        ({"Origin": "null"}, "Origin names another site"),
        ({"Origin": ""}, "Origin names another site"),
        ({"Origin": "http://[::1"}, "Origin names another site"),
        ({"Origin": "127.0.0.1:8787"}, "Origin names another site"),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "https://evil.example"}, "Origin names another site"),
    ],
)
def test_another_site_in_the_same_browser_can_neither_change_nor_read_anything(acme, headers, reason):
    assert post(acme, "clock", {"advance": 5}, **headers) == refused(reason, 403)
    assert call(acme, "GET", "/_emulator/api/state", **headers)[0] == 403
    assert acme.clock.ahead == 0


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"]
)
def test_a_body_that_a_form_of_another_site_could_send_is_refused(acme, content_type):
    sent = {"body": b'{"advance": 5}', "content_type": content_type}
    status, _, body = call(acme, "POST", "/_emulator/api/clock", **sent)

    assert (status, json.loads(body)) == refused("the body has to be application/json", 415)
    assert acme.clock.ahead == 0


def test_the_content_type_may_have_parameters(acme):
    body = b'{"advance": 5}'

    assert (
        call(acme, "POST", "/_emulator/api/clock", body=body, content_type="Application/JSON; charset=utf-8")[0]
        == 200
    )


@pytest.mark.parametrize(
    "path", ["/_emulator/x", "/_emulator/api/", "/_emulator/api/nothing", "/_emulator/api/state/"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_nothing_is_it_says_so(acme, method, path):
    status, _, body = call(acme, method, path)

    assert (status, json.loads(body)) == refused("there is nothing here", 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", CONTROL_PATH, "GET"),
        ("HEAD", CONTROL_PATH, "GET"),
        ("POST", "/_emulator/api/state", "GET"),
        ("GET", "/_emulator/api/clock", "POST"),
        ("OPTIONS", "/_emulator/api/clock", "POST"),
    ],
)
def test_a_method_that_means_nothing_is_refused_with_the_one_that_does(acme, method, path, allowed):
    status, headers, body = call(acme, method, path)

    assert (status, headers["Allow"], json.loads(body)) == (405, allowed, {"error": f"{allowed} only"})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff{}", "the body is not JSON"),
        (b'{"advance": NaN}', "the body is not JSON"),
        (b'{"advance": 1, "advance": 2}', "the body is not JSON"),
        (b"[" * 60_000, "the body is not JSON"),
        (b'{"advance": ' + b"9" * 50_000 + b"}", "the body is not JSON"),
        (b"[]", "the body has to be a JSON object"),
        (b"null", "the body has to be a JSON object"),
        (b'"x"', "the body has to be a JSON object"),
    ],
)
def test_odd_json_is_refused(acme, body, reason):
    assert post(acme, "clock", body) == refused(reason)


def test_a_body_of_more_than_64_kib_is_refused(acme):
    assert post(acme, "switches", {"rotation": "x" * 65536}) == refused("the body exceeds 64 KiB", 413)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
WORDS = ["add", "remove", "clear", "advance", "reset", "name", "fields", "rotation", "lifetime"]
HOSTILE = make_workbench()


@given(
    name=st.sampled_from(["switches", "faults", "clock", "requests", "actions"]),
    body=st.binary() | st.dictionaries(st.sampled_from(WORDS) | st.text(), JSON_VALUES).map(json.dumps),
)
def test_nothing_that_is_sent_makes_it_fail(name, body):
    raw = body if isinstance(body, bytes) else body.encode()
    status, answer = post(HOSTILE, name, raw)

    assert (status, list(answer)) in [(200, ["text"]), (400, ["error"])]


@given(method=st.sampled_from(["GET", "POST"]), path=st.text(), query=st.text(), host=st.text(), origin=st.text())
def test_no_address_makes_it_fail(method, path, query, host, origin):
    address = f"/_emulator/{path}".encode().decode("latin-1")
    status, _, _ = call(HOSTILE, method, address, query=query, Host=host, Origin=origin)

    assert status in {200, 302, 403, 404, 405}


# What it shows.


def test_the_state_describes_the_emulator(acme):
    acme.clock.advance(60)
    acme.faults.add("token:reset:once")
    acme.switches.turn("rotation", "off")
    shown = state(acme)

    assert re.fullmatch("[0-9a-f]{16}", shown.pop("run"))
    assert [kind["name"] for kind in shown.pop("fault_kinds")] == list(KINDS)
    assert shown == {
        "title": "Acme",
        "time": NOON + 60,
        "ahead": 60,
        "endpoints": ["authorize", "token", "userinfo"],
        "switches": [
            {
                "name": "rotation",
                "value": "off",
                "default": "on",
                "choices": ["on", "off"],
                "help": "Whether a refresh replaces the refresh token.",
            },
            {
                "name": "lifetime",
                "value": "3600",
                "default": "3600",
                "choices": [],
                "help": "Seconds for which an access token works.",
            },
            {
                "name": "status",
                "value": "200",
                "default": "200",
                "choices": ["200", "rfc"],
                "help": "The status of errors.",
            },
        ],
        "faults": ["token:reset:once"],
        "tables": [
            {
                "title": "Apps",
                "columns": ["client id", "secret", "platform"],
                "secrets": ["secret"],
                "rows": [["acme-1", "acme…(31)", "web"], ["acme-2", "••••", "desktop"]],
                "left_out": 0,
            },
            {"title": "Tokens", "columns": ["token", "user"], "secrets": [], "rows": [], "left_out": 0},
        ],
        "actions": [
            {"name": "disconnect", "label": "Take back what a user allowed", "fields": ["user", "app"]},
            {"name": "restart", "label": "End every session", "fields": []},
        ],
        "oldest": 1,
        "requests": [],
    }


def test_two_emulators_are_told_apart(acme):
    assert state(acme)["run"] == state(acme)["run"] != state(make_workbench())["run"]


def test_a_request_is_shown_with_what_came_of_it_and_its_secrets_masked(acme):
    log_in(acme)
    redirected, _, refused_one, read, astray = state(acme)["requests"]

    assert {name: refused_one[name] for name in refused_one if name != "headers"} == {
        "number": 3,
        "time": NOON,
        "endpoint": "token",
        "method": "POST",
        "path": "/token",
        "query": [],
        "form": [
            ["client_secret", "acme…(31)"],
            ["code", "act.…(30)"],
            ["redirect_uri", "https://other.example/"],
        ],
        "status": 200,
        "severity": "refused",
        "verdict": "invalid_request",
        "rule": {"id": RULE.id, "text": RULE.text, "source": RULE.source, "url": RULE.url},
        "fault": "",
        "location": "",
    }
    assert redirected["query"] == [["client_id", "acme-1"], ["state", "••••"]]
    assert redirected["location"] == "https://app.example/cb?code=act.…(30)&state=••••"
    assert ["Authorization", "Bearer act.…(30)"] in read["headers"]
    assert ["Cookie", "session=act.…(30)"] in read["headers"]
    assert (astray["endpoint"], astray["status"], astray["severity"]) == ("", 404, "refused")


def test_no_secret_is_anywhere_in_it_until_somebody_asks(acme):
    log_in(acme)

    assert not {secret for secret in (SECRET, TOKEN) if secret in json.dumps(state(acme, "secrets=off"))}
    shown = state(acme, "secrets=on")
    assert ["client_secret", SECRET] in shown["requests"][1]["form"]
    assert ["Authorization", f"Bearer {TOKEN}"] in shown["requests"][3]["headers"]
    assert ["state", "abc"] in shown["requests"][0]["query"]
    assert shown["requests"][0]["location"] == f"https://app.example/cb?code={TOKEN}&state=abc"
    assert [row[1] for row in shown["tables"][0]["rows"]] == [SECRET, "short"]


def test_a_request_that_was_disturbed_names_the_fault(acme):
    acme.faults.add("userinfo:503:once")
    call(acme, "GET", "/me")
    (request,) = state(acme)["requests"]

    assert (request["status"], request["severity"], request["fault"]) == (503, "disturbed", "userinfo:503:once")


def test_only_requests_after_a_number_are_sent_again(acme):
    log_in(acme)

    assert [request["number"] for request in state(acme, "after=3")["requests"]] == [4, 5]
    assert state(acme, "after=5")["requests"] == []
    assert state(acme, "after=5")["oldest"] == 1


def test_the_oldest_number_says_what_is_kept_no_longer(acme):
    log_in(acme)
    post(acme, "requests", {"clear": True})
    before = state(acme)["oldest"]
    call(acme, "GET", "/me")

    assert (before, state(acme)["oldest"]) == (6, 6)


@pytest.mark.parametrize("after", ["-1", "x", "", "1.5", "\uff11", "9" * 16, "1,2"])
def test_a_number_that_is_none_is_refused(acme, after):
    query = f"after={after}".encode().decode("latin-1")
    status, _, body = call(acme, "GET", "/_emulator/api/state", query=query)

    assert (status, json.loads(body)) == refused("after is the number of a request")


def test_what_is_too_long_to_show_is_cut():
    rows = tuple((str(number), "x") for number in range(205))
    acme = make_workbench(tables=lambda: [Table("Many", ("number", "text"), rows)])
    many = "&".join(f"p{number}=v" for number in range(70))
    call(acme, "GET", "/me", query=f"{many}&x=1")
    call(acme, "GET", "/me", query=f"x={'y' * 2001}")
    shown = state(acme)
    first, second = shown["requests"]

    assert len(first["query"]) == 61
    assert first["query"][-2:] == [["p59", "v"], ["…", "11 more"]]
    assert second["query"] == [["x", f"{'y' * 2000}… (2001 characters)"]]
    assert (len(shown["tables"][0]["rows"]), shown["tables"][0]["left_out"]) == (200, 5)


@pytest.mark.parametrize("with_secrets", [False, True])
@pytest.mark.parametrize("place", ["query", "form", "headers"])
def test_of_many_parameters_only_those_are_read_that_are_shown(place, with_secrets):
    many = CountedMapping(13_500)
    acme = make_workbench()
    acme.requests.add(lambda number: recorded(number=number, **{place: many}))
    query = "secrets=on" if with_secrets else ""

    assert state(acme, query)["requests"][0][place][-2:] == [["p59", "v"], ["…", "13440 more"]]
    assert many.read == 60


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


def test_a_secret_is_masked_wherever_it_stands(acme):
    acme.requests.add(
        lambda number: recorded(
            number=number,
            method=TOKEN,
            path=f"/{TOKEN}/%3Fcode%3D{SECRET}",
            query={TOKEN: "", "grant_type": TOKEN, "data[code]": SECRET},
            headers={TOKEN: "x", "Referer": f"https://u:{SECRET}@host/"},
            verdict=f"no {TOKEN}",
            location=f"https://u:{SECRET}@host/{TOKEN}",
        )
    )
    shown = json.dumps(state(acme))

    assert TOKEN not in shown
    assert SECRET not in shown
    assert state(acme, "secrets=on")["requests"][0]["path"] == f"/{TOKEN}/%3Fcode%3D{SECRET}"


def test_text_that_is_no_text_is_shown_all_the_same(acme):
    call(acme, "GET", "/me", query="x=%ED%A0%80%00<script>\x80")

    assert state(acme)["requests"][0]["query"][0][0] == "x"


# What it changes.


def test_switches_are_turned(acme):
    assert post(acme, "switches", {"rotation": "off", "lifetime": "60"}) == (
        200,
        {"text": "rotation, lifetime turned"},
    )
    assert (acme.switches.now.rotation, acme.switches.now.lifetime) == (False, 60)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"rotation": "off", "nothing": "on"}, "no switch is called 'nothing'"),
        ({"rotation": "off", "lifetime": "x"}, "lifetime is a number from 0"),
        ({"rotation": "off", "lifetime": 60.5}, "'lifetime' has to be a text"),
        ({"rotation": "off", "lifetime": -1}, "lifetime is a number from 0"),
        ({"rotation": "off", "lifetime": True}, "lifetime is a number from 0"),
        ({"lifetime": 60, "rotation": None}, "'rotation' has to be a text"),
        ({"rotation": 0}, "rotation is "),
        ({}, "wanted: {<switch>: <setting>}"),
    ],
)
def test_of_several_switches_all_are_turned_or_none(acme, wanted, reason):
    status, body = post(acme, "switches", wanted)

    assert status == 400
    assert body["error"].startswith(reason)
    assert (acme.switches.now.rotation, acme.switches.now.lifetime) == (True, 3600)


@pytest.mark.parametrize(
    ("wanted", "rotation", "lifetime"),
    [
        ({"rotation": False}, False, 3600),
        ({"rotation": True}, True, 3600),
        ({"lifetime": 60}, True, 60),
        ({"rotation": False, "lifetime": 0}, False, 0),
    ],
)
def test_a_switch_may_be_given_as_a_boolean_or_a_number(acme, wanted, rotation, lifetime):
    assert post(acme, "switches", wanted) == (200, {"text": f"{', '.join(wanted)} turned"})
    assert (acme.switches.now.rotation, acme.switches.now.lifetime) == (rotation, lifetime)


def test_faults_are_added_removed_and_cleared(acme):
    said = [
        post(acme, "faults", {"add": "token:reset:once"}),
        post(acme, "faults", {"add": "*:drip=2"}),
        post(acme, "faults", {"remove": "token:reset:once"}),
    ]
    left = [str(fault) for fault in acme.faults]
    said.append(post(acme, "faults", {"clear": True}))

    assert [text["text"] for _, text in said] == [
        "token:reset:once added",
        "*:drip=2 added",
        "token:reset:once removed",
        "every fault removed",
    ]
    assert (left, list(acme.faults)) == (["*:drip=2"], [])


@pytest.mark.parametrize(
    "wanted",
    [
        {"add": "nowhere:reset"},
        {"add": "token:explode"},
        {"add": ""},
        {"add": "token:reset:never"},
        {"add": "\ud800:reset"},
        {"remove": "token:reset"},
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_the_reason(acme, wanted):
    status, body = post(acme, "faults", wanted)

    assert status == 400
    assert body["error"]
    assert list(acme.faults) == []


@pytest.mark.parametrize(
    "wanted",
    [{}, {"add": 1}, {"clear": False}, {"clear": 1.5}, {"add": "token:reset", "clear": True}, {"remove": None}],
)
def test_a_change_of_faults_that_means_nothing_is_refused_with_what_does(acme, wanted):
    assert post(acme, "faults", wanted) == refused(
        'wanted: {"add": "endpoint:kind"}, {"remove": "endpoint:kind"} or {"clear": true}'
    )


def test_the_clock_is_moved_and_set_right_again(acme):
    first = post(acme, "clock", {"advance": 7200})
    second = post(acme, "clock", {"advance": -0.5})
    ahead = acme.clock.ahead
    third = post(acme, "clock", {"reset": True})

    assert [first, second] == [
        (200, {"text": "the clock moved by 7200 seconds"}),
        (200, {"text": "the clock moved by -0.5 seconds"}),
    ]
    assert (ahead, third, acme.clock.ahead) == (7199.5, (200, {"text": "the clock is right again"}), 0)


@pytest.mark.parametrize("seconds", [CENTURY + 1, -NOON - 1, 10**400, -(10**400)])
def test_the_clock_stays_where_dates_exist(acme, seconds):
    assert post(acme, "clock", {"advance": seconds}) == refused("the clock goes from 1970 to 100 years ahead")
    assert acme.clock.ahead == 0


def test_the_clock_is_not_moved_to_infinity(acme):
    assert post(acme, "clock", b'{"advance": 1e400}') == refused("the clock goes from 1970 to 100 years ahead")


def test_the_ends_of_time_can_be_reached(acme):
    assert post(acme, "clock", {"advance": CENTURY})[0] == 200
    assert post(acme, "clock", {"advance": 1})[0] == 400
    assert post(acme, "clock", {"advance": -CENTURY - NOON})[0] == 200
    assert acme.clock() == 0


@pytest.mark.parametrize(
    "wanted", [{}, {"advance": True}, {"advance": "1"}, {"reset": False}, {"advance": 1, "x": 1}]
)
def test_a_move_of_the_clock_that_means_nothing_is_refused_with_what_does(acme, wanted):
    assert post(acme, "clock", wanted) == refused('wanted: {"advance": <seconds>} or {"reset": true}')


def test_the_requests_are_forgotten(acme):
    log_in(acme)

    assert post(acme, "requests", {"clear": True}) == (200, {"text": "the requests are forgotten"})
    assert len(acme.requests) == 0


@pytest.mark.parametrize("wanted", [{}, {"clear": "yes"}, {"clear": 1}, {"clear": True, "x": 1}])
def test_forgetting_has_to_be_meant(acme, wanted):
    log_in(acme)

    assert post(acme, "requests", wanted) == refused('wanted: {"clear": true}')
    assert len(acme.requests) == 5


def test_an_action_is_run_with_its_fields_and_says_what_came_of_it(acme):
    assert post(acme, "actions", {"name": "disconnect", "fields": {"user": "ada"}}) == (
        200,
        {"text": "Ada is disconnected"},
    )
    assert post(acme, "actions", {"name": "restart"}) == (200, {"text": "every session has ended"})


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"name": "disconnect"}, "there is no user ''"),
        ({"name": "disconnect", "fields": {"user": "ben"}}, "there is no user 'ben'"),
        ({"name": "disconnect", "fields": {"user": 1}}, "'user' has to be a text"),
        ({"name": "disconnect", "fields": {"x": "1", "a": "1"}}, "disconnect has no field 'a', 'x'"),
        ({"name": "x"}, "no action is called 'x'; there are: disconnect, restart"),
        ({}, 'wanted: {"name": <action>, "fields": {<field>: <text>}}'),
        ({"name": 1}, 'wanted: {"name": <action>, "fields": {<field>: <text>}}'),
        ({"name": "restart", "fields": []}, 'wanted: {"name": <action>, "fields": {<field>: <text>}}'),
        ({"name": "restart", "x": 1}, 'wanted: {"name": <action>, "fields": {<field>: <text>}}'),
    ],
)
def test_an_action_that_cannot_be_run_is_refused_with_the_reason(acme, wanted, reason):
    assert post(acme, "actions", wanted) == refused(reason)


def test_an_emulator_without_actions_says_so():
    assert post(make_workbench(actions=()), "actions", {"name": "x"}) == refused(
        "no action is called 'x'; there are: none"
    )
