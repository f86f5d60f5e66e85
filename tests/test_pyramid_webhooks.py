"""``POST /auth/{registration}/webhook``: TikTok's emulator delivers, and hostile requests that nobody signed."""

from __future__ import annotations

import io
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import zope.sqlalchemy
from acme_events import NOW, event_body, signed, telling
from fakes import CLIENT_SECRET, Clock, make_kit, plugins_with
from observers import Observer
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationConflictError
from pyramid.httpexceptions import HTTPForbidden, HTTPFound
from pyramid.response import Response
from pyramid_apps import KINDS, assert_safe_headers, call, everything_logged, named, other
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.orm import sessionmaker
from tiktok_fakes import ALL_SCOPES, OPEN_ID, complete, tiktok_kit

import authkit_tiktok
from authkit import Identity
from authkit.accounts import Accounts, Database, Vault
from authkit.accounts.schema import audit, claims
from authkit.emulator import WsgiTransport
from authkit.errors import AuthkitError, ConfigError, ReauthRequired
from authkit.plugins import load_plugins
from authkit_tiktok.emulator import App, TikTokEmulator, TikTokSwitches

pytestmark = pytest.mark.pyramid

KEY = "awexamplekey00001"
HOOK = "https://app.example.test/auth/tiktok/webhook"
ADA = Identity("tiktok", KEY, OPEN_ID)
GONE = ("disconnected", ADA, "the user disconnected the app")
PATH = "/auth/acme/webhook"


class TikTokWorld:
    """TikTok, an app that it tells of events, the database of the app, and somebody who has signed in."""

    def __init__(self, database, *parts, settings=None, **switches):
        self.clock, self.observer, self.database = Clock(), Observer(), database
        self.emulator = TikTokEmulator(
            clock=self.clock,
            apps=[App(KEY, CLIENT_SECRET, ALL_SCOPES, webhook_url=HOOK)],
            switches=TikTokSwitches(**switches),
            webhook_transport=WsgiTransport(self.answer),
        )
        self.kit = tiktok_kit(
            WsgiTransport(self.emulator),
            {"authkit.tiktok.client_key": KEY, **(settings or {})},
            clock=self.clock,
            plugins=load_plugins(found=(), extra=[authkit_tiktok, observing(self.observer)]),
        )
        self.app = app_with(self.kit, database, *parts)
        self.accounts, self.vault = Accounts(self.kit, database), Vault(self.kit, database)
        self.sign_in()
        self.observer.clear()

    def answer(self, environ, start_response):
        """Let the app answer, which is made after the emulator."""
        return self.app(environ, start_response)

    def sign_in(self):
        begun = self.kit.begin("tiktok")
        login = complete(self.kit, begun, self.emulator.approve(begun.url))
        return self.accounts.sign_in(login).account

    def deliver(self):
        """Let TikTok send what is due, and return how the app answered."""
        before = len(self.emulator.webhooks.attempts)
        self.emulator.webhooks.deliver()
        return [attempt.status for attempt in self.emulator.webhooks.attempts[before:]]

    @property
    def kept(self):
        """What became of the token: "good", or the reason why it is of no use."""
        try:
            return "good" if self.vault.access_token(ADA) else ""
        except ReauthRequired as error:
            return error.reason

    @property
    def trail(self):
        query = select(audit.c.event, audit.c.reason).where(audit.c.event != "created").order_by(audit.c.id)
        return self.database.read(lambda executor: [tuple(row) for row in executor.execute(query)])

    @property
    def told(self):
        return [hook for hook, *_ in self.observer.told]


def audited(caplog):
    """Return the lines of the audit log."""
    return [record.getMessage() for record in caplog.records if record.name == "authkit.audit"]


def observing(observer):
    """Return a plugin that is an observer."""
    from authkit import hookimpl

    class Plugin:
        """Observes."""

    for name, hook in observer.hooks.items():
        setattr(Plugin, name, staticmethod(hookimpl(hook)))
    return Plugin()


def app_with(kit, database, *parts, before=()):
    config = Configurator()
    config.registry["authkit.kit"] = kit
    config.registry["authkit.database"] = database
    for part in (*before, "authkit.pyramid", "authkit.pyramid.webhooks", *parts):
        config.include(part)
    return config.make_wsgi_app()


def handling(on_event):
    """Return a part that sets the event handler."""

    def include(config):
        config.set_authkit_event_handler(on_event)

    return named(include)


