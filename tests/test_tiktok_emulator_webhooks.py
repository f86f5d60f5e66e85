"""TikTok's webhooks, as an app receives them from the emulator."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from itertools import pairwise
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from requests.adapters import BaseAdapter
from tiktok_emulator_fakes import API, CALLBACK, NOON, Clock

from authkit.emulator import Answer, Switchboard, WsgiTransport, read_request, serve
from authkit_tiktok.emulator import App, TikTokEmulator, TikTokSwitches
from authkit_tiktok.emulator.events import EXAMPLE_CONTENTS, Event, sign
from authkit_tiktok.emulator.webhooks import Attempt, Webhooks

KEY, SECRET = "awexamplekey00001", "example-client-secret-0123456789abcd"
HOOK = "https://app.example.test/hooks/tiktok"
APP = App(KEY, SECRET, webhook_url=HOOK)
OPEN_ID = "-000AbCdEfGhIjKlMnOpQrStUvWxYz01"
HOUR = 3600


class Receiver:
    """An app's end of the webhooks: it keeps what comes, and answers with the statuses it was given, then 200."""

    def __init__(self, *statuses):
        self.received = []
        self.statuses = list(statuses)

    def __call__(self, environ, start_response):
        request = read_request(environ)
        self.received.append((environ.get("HTTP_HOST"), request))
        return Answer(self.statuses.pop(0) if self.statuses else 200).send(start_response)

    @property
    def requests(self):
        return [request for _, request in self.received]

    @property
    def envelopes(self):
        return [json.loads(request.body) for request in self.requests]


class Told:
    """Webhooks, the clock they go by, and the app that gets them."""

    def __init__(self, *statuses, **switches):
        self.clock = Clock()
        self.receiver = Receiver(*statuses)
        self.webhooks = Webhooks(
            self.clock, Switchboard(TikTokSwitches(**switches)), WsgiTransport(self.receiver), in_background=False
        )

    def queue(self, app=APP, name="video.publish.completed", open_id=OPEN_ID, **content):
        self.webhooks.queue(app, name, open_id, content)


def signature(request):
    """The time and the signature of a request, having checked the header's form."""
    at, mac = request.headers["Tiktok-Signature"].split(",")
    assert (at[:2], mac[:2], len(mac)) == ("t=", "s=", 66)
    return int(at[2:]), mac[2:]


def is_signed(request):
    at, mac = signature(request)
    return hmac.new(SECRET.encode(), b"%d." % at + request.body, hashlib.sha256).hexdigest() == mac


# The envelope and its signature


def test_the_signature_is_that_of_the_known_example():
    event = Event(APP, "authorization.removed", 1795219200, OPEN_ID, {"reason": 1})

    assert event.body() == (
        b'{"client_key":"awexamplekey00001","event":"authorization.removed","create_time":1795219200,'
        b'"user_openid":"-000AbCdEfGhIjKlMnOpQrStUvWxYz01","content":"{\\"reason\\":1}"}'
    )
    assert (
        sign(SECRET, 1795219201, event.body())
        == "t=1795219201,s=bea800cefa739160defd1fff5905dfb684d42e9609d668d4b74ce69daba55ef3"
    )


def test_an_app_is_told_by_a_signed_json_post():
    world = Told()
    world.webhooks.remove(APP, OPEN_ID, 1)
    world.clock.now += 3

    assert world.webhooks.deliver() == 1
    host, request = world.receiver.received[0]
    assert (request.method, host, request.path) == ("POST", "app.example.test", "/hooks/tiktok")
    assert request.content_type == "application/json"
    assert signature(request)[0] == NOON + 3
    assert is_signed(request)
    assert json.loads(request.body) == {
        "client_key": KEY,
        "event": "authorization.removed",
        "create_time": int(NOON),
        "user_openid": OPEN_ID,
        "content": '{"reason":1}',
    }


def test_t29_the_content_of_a_webhook_is_json_inside_a_string():
    world = Told()
    world.queue(share_id='v_1"\\ü')
    world.webhooks.deliver()

    content = world.receiver.envelopes[0]["content"]
    assert isinstance(content, str)
    assert json.loads(content) == {"share_id": 'v_1"\\ü'}


