"""What an app may set itself, before and after it includes the adapter, and what is refused at start-up."""

from __future__ import annotations

import warnings

import pytest
from fakes import SETTINGS, acme, make_kit, plugins_with, state_of
from native_world import NativeWorld
from pyramid.authorization import ACLAuthorizationPolicy
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationConflictError
from pyramid.interfaces import IAuthenticationPolicy, ISecurityPolicy
from pyramid.request import Request
from pyramid.response import Response
from pyramid.testing import DummySecurityPolicy
from pyramid_apps import (
    HTTPS,
    KEY,
    call,
    handled_by,
    legacy_policies,
    named,
    own_policy,
    own_views,
    root_factory,
    strict_defaults,
)
from webtest import TestApp

from authkit.errors import AuthkitError, ConfigError

pytestmark = pytest.mark.pyramid


def configurator(**settings):
    config = Configurator()
    config.registry["authkit.kit"] = make_kit(settings=settings)
    return config


def with_everything():
    """Return a configurator that has included all that there is, and is connected to no database."""
    config = configurator(**NativeWorld.usual(), **{"authkit.accounts.database": "sqlite:///nowhere.sqlite"})
    config.include("authkit.pyramid.native")
    return config


def policy_of(config):
    config.commit()
    return config.registry.getUtility(ISecurityPolicy)


# Where the kit comes from.


def test_all_that_is_needed_stands_in_the_settings():
    tiktok = {"authkit.tiktok.client_key": "key", "authkit.tiktok.client_secret": "secret"}
    shared = {key: value for key, value in SETTINGS.items() if "acme" not in key}
    loading = {"authkit.plugins": "tiktok", "pyramid.includes": "authkit.pyramid"}
    config = Configurator(settings={**shared, **tiktok, **loading})

    page = TestApp(config.make_wsgi_app(), extra_environ=HTTPS).get("/auth/")

    assert page.click("TikTok", href="/auth/tiktok").location.startswith("https://www.tiktok.com/")


def test_a_setting_that_is_missing_stops_the_start():
    config = Configurator(settings={"authkit.base_url": "https://app.example"})

    with pytest.raises(ConfigError, match=r"authkit\.secret is missing"):
        config.include("authkit.pyramid")


def test_an_app_without_any_settings_is_told_what_is_missing():
    config = Configurator()
    config.registry.settings = None

    with pytest.raises(ConfigError, match=r"authkit\.secret is missing"):
        config.include("authkit.pyramid")


def test_a_route_prefix_is_refused_with_the_setting_that_is_meant_for_it():
    with pytest.raises(ConfigError, match=r"the setting authkit\.prefix is for that"):
        configurator().include("authkit.pyramid", route_prefix="/accounts")
    config = configurator()
    with pytest.raises(ConfigError), config.route_prefix_context("accounts"):
        config.include("authkit.pyramid")


def test_two_includes_are_one():
    config = configurator()
    config.include("authkit.pyramid")
    config.include(named(lambda config: config.include("authkit.pyramid")))

    assert TestApp(config.make_wsgi_app(), extra_environ=HTTPS).get("/auth/acme").status_int == 302


def test_a_redirect_uri_where_nothing_of_ours_answers_is_a_warning_at_the_start(caplog):
    configurator(**{"authkit.acme.redirect_uri": "https://app.example/callback"}).include("authkit.pyramid")

    assert [record.getMessage() for record in caplog.records] == [
        "authkit.acme.redirect_uri is https://app.example/callback, but callbacks are answered at "
        "https://app.example/auth/acme/callback; unless something leads from there to here, leave it out"
    ]


def test_the_redirect_uri_of_our_own_callback_is_no_reason_to_warn(caplog):
    own = {"authkit.acme.redirect_uri": "https://app.example/sign/in/acme/callback", "authkit.prefix": "/sign/in"}
    configurator(**own).include("authkit.pyramid")

    assert caplog.records == []


# The login handler.


def test_two_handlers_are_a_conflict():
    config = configurator()
    config.include("authkit.pyramid")
    config.include(handled_by(lambda request, login: Response("one")))
    config.include(handled_by(lambda request, login: Response("two")))

    with pytest.raises(ConfigurationConflictError, match=r"authkit\.login_handler"):
        config.make_wsgi_app()


def test_the_app_itself_overrules_the_handler_of_its_includes(new_world):
    def include(config):
        config.include(handled_by(lambda request, login: Response("theirs")))
        config.set_authkit_login_handler(lambda request, login: Response("ours"))

    world = new_world(named(include))

    assert world.log_in(world.browser(), status=200).text == "ours"


def test_a_handler_that_is_set_after_a_commit_is_used_too():
    config = configurator()
    config.include("authkit.pyramid")
    config.commit()
    handler = lambda request, login: Response("late")  # noqa: E731 - any callable will do
    config.set_authkit_login_handler(handler)
    config.commit()

    assert config.registry["authkit.login_handler"] is handler