@pytest.fixture
def handled():
    """Give what the app's handler was called with."""
    return []


@pytest.fixture
def tiktok(database, handled):
    """Give TikTok and an app that notes the events, on each database."""
    return TikTokWorld(database, handling(lambda request, event: handled.append((request.path, event))))


@pytest.fixture
def sqlite(servers, tmp_path_factory):
    """Give a database with empty tables, for what is the same on each."""
    from authkit.accounts import metadata

    opened = Database.open(servers.shared_url("sqlite", tmp_path_factory.getbasetemp()))
    with opened.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    yield opened
    opened.close()


# TikTok delivers


def test_whk_01_a_disconnected_user_has_no_token_any_more(tiktok, handled, caplog):
    caplog.set_level("INFO", "authkit.audit")
    tiktok.emulator.disconnect()

    assert tiktok.deliver() == [200]

    assert tiktok.kept == "the user disconnected the app"
    assert tiktok.emulator.webhooks.waiting == ()
    assert tiktok.observer.told == [GONE, ("provider_event", handled[0][1])]
    [(path, event)] = handled
    assert (path, event.name, event.registration, event.subject, event.content) == (
        "/auth/tiktok/webhook",
        "authorization.removed",
        "tiktok",
        OPEN_ID,
        {"reason": 1},
    )
    assert tiktok.trail == [("disconnected", "the user disconnected the app")]
    [line] = caplog.messages
    assert re.fullmatch(
        "outcome=success code=ok provider=tiktok registration=tiktok ref=[0-9a-f]{16} "
        "event=authorization.removed new=yes late=no",
        line,
    )


@pytest.mark.parametrize("reason", range(6))
def test_whk_10_every_reason_ends_the_authorization(sqlite, reason):
    tiktok = TikTokWorld(sqlite)
    tiktok.emulator.disconnect(reason=reason)

    assert tiktok.deliver() == [200]
    assert tiktok.kept not in ("good", "")
    assert tiktok.told == ["disconnected", "provider_event"]


def test_whk_10_a_user_who_is_unknown_is_fine(tiktok):
    tiktok.emulator.notify("authorization.removed", user=1)

    assert tiktok.deliver() == [200]
    assert (tiktok.kept, tiktok.told) == ("good", ["provider_event"])


@pytest.mark.parametrize(
    ("name", "user"),
    [("video.publish.completed", 0), ("portability.download.ready", None), ("something.new", 0)],
)
def test_any_other_event_is_told_and_ends_nothing(tiktok, handled, name, user):
    tiktok.emulator.notify(name, user=user)

    assert tiktok.deliver() == [200]
    assert (tiktok.kept, tiktok.told) == ("good", ["provider_event"])
    assert [(event.name, event.subject) for _, event in handled] == [(name, "" if user is None else OPEN_ID)]


def test_whk_05_every_webhook_twice_counts_once(database, handled, caplog):
    caplog.set_level("INFO", "authkit.audit")
    tiktok = TikTokWorld(database, handling(lambda _, event: handled.append(event)), webhook_copies=True)
    tiktok.emulator.disconnect()

    assert tiktok.deliver() == [200, 200]

    assert (len(handled), tiktok.told, len(tiktok.trail)) == (1, ["disconnected", "provider_event"], 1)
    assert [line.partition(" new=")[2] for line in audited(caplog)] == ["yes late=no", "no late=no"]


@pytest.mark.parametrize("mode", ["tampered", "stale"])
def test_whk_03_whk_04_what_is_forged_or_stale_is_refused_and_the_good_retry_is_taken(
    database, handled, caplog, mode
):
    tiktok = TikTokWorld(database, handling(lambda _, event: handled.append(event)), webhooks=mode)
    tiktok.emulator.disconnect()

    assert tiktok.deliver() == [401]
    assert (handled, tiktok.told, tiktok.trail) == ([], [], [])
    assert tiktok.database.read(lambda executor: executor.execute(select(claims.c.digest)).all()) == []
    assert "code=webhook_rejected" in caplog.messages[-1]

    tiktok.emulator.workbench.switches.turn("webhooks", "signed")
    assert tiktok.deliver() == []
    tiktok.clock.now += 10
    assert tiktok.deliver() == [200]
    assert (len(handled), tiktok.told) == (1, ["disconnected", "provider_event"])


