"""Plugins that are wrong in ways that somebody would try, or would not notice; each is named, and harms no other."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from fakes import SETTINGS, Browser, Network, acme, callback, make_kit, plugins_with
from plugin_world import PLUGIN, Site, plugin_of, points_named

from authkit import AuthKit, Login, OAuth2Provider, Option, errors, hookimpl
from authkit.cli import listing
from authkit.cli.commands import authkit
from authkit.errors import ConfigError, ProviderProtocolError
from authkit.hookspecs import hookimpl as marker
from authkit.inspection import place_of
from authkit.keys import REGISTRATION_KEYS
from authkit.names import check_name
from authkit.plugins import Plugins, load_plugins

pytest_plugins = ["plugin_fixtures"]

RIGHT = plugin_of("right", authkit_providers=lambda: [replace(acme, name="right")])


def problem_of(plugin: object) -> str:
    """Return what is wrong with a plugin, which keeps nothing from the one beside it."""
    plugins = load_plugins(found=(), extra=[plugin, RIGHT])
    assert [*plugins.providers] == ["right"]
    assert plugins.infos[1].problem == ""
    return plugins.infos[0].problem


class Own:
    """A provider that is no `OAuth2Provider`."""

    title = "Own"
    default_scope = ("a",)

    def __init__(self, name: Any = "own") -> None:
        self.name = name

    def client(self, client_id: str, client_secret: object, transport: object) -> Any:
        raise NotImplementedError


def supplying(*providers: Any) -> Any:
    return plugin_of("wrong", authkit_providers=lambda: list(providers))


# PLG-06: two plugins, one name


def test_plg_06_two_distributions_with_one_entry_point_name_are_neither_imported(site: Site) -> None:
    module = site.install("twin", "raise SystemExit('imported')")
    site.install("other", PLUGIN.format(provider="other"), dist="dist-evil")
    (site.folder / "dist_evil-1.0.dist-info" / "entry_points.txt").write_text(
        "[authkit]\ntwin = authkit_of_test_other\n", encoding="utf-8"
    )

    plugins = load_plugins(allowed=["twin"])

    sentence = (
        "more than one plugin is named 'twin': 'twin' of dist-evil 1.0 and 'twin' of dist-twin 1.0; "
        "uninstall all but one"
    )
    assert plugins.conflicts == (sentence,)
    assert [info.problem for info in plugins.infos] == [sentence, sentence]
    assert {module, "authkit_of_test_other"} & set(sys.modules) == set()
    with pytest.raises(ConfigError) as caught:
        AuthKit.from_settings(SETTINGS, plugins=plugins, environ={})
    assert caught.value.reason == sentence


def test_plg_06_two_entry_points_of_one_distribution_with_one_provider_are_told_apart(site: Site) -> None:
    site.install("aa", PLUGIN.format(provider="acme"), dist="dist-both")
    (site.folder / "dist_both-1.0.dist-info" / "entry_points.txt").write_text(
        "[authkit]\naa = authkit_of_test_aa\nbb = authkit_of_test_bb\n", encoding="utf-8"
    )
    (site.folder / "authkit_of_test_bb.py").write_text(PLUGIN.format(provider="acme"), encoding="utf-8")

    plugins = load_plugins(allowed=["aa", "bb"])

    assert plugins.conflicts == (
        "more than one plugin supplies a provider named 'acme': 'aa' of dist-both 1.0 and 'bb' of dist-both 1.0; "
        "uninstall all but one",
    )
    assert dict(plugins.providers) == {}


def test_plg_06_three_plugins_with_one_provider_are_all_named() -> None:
    plugins = load_plugins(found=(), extra=[plugin_of(n, authkit_providers=lambda: [acme]) for n in ("a", "b", "c")])

    assert plugins.conflicts == (
        "more than one plugin supplies a provider named 'acme': 'a' of (not installed) and 'b' of (not installed) "
        "and 'c' of (not installed); uninstall all but one",
    )


def test_plg_06_the_first_conflict_does_not_hide_the_second() -> None:
    both = [acme, replace(acme, name="second")]
    plugins = load_plugins(found=(), extra=[plugin_of(n, authkit_providers=lambda: both) for n in ("a", "b")])

    assert len(plugins.conflicts) == 2
    assert plugins.infos[0].problem == "; ".join(plugins.conflicts)


def test_plg_06_a_name_in_capitals_does_not_stand_beside_the_same_in_small_letters() -> None:
    assert "does not match" in problem_of(supplying(acme, Own("ACME")))


def test_plg_06_two_plugins_with_one_emulator_have_neither(caplog: pytest.LogCaptureFixture) -> None:
    def make() -> Any:
        return SimpleNamespace(provider="acme")

    plugins = load_plugins(
        found=(), extra=[plugin_of(name, authkit_emulators=lambda: [make]) for name in ("one", "two")]
    )

    sentence = (
        "more than one plugin emulates 'acme': 'one' of (not installed) and 'two' of (not installed); "
        "uninstall all but one"
    )
    assert dict(plugins.emulators()) == {}
    assert caplog.messages == [sentence]
    assert plugins.emulator_problems() == {"'one' of (not installed)": sentence, "'two' of (not installed)": sentence}


# PLG-07: what comes out of a plugin when it is imported, or asked


def test_plg_07_an_interruption_by_the_user_is_nobody_s_problem(site: Site) -> None:
    site.install("slow", "raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        load_plugins(allowed=["slow"])


def test_plg_07_an_entry_point_may_name_an_object_of_a_module(site: Site) -> None:
    module = site.install("whole", PLUGIN.format(provider="whole") + "\nimport sys\nitself = sys.modules[__name__]\n")
    point = EntryPoint("whole", f"{module}:itself", "authkit")

    assert [info.providers for info in load_plugins(found=[point]).infos] == [("whole",)]


@pytest.mark.parametrize(
    ("attribute", "problem"),
    [
        (
            "missing",
            "it cannot be imported: AttributeError: module 'authkit_of_test_part' has no attribute 'missing'",
        ),
        ("provider", "it has no hooks; mark its functions with @hookimpl, or take its entry point out"),
        ("provider.name", "it has no hooks; mark its functions with @hookimpl, or take its entry point out"),
        ("OAuth2Provider", "the entry point names the class OAuth2Provider; name an instance of it, or a module"),
    ],
)
def test_plg_07_an_entry_point_that_names_something_else_says_so(site: Site, attribute: str, problem: str) -> None:
    module = site.install("part")

    (info,) = load_plugins(found=[EntryPoint("part", f"{module}:{attribute}", "authkit")]).infos

    assert info.problem.startswith(problem)


def test_plg_07_a_value_of_the_plugin_s_that_cannot_be_is_told_in_our_words(site: Site) -> None:
    site.install("odd", PLUGIN.format(provider="odd").replace("title=", "token_auth='magic', title="))

    (info,) = load_plugins(found=points_named("odd")).infos

    assert info.problem == "provider 'odd': token_auth must be one of: basic, body, none"


def test_plg_07_metadata_with_control_characters_is_fit_for_one_line() -> None:
    point = EntryPoint("a\x1b[31m", "authkit_of_test_nowhere", "authkit")

    (info,) = load_plugins(found=[point]).infos

    assert info.name == "a\\x1b[31m"
    assert info.label == "'a\\\\x1b[31m' of (no distribution)"


def test_plg_07_a_generator_that_raises_halfway_supplies_nothing() -> None:
    def some() -> Iterator[Any]:
        yield acme
        raise LookupError("no more")

    problem = problem_of(plugin_of(authkit_providers=some))

    assert problem.startswith("its authkit_providers failed: LookupError: no more (test_plugins_attacks.py:")


def test_plg_07_a_generator_that_does_not_end_ends_at_the_second_of_a_name() -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield acme

    assert problem_of(plugin_of(authkit_providers=endless)) == (
        "authkit_providers returned two providers named 'acme'; take one out"
    )


def test_plg_07_a_generator_function_will_do() -> None:
    def some() -> Iterator[Any]:
        yield acme

    assert [*load_plugins(found=(), extra=[plugin_of(authkit_providers=some)]).providers] == ["acme"]


@pytest.mark.parametrize("stop", [SystemExit, GeneratorExit, asyncio.CancelledError])
def test_plg_07_a_plugin_that_gives_up_when_it_is_asked_stops_nobody(stop: type[BaseException]) -> None:
    def give_up() -> list[Any]:
        raise stop

    assert problem_of(plugin_of(authkit_providers=give_up)).startswith(
        f"its authkit_providers failed: {stop.__name__}:"
    )


def test_plg_07_a_property_that_raises_is_told() -> None:
    class Trap(Own):
        @property
        def name(self) -> str:  # type: ignore[override]
            raise LookupError("not yet")

        @name.setter
        def name(self, value: str) -> None: ...

    assert "LookupError: not yet" in problem_of(supplying(Trap()))


def test_plg_07_a_plugin_object_whose_attribute_raises_is_told() -> None:
    class Trap:
        @property
        def settings(self) -> str:
            raise LookupError("not yet")

    assert problem_of(Trap()).startswith("its hooks cannot be read: LookupError: not yet (test_plugins_attacks.py:")


# PLG-08: wrong types


def test_plg_08_a_coroutine_is_no_list_and_leaves_no_warning() -> None:
    async def fetch(name: str) -> list[Any]:
        return [replace(acme, name=name)]

    assert problem_of(plugin_of(authkit_providers=lambda: fetch("acme"))) == (
        "authkit_providers returned a coroutine; return a list of providers"
    )


def test_plg_08_a_class_is_no_provider() -> None:
    assert problem_of(supplying(Own)) == "authkit_providers returned the class Own; return an instance of it"


async def observe_later(error: object) -> None:
    """Observe, if somebody awaits it."""


async def observe_bit_by_bit(error: object) -> AsyncIterator[None]:
    """Observe, if somebody awaits it, and iterates."""
    yield


class Observing:
    """An object that can be called, and is no function."""

    def __call__(self, error: object) -> None:
        """Observe."""


def observe_if_asked(error: object) -> Iterator[None]:
    """Observe, if somebody iterates."""
    yield


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (
            observe_later,
            "authkit_login_failed is a coroutine function, and nobody awaits it; make it a plain function",
        ),
        (
            observe_bit_by_bit,
            "authkit_login_failed is a coroutine function, and nobody awaits it; make it a plain function",
        ),
        (
            Observing(),
            "authkit_login_failed is no function that is marked with @hookimpl; mark it: "
            "from authkit import hookimpl",
        ),
        (
            observe_if_asked,
            "authkit_login_failed is a generator function, and nobody iterates over it; take the yield out",
        ),
        (
            lambda error, /: None,
            "authkit_login_failed wants 'error'; what it is given, by name: error",
        ),
        (
            lambda *, error: None,
            "authkit_login_failed wants 'error'; what it is given, by name: error",
        ),
    ],
)
def test_plg_08_an_observer_that_would_never_run_is_refused(function: Callable[..., Any], problem: str) -> None:
    assert problem_of(plugin_of(authkit_login_failed=function)) == problem


def test_plg_08_a_hook_that_is_given_nothing_says_so() -> None:
    assert problem_of(plugin_of(authkit_providers=lambda request: [acme])) == (
        "authkit_providers wants 'request'; what it is given, by name: nothing"
    )


def test_plg_08_a_hook_may_be_left_empty_and_an_emulator_be_yielded() -> None:
    def emulators() -> Iterator[Any]:
        yield from ()

    plugin = plugin_of(authkit_providers=lambda: [acme], authkit_emulators=emulators)
    plugin.authkit_login_failed = None

    assert load_plugins(found=(), extra=[plugin]).infos[0].problem == ""


def test_plg_08_arguments_that_have_a_default_or_take_the_rest_are_left_alone() -> None:
    told: list[object] = []

    def observe(error: errors.AuthkitError, level: int = 1, *more: object, **rest: object) -> None:
        told.append((error.code, level, more, rest))

    plugins = load_plugins(found=(), extra=[plugin_of(authkit_login_failed=observe)])
    plugins.login_failed(errors.AccessDenied())

    assert (plugins.infos[0].problem, told) == ("", [("access_denied", 1, (), {})])


@pytest.mark.parametrize("options", [{"wrapper": True}, {"hookwrapper": True}])
def test_plg_08_a_wrapper_that_could_swallow_the_answers_of_others_is_refused(options: Any) -> None:
    def swallow() -> Iterator[Any]:
        yield
        return []

    wrapper = SimpleNamespace(__name__="wrapper", authkit_providers=marker(**options)(swallow))

    assert problem_of(wrapper) == (
        "authkit_providers is a wrapper, and authkit calls each hook by itself; make it a plain function"
    )


@pytest.mark.parametrize("options", [{"tryfirst": True}, {"trylast": True}])
def test_plg_08_an_order_that_a_plugin_wishes_for_changes_no_answer(options: Any) -> None:
    eager = SimpleNamespace(__name__="eager", authkit_providers=marker(**options)(lambda: [acme]))

    assert [*load_plugins(found=(), extra=[RIGHT, eager]).providers] == ["right", "acme"]


def test_plg_08_a_hook_may_stand_under_a_name_of_its_own() -> None:
    plugin = SimpleNamespace(__name__="own", supply=marker(specname="authkit_providers")(lambda: [acme]))

    assert [*load_plugins(found=(), extra=[plugin]).providers] == ["acme"]


def test_plg_08_a_hook_of_a_later_authkit_may_be_optional() -> None:
    plugin = SimpleNamespace(
        __name__="new",
        authkit_providers=hookimpl(lambda: [acme]),
        authkit_tomorrow=marker(optionalhook=True)(lambda: None),
    )

    assert [*load_plugins(found=(), extra=[plugin]).providers] == ["acme"]


def test_plg_08_a_function_without_its_mark_is_told() -> None:
    plugin = SimpleNamespace(__name__="bare", authkit_providers=lambda: [acme])

    assert problem_of(plugin) == (
        "authkit_providers is no function that is marked with @hookimpl; mark it: from authkit import hookimpl"
    )


# PLG-09: bad names


class Chameleon(str):
    """A text that equals whatever it is compared with."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return hash("acme")

    def __str__(self) -> str:
        return "acme"