def test_a_handler_name_that_leads_nowhere_stops_the_start():
    config = configurator()
    config.include("authkit.pyramid")

    with pytest.raises(ImportError):
        config.set_authkit_login_handler("authkit.no_such_module.handler")


@pytest.mark.parametrize(
    ("directive", "name", "described"),
    [
        ("set_authkit_login_handler", "authkit.login_handler", "login handler"),
        ("set_authkit_limiter", "authkit.limiter", "limiter"),
        ("set_authkit_user_for", "authkit.own_users", "own users"),
        ("set_authkit_event_handler", "authkit.event_handler", "event handler"),
    ],
)
def test_what_the_app_sets_can_be_looked_up_in_the_introspector(directive, name, described):
    config = with_everything()
    getattr(config, directive)(own_views)
    config.commit()

    found = config.introspector.get("authkit", name)
    assert (found.title, found.type_name) == (config.object_description(own_views), described)


def test_the_routes_are_called_what_an_app_that_makes_addresses_or_has_views_of_its_own_calls_them():
    config = with_everything()
    config.commit()

    assert {route.name: route.pattern for route in config.get_routes_mapper().get_routes()} == {
        "authkit.sign_in": "/auth/",
        "authkit.logout": "/auth/logout",
        "authkit.start": "/auth/{registration:(?!(?:accounts|jwks\\.json)$)[^/]+}",
        "authkit.callback": "/auth/{registration}/callback",
        "authkit.accounts": "/auth/accounts",
        "authkit.link": "/auth/{registration}/link",
        "authkit.unlink": "/auth/{registration}/unlink",
        "authkit.webhook": "/auth/{registration}/webhook",
        "authkit.native.connect": "/auth/{registration}/connect",
        "authkit.native.refresh": "/auth/native/refresh",
        "authkit.native.logout": "/auth/native/logout",
        "authkit.native.sessions": "/auth/native/sessions",
        "authkit.native.session": "/auth/native/sessions/{session}",
        "authkit.native.keys": "/auth/jwks.json",
        "authkit.native.start": "/auth/{registration}/native",
        "authkit.native.callback": "/auth/{registration}/native/callback",
    }


def test_a_view_that_was_there_before_is_kept_from_strangers_as_its_permission_says(new_world):
    def include(config):
        config.add_route("inside", "/inside")
        config.add_view(lambda request: Response("inside"), route_name="inside", permission="view")

    world = new_world(before=[named(include)])
    browser = world.browser()

    browser.get("/inside", status=403)
    world.log_in(browser)
    assert browser.get("/inside", status=200).text == "inside"


# What the app brings along: no conflict, in whatever order, and ours still works.


@pytest.mark.parametrize("part", [own_policy, root_factory, strict_defaults])
@pytest.mark.parametrize("first", [True, False])
def test_what_the_app_includes_before_or_after_makes_no_conflict(new_world, part, first):
    world = new_world(before=[part]) if first else new_world(part)
    browser = world.browser()

    assert browser.get("/auth/", status=200)
    world.log_in(browser)
    assert world.me(browser) == KEY
    world.refused(browser, "/auth/nope", "unknown_provider")
    browser.post("/auth/logout", status=303)
    assert world.me(browser) == "anonymous"


@pytest.mark.parametrize("first", [True, False])
def test_the_app_s_security_policy_is_the_one_that_is_used(first):
    config = configurator()
    for part in [own_policy, "authkit.pyramid"] if first else ["authkit.pyramid", own_policy]:
        config.include(part)

    assert type(policy_of(config)).__name__ == "OwnPolicy"


def test_a_policy_that_the_app_passes_to_its_configurator_is_used():
    policy = DummySecurityPolicy()
    config = Configurator(security_policy=policy)
    config.registry["authkit.kit"] = make_kit()
    config.include("authkit.pyramid")

    assert policy_of(config) is policy


def test_without_a_policy_of_the_app_s_own_ours_is_used():
    config = configurator()
    config.include("authkit.pyramid")

    assert type(policy_of(config)).__name__ == "CookieSecurityPolicy"


@pytest.mark.parametrize("first", [True, False])
def test_a_legacy_authentication_policy_is_used_and_makes_no_conflict(first):
    config = configurator()
    if not first:
        config.include("authkit.pyramid")
    with pytest.warns(DeprecationWarning, match="Authentication and authorization policies"):
        config.include(legacy_policies)
    config.include("authkit.pyramid")

    assert type(policy_of(config)).__name__ == "LegacySecurityPolicy"
    assert config.registry.queryUtility(IAuthenticationPolicy) is not None


def test_an_authorization_policy_alone_is_no_policy_to_sign_in_with():
    config = Configurator()
    config.registry["authkit.kit"] = make_kit()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        config.registry.registerUtility(ACLAuthorizationPolicy())
    config.include("authkit.pyramid")

    assert type(policy_of(config)).__name__ == "CookieSecurityPolicy"