@pytest.mark.parametrize("name", EXAMPLE_CONTENTS)
def test_every_documented_event_can_be_sent(name):
    world = Told()
    world.queue(APP, name, **EXAMPLE_CONTENTS[name])
    world.webhooks.deliver()

    envelope = world.receiver.envelopes[0]
    assert (envelope["event"], json.loads(envelope["content"])) == (name, EXAMPLE_CONTENTS[name])


def test_an_event_that_is_about_nobody_names_nobody():
    world = Told()
    world.queue(APP, "portability.download.ready", "", request_id=5)
    world.webhooks.deliver()

    assert sorted(world.receiver.envelopes[0]) == ["client_key", "content", "create_time", "event"]


def test_an_app_without_a_webhook_url_is_told_nothing():
    world = Told()
    world.queue(App(KEY, SECRET))

    assert (world.webhooks.deliver(), world.webhooks.waiting, world.receiver.received) == (0, (), [])


# At least once


def test_what_is_acknowledged_is_sent_once():
    world = Told()
    world.queue()

    assert [world.webhooks.deliver(), world.webhooks.deliver()] == [1, 0]
    world.clock.now += 100 * HOUR
    assert (world.webhooks.deliver(), world.webhooks.waiting) == (0, ())


@pytest.mark.parametrize("status", [201, 204, 302, 400, 404, 410, 500, 503])
def test_any_answer_but_200_is_a_failure_and_no_redirect_is_followed(status):
    world = Told(status)
    world.queue()

    assert (world.webhooks.deliver(), world.webhooks.deliver()) == (1, 0)
    assert [event.name for event in world.webhooks.waiting] == ["video.publish.completed"]
    world.clock.now += 10
    assert (world.webhooks.deliver(), world.webhooks.waiting) == (1, ())
    assert [attempt.status for attempt in world.webhooks.attempts] == [status, 200]


def test_retries_come_at_doubling_intervals_and_end_after_72_hours():
    world = Told(*[500] * 100)
    world.queue()
    sent_at = []
    while world.webhooks.waiting:
        if world.webhooks.deliver():
            sent_at.append(world.clock.now)
        world.clock.now += 5

    gaps = [later - earlier for earlier, later in pairwise(sent_at)]
    assert gaps == [10 * 2**number for number in range(len(gaps))]
    assert sent_at[-1] <= NOON + 72 * HOUR < sent_at[-1] + 2 * gaps[-1]


def test_what_was_not_acknowledged_for_72_hours_is_dropped_without_another_attempt():
    world = Told(500)
    world.queue()
    world.webhooks.deliver()
    world.clock.now += 72 * HOUR + 1

    assert (world.webhooks.deliver(), world.webhooks.waiting, len(world.receiver.received)) == (0, (), 1)


def test_a_retry_is_signed_anew_and_has_the_same_body():
    world = Told(500)
    world.queue()
    world.webhooks.deliver()
    world.clock.now += 10
    world.webhooks.deliver()

    first, second = world.receiver.requests
    assert second.body == first.body
    assert [signature(first)[0], signature(second)[0]] == [NOON, NOON + 10]
    assert is_signed(second)


def test_events_arrive_in_their_order():
    world = Told()
    for number in range(3):
        world.queue(share_id=str(number))

    assert world.webhooks.deliver() == 3
    assert [json.loads(envelope["content"])["share_id"] for envelope in world.receiver.envelopes] == ["0", "1", "2"]


def test_a_thousand_events_wait_and_the_oldest_makes_room():
    world = Told()
    for number in range(1001):
        world.queue(share_id=number)

    assert [event.content["share_id"] for event in world.webhooks.waiting] == list(range(1, 1001))


def test_what_was_sent_can_be_looked_up():
    world = Told()
    world.queue(share_id="1")
    world.webhooks.deliver()

    event = Event(APP, "video.publish.completed", int(NOON), OPEN_ID, {"share_id": "1"})
    assert world.webhooks.attempts == (Attempt(NOON, event, 200),)
    assert SECRET not in repr(world.webhooks.attempts)


# Switches


def test_every_webhook_may_arrive_twice():
    world = Told(webhook_copies=True)
    world.queue()

    assert (world.webhooks.deliver(), world.webhooks.deliver()) == (2, 0)
    assert world.receiver.requests[0].body == world.receiver.requests[1].body