def test_plg_09_a_text_of_a_class_of_its_own_is_no_name() -> None:
    assert problem_of(supplying(Own(Chameleon("evil")))) == "provider name 'evil' is a Chameleon; make it a plain str"


LOOKS = ["acme\n", "acme\r", "a\u0661", "a\uff11", "acme\x00", " acme", "acme ", "\u0430cme", "a\u200bb"]


@pytest.mark.parametrize("name", LOOKS, ids=ascii)
def test_plg_09_what_only_looks_like_a_name_is_none(name: str) -> None:
    with pytest.raises(ConfigError, match="does not match"):
        check_name(name, "provider")


def test_plg_09_a_name_that_changes_after_it_was_checked_is_not_asked_again() -> None:
    class Turncoat(Own):
        asked = 0

        @property
        def name(self) -> str:  # type: ignore[override]
            self.asked += 1
            return "own" if self.asked <= 2 else "login"

        @name.setter
        def name(self, value: str) -> None: ...

    plugins = load_plugins(found=(), extra=[plugin_of(authkit_providers=lambda: [Turncoat()])])

    assert ([*plugins.providers], plugins.infos[0].providers) == (["own"], ("own",))


# PLG-12: a plugin that changes what it shares


def test_plg_12_a_list_that_is_changed_after_loading_changes_nothing() -> None:
    shared = [acme]
    plugins = load_plugins(found=(), extra=[plugin_of(authkit_providers=lambda: shared)])

    shared[:] = [replace(acme, name="evil")]

    assert [*plugins.providers] == ["acme"]