def test_a_late_delivery_is_taken_once_where_the_settings_say_so(sqlite, caplog):
    caplog.set_level("INFO", "authkit.audit")
    settings = {"authkit.webhook.accept_late": "yes"}
    tiktok = TikTokWorld(sqlite, settings=settings, webhooks="stale", webhook_copies=True)
    tiktok.emulator.disconnect()

    assert tiktok.deliver() == [200, 200]
    assert tiktok.told == ["disconnected", "provider_event"]
    assert [line.partition(" new=")[2] for line in audited(caplog)] == ["yes late=yes", "no late=yes"]


def test_whk_13_a_handler_that_raises_is_told_again_until_it_does_not(database, caplog):
    fails = [ZeroDivisionError("canary"), HTTPForbidden(), ReauthRequired("canary")]
    events = []

    def on_event(request, event):
        events.append(event)
        if fails:
            raise fails.pop()

    tiktok = TikTokWorld(database, handling(on_event))
    tiktok.emulator.disconnect()

    for pause in (10, 20, 40):
        assert tiktok.deliver() == [503]
        tiktok.clock.now += pause
    assert tiktok.told == ["disconnected"]
    assert tiktok.deliver() == [200]

    assert events == [events[0]] * 4
    assert (tiktok.told, len(tiktok.trail)) == (["disconnected", "provider_event"], 1)
    assert "canary" not in "".join(line for line in caplog.messages if line.startswith("outcome="))


def test_whk_13_and_dbf_01_without_a_database_tiktok_has_to_come_again(tiktok, handled, caplog):
    tiktok.emulator.disconnect()
    tiktok.app.registry["authkit.database"] = Database.open("postgresql://postgres@127.0.0.1:1/none")

    assert tiktok.deliver() == [503]
    assert handled == []
    assert re.search("code=store_unavailable provider=tiktok registration=tiktok ref=.* cause=the data", caplog.text)

    tiktok.app.registry["authkit.database"] = tiktok.database
    tiktok.clock.now += 10
    assert tiktok.deliver() == [200]
    assert (len(handled), tiktok.told) == (1, ["disconnected", "provider_event"])


def test_without_tables_the_log_says_what_to_run(sqlite, tmp_path, caplog):
    tiktok = TikTokWorld(sqlite)
    tiktok.emulator.disconnect()
    empty = tiktok.app.registry["authkit.database"] = Database.open(f"sqlite:///{tmp_path / 'empty.sqlite'}")

    assert tiktok.deliver() == [503]
    assert "authkit db upgrade" in caplog.messages[-1]
    empty.close()


def test_a_delivery_that_comes_after_the_next_login_leaves_its_token_alone(database):
    def on_event(request, event):
        if fails:
            raise fails.pop()

    fails = [OSError()]
    tiktok = TikTokWorld(database, handling(on_event))
    tiktok.app.registry["authkit.database"] = Database.open("postgresql://postgres@127.0.0.1:1/none")
    tiktok.emulator.disconnect()
    assert tiktok.deliver() == [503]
    tiktok.app.registry["authkit.database"] = tiktok.database
    tiktok.clock.now += 10
    tiktok.sign_in()

    assert tiktok.deliver() == [503]
    tiktok.clock.now += 20
    assert tiktok.deliver() == [200]

    assert (tiktok.kept, tiktok.told) == ("good", ["provider_event"])


def test_after_a_disconnection_the_next_login_has_a_token_again(tiktok):
    tiktok.emulator.disconnect()
    tiktok.deliver()

    tiktok.sign_in()

    assert tiktok.kept == "good"


# Copies at the same moment


@pytest.mark.slow
def test_the_same_delivery_by_eight_threads_at_once_has_one_effect(database, handled):
    world = AcmeWorld(database, handling(lambda _, event: handled.append(event)))
    body, gate = event_body(), threading.Barrier(8)

    def deliver(_):
        gate.wait(30)
        return world.post(body).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(deliver, range(8)))

    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert world.post(body).status == 200
    assert len(handled) == 1
    assert world.told == ["provider_event"]


# Requests that nobody's provider sends