def test_a_body_that_was_tampered_with_does_not_fit_its_signature():
    world = Told(webhooks="tampered")
    world.queue()
    world.webhooks.deliver()

    request = world.receiver.requests[0]
    assert not is_signed(request)
    assert signature(request)[0] == NOON
    assert json.loads(request.body)["create_time"] == NOON + 1


def test_a_stale_webhook_is_signed_well_and_a_day_old():
    world = Told(webhooks="stale")
    world.queue()
    world.webhooks.deliver()

    request = world.receiver.requests[0]
    assert is_signed(request)
    assert signature(request)[0] == NOON - 24 * HOUR


# What an emulator tells apps


class Site:
    """An emulator with two apps that are told of events, and what reaches them."""

    def __init__(self, app=None):
        self.receiver = Receiver()
        self.apps = [APP, App("awother", "OTHER", webhook_url="https://other.example.test/hook")]
        self.emulator = TikTokEmulator(apps=self.apps, webhook_transport=WsgiTransport(app or self.receiver))
        self.http = requests.Session()
        self.http.trust_env = False
        for scheme in ("http://", "https://"):
            self.http.mount(scheme, WsgiTransport(self.emulator))

    def log_in(self, app=APP, user=0):
        query = {
            "client_key": app.client_key,
            "response_type": "code",
            "scope": "user.info.basic",
            "redirect_uri": CALLBACK,
        }
        url = f"https://www.tiktok.com/v2/auth/authorize/?{urlencode(query)}"
        code = parse_qs(urlsplit(self.emulator.approve(url, user=user)).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.post("token", form, app).json()

    def post(self, path, form, app=APP):
        client = {"client_key": app.client_key, "client_secret": app.client_secret}
        return self.http.post(f"{API}/oauth/{path}/", data=client | form)

    def is_alive(self, token):
        url = f"{API}/user/info/?fields=open_id"
        return self.http.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 200

    def act(self, name, **fields):
        """Press a button of the control page."""
        url = "http://localhost/_emulator/api/actions"
        answer = self.http.post(url, json={"name": name, "fields": fields}).json()
        return answer.get("text") or answer["error"]

    def told(self):
        """Deliver, and give what was told to whom, about whom."""
        self.emulator.webhooks.deliver()
        told = [
            (envelope["client_key"], envelope["event"], envelope.get("user_openid"), json.loads(envelope["content"]))
            for envelope in self.receiver.envelopes
        ]
        self.receiver.received.clear()
        return told


@pytest.fixture
def site():
    return Site()


def test_a_revoked_token_is_reported_with_reason_5(site):
    tokens = site.log_in()
    site.post("revoke", {"token": tokens["access_token"]})

    assert site.told() == [(KEY, "authorization.removed", tokens["open_id"], {"reason": 5})]


def test_a_revocation_that_is_refused_is_not_reported(site):
    site.log_in()
    site.post("revoke", {"token": "act.unknown"})

    assert site.told() == []


@pytest.mark.parametrize("reason", range(6))
def test_a_user_who_disconnects_is_reported_with_the_reason_and_the_token_is_dead_by_then(site, reason):
    tokens = site.log_in()
    site.emulator.disconnect(0, KEY, reason)

    assert not site.is_alive(tokens["access_token"])
    assert site.told() == [(KEY, "authorization.removed", tokens["open_id"], {"reason": reason})]
    refused = site.post("token", {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}).json()
    assert refused["error"] == "invalid_grant"


def test_every_app_that_the_user_has_connected_is_told_under_its_own_open_id(site):
    first, second = site.log_in(), site.log_in(site.apps[1])
    others = site.log_in(user=1)
    site.emulator.disconnect("ada.tok", reason=2)

    assert first["open_id"] != second["open_id"]
    assert site.told() == [
        (KEY, "authorization.removed", first["open_id"], {"reason": 2}),
        ("awother", "authorization.removed", second["open_id"], {"reason": 2}),
    ]
    assert site.is_alive(others["access_token"])


def test_the_other_app_of_a_user_is_left_alone(site):
    first, second = site.log_in(), site.log_in(site.apps[1])
    site.emulator.disconnect(0, KEY)

    assert [site.is_alive(tokens["access_token"]) for tokens in (first, second)] == [False, True]
    assert len(site.told()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "'ada.tok' has not connected any app"),
        ((0, KEY), f"'ada.tok' has not connected {KEY}"),
        (("nobody",), "no user 'nobody'"),
        ((1, "aw0"), "no app 'aw0'"),
        ((1, KEY, 6), "a reason is a number from 0 to 5"),
        ((1, KEY, -1), "a reason is a number from 0 to 5"),
    ],
)
def test_what_cannot_be_disconnected_is_refused(site, arguments, message):
    site.log_in(user=1)

    with pytest.raises(ValueError, match=message):
        site.emulator.disconnect(*arguments)
    assert site.told() == []