def test_plg_12_the_collections_of_a_provider_are_its_own() -> None:
    options, prompts, scope = [Option("place", (), "", "Where.")], {"consent": {"prompt": "consent"}}, ["profile"]
    provider: Any = replace(acme, options=options, prompts=prompts, default_scope=scope)

    options.clear()
    prompts["consent"]["prompt"] = "none"
    scope.append("admin")

    assert ([option.name for option in provider.options], provider.default_scope) == (["place"], ("profile",))
    assert provider.prompts == {"consent": {"prompt": "consent"}}


def test_plg_12_a_provider_of_its_own_kind_cannot_become_another_between_two_logins() -> None:
    class Changing(Own):
        def __init__(self) -> None:
            super().__init__()
            self.prompts = {"consent": {"prompt": "consent"}}
            self.default_scope: Any = ["a"]
            self.basic_scope = ["a"]

        def client(self, client_id: str, client_secret: object, transport: object) -> Any:
            return SimpleNamespace()

    own = Changing()
    settings = {**SETTINGS, "authkit.own.client_id": "id", "authkit.own.client_secret": "secret"}
    kit = AuthKit.from_settings(settings, transport=Network(), plugins=plugins_with(acme, own), environ={})

    own.name = "acme"
    own.prompts["consent"]["prompt"] = "none"
    own.default_scope.append("admin")
    own.basic_scope.append("admin")

    registration = kit.registrations["own"]
    assert (registration.authority, registration.scope, registration.basic_scope) == ("own", ("a",), ("a",))
    assert registration.prompts == {"consent": {"prompt": "consent"}}