class AcmeWorld:
    """An app that is told of events by a fake provider."""

    def __init__(self, database, *parts, before=(), settings=None, providers=(telling,)):
        self.observer = Observer()
        self.kit = make_kit(settings=settings, plugins=plugins_with(*providers, **self.observer.hooks))
        self.app = app_with(self.kit, database, *parts, before=before)

    def post(self, body=None, path=PATH, method="POST", **environ):
        body = event_body() if body is None else body
        signature = {} if "HTTP_ACME_SIGNATURE" in environ else signed(body)
        (headers,) = ({f"HTTP_{name.upper().replace('-', '_')}": value for name, value in signature.items()},)
        return call(self.app, path, method=method, body=body, **headers, **environ)

    def refuse(self, status, code="webhook_rejected", **request):
        answer = self.post(**request)
        assert answer.status == status
        assert_is_json_error(answer, code)
        assert self.told == []
        return answer

    @property
    def told(self):
        return [hook for hook, *_ in self.observer.told]


def assert_is_json_error(answer, code):
    """Check that an answer is an error as JSON, with our headers and no cookie, and says no more than that."""
    assert_safe_headers(answer)
    assert answer.get("Content-Type") == "application/json"
    body = json.loads(answer.text)
    assert list(body) == ["error"]
    assert sorted(body["error"]) == ["code", "correlation_id", "message"]
    assert body["error"]["code"] == code
    assert answer.all("Set-Cookie") == answer.all("Location") == []


@pytest.fixture
def acme(sqlite):
    """Give an app that a fake provider tells of events."""
    return AcmeWorld(sqlite)


def test_a_delivery_is_answered_with_nothing(acme):
    answer = acme.post()

    assert (answer.status, answer.body, answer.get("Content-Length")) == (200, b"", "0")
    assert answer.get("Content-Type") == "text/plain; charset=utf-8"
    assert_safe_headers(answer)
    assert answer.all("Set-Cookie") == []


@pytest.mark.parametrize("signature", ["", "garbage", "1800000000.", "1800000000." + "0" * 64, "\xff\xfe", "é" * 70])
def test_whk_02_whk_03_what_is_not_signed_is_refused_as_json(acme, caplog, signature):
    answer = acme.refuse(401, HTTP_ACME_SIGNATURE=signature)

    reference = json.loads(answer.text)["error"]["correlation_id"]
    assert [line.partition(" cause=")[0] for line in caplog.messages] == [
        f"outcome=failure code=webhook_rejected provider=acme registration=acme ref={reference} event=-"
    ]
    assert "Retry-After" not in dict(answer.headers)


def rewritten(body):
    """Yield the same JSON in other bytes."""
    said = json.loads(body)
    yield json.dumps(said, separators=(",", ":")).encode()
    yield json.dumps(dict(reversed(said.items()))).encode()
    yield body.replace(b"gone", b"\\u0067one")
    yield b"\xef\xbb\xbf" + body
    yield body + b"\n"


def test_whk_07_the_same_json_in_other_bytes_is_refused(acme):
    body = event_body()
    (signature,) = signed(body).values()

    for other_bytes in rewritten(body):
        acme.refuse(401, body=other_bytes, HTTP_ACME_SIGNATURE=signature)
    assert acme.post(body).status == 200


def test_whk_03_another_body_secret_or_time_and_a_signature_that_is_cut_are_refused(acme):
    body = event_body()
    (signature,) = signed(body).values()
    wrong = [
        *signed(event_body(subject="user-2")).values(),
        *signed(body, secret="another").values(),
        signature.replace(signature.partition(".")[0], str(NOW + 1)),
        signature[:-1],
        signature + "0",
    ]

    for each in wrong:
        acme.refuse(401, body=body, HTTP_ACME_SIGNATURE=each)


def test_whk_04_and_clk_04_a_delivery_that_is_as_old_as_the_tolerance_is_too_old(sqlite):
    world = AcmeWorld(sqlite)
    body = event_body()

    world.refuse(401, body=body, HTTP_ACME_SIGNATURE=signed(body, at=NOW - 300)["Acme-Signature"])
    assert world.post(body, HTTP_ACME_SIGNATURE=signed(body, at=NOW - 299)["Acme-Signature"]).status == 200


def test_whk_09_a_delivery_for_another_client_is_refused(acme):
    acme.refuse(401, body=event_body(client="other-client"))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST\xa0"])