def test_refreshes_and_logins_are_not_reported(site):
    tokens = site.log_in()
    site.post("token", {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})

    assert site.told() == []


def test_any_event_can_be_sent_about_somebody_or_nobody(site):
    site.emulator.notify("video.publish.completed", {"share_id": "1"})
    site.emulator.notify("video.upload.failed", user="benmoka", app="awother")
    site.emulator.notify("portability.download.ready", user=None)
    site.emulator.notify("post.publish.unknown")

    users = site.emulator.users
    told = site.told()
    assert [each[0] for each in told] == [KEY, "awother", KEY, KEY]
    assert [each[2] for each in told if each[0] == KEY] == [users[0].open_id, None, users[0].open_id]
    assert told[1][2] != users[1].open_id
    assert [each[3] for each in told] == [
        {"share_id": "1"},
        EXAMPLE_CONTENTS["video.upload.failed"],
        EXAMPLE_CONTENTS["portability.download.ready"],
        {},
    ]


def test_an_event_for_an_app_that_cannot_be_told_is_refused():
    emulator = TikTokEmulator(apps=[App(KEY, SECRET)])

    with pytest.raises(ValueError, match="has no webhook URL"):
        emulator.notify("video.publish.completed")


def test_the_control_page_disconnects_and_sends_webhooks(site):
    tokens = site.log_in()

    assert site.act("webhook", event="video.upload.failed", user="ada.tok") == "video.upload.failed is on its way"
    assert site.act("webhook", event="portability.download.ready") == "portability.download.ready is on its way"
    assert site.act("disconnect", reason="6") == "a reason is a number from 0 to 5"
    assert site.act("disconnect") == "the app is disconnected"
    assert site.act("disconnect", user="ada.tok", app=KEY) == f"'ada.tok' has not connected {KEY}"
    assert [(event, open_id) for _, event, open_id, _ in site.told()] == [
        ("video.upload.failed", tokens["open_id"]),
        ("portability.download.ready", None),
        ("authorization.removed", tokens["open_id"]),
    ]


def test_the_control_page_shows_what_was_sent(site):
    site.emulator.notify("video.publish.completed")
    site.told()
    tables = site.http.get("http://localhost/_emulator/api/state").json()["tables"]

    assert [table["rows"] for table in tables if table["title"] == "Webhooks"] == [
        [["video.publish.completed", KEY, HOOK, "200"]]
    ]


def test_no_lock_is_held_while_an_app_is_told():
    seen = []

    def call_back():
        site.post("revoke", {"token": tokens["access_token"]})
        seen.append([event.name for event in site.emulator.webhooks.waiting])

    def app(environ, start_response):
        caller = threading.Thread(target=call_back)
        caller.start()
        caller.join(5)
        return Answer(200).send(start_response)

    site = Site(app)
    tokens = site.log_in()
    site.emulator.notify("video.publish.completed")

    assert site.emulator.webhooks.deliver() == 1
    assert seen == [["video.publish.completed", "authorization.removed"]]


@pytest.mark.parametrize("url", ["app.example.test/hook", "ftp://app.example.test/", "https://", "https://a b/", "x"])
def test_a_webhook_url_is_absolute(url):
    with pytest.raises(ValueError, match="is not an absolute http or https address"):
        App(KEY, SECRET, webhook_url=url)


# On the wire