def guarded(config):
    """Two views that are not for everybody: one says so itself, the other by the app's default."""
    config.add_route("own", "/own")
    config.add_view(lambda request: Response("inside"), route_name="own", permission="view")
    config.add_route("other", "/other")
    config.add_view(lambda request: Response("inside"), route_name="other")


@pytest.mark.parametrize("first", [True, False])
def test_our_policy_guards_the_app_s_views_whatever_is_included_first(new_world, first):
    world = new_world(strict_defaults, before=[guarded]) if first else new_world(guarded, strict_defaults)
    browser = world.browser()

    browser.get("/own", status=403)
    browser.get("/other", status=403)
    world.log_in(browser)
    assert [browser.get(path, status=200).text for path in ("/own", "/other")] == ["inside", "inside"]


@pytest.mark.parametrize("first", [True, False])
def test_the_app_s_own_sign_in_page_takes_the_place_of_ours(new_world, first):
    def include(config):
        config.add_view(lambda request: Response("own door"), route_name="authkit.sign_in")

    part = named(include)
    world = new_world(before=[part]) if first else new_world(part)

    assert world.browser().get("/auth/", status=200).text == "own door"
    world.log_in(world.browser())


def test_the_app_s_own_view_may_have_a_permission_and_predicates(new_world):
    def include(config):
        for method in ("GET", "POST"):
            config.add_view(
                lambda request: Response(f"own {request.method}"),
                route_name="authkit.sign_in",
                request_method=method,
                permission="view",
            )

    world = new_world(own_policy, named(include))

    assert world.browser().post("/auth/", status=200).text == "own POST"


@pytest.mark.parametrize("permission", [None, "view"])
@pytest.mark.parametrize("predicates", [[{}], [{}, {"request_method": "POST"}]])
def test_the_app_s_own_error_view_is_found_however_it_is_registered(new_world, predicates, permission):
    def include(config):
        for predicate in predicates:
            config.add_view(
                lambda error, request: Response(error.code, status=418),
                context=AuthkitError,
                permission=permission,
                **predicate,
            )

    world = new_world(own_policy, named(include))

    assert world.browser().get("/auth/nope", status=418).text == "unknown_provider"


def test_a_route_of_the_app_s_own_below_our_prefix_is_left_alone(new_world):
    def include(config):
        config.add_route("own", "/auth/acme/extra")
        config.add_view(lambda request: Response("extra"), route_name="own")

    world = new_world(named(include))

    assert world.browser().get("/auth/acme/extra").text == "extra"


def test_the_public_names_of_the_adapter_are_few():
    from authkit import pyramid

    assert pyramid.__all__ == ["CookieSecurityPolicy", "begin", "includeme", "renew_session", "sign_in"]
    assert all(hasattr(pyramid, name) for name in pyramid.__all__)


def test_a_configurator_that_commits_at_once_works_as_well():
    config = Configurator(autocommit=True)
    config.registry["authkit.kit"] = make_kit()
    config.include("authkit.pyramid")
    config.include(own_policy)
    config.set_authkit_login_handler(lambda request, login: Response("hello"))
    browser = TestApp(config.make_wsgi_app(), extra_environ=HTTPS)

    state = state_of(browser.get("/auth/acme").location)

    assert browser.get(f"/auth/acme/callback?code=c&state={state}").text == "hello"
    assert type(policy_of(config)).__name__ == "OwnPolicy"


def test_no_class_is_made_for_a_request():
    seen = []
    config = configurator()
    config.include("authkit.pyramid")
    config.add_route("seen", "/seen")
    config.add_view(lambda request: seen.append(request) or Response(), route_name="seen")
    TestApp(config.make_wsgi_app()).get("/seen")

    assert type(seen[0]) is Request
    assert seen[0].authkit is config.registry["authkit.kit"]


def test_two_registrations_have_two_logins(new_world):
    world = new_world(
        settings={
            "authkit.second.provider": "acme",
            "authkit.second.client_id": "second-client",
            "authkit.second.client_secret": "canary-second",
        },
        plugins=plugins_with(acme),
        providers=(),
    )
    browser = world.browser()

    world.log_in(browser, "second")

    assert world.me(browser) == "v1:acme:second-client:user-1"


@pytest.mark.parametrize(
    "called",
    [lambda view: view, lambda view: lambda context, request: view(request)],
    ids=["context-and-request", "request-alone"],
)
def test_an_app_that_maps_its_views_in_another_way_leaves_ours_as_they_are(new_world, called):
    class Mapper:
        def __init__(self, **info):
            pass

        def __call__(self, view):
            return called(view)

    world = new_world(named(lambda config: config.set_view_mapper(Mapper)))
    browser = world.browser()

    assert "Continue with Acme" in browser.get("/auth/", status=200).text
    world.log_in(browser)
    assert "unknown_provider" in browser.get("/auth/nope", status=404).text
    assert call(world.app, "/auth/\xff").status == 400