def test_whk_15_only_post_is_allowed(acme, method):
    answer = acme.post(method=method)

    assert (answer.status, answer.get("Allow")) == (405, "POST")
    if method != "HEAD":
        assert_is_json_error(answer, "invalid_request")
    assert acme.told == []


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_SEC_FETCH_MODE": "navigate"},
        {"HTTP_REFERER": "https://evil.example/"},
        {"HTTP_COOKIE": "sid=1; __Host-authkit-x=y"},
        {"HTTP_COOKIE": "\xff\xfe=\xff"},
        {"HTTP_ACCEPT": "text/html"},
        {"HTTP_ACCEPT": "image/png;q=x"},
        {"HTTP_HOST": "evil.example"},
        {"CONTENT_TYPE": "application/json"},
        {"CONTENT_TYPE": "multipart/form-data"},
        {"CONTENT_TYPE": "text/plain; charset=nonsense"},
        {"QUERY_STRING": "a=%ff&csrf_token=x"},
    ],
    ids=lambda environ: " ".join(f"{name}={value!r}" for name, value in environ.items()),
)
def test_whk_15_it_is_judged_by_the_signature_only(acme, environ):
    query = environ.pop("QUERY_STRING", "")
    acme.refuse(401, HTTP_ACME_SIGNATURE="x", **environ)

    assert acme.post(**environ, path=PATH, **({"QUERY_STRING": query} if query else {})).status == 200


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_app_takes_a_delivery_and_refuses_a_forged_one(sqlite, kind):
    world = AcmeWorld(sqlite, before=KINDS[kind], settings={"authkit.login_url": "/login"})

    world.refuse(401, HTTP_ACME_SIGNATURE="x", HTTP_ACCEPT="text/html")
    assert world.post().status == 200


def own_error_views(config):
    """An app that has a page for everything."""

    def page(error, request):
        return Response("a page of the app's", status=500)

    config.add_exception_view(page, context=AuthkitError)
    config.add_exception_view(page, context=Exception)


def test_no_page_of_the_app_s_is_shown_to_a_machine(sqlite):
    AcmeWorld(sqlite, own_error_views).refuse(401, HTTP_ACME_SIGNATURE="x")


def failing_page(config):
    """A page of the app that fails."""

    def fail(request):
        raise LookupError("the app's own")

    config.add_route("failing", "/failing")
    config.add_view(fail, route_name="failing")


def test_what_the_app_s_own_pages_raise_is_left_to_the_app(sqlite):
    world = AcmeWorld(sqlite, failing_page)

    with pytest.raises(LookupError, match="the app's own"):
        call(world.app, "/failing")


@pytest.mark.parametrize("name", ["nobody", "other", "webhook", "ACME"])
def test_a_registration_that_is_unknown_or_has_no_events_is_not_found(sqlite, name):
    settings = {"authkit.other.client_id": "x", "authkit.other.client_secret": "y"}
    world = AcmeWorld(sqlite, settings=settings, providers=(telling, other))

    world.refuse(404, "unknown_provider", path=f"/auth/{name}/webhook")


def test_another_prefix_is_that_of_the_webhooks_too(sqlite):
    world = AcmeWorld(sqlite, settings={"authkit.prefix": "/sign-in"})

    assert world.post(path="/sign-in/acme/webhook").status == 200
    assert world.post().status == 404


@pytest.mark.parametrize("size", [65_537, 1_000_000])
@pytest.mark.parametrize("says", [True, False], ids=["with a length", "chunked"])
def test_a_body_that_is_too_long_is_not_read_to_its_end(acme, size, says):
    stream = io.BytesIO(b"x" * size)
    environ = {"wsgi.input": stream, "wsgi.input_terminated": True, "CONTENT_LENGTH": str(size) if says else ""}

    acme.refuse(413, "invalid_request", **environ)

    assert stream.tell() < 80_000


def test_a_chunked_body_is_read(acme):
    body = event_body()
    stream = io.BytesIO(body)

    answer = acme.post(body, **{"wsgi.input": stream, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""})

    assert answer.status == 200
    assert acme.told == ["provider_event"]


class Stingy(io.BytesIO):
    """A connection that gives ten bytes at a time."""

    def read(self, size=-1):
        return super().read(min(size, 10))


def test_a_body_that_comes_in_drops_is_read(acme):
    body = event_body()

    answer = acme.post(body, **{"wsgi.input": Stingy(body), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""})

    assert answer.status == 200


class Broken(io.BytesIO):
    """A connection that breaks."""

    def read(self, size=-1):
        raise ConnectionResetError