class Unreachable(BaseAdapter):
    """A network on which nobody answers."""

    def __init__(self, error):
        super().__init__()
        self.error = error
        self.options = []

    def send(self, request, **options):
        self.options.append(options)
        raise self.error

    def close(self):
        raise AssertionError("it is not closed")


@pytest.mark.parametrize(
    "error",
    [requests.ConnectionError("x"), requests.ReadTimeout("x"), requests.exceptions.SSLError("x"), OSError("x")],
)
def test_an_app_that_does_not_answer_is_told_again(error):
    network = Unreachable(error)
    webhooks = Webhooks(Clock(), Switchboard(TikTokSwitches()), network, in_background=False)
    webhooks.remove(APP, OPEN_ID, 1)

    assert webhooks.deliver() == 1
    assert [attempt.status for attempt in webhooks.attempts] == [0]
    assert len(webhooks.waiting) == 1
    assert network.options == [{"timeout": (5, 5), "proxies": {}}]


def test_an_app_that_breaks_in_process_shows_its_exception_and_is_told_again():
    def broken(environ, start_response):
        raise ZeroDivisionError

    clock = Clock()
    webhooks = Webhooks(clock, Switchboard(TikTokSwitches()), WsgiTransport(broken), in_background=False)
    webhooks.remove(APP, OPEN_ID, 1)

    with pytest.raises(ZeroDivisionError):
        webhooks.deliver()
    assert len(webhooks.waiting) == 1


def test_without_a_transport_it_goes_over_the_network():
    receiver = Receiver(302)
    with serve(receiver, port=0) as server:
        webhooks = Webhooks(Clock(), Switchboard(TikTokSwitches()), None, in_background=False)
        webhooks.remove(App(KEY, SECRET, webhook_url=f"{server.origin}/hook"), OPEN_ID, 1)
        assert webhooks.deliver() == 1

    assert [attempt.status for attempt in webhooks.attempts] == [302]
    assert is_signed(receiver.requests[0])


# In the background


class Gate(WsgiTransport):
    """A transport that tells when something has gone through."""

    def __init__(self, app):
        super().__init__(app)
        self.passed = threading.Semaphore(0)

    def send(self, request, **options):
        response = super().send(request, **options)
        self.passed.release()
        return response


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "tiktok-webhooks"]


def wait_for_workers():
    for worker in workers():
        worker.join(5)
    assert workers() == []


def test_a_thread_delivers_until_nothing_waits_and_comes_back_with_the_next_event():
    clock, receiver = Clock(), Receiver(500)
    gate = Gate(receiver)
    webhooks = Webhooks(clock, Switchboard(TikTokSwitches()), gate, in_background=True)
    assert workers() == []

    webhooks.remove(APP, OPEN_ID, 1)
    assert gate.passed.acquire(timeout=5)
    [worker] = workers()
    assert worker.daemon
    clock.now += 10
    webhooks.remove(APP, OPEN_ID, 2)
    assert gate.passed.acquire(timeout=5)
    assert gate.passed.acquire(timeout=5)
    wait_for_workers()
    assert webhooks.waiting == ()

    webhooks.remove(APP, OPEN_ID, 3)
    assert gate.passed.acquire(timeout=5)
    wait_for_workers()
    reasons = [json.loads(envelope["content"])["reason"] for envelope in receiver.envelopes]
    assert reasons == [1, 1, 2, 3]


def test_an_emulator_with_a_transport_of_its_own_starts_no_thread():
    receiver = Receiver()
    emulator = TikTokEmulator(apps=[APP], webhook_transport=WsgiTransport(receiver))
    emulator.notify("video.publish.completed", {"share_id": "1"})

    assert (workers(), receiver.received) == ([], [])
    assert emulator.webhooks.deliver() == 1


def test_an_emulator_without_one_delivers_over_the_network_by_itself():
    arrived = threading.Event()

    def app(environ, start_response):
        arrived.set()
        return Answer(200).send(start_response)

    with serve(app, port=0) as server:
        emulator = TikTokEmulator(apps=[App(KEY, SECRET, webhook_url=f"{server.origin}/hook")])
        emulator.notify("video.publish.completed", {"share_id": "1"})
        assert arrived.wait(5)
        wait_for_workers()
    assert emulator.webhooks.waiting == ()
