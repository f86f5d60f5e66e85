"""Plugins: found by installation, loaded one by one, and listed with what is wrong with them."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import ACCESS_TOKEN, Browser, Network, acme, callback, make_kit, plugins_with
from hypothesis import given
from hypothesis import strategies as st
from plugin_world import PLUGIN, Site, plugin_of, points_named

from authkit import AuthKit, Login, errors
from authkit.candidates import Candidate
from authkit.errors import AuthkitError, ConfigError, UnknownProvider
from authkit.names import RESERVED_NAMES, check_name
from authkit.plugins import PluginInfo, load_plugins

pytest_plugins = ["plugin_fixtures"]

OBSERVER = """
seen = []


@hookimpl
def authkit_login_failed(error):
    seen.append(error.code)
"""

SETTINGS = {"authkit.secret": "s" * 32, "authkit.base_url": "https://app.example"}


def settings_for(*names: str, **more: str) -> dict[str, str]:
    settings = dict(SETTINGS, **{f"authkit.{key}": text for key, text in more.items()})
    for name in names:
        settings |= {f"authkit.{name}.client_id": "id", f"authkit.{name}.client_secret": "secret"}
    return settings


# Names


@pytest.mark.parametrize("name", ["a", "tiktok", "tik-tok2", "a" + "-" * 31])
def test_a_good_name_is_returned(name: str) -> None:
    assert check_name(name, "provider") == name


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/b",
        "<script>",
        "tik tok",
        "TIKTOK",
        "tiktok\n",
        "",
        "a" * 33,
        "a" * 65,
        "é",
        "1a",
        "-a",
        "a_b",
        "a.b",
    ],
)
def test_plg_09_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"provider name '.*' does not match \[a-z\]\[a-z0-9-\]\{0,31\}"):
        check_name(name, "provider")


@pytest.mark.parametrize("name", [None, 1, b"acme", ["acme"]])
def test_plg_09_a_name_that_is_no_text_is_refused(name: object) -> None:
    with pytest.raises(ConfigError, match="does not match"):
        check_name(name, "registration")


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_plg_09_a_reserved_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"registration name '{name}' is reserved; choose another"):
        check_name(name, "registration")


def test_these_names_are_reserved_for_good() -> None:
    assert ", ".join(sorted(RESERVED_NAMES)) == (
        "accounts, api, authkit, base, ca, callback, connect, health, jwks, link, login, logout, metrics, native, "
        "oidc, plugins, prefix, proxy, secret, session, static, unlink, vault, webhook"
    )


@given(st.text(st.sampled_from("az09-_./A é\n"), max_size=40) | st.text())
def test_a_name_that_passes_is_safe_in_a_path_and_in_a_variable(name: str) -> None:
    try:
        check_name(name, "provider")
    except ConfigError:
        return
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,31}\Z", name)


# Installed distributions


def test_an_installed_plugin_is_found_and_listed(site: Site) -> None:
    site.install("apple-of-eden", version="2.5")

    plugins = load_plugins(allowed=["apple-of-eden"])

    assert plugins.infos == (
        PluginInfo("apple-of-eden", "dist-apple-of-eden", "2.5", ("apple-of-eden",), ("authkit_providers",)),
    )
    assert [*plugins.providers] == ["apple-of-eden"]
    assert plugins.conflicts == ()


def test_plugins_come_in_the_order_of_their_names(site: Site) -> None:
    for name in ("bb", "cc", "aa"):
        site.install(name)

    assert [info.name for info in load_plugins(allowed=["cc", "bb", "aa"]).infos] == ["aa", "bb", "cc"]


def test_plg_16_what_is_not_on_the_allow_list_is_never_imported(site: Site) -> None:
    good, evil = site.install("good"), site.install("evil", "raise SystemExit('imported')")

    kit = AuthKit.from_settings(settings_for("good", plugins="good"), transport=Network(), environ={})

    assert good in sys.modules
    assert evil not in sys.modules
    assert [info.name for info in kit.plugins.infos] == ["good"]
    with pytest.raises(UnknownProvider):
        kit.begin("evil")


def test_plg_16_without_an_allow_list_it_is_loaded_but_answers_only_when_configured(site: Site) -> None:
    site.install("good")
    extra = site.install("extra")

    kit = AuthKit.from_settings(settings_for("good"), transport=Network(), environ={})

    assert extra in sys.modules
    assert {"good", "extra"} <= {info.name for info in kit.plugins.infos}
    with pytest.raises(UnknownProvider):
        kit.begin("extra")


@pytest.mark.parametrize(
    ("mapping", "environ", "expected"),
    [
        ({"authkit.plugins": "aa, bb"}, {}, ["aa", "bb"]),
        ({"authkit.plugins": ["aa", "bb"]}, {"AUTHKIT_PLUGINS": "cc"}, ["aa", "bb"]),
        ({}, {"AUTHKIT_PLUGINS": " aa "}, ["aa"]),
        ({"authkit.plugins": None}, {"AUTHKIT_PLUGINS": "aa"}, ["aa"]),
    ],
)
def test_plg_16_the_allow_list_comes_from_the_settings_or_the_environment(
    site: Site, mapping: dict[str, Any], environ: dict[str, str], expected: list[str]
) -> None:
    for name in ("aa", "bb", "cc"):
        site.install(name)

    kit = AuthKit.from_settings({**settings_for("aa"), **mapping}, transport=Network(), environ=environ)

    assert [info.name for info in kit.plugins.infos] == expected


def test_an_allow_list_of_blanks_in_the_environment_is_none(site: Site) -> None:
    site.install("aa")

    kit = AuthKit.from_settings(settings_for("aa"), transport=Network(), environ={"AUTHKIT_PLUGINS": "  "})

    assert "aa" in kit.plugins.providers


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            "import no_such_module_anywhere",
            "ModuleNotFoundError: No module named 'no_such_module_anywhere' (authkit_of_test_broken.py:1); "
            "install what is missing, or uninstall it",
        ),
        ("def (:", "SyntaxError: invalid syntax (authkit_of_test_broken.py, line 1); update it, or uninstall it"),
        (
            "\nraise ValueError('a\\nb')",
            r"ValueError: a\nb (authkit_of_test_broken.py:2); update it, or uninstall it",
        ),
        ("raise SystemExit(3)", "SystemExit: 3 (authkit_of_test_broken.py:1); update it, or uninstall it"),
        ("raise GeneratorExit", "GeneratorExit:  (authkit_of_test_broken.py:1); update it, or uninstall it"),
        ("class Stop(BaseException): ...\nraise Stop('now')", "Stop: now (authkit_of_test_broken.py:2); update it"),
        (
            "class Mute(Exception):\n    def __str__(self): raise OSError\nraise Mute",
            "Mute (authkit_of_test_broken.py:3); update it, or uninstall it",
        ),
        ("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded"),
    ],
    ids=["import", "syntax", "value", "exit", "generator-exit", "base", "mute", "recursion"],
)
def test_plg_07_a_plugin_that_cannot_be_imported_does_not_stop_the_others(
    site: Site, caplog: pytest.LogCaptureFixture, source: str, problem: str
) -> None:
    site.install("broken", source)
    site.install("good")

    plugins = load_plugins(allowed=["broken", "good"])

    broken, good = plugins.infos
    assert (broken.name, broken.distribution, broken.version, broken.providers) == (
        "broken",
        "dist-broken",
        "1.0",
        (),
    )
    assert broken.problem.startswith(f"it cannot be imported: {problem}")
    assert good.problem == ""
    assert [*plugins.providers] == ["good"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.messages == [f"plugin 'broken' of dist-broken 1.0 is not usable: {broken.problem}"]
    Browser().start(AuthKit.from_settings(settings_for("good"), plugins=plugins, environ={}), "good")


def test_plg_07_a_broken_plugin_that_is_needed_stops_the_start(site: Site) -> None:
    site.install("broken", "raise ValueError('oh')")

    with pytest.raises(ConfigError) as caught:
        AuthKit.from_settings(settings_for("broken"), plugins=load_plugins(found=points_named("broken")), environ={})

    assert caught.value.reason == (
        "authkit.broken: no plugin supplies a provider 'broken'; installed are: none; these plugins could not be "
        "loaded: 'broken' of dist-broken (it cannot be imported: ValueError: oh (authkit_of_test_broken.py:1); "
        "update it, or uninstall it)"
    )


def test_plg_06_two_distributions_with_one_provider_stop_the_start(site: Site) -> None:
    site.install("first", PLUGIN.format(provider="acme"), version="1.1")
    site.install("second", PLUGIN.format(provider="acme"), version="2.2")

    plugins = load_plugins(allowed=["first", "second"])

    sentence = (
        "more than one plugin supplies a provider named 'acme': 'first' of dist-first 1.1 and "
        "'second' of dist-second 2.2; uninstall all but one"
    )
    assert plugins.conflicts == (sentence,)
    assert [(info.providers, info.problem) for info in plugins.infos] == [(("acme",), sentence)] * 2
    assert dict(plugins.providers) == {}
    with pytest.raises(ConfigError) as caught:
        AuthKit.from_settings(settings_for("acme"), plugins=plugins, environ={})
    assert caught.value.reason == sentence


@pytest.mark.parametrize("spelled", ["authkit-core", "authkit_core", "Authkit.Core"])
def test_plg_09_a_plugin_of_the_core_itself_may_supply_a_provider_of_a_reserved_name(
    site: Site, spelled: str
) -> None:
    site.install("built-in", PLUGIN.format(provider="oidc"), dist=spelled, version="9.9")

    plugins = load_plugins(allowed=["built-in"])

    assert [(info.distribution, info.problem) for info in plugins.infos] == [(spelled, "")]
    assert [*plugins.providers] == ["oidc"]


@pytest.mark.parametrize("dist", ["authkit", "authkit-core-extras", "my-authkit-core", "authkit-oidc", "authkitcore"])
def test_plg_09_nobody_else_may_supply_a_provider_of_a_reserved_name(site: Site, dist: str) -> None:
    site.install("evil", PLUGIN.format(provider="oidc"), dist=dist)

    plugins = load_plugins(allowed=["evil"])

    assert [info.problem for info in plugins.infos] == ["provider name 'oidc' is reserved; choose another"]
    assert dict(plugins.providers) == {}


def test_plg_09_a_malformed_name_is_refused_even_of_the_core(site: Site) -> None:
    site.install("built-in", PLUGIN.format(provider="OIDC"), dist="authkit-core", version="9.9")

    (info,) = load_plugins(allowed=["built-in"]).infos

    assert info.problem.startswith("provider name 'OIDC' does not match")


def points_of(folder: Path) -> list[EntryPoint]:
    return list(Distribution.at(folder).entry_points)


def test_an_entry_point_that_is_listed_twice_is_loaded_once(site: Site) -> None:
    site.install("twice")
    site.install("other", dist="dist-twice", version="1.1", value="authkit_of_test_twice")
    (site.folder / "dist_twice-1.1.dist-info" / "entry_points.txt").write_text(
        "[authkit]\ntwice = authkit_of_test_twice\n", encoding="utf-8"
    )
    points = [point for folder in sorted(site.folder.glob("*.dist-info")) for point in points_of(folder)]

    plugins = load_plugins(found=points)

    assert len(points) == 2
    assert [info.name for info in plugins.infos] == ["twice"]
    assert plugins.conflicts == ()


def test_one_module_under_two_entry_points_keeps_working(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    module = site.install("aa", PLUGIN.format(provider="acme") + OBSERVER)
    site.install("bb", value=module)

    plugins = load_plugins(allowed=["aa", "bb"])
    plugins.login_failed(errors.AccessDenied())

    assert [bool(info.problem) for info in plugins.infos] == [False, True]
    assert sys.modules[module].seen == ["access_denied"]
    assert (len(caplog.records), plugins.conflicts) == (1, ())


def test_an_entry_point_without_a_distribution_is_listed_as_such(site: Site) -> None:
    site.install("lonely")

    (info,) = load_plugins(found=[EntryPoint("lonely", "authkit_of_test_lonely", "authkit")]).infos

    assert (info.distribution, info.version, info.problem) == ("(no distribution)", "", "")


# Plugins that are wrong


def no_hook() -> None:
    """Stand under a name that no hook has."""


def wrong_arguments(error: object, request: object) -> None:
    """Take more than the hook gives."""


def test_a_plugin_may_be_any_object() -> None:
    plugins = load_plugins(found=(), extra=[plugin_of(authkit_providers=lambda: (acme,))])

    assert plugins.infos == (PluginInfo("local", "(not installed)", "", ("acme",), ("authkit_providers",)),)
    assert dict(plugins.providers) == {"acme": acme}


def test_a_plugin_without_a_name_is_listed_by_its_class() -> None:
    assert [info.name for info in plugins_with(acme).infos] == ["Plugin"]


def test_what_is_known_of_a_plugin_cannot_be_changed() -> None:
    candidate: Any = Candidate("local", "(not installed)", "", lambda: None)
    for known in (candidate, candidate.info()):
        with pytest.raises(FrozenInstanceError):
            known.name = "other"


@pytest.mark.parametrize(
    ("hooks", "problem"),
    [
        ({"authkit_provider": no_hook}, "unknown hook 'authkit_provider'; did you mean 'authkit_providers'?"),
        (
            {"shout": no_hook},
            "unknown hook 'shout'; the hooks are: authkit_providers, authkit_emulators, authkit_login_",
        ),
        (
            {"authkit_login_failed": wrong_arguments},
            "authkit_login_failed wants 'request'; what it is given, by name: error",
        ),
        ({"authkit_providers": lambda: None}, "authkit_providers returned a NoneType; return a list of providers"),
        ({"authkit_providers": lambda: 5}, "authkit_providers returned a int; return a list of providers"),
        ({"authkit_providers": lambda: "acme"}, "authkit_providers returned a str; return a list of providers"),
        ({"authkit_providers": lambda: b""}, "authkit_providers returned a bytes; return a list of providers"),
        (
            {"authkit_providers": lambda: {"acme": acme}},
            "authkit_providers returned a dict; return a list of providers",
        ),
        (
            {"authkit_providers": lambda: acme},
            "authkit_providers returned a provider; return a list of them: [provider]",
        ),
        (
            {"authkit_providers": lambda: ["acme"]},
            "authkit_providers returned a str, which is no provider: it has no name",
        ),
        (
            {"authkit_providers": lambda: [{}]},
            "authkit_providers returned a dict, which is no provider: it has no name, title, default_scope, client; "
            "return OAuth2Provider values",
        ),
        (
            {"authkit_providers": lambda: [SimpleNamespace(name="a", title="A", default_scope=())]},
            "authkit_providers returned a SimpleNamespace, which is no provider: it has no client; return",
        ),
        (
            {"authkit_providers": lambda: [acme, acme]},
            "authkit_providers returned two providers named 'acme'; take one out",
        ),
        (
            {"authkit_providers": lambda: [replace(acme, name="login")]},
            "provider name 'login' is reserved; choose another",
        ),
        ({"authkit_providers": lambda: [replace(acme, name="a/b")]}, "provider name 'a/b' does not match [a-z]"),
        (
            {"authkit_providers": lambda: 1 / 0},
            "its authkit_providers failed: ZeroDivisionError: division by zero (test_plugins.py:",
        ),
    ],
    ids=[
        "unknown-hook",
        "strange-hook",
        "arguments",
        "none",
        "int",
        "text",
        "bytes",
        "dict",
        "one",
        "str",
        "dicts",
        "no-client",
        "twice",
        "reserved",
        "name",
        "raises",
    ],
)
def test_a_wrong_plugin_is_listed_with_its_problem_and_left_out(hooks: dict[str, Any], problem: str) -> None:
    seen: list[str] = []

    def note(error: errors.AuthkitError) -> None:
        seen.append(error.code)

    wrong = plugin_of(**{"authkit_login_failed": note, **hooks})
    right = plugin_of(authkit_providers=lambda: [replace(acme, name="right")])

    plugins = load_plugins(found=(), extra=[wrong, right])
    plugins.login_failed(errors.AccessDenied())

    assert plugins.infos[0].problem.startswith(problem)
    assert plugins.infos[0].providers == ()
    assert [*plugins.providers] == ["right"]
    assert seen == []


def test_a_plugin_whose_providers_are_wrong_is_listed_with_its_hooks() -> None:
    (info,) = load_plugins(found=(), extra=[plugin_of(authkit_providers=lambda: 1 / 0)]).infos

    assert info.hooks == ("authkit_providers",)


def test_check_pending_names_the_unknown_hook() -> None:
    (info,) = load_plugins(found=(), extra=[plugin_of(authkit_provider=no_hook)]).infos

    assert "unknown hook 'authkit_provider'" in info.problem


def test_a_plugin_that_is_given_twice_is_loaded_once() -> None:
    plugin = plugin_of(authkit_providers=lambda: [acme])

    plugins = load_plugins(found=(), extra=[plugin, plugin])

    assert [bool(info.problem) for info in plugins.infos] == [False, True]
    assert dict(plugins.providers) == {"acme": acme}


def test_plg_06_two_local_plugins_with_one_provider_are_a_conflict() -> None:
    twins = [plugin_of(name, authkit_providers=lambda: [acme]) for name in ("one", "two")]

    assert load_plugins(found=(), extra=twins).conflicts == (
        "more than one plugin supplies a provider named 'acme': 'one' of (not installed) and "
        "'two' of (not installed); uninstall all but one",
    )


def test_plg_12_the_providers_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        plugins_with(acme).providers["evil"] = acme  # type: ignore[index]


# Observers and emulators


def test_an_observer_that_raises_is_logged_and_the_others_are_still_told(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    def observer(name: str, problem: type[Exception] | None = None) -> Any:
        def note(login: object) -> None:
            told.append(name)
            if problem:
                raise problem("canary")

        return plugin_of(name, authkit_login_succeeded=note)

    providers = plugin_of(authkit_providers=lambda: [acme])
    plugins = load_plugins(
        found=(), extra=[providers, observer("a"), observer("b", LookupError), observer("c", OSError), observer("d")]
    )
    kit = make_kit(plugins=plugins)

    kit.succeeded(Browser().sign_in(kit))

    assert told == ["d", "c", "b", "a"]
    lines = [record.getMessage().splitlines() for record in caplog.records if record.levelno == logging.ERROR]
    assert [(line[0], line[-1]) for line in lines] == [
        ("the observer authkit_login_succeeded of plugin 'c' of (not installed) raised", "OSError: canary"),
        ("the observer authkit_login_succeeded of plugin 'b' of (not installed) raised", "LookupError: canary"),
    ]


def test_lek_01_an_observer_that_raises_with_a_token_gets_none_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def note(login: Login) -> None:
        raise ValueError(f"could not send {login.token.access_token.reveal()}")

    kit = make_kit(
        plugins=load_plugins(
            found=(),
            extra=[plugin_of(authkit_providers=lambda: [acme]), plugin_of("watcher", authkit_login_succeeded=note)],
        )
    )

    kit.succeeded(Browser().sign_in(kit))

    assert "ValueError: could not send [redacted]" in caplog.text
    assert ACCESS_TOKEN not in caplog.text


def test_an_observer_may_leave_its_argument_out() -> None:
    told: list[str] = []
    plugin = plugin_of(authkit_login_failed=lambda: told.append("failed"))

    load_plugins(found=(), extra=[plugin]).login_failed(errors.AccessDenied())

    assert told == ["failed"]


def test_emulators_are_known_by_the_provider_that_they_emulate() -> None:
    class One:
        provider = "one"

    class Two:
        provider = "two"

    def make_two() -> Two:
        return Two()

    plugins = [
        plugin_of("one", authkit_emulators=lambda: [One]),
        plugin_of("two", authkit_emulators=lambda: [make_two]),
    ]

    assert [*load_plugins(found=(), extra=plugins).emulators().items()] == [("one", One), ("two", make_two)]


def fail_with(failure: BaseException) -> Callable[[], Any]:
    """Return what raises `failure`."""

    def fail() -> Any:
        raise failure

    return fail


@pytest.mark.parametrize("failure", [LookupError("a key"), SystemExit("a module that ends the process")])
def test_an_emulator_hook_that_raises_is_logged_and_keeps_nothing_from_the_others(
    caplog: pytest.LogCaptureFixture, failure: BaseException
) -> None:
    class One:
        provider = "one"

    plugins = [
        plugin_of("broken", authkit_emulators=fail_with(failure)),
        plugin_of("one", authkit_emulators=lambda: [One]),
    ]

    makers: dict[str, object] = dict(load_plugins(found=(), extra=plugins).emulators())

    assert makers == {"one": One}
    assert caplog.messages == ["the plugin 'broken' of (not installed) cannot make its emulators"]
    assert str(failure) in caplog.text


def test_an_observer_that_raises_where_there_is_no_login_is_logged_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plugins = load_plugins(found=(), extra=[plugin_of("a", authkit_login_failed=observer_that(LookupError("why")))])

    plugins.login_failed(AuthkitError("no"))

    assert "the observer authkit_login_failed of plugin 'a' of (not installed) raised" in caplog.text
    assert "LookupError: why" in caplog.text


def observer_that(failure: Exception) -> Callable[[AuthkitError], None]:
    """Return an observer of failed logins that raises `failure`."""

    def observe(error: AuthkitError) -> None:
        raise failure

    return observe


# Nothing of one login stays on a provider


def test_plg_12_a_plugin_that_tries_to_change_shared_objects_does_not_reach_the_next_login(network: Network) -> None:
    failures: list[type[Exception]] = []

    def meddle(api: Any, token: Any) -> Any:
        for change in (
            lambda: setattr(token, "scope", ("admin",)),
            lambda: setattr(provider, "token_url", "https://evil.example"),
            lambda: provider.prompts.update(x={}),  # type: ignore[attr-defined]
            lambda: kit.registrations.pop("acme"),  # type: ignore[attr-defined]
            lambda: setattr(kit.registrations["acme"], "scope", ("admin",)),
        ):
            try:
                change()
            except (AttributeError, TypeError) as exc:
                failures.append(type(exc))
        return api.get_json(api.userinfo_url)

    provider = replace(acme, userinfo=meddle)
    kit = make_kit(network, provider=provider)
    browser = Browser()

    first = browser.come_back(kit, callback(browser.start(kit), code="c"))
    second = browser.come_back(kit, callback(browser.start(kit), code="c"))

    assert len(failures) == 10
    assert replace(first, correlation_id="") == replace(second, correlation_id="")