@pytest.mark.parametrize(
    ("environ", "status", "code"),
    [
        ({"wsgi.input": Broken()}, 400, "invalid_request"),
        ({"CONTENT_LENGTH": "10000"}, 400, "invalid_request"),
        ({"CONTENT_LENGTH": "5"}, 401, "webhook_rejected"),
        ({"CONTENT_LENGTH": "abc"}, 401, "webhook_rejected"),
        ({"CONTENT_LENGTH": "-1"}, 400, "invalid_request"),
        ({"CONTENT_LENGTH": ""}, 401, "webhook_rejected"),
        ({"CONTENT_LENGTH": "9" * 20}, 400, "invalid_request"),
        ({"CONTENT_LENGTH": "9" * 5000}, 401, "webhook_rejected"),
    ],
)
def test_a_body_that_is_cut_off_is_refused(acme, environ, status, code):
    acme.refuse(status, code, **environ)


def test_a_failure_says_when_to_come_again(sqlite):
    def on_event(request, event):
        raise ZeroDivisionError

    world = AcmeWorld(sqlite, handling(on_event))
    answer = world.post()

    assert (answer.status, answer.get("Retry-After")) == (503, "30")
    assert_is_json_error(answer, "store_unavailable")


def test_no_secret_is_in_an_answer_or_in_the_log(sqlite, caplog):
    caplog.set_level("DEBUG")
    world = AcmeWorld(sqlite)
    answers = [world.post(), world.post(HTTP_ACME_SIGNATURE="x"), world.post(event_body(client="x"))]

    said = "".join(f"{answer.headers}{answer.text}" for answer in answers) + everything_logged(caplog.records)
    assert CLIENT_SECRET not in said
    for value in signed(event_body()).values():
        assert value not in said


# The handler


@pytest.mark.parametrize("answer", [None, "text", 404, Response(status=404), HTTPFound("/")])
def test_what_a_handler_returns_is_not_looked_at(sqlite, answer):
    answered = AcmeWorld(sqlite, handling(lambda request, event: answer)).post()

    assert (answered.status, answered.body, answered.get("Location")) == (200, b"", None)


def note(request, event):
    request.registry["noted"] = event.name


def test_a_handler_may_be_a_dotted_name(sqlite):
    world = AcmeWorld(sqlite, handling("test_pyramid_webhooks.note"))

    assert world.post().status == 200
    assert world.app.registry["noted"] == "gone"


def test_two_handlers_are_a_conflict_and_one_is_listed(sqlite):
    with pytest.raises(ConfigurationConflictError):
        AcmeWorld(sqlite, handling(note), handling(note))

    registry = AcmeWorld(sqlite, handling(note)).app.registry
    [category] = [items for name, items in registry.introspector.categorized() if name == "authkit"]
    assert [item["introspectable"].type_name for item in category] == ["event handler"]


class Mapper:
    """Calls views as an app of its own kind does, with the request as a keyword."""

    def __init__(self, **options):
        pass

    def __call__(self, view):
        return lambda context, request: view(request=request, context=context, info={})


def test_an_app_that_calls_views_in_its_own_way_takes_deliveries(sqlite):
    world = AcmeWorld(sqlite, before=[named(lambda config: config.set_view_mapper(Mapper))])

    world.refuse(401, HTTP_ACME_SIGNATURE="x")
    assert world.post().status == 200


def test_an_app_may_answer_the_route_itself(sqlite):
    def own(config):
        config.add_view(lambda request: Response("own"), route_name="authkit.webhook")

    assert AcmeWorld(sqlite, own).post().text == "own"


def test_accounts_bring_the_webhooks_along(sqlite):
    config = Configurator()
    config.registry["authkit.kit"] = make_kit(provider=telling)
    config.registry["authkit.database"] = sqlite
    config.include("authkit.pyramid.accounts")
    body = event_body()
    signature = signed(body)["Acme-Signature"]

    answer = call(config.make_wsgi_app(), PATH, method="POST", body=body, HTTP_ACME_SIGNATURE=signature)

    assert answer.status == 200


def test_webhooks_without_a_database_are_a_configuration_error():
    config = Configurator()
    config.registry["authkit.kit"] = make_kit(provider=telling)
    config.include("authkit.pyramid")

    with pytest.raises(ConfigError, match=r"include authkit\.pyramid\.accounts: its webhooks come along"):
        config.include("authkit.pyramid.webhooks")