def test_plg_12_an_option_of_a_plugin_s_does_not_take_the_place_of_a_setting_of_authkit_s() -> None:
    ours = [Option(name, ("known",), "known", "Not secret.") for name in REGISTRATION_KEYS]
    options = (*ours, Option("own", (), "", "Fine."))

    with pytest.raises(ConfigError) as caught:
        make_kit(provider=replace(acme, options=options))

    names = ", ".join(sorted(REGISTRATION_KEYS))
    assert caught.value.reason == f"authkit.acme: Acme has options of authkit's own names: {names}"


@pytest.mark.parametrize("raised", [kind("canary-client-secret") for kind in (LookupError, TypeError, SystemExit)])
def test_plg_12_a_client_that_cannot_be_made_stops_the_start_without_telling_the_secret(
    raised: BaseException,
) -> None:
    class Broken(Own):
        def client(self, client_id: str, client_secret: object, transport: object) -> Any:
            raise raised

    settings = {**SETTINGS, "authkit.own.client_id": "id", "authkit.own.client_secret": "canary-client-secret"}

    with pytest.raises(ConfigError) as caught:
        AuthKit.from_settings(settings, transport=Network(), plugins=plugins_with(acme, Broken()), environ={})

    assert caught.value.reason.startswith(
        f"authkit.own: the plugin's client function raised {type(raised).__name__} (test_plugins_attacks.py:"
    )
    assert "canary" not in caught.value.reason
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


# Observers


def observed_by(observer: Callable[..., Any]) -> tuple[AuthKit, list[str]]:
    """Return a kit with an observer, and what the observer beside it is told."""
    told: list[str] = []
    plugins = load_plugins(
        found=(),
        extra=[
            plugin_of("acme", authkit_providers=lambda: [acme]),
            plugin_of("first", authkit_login_succeeded=lambda: told.append("first")),
            plugin_of("wrong", authkit_login_succeeded=observer),
            plugin_of("last", authkit_login_succeeded=lambda: told.append("last")),
        ],
    )
    return make_kit(plugins=plugins), told


def test_plg_07_an_observer_that_leaves_the_process_does_not(caplog: pytest.LogCaptureFixture) -> None:
    kit, told = observed_by(lambda: sys.exit(3))

    kit.succeeded(Browser().sign_in(kit))

    assert told == ["last", "first"]
    assert "the observer authkit_login_succeeded of plugin 'wrong' of (not installed) raised" in caplog.text


@pytest.mark.parametrize("stop", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_observer_does_not_hold_up_what_ends_its_thread_from_outside(stop: type[BaseException]) -> None:
    def interrupted() -> None:
        raise stop

    kit, _ = observed_by(interrupted)
    login = Browser().sign_in(kit)

    with pytest.raises(stop):
        kit.succeeded(login)


def test_plg_12_an_observer_cannot_change_the_login() -> None:
    failures: list[str] = []

    def meddle(login: Login) -> None:
        changes: list[Callable[[], Any]] = [
            lambda: setattr(login, "return_to", "//evil.example"),
            lambda: setattr(login.profile, "subject", "user-2"),
            lambda: setattr(login.identity, "subject", "user-2"),
            lambda: login.profile.raw.update(id="user-2"),  # type: ignore[attr-defined]
            lambda: login.granted_scopes.append("admin"),  # type: ignore[attr-defined]
        ]
        for change in changes:
            try:
                change()
            except (AttributeError, TypeError) as exc:
                failures.append(type(exc).__name__)

    kit, _ = observed_by(meddle)
    login = Browser().sign_in(kit)
    before = repr(login)

    kit.succeeded(login)

    assert (len(failures), repr(login)) == (5, before)


# PLG-16: the allow-list


def test_plg_16_a_name_on_the_allow_list_that_nobody_has_is_told(site: Site) -> None:
    site.install("acme")

    plugins = load_plugins(allowed=["acme", "acmee"])

    assert [(info.name, info.distribution, info.problem) for info in plugins.infos] == [
        ("acme", "dist-acme", ""),
        ("acmee", "(not found)", "authkit.plugins lists it; install it, or take it out"),
    ]


def test_plg_16_who_needs_what_the_allow_list_leaves_out_is_told(site: Site) -> None:
    site.install("acme")
    site.install("second")

    with pytest.raises(ConfigError) as caught:
        AuthKit.from_settings({**SETTINGS, "authkit.plugins": "second"}, environ={})

    assert "no plugin supplies a provider 'acme'" in caught.value.reason
    assert "authkit.plugins leaves out: acme" in caught.value.reason
    assert "authkit_of_test_acme" not in sys.modules


# What `authkit plugins` says


def listed(*plugins: object) -> listing.Report:
    return listing.report({}, load_plugins(found=(), extra=plugins), environ={})


def raising() -> Any:
    raise LookupError("no such city")


def without_extra() -> Any:
    raise ModuleNotFoundError("No module named 'joserfc'")


def needing_extra() -> Any:
    raise ConfigError("the emulator needs one more package: pip install 'authkit-core[oidc]'")


def test_authkit_plugins_tells_of_emulators_that_cannot_be_made() -> None:
    report = listed(plugin_of("towns", authkit_emulators=lambda: [raising]))

    assert not report.is_good
    assert report.entries[0].plugin.problem.startswith(
        "its authkit_emulators failed: LookupError: no such city (test_plugins_attacks.py:"
    )


@pytest.mark.parametrize("make", [without_extra, needing_extra])
def test_authkit_plugins_does_not_mind_an_emulator_whose_extra_is_not_installed(make: Callable[[], Any]) -> None:
    assert listed(plugin_of("towns", authkit_emulators=lambda: [make])).is_good


def test_authkit_plugins_shows_both_of_two_with_one_provider() -> None:
    report = listed(*(plugin_of(name, authkit_providers=lambda: [acme]) for name in ("one", "two")))

    assert not report.is_good
    assert [entry.plugin.name for entry in report.only("acme").entries] == ["one", "two"]
    assert [entry.endpoints for entry in report.entries] == [{}, {}]


BROKEN: Mapping[str, tuple[str, str]] = {
    "import": ("import nowhere_at_all", "install what is missing, or uninstall it"),
    "exit": ("raise SystemExit(0)", "update it, or uninstall it"),
    "name": (PLUGIN.format(provider="LOGIN"), "choose another"),
    "reserved": (PLUGIN.format(provider="login"), "choose another"),
    "hook": (PLUGIN.format(provider="a").replace("def authkit_providers", "def authkit_provider"), "did you mean"),
    "unmarked": (PLUGIN.format(provider="a").replace("@hookimpl", ""), "mark it: from authkit import hookimpl"),
    "type": (PLUGIN.format(provider="a").replace("[provider]", "None"), "return a list of providers"),
    "value": (PLUGIN.format(provider="a").replace('title="A"', 'title="A", token_auth=1'), "must be one of"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_authkit_plugins_says_which_plugin_whose_what_is_wrong_and_what_to_do(site: Site, kind: str) -> None:
    source, advice = BROKEN[kind]
    site.install("broken", source, dist="dist-of-somebody", version="7.1")
    runner = CliRunner()

    shown = runner.invoke(authkit, ["plugins"], env={"COLUMNS": "400"})
    told = json.loads(runner.invoke(authkit, ["plugins", "--json"]).stdout)

    (plugin,) = [plugin for plugin in told["plugins"] if plugin["name"] == "broken"]
    assert shown.exit_code == 1
    assert f"'broken' of dist-of-somebody 7.1: {plugin['problem']}" in shown.output
    assert advice in plugin["problem"]


def test_authkit_plugins_is_good_where_nothing_is_wrong() -> None:
    report = listed(RIGHT, plugin_of("towns", authkit_emulators=lambda: [lambda: SimpleNamespace(provider="towns")]))

    assert report.is_good


def test_plugins_without_any_plugin_have_nothing_to_tell() -> None:
    plugins: Plugins = load_plugins(found=())

    assert (plugins.conflicts, plugins.left_out, dict(plugins.emulator_problems())) == ((), (), {})


def test_the_next_login_does_not_notice_what_a_plugin_s_function_did_to_its_data() -> None:
    def meddle(data: Mapping[str, Any]) -> Any:
        profile = acme.profile(data)
        data.clear()  # type: ignore[attr-defined]
        return profile

    provider: OAuth2Provider = replace(acme, profile=meddle)
    kit = make_kit(provider=provider)
    browser = Browser()

    logins = [browser.come_back(kit, callback(browser.start(kit), code="c")) for _ in range(2)]

    assert logins[0].profile == logins[1].profile


@pytest.mark.parametrize("function", ["profile", "userinfo", "read_error", "code_challenge"])
def test_plg_08_a_plugin_s_function_that_exits_ends_the_login_and_not_the_server(function: str) -> None:
    def leave(*_: object) -> Any:
        sys.exit("canary")

    kit = make_kit(provider=replace(acme, **{function: leave}))
    browser = Browser()

    with pytest.raises(ProviderProtocolError) as caught:
        browser.come_back(kit, callback(browser.start(kit), code="c"))

    assert "SystemExit at test_plugins_attacks.py:" in caught.value.reason


@pytest.mark.parametrize("folder", ["importlib", "importlib_metadata", "importlib/metadata"])
def test_plg_07_the_machinery_of_importing_is_not_to_blame(tmp_path: Path, folder: str) -> None:
    machinery = tmp_path / folder / "__init__.py"
    plugin = tmp_path / "authkit_broken.py"

    def blamed(path: Path) -> str:
        try:
            exec(compile("\nraise ImportError('no')", str(path), "exec"), {})
        except ImportError as exc:
            return place_of(exc.with_traceback(exc.__traceback__.tb_next if exc.__traceback__ else None))
        raise AssertionError("it did not raise")

    assert blamed(machinery) == ""
    assert blamed(plugin) == " (authkit_broken.py:2)"