# Within the app's own transaction

theirs = MetaData()
seen = Table("own_events", theirs, Column("id", Integer, primary_key=True), Column("name", String(100), unique=True))


@pytest.fixture
def transacted(database):
    """Give what makes a part of an app: a session and a transaction per request, and a table of its own."""
    theirs.drop_all(database.engine)
    theirs.create_all(database.engine)

    def part(on_event, **settings):
        def include(config):
            config.add_settings({"tm.manager_hook": "pyramid_tm.explicit_manager", **settings})
            config.include("pyramid_tm")
            new_session = sessionmaker(database.engine)

            def dbsession(request):
                session = new_session()
                zope.sqlalchemy.register(session, transaction_manager=request.tm)
                return session

            config.add_request_method(dbsession, "dbsession", reify=True)
            config.set_authkit_event_handler(on_event)

        return named(include)

    yield part
    theirs.drop_all(database.engine)


def add(request, event):
    """Write an event into a table of the app's own."""
    request.dbsession.execute(insert(seen).values(name=event.name))
    zope.sqlalchemy.mark_changed(request.dbsession)


def names(database):
    return database.read(lambda executor: list(executor.execute(select(seen.c.name)).scalars()))


def test_what_a_handler_writes_is_committed_before_the_event_is_done(database, transacted):
    world = AcmeWorld(database, transacted(add))

    assert [world.post().status for _ in range(2)] == [200, 200]
    assert (names(database), world.told) == (["gone"], ["provider_event"])


def test_what_a_handler_wrote_before_it_raised_is_rolled_back(database, transacted):
    def on_event(request, event):
        add(request, event)
        if fails:
            raise fails.pop()

    fails = [ZeroDivisionError()]
    world = AcmeWorld(database, transacted(on_event))

    assert world.post().status == 503
    assert (names(database), world.told) == ([], [])
    assert world.post().status == 200
    assert (names(database), world.told) == (["gone"], ["provider_event"])


def test_an_event_whose_transaction_does_not_commit_is_not_done(database, transacted):
    def on_event(request, event):
        add(request, event)
        if fails:
            request.tm.get().addBeforeCommitHook(fails.pop())

    def fail():
        raise ZeroDivisionError

    fails = [fail]
    world = AcmeWorld(database, transacted(on_event))

    with pytest.raises(ZeroDivisionError):  # pyramid_tm's, which a server answers with 500
        world.post()
    assert (names(database), world.told) == ([], [])
    assert world.post().status == 200
    assert (names(database), world.told) == (["gone"], ["provider_event"])


class Refusing:
    """A part of a transaction that does not let it be committed."""

    transaction_manager = None

    def __getattr__(self, name):
        return lambda *_: None

    def sortKey(self):  # noqa: N802 - the name is that of the transaction package
        return "~ last of all"

    def tpc_vote(self, transaction):
        raise ZeroDivisionError


def test_an_event_whose_commit_is_refused_is_not_done(database, transacted):
    def on_event(request, event):
        add(request, event)
        if fails:
            request.tm.get().join(fails.pop())

    fails = [Refusing()]
    world = AcmeWorld(database, transacted(on_event))

    with pytest.raises(ZeroDivisionError):
        world.post()
    assert (names(database), world.told) == ([], [])
    assert world.post().status == 200
    assert (names(database), world.told) == (["gone"], ["provider_event"])


def test_an_app_that_commits_whatever_its_views_raise_does_not_make_the_event_done(database, transacted):
    def on_event(request, event):
        if fails:
            raise fails.pop()
        add(request, event)

    fails = [ZeroDivisionError()]
    world = AcmeWorld(database, transacted(on_event, **{"tm.commit_veto": lambda request, response: False}))

    assert [world.post().status for _ in range(2)] == [503, 200]
    assert (names(database), world.told) == (["gone"], ["provider_event"])


def test_an_app_whose_transactions_do_not_cover_webhooks_commits_by_itself(database, transacted):
    def on_event(request, event):
        with database.engine.begin() as connection:
            connection.execute(insert(seen).values(name=event.name))

    world = AcmeWorld(database, transacted(on_event, **{"tm.activate_hook": lambda request: False}))

    assert world.post().status == 200
    assert (names(database), world.told) == (["gone"], ["provider_event"])
