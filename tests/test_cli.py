"""The command line: what it prints, and the status that it ends with."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from importlib import metadata
from io import StringIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from cli_world import busy_port, environment, free_port, interrupted, run, run_process
from fakes import SECRET, acme, plugins_with
from rich.console import Console

import authkit as package
from authkit import hookimpl
from authkit.cli import demo, listing, main
from authkit.cli.commands import authkit
from authkit.cli.robot import sign_in
from authkit.emulator import Answer, OpenIDEmulator, StockEmulator, WsgiTransport, serve
from authkit.errors import ConfigError
from authkit.flow import AuthKit
from authkit.oidc import OpenIDProvider
from authkit.plugins import load_plugins
from authkit_tiktok.emulator import TikTokEmulator, User
from authkit_tiktok.provider import tiktok

MODULE = str(Path(package.__file__).with_name("__main__.py"))
"""What `python -m authkit` runs. pytest loads modules of ours that it may rewrite, and `runpy` cannot run those."""

VERSION = metadata.version("authkit-tiktok")
INI = f"""
[app:main]
use = egg:MyApp
authkit.secret = {SECRET}
authkit.base_url = https://app.example
authkit.tiktok.client_key = canary-key
authkit.tiktok.client_secret = canary-secret
authkit.sandbox.provider = tiktok
authkit.sandbox.client_key = canary-sandbox-key
authkit.sandbox.client_secret_file = %(here)s/secret.txt

[server:main]
listen = localhost:6543

[formatter_generic]
format = %(asctime)s %(message)s
"""


def install(folder, distribution, module, source, monkeypatch):
    """Put a plugin into `folder` as an installed distribution has it, and the folder on the path."""
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    info = folder / f"{module}-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.5\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[authkit]\n{module} = {module}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)


def printed(renderable, width=160):
    console = Console(file=StringIO(), width=width, markup=False, highlight=False, color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def cells(line):
    """The cells of a table's line: at least two blanks stand between them."""
    return re.split(r"\s{2,}", line.strip())


# authkit plugins


def test_plugins_are_listed_in_a_table():
    result = run("plugins")
    head, *lines = result.output.splitlines()
    (line,) = [line for line in lines if line.startswith("tiktok ")]

    assert result.exit_code == 0
    assert cells(head) == ["plugin", "provider", "distribution", "version", "hooks", "registrations", "usable"]
    assert cells(line) == ["tiktok", "tiktok", "authkit-tiktok", VERSION, "emulators, providers", "-", "yes"]


def test_the_table_stays_readable_on_a_narrow_terminal():
    result = run("plugins", COLUMNS="80")

    assert result.exit_code == 0
    assert max(len(line) for line in result.output.splitlines()) <= 80
    assert "authkit-tiktok" in result.output


def test_plugins_are_listed_for_machines():
    result = run("plugins", "--json")
    told = json.loads(result.output)
    (plugin,) = [plugin for plugin in told["plugins"] if plugin["name"] == "tiktok"]

    assert (result.exit_code, told["problem"]) == (0, "")
    assert plugin == {
        "name": "tiktok",
        "distribution": "authkit-tiktok",
        "version": VERSION,
        "providers": ["tiktok"],
        "hooks": ["authkit_emulators", "authkit_providers"],
        "problem": "",
        "registrations": [],
        "endpoints": {
            "tiktok": {
                "title": "TikTok",
                "authorize_url": "https://www.tiktok.com/v2/auth/authorize/",
                "token_url": "https://open.tiktokapis.com/v2/oauth/token/",
                "userinfo_url": "https://open.tiktokapis.com/v2/user/info/",
                "revoke_url": "https://open.tiktokapis.com/v2/oauth/revoke/",
                "default_scope": "user.info.basic",
                "client_id_param": "client_key",
            }
        },
    }


def test_one_plugin_is_shown_in_detail():
    result = run("plugins", "tiktok")
    lines = result.output.splitlines()

    assert result.exit_code == 0
    assert lines[0] == f"tiktok: authkit-tiktok {VERSION}"
    assert cells(lines[1]) == ["usable", "yes"]
    assert ["token_url", "https://open.tiktokapis.com/v2/oauth/token/"] in [cells(line) for line in lines]


def test_one_plugin_is_shown_in_detail_for_machines():
    assert [plugin["name"] for plugin in json.loads(run("plugins", "tiktok", "--json").output)["plugins"]] == [
        "tiktok"
    ]


def test_an_unknown_plugin_is_one_line():
    result = run("plugins", "tictoc", AUTHKIT_PLUGINS="tiktok")

    assert (result.exit_code, result.output) == (
        1,
        "Error: no plugin is named 'tictoc'; installed are: tiktok\n",
    )


def test_registrations_of_an_ini_file_stand_beside_their_plugin(tmp_path):
    ini, secret = tmp_path / "production.ini", tmp_path / "secret.txt"
    ini.write_text(INI, encoding="utf-8")
    secret.write_text("canary-sandbox-secret\n", encoding="utf-8")
    table = run("plugins", "--ini", str(ini))
    told = json.loads(run("plugins", "--ini", str(ini), "--json").output)

    assert table.exit_code == 0
    assert cells(table.output.splitlines()[-1])[-2:] == ["tiktok, sandbox", "yes"]
    assert [plugin["registrations"] for plugin in told["plugins"]] == [[], ["tiktok", "sandbox"]]
    assert "canary" not in table.output + json.dumps(told)


def test_registrations_of_the_environment_stand_beside_their_plugin():
    result = run(
        "plugins",
        AUTHKIT_SECRET=SECRET,
        AUTHKIT_BASE_URL="https://app.example",
        AUTHKIT_SANDBOX_PROVIDER="tiktok",
        AUTHKIT_SANDBOX_CLIENT_KEY="canary-key",
        AUTHKIT_SANDBOX_CLIENT_SECRET="canary-secret",
    )

    assert result.exit_code == 0
    assert cells(result.output.splitlines()[-1])[-2:] == ["sandbox", "yes"]
    assert "canary" not in result.output


def test_an_environment_that_is_no_app_s_is_not_judged():
    assert run("plugins", AUTHKIT_TESTS_MUST_RUN="1", AUTHKIT_PLUGINS="tiktok").exit_code == 0


def test_settings_that_are_wrong_are_told_and_the_plugins_all_the_same(tmp_path):
    ini = tmp_path / "production.ini"
    ini.write_text("[app:main]\nauthkit.secret = canary-too-short\n", encoding="utf-8")
    result = run("plugins", "--ini", str(ini))

    assert result.exit_code == 1
    assert "tiktok" in result.output
    assert "settings: authkit.secret: is shorter than 32 bytes" in result.output
    assert "canary" not in result.output


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"authkit.secret canary\n", "MissingSectionHeaderError"),
        (b"[app:main]\nauthkit.secret canary\n", "ParsingError"),
        (b"[app:main]\nauthkit.secret = \xff\n", "UnicodeDecodeError"),
    ],
    ids=["no section", "no equals sign", "no UTF-8"],
)
def test_a_file_that_is_no_ini_file_is_one_line_that_quotes_nothing(tmp_path, content, problem):
    ini = tmp_path / "production.ini"
    ini.write_bytes(content)
    result = run("plugins", "--ini", str(ini))

    assert (result.exit_code, result.output) == (1, f"Error: {ini} is no ini file ({problem})\n")


def test_an_ini_file_that_is_not_there_is_a_matter_of_usage(tmp_path):
    assert run("plugins", "--ini", str(tmp_path / "none.ini")).exit_code == 2


def test_a_broken_plugin_is_shown_with_the_reason_and_the_others_work(tmp_path, monkeypatch):
    install(tmp_path, "authkit-broken", "authkit_broken", "raise RuntimeError('no [bold]luck[/wrong]')", monkeypatch)
    result = run("plugins")
    by_name = {cells(line)[0]: cells(line) for line in result.output.splitlines() if line}

    assert result.exit_code == 1
    assert by_name["authkit_broken"] == [
        "authkit_broken",
        "-",
        "authkit-broken",
        "2.5",
        "-",
        "-",
        "no",
    ]
    assert " ".join(result.output.split()).endswith(
        "'authkit_broken' of authkit-broken 2.5: it cannot be imported: RuntimeError: no [bold]luck[/wrong] "
        "(authkit_broken.py:1); update it, or uninstall it"
    )
    assert by_name["tiktok"][-1] == "yes"


def test_the_log_does_not_say_once_more_what_the_report_says(tmp_path, monkeypatch, caplog):
    install(tmp_path, "authkit-worse", "authkit_worse", "raise RuntimeError('no luck')", monkeypatch)

    assert run("plugins").output.count("no luck") == 1
    assert caplog.messages == []
    assert run("emulate", "tictoc").exit_code == 1
    assert len(caplog.messages) == 1


def test_a_broken_plugin_is_shown_in_detail(tmp_path, monkeypatch):
    install(tmp_path, "authkit-shaky", "authkit_shaky", "import a_module_that_is_not_there", monkeypatch)
    result = run("plugins", "authkit_shaky")

    assert result.exit_code == 1
    assert "usable" in result.output
    assert "ModuleNotFoundError: No module named 'a_module_that_is_not_there'" in result.output
    assert run("plugins", "tiktok").exit_code == 0


TWIN = "from authkit_tiktok import authkit_providers"


def test_two_plugins_with_one_provider_are_a_conflict_that_names_both(tmp_path, monkeypatch):
    install(tmp_path, "authkit-twin", "authkit_twin", TWIN, monkeypatch)
    table, told = run("plugins"), json.loads(run("plugins", "--json").output)

    assert table.exit_code == 1
    assert told["problem"] == (
        "more than one plugin supplies a provider named 'tiktok': 'authkit_twin' of authkit-twin 2.5 and "
        f"'tiktok' of authkit-tiktok {VERSION}; uninstall all but one"
    )
    assert [plugin["problem"] for plugin in told["plugins"] if "tiktok" in plugin["providers"]] == [
        told["problem"]
    ] * 2
    assert " ".join(table.output.split()).count(told["problem"]) == 1
    assert " ".join(run("plugins", "tiktok").output.split()).count(told["problem"]) == 2  # beside each of the two


def test_a_conflict_that_the_settings_meet_is_told_once_as_well(tmp_path, monkeypatch):
    install(tmp_path, "authkit-twin", "authkit_twin", TWIN, monkeypatch)
    result = run("plugins", AUTHKIT_SECRET=SECRET, AUTHKIT_BASE_URL="https://app.example")

    assert result.exit_code == 1
    assert result.output.count("more than one plugin supplies a provider named 'tiktok'") == 1


def test_what_the_app_does_not_allow_is_neither_imported_nor_a_conflict(tmp_path, monkeypatch):
    install(tmp_path, "authkit-rival", "authkit_rival", TWIN, monkeypatch)
    ini = tmp_path / "production.ini"
    ini.write_text(INI.replace("[server:main]", "authkit.plugins = tiktok\n[server:main]"), encoding="utf-8")
    (tmp_path / "secret.txt").write_text("canary", encoding="utf-8")
    result = run("plugins", "--ini", str(ini))

    assert result.exit_code == 0
    assert "rival" not in result.output
    assert "authkit_rival" not in sys.modules


def test_without_any_plugin_it_says_how_to_get_one():
    report = listing.report({}, load_plugins(found=()), environ={})

    assert report.is_good
    assert printed(report.to_table()) == "No plugin was found. For TikTok: pip install authkit-tiktok\n"
    with pytest.raises(ConfigError, match="no plugin is named 'tiktok'; installed are: none"):
        report.only("tiktok")


def test_without_any_plugin_wrong_settings_are_told_too():
    report = listing.report({"authkit.secret": SECRET}, load_plugins(found=()), environ={})

    assert not report.is_good
    assert "No plugin was found." in printed(report.to_table())
    assert "settings: authkit.base_url is missing" in printed(report.to_table())


class Guild:
    """A provider that is no OAuth 2.0 provider."""

    name = "guild"
    title = "Guild"
    default_scope = ()

    def client(self, client_id, client_secret, transport):
        raise NotImplementedError


def test_a_provider_of_another_kind_has_a_title_and_no_endpoints():
    report = listing.report({}, plugins_with(Guild(), acme), environ={})

    assert report.entries[0].endpoints["guild"] == {"title": "Guild"}
    assert report.entries[0].endpoints["acme"]["token_url"] == "https://acme.example/oauth/token"
    assert ["title", "Guild"] in [cells(line) for line in printed(report.only("guild").to_details()).splitlines()]


def test_a_provider_of_openid_connect_has_an_issuer_instead_of_endpoints():
    globex = OpenIDProvider(name="globex", title="Globex", issuer="https://id.globex.example")
    report = listing.report({}, plugins_with(globex), environ={})

    assert report.entries[0].endpoints["globex"] == {
        "title": "Globex",
        "issuer": "https://id.globex.example",
        "default_scope": "openid profile email",
    }


def test_a_plugin_with_observers_only_has_no_provider():
    def observe(error):
        raise NotImplementedError

    report = listing.report({}, plugins_with(authkit_login_failed=observe), environ={})

    assert cells(printed(report.to_table()).splitlines()[1]) == [
        "Plugin",
        "-",
        "(not installed)",
        "login_failed, providers",
        "-",
        "yes",
    ]


# authkit demo


@pytest.mark.pyramid
def test_the_demo_signs_in_shows_the_profile_and_ends():
    result = run("demo", "--check", "--port", "0", "--emulator-port", "0")
    lines = [cells(line) for line in result.output.splitlines()]

    assert result.exit_code == 0
    assert [line[:2] for line in lines[3:8]] == [
        ["start", "302"],
        ["consent page", "200"],
        ["consent", "302"],
        ["callback", "303"],
        ["profile", "200"],
    ]
    assert ["identity", "v1:tiktok:sbawemulator0001:-000AbCdEfGhIjKlMnOpQrStUvWxYz01"] in lines
    assert ["display_name", "Ada Tok"] in lines
    assert "Your turn" not in result.output


@pytest.mark.pyramid
def test_the_demo_goes_on_until_ctrl_c():
    port = free_port()
    with interrupted():
        result = run("demo", "--port", str(port), "--emulator-port", "0")

    assert result.exit_code == 0
    assert result.output.splitlines()[-2:] == [
        f"Your turn: open http://127.0.0.1:{port}/ in a browser. Ctrl-C ends the demo.",
        "",
    ]


@pytest.mark.pyramid
def test_the_demo_s_json_is_alone_on_the_standard_output(capsys):
    with interrupted():
        status = demo.run("tiktok", 0, 0, check=False, as_json=True)
    shown = capsys.readouterr()
    origin = json.loads(shown.out)["url"]

    assert status == 0
    assert f"Your turn: open {origin}/ in a browser" in shown.err


@pytest.mark.pyramid
def test_the_demo_does_not_read_the_settings_of_another_app():
    result = run(
        "demo",
        "--check",
        "--json",
        "--port",
        "0",
        "--emulator-port",
        "0",
        AUTHKIT_PREFIX="/login",
        AUTHKIT_TIKTOK_REDIRECT_URI="https://app.example/auth/tiktok/callback",
        AUTHKIT_OTHER_CLIENT_KEY="another",
    )

    assert (result.exit_code, json.loads(result.stdout)["profile"]["display_name"]) == (0, "Ada Tok")


class StingyEmulator(TikTokEmulator):
    """An emulator that gives out the wrong secret."""

    def settings(self, origin):
        return {**super().settings(origin), "client_secret": "of-another-app"}


class StrictEmulator(TikTokEmulator):
    """An emulator that knows no app by the key that it gives out."""

    def settings(self, origin):
        return {**super().settings(origin), "client_key": "aw-unknown"}


class HostileEmulator(TikTokEmulator):
    """An emulator whose user has a name that is markup."""

    def __init__(self):
        super().__init__(users=[User(open_id="x", union_id="y", display_name="[red]Eve[/nope]", username="eve")])


def plugin_with(emulator):
    class Plugin:
        @hookimpl
        def authkit_providers(self):
            return [tiktok]

        @hookimpl
        def authkit_emulators(self):
            return [emulator]

    return load_plugins(found=(), extra=[Plugin()])


@pytest.mark.pyramid
@pytest.mark.parametrize(
    ("emulator", "legs"),
    [
        (StingyEmulator, [("start", 302), ("consent page", 200), ("consent", 302), ("callback", 503)]),
        (StrictEmulator, [("start", 302), ("consent page", 302), ("consent", 302), ("callback", 200)]),
    ],
)
def test_a_demo_whose_login_fails_shows_how_far_it_came_and_has_status_1(emulator, legs, capsys):
    status = demo.run("tiktok", 0, 0, check=True, as_json=True, plugins=plugin_with(emulator))
    told = json.loads(capsys.readouterr().out)

    assert status == 1
    assert told["profile"] is None
    assert [(leg["name"], leg["status"]) for leg in told["legs"]] == legs


@pytest.mark.pyramid
def test_a_demo_whose_login_fails_says_so(capsys):
    status = demo.run("tiktok", 0, 0, check=True, as_json=False, plugins=plugin_with(StingyEmulator))

    assert status == 1
    assert "The login did not come through; the log above says why." in capsys.readouterr().out


@pytest.mark.pyramid
def test_a_name_that_is_markup_is_printed_as_it_is(capsys):
    status = demo.run("tiktok", 0, 0, check=True, as_json=False, plugins=plugin_with(HostileEmulator))

    assert status == 0
    assert "[red]Eve[/nope]" in capsys.readouterr().out


@pytest.mark.pyramid
def test_a_demo_of_an_unknown_provider_is_one_line():
    result = run("demo", "tictoc", "--check")

    assert (result.exit_code, result.output) == (
        1,
        "Error: no plugin brings an emulator of 'tictoc'; there are: oidc, tiktok\n",
    )


@pytest.mark.pyramid
@pytest.mark.slow
def test_the_demo_in_a_process_of_its_own_gives_way_on_both_ports_and_has_status_0():
    with busy_port() as port, busy_port() as emulator_port:
        ports = ("--port", str(port), "--emulator-port", str(emulator_port))
        plain, told = run_process("demo", "--check", *ports), run_process("demo", "--check", "--json", *ports)
    data = json.loads(told.stdout)

    assert (plain.returncode, plain.stderr) == (0, "")
    assert "Ada Tok" in plain.stdout
    assert (told.returncode, told.stderr) == (0, "")
    assert data["url"] != f"http://127.0.0.1:{port}"
    assert data["profile"]["identity"] == "v1:tiktok:sbawemulator0001:-000AbCdEfGhIjKlMnOpQrStUvWxYz01"
    assert [leg["name"] for leg in data["legs"]] == ["start", "consent page", "consent", "callback", "profile"]


GRUMPY = """
from dataclasses import replace
import authkit as package
from authkit import hookimpl
from authkit_tiktok.emulator import TikTokEmulator
from authkit_tiktok.provider import tiktok

class GrumpyEmulator(TikTokEmulator):
    provider = "grumpy"

    def settings(self, origin):
        return {**super().settings(origin), "client_secret": "of-another-app"}

@hookimpl
def authkit_providers():
    return [replace(tiktok, name="grumpy", title="Grumpy")]

@hookimpl
def authkit_emulators():
    return [GrumpyEmulator]
"""


@pytest.mark.pyramid
@pytest.mark.slow
def test_the_demo_in_a_process_of_its_own_has_status_1_and_a_log_line_when_the_login_fails(tmp_path, monkeypatch):
    install(tmp_path, "authkit-grumpy", "authkit_grumpy", GRUMPY, monkeypatch)
    done = run_process("demo", "grumpy", "--check", "--port", "0", "--emulator-port", "0", PYTHONPATH=str(tmp_path))

    assert done.returncode == 1
    assert "The login did not come through; the log above says why." in done.stdout
    assert "outcome=failure code=provider_misconfigured provider=grumpy registration=grumpy" in done.stderr
    assert "Traceback" not in done.stderr


# The demo's robot


def test_the_robot_takes_the_first_choice_and_ticks_every_box():
    taken = []

    def provider(environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            length = int(environ["CONTENT_LENGTH"])
            taken.append(environ["wsgi.input"].read(length).decode())
            return Answer.redirect("/done").send(start_response)
        if environ["PATH_INFO"] == "/start":
            return Answer.redirect("/consent?x=1").send(start_response)
        if environ["PATH_INFO"] == "/done":
            return Answer.redirect("/page").send(start_response)
        return Answer.page(
            "<form><input type=radio name=user value=a><input type=radio name=user value=b>"
            "<input type=checkbox name=scope value=1><input type=checkbox name=scope value=2><input type=text>"
            "<button name=decision value=allow><button name=decision value=deny></form>"
        ).send(start_response)

    with serve(provider, port=0) as server:
        legs, page = sign_in(f"{server.origin}/start")

    assert taken == ["user=a&scope=1&scope=2&decision=allow"]
    assert page.url == f"{server.origin}/page"
    assert [leg.status for leg in legs] == [302, 200, 302, 302, 200]
    assert all(0 < leg.seconds < 10 for leg in legs)


def test_the_robot_stops_where_it_is_not_led_on():
    with serve(lambda _, start_response: Answer(404).send(start_response), port=0) as server:
        legs, page = sign_in(f"{server.origin}/start")

    assert ([(leg.name, leg.status) for leg in legs], page) == ([("start", 404)], None)


# The demo's app


class DemoWorld:
    """The demo's app, a browser, and TikTok's emulator without a socket."""

    def __init__(self, **options):
        from webtest import TestApp

        from authkit.cli.demo_app import make_app

        self.emulator = TikTokEmulator(**options)
        settings = demo.demo_settings(self.emulator, "http://127.0.0.1:8787", "http://localhost:6543")
        kit = AuthKit.from_settings(settings, transport=WsgiTransport(self.emulator), environ={})
        self.browser = TestApp(make_app(kit), extra_environ={"HTTP_HOST": "localhost:6543"})

    def log_in(self, start="/auth/tiktok?return_to=/", **consent):
        """Log in and return the page at the end."""
        started = self.browser.get(start, status=302)
        return self.browser.get(self.emulator.approve(started.location, **consent), status=303).follow(status=200)

    def page(self):
        return BeautifulSoup(self.browser.get("/", status=200).text, "html.parser")


@pytest.mark.pyramid
def test_a_stranger_is_shown_the_way_in():
    page = DemoWorld().page()

    assert page.h1.text == "Hello, stranger"
    assert (page.select_one("#continue").text, page.select_one("#continue")["href"]) == (
        "Continue with TikTok",
        "/auth/tiktok?return_to=%2F",
    )
    assert page.select("#signed-in, form") == []


@pytest.mark.pyramid
def test_somebody_who_is_signed_in_is_shown_what_the_app_has_got():
    world = DemoWorld()
    world.log_in(start=world.page().select_one("#continue")["href"])
    page = world.page()

    assert (page.h1.text, page.select_one(".who p").text) == ("Ada Tok", "@ada.tok")
    assert page.select_one("#identity").text == "v1:tiktok:sbawemulator0001:-000AbCdEfGhIjKlMnOpQrStUvWxYz01"
    assert [tag.text for tag in page.select("#granted .tag")] == [
        "user.info.basic",
        "user.info.profile",
        "user.info.stats",
        "video.list",
    ]
    assert page.select("#missing, #ask-again") == []
    assert "follower count" in page.dl.text
    assert "x-signature" not in page.text


@pytest.mark.pyramid
def test_times_are_no_counts_and_objects_are_shown_in_words():
    from webtest import TestApp

    from authkit.cli.demo_app import make_app

    emulator = OpenIDEmulator(users=[{"sub": "u-1", "updated_at": 1795262400, "address": {"country": "Nowhere"}}])
    settings = demo.demo_settings(emulator, "http://127.0.0.1:8787", "http://localhost:6543")
    browser = TestApp(make_app(AuthKit.from_settings(settings, transport=WsgiTransport(emulator), environ={})))
    browser.extra_environ["HTTP_HOST"] = "localhost:6543"
    browser.get(emulator.approve(browser.get("/auth/idp", status=302).location), status=303)
    page = BeautifulSoup(browser.get("/", status=200).text, "html.parser")
    facts = dict(
        zip((dt.text for dt in page.select(".facts dt")), (dd.text for dd in page.select(".facts dd")), strict=True)
    )

    assert page.select(".counts") == []
    assert (facts["updated at"], facts["address"]) == ("1795262400", "country: Nowhere")


@pytest.mark.pyramid
def test_the_profile_is_there_for_machines():
    world = DemoWorld()
    world.log_in(scopes=["user.info.basic"])
    told = world.browser.get("/profile.json", status=200)
    unsigned = {
        name: value.partition("?")[0] if name.startswith("avatar_") else value for name, value in told.json.items()
    }

    assert told.cache_control.no_store
    assert unsigned == {
        "identity": "v1:tiktok:sbawemulator0001:-000AbCdEfGhIjKlMnOpQrStUvWxYz01",
        "granted_scopes": ["user.info.basic"],
        **world.emulator.users[0].read(
            ["open_id", "union_id", "avatar_url", "avatar_url_100", "avatar_large_url", "display_name"]
        ),
    }


@pytest.mark.pyramid
def test_a_profile_that_passes_nothing_on_is_shown_as_the_plugin_made_it():
    from webtest import TestApp

    from authkit.cli.demo_app import make_app

    emulator = StockEmulator(acme)
    settings = demo.demo_settings(emulator, "http://127.0.0.1:8787", "http://localhost:6543")
    kit = AuthKit.from_settings(settings, transport=WsgiTransport(emulator), plugins=plugins_with(acme), environ={})
    browser = TestApp(make_app(kit), extra_environ={"HTTP_HOST": "localhost:6543"})
    browser.get(emulator.approve(browser.get("/auth/acme", status=302).location), status=303)

    assert browser.get("/profile.json", status=200).json == {
        "identity": "v1:acme:emulated-client:1000001",
        "granted_scopes": ["profile"],
        "subject": "1000001",
        "display_name": "Ada Example",
    }


@pytest.mark.pyramid
def test_a_stranger_has_no_profile_and_nothing_to_ask_for():
    browser = DemoWorld().browser

    assert browser.get("/profile.json", status=401).json == {"error": "nobody is signed in"}
    assert browser.get("/ask-again", status=303).location == "http://localhost:6543/"


@pytest.mark.pyramid
def test_what_was_not_granted_is_shown_and_can_be_asked_for_again():
    world = DemoWorld()
    world.log_in(scopes=["user.info.basic", "video.list"])
    page = world.page()
    missing = [tag.text for tag in page.select("#missing .tag")]
    asked = world.browser.get(page.select_one("#ask-again")["href"], status=302)
    world.browser.get(world.emulator.approve(asked.location), status=303)
    again = world.page()

    assert missing == ["user.info.profile", "user.info.stats"]
    assert page.select_one(".who p").text == "no handle was granted"
    assert "disable_auto_auth=1" in asked.location
    assert (again.select("#missing"), again.select_one(".who p").text) == ([], "@ada.tok")


@pytest.mark.pyramid
def test_signing_out_ends_it():
    world = DemoWorld()
    world.log_in()
    form = world.page().form
    world.browser.post(form["action"], status=303)

    assert form["action"] == "http://localhost:6543/auth/logout"
    assert world.page().h1.text == "Hello, stranger"


@pytest.mark.pyramid
def test_a_hostile_name_is_escaped():
    world = DemoWorld()
    shown = world.log_in(user="zoe_lukasz")

    assert world.page().h1.text == "Zoë & <b>Łukasz</b> 👋 \"' 北京"
    assert "<b>" not in shown.text
    assert "<script>" not in shown.text


@pytest.mark.pyramid
def test_a_user_without_a_name_is_somebody():
    user = User(open_id="x", union_id="y", display_name="", username="")
    world = DemoWorld(users=[user])
    world.log_in(scopes=["user.info.basic"])

    assert (world.page().h1.text, world.page().select_one(".face").text) == ("Somebody", "?")


# What is missing


BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
sys.argv = ["authkit", *{args!r}]
from authkit.cli import main
main()
"""


def run_without(*blocked, args):
    code = BLOCKED.format(blocked=blocked, args=args)
    return subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("blocked", "args", "advice"),
    [
        (
            "click",
            ["plugins"],
            "The command line needs two more packages: pip install 'authkit-core[cli]'\n",
        ),
        (
            "rich",
            ["plugins"],
            "The command line needs two more packages: pip install 'authkit-core[cli]'\n",
        ),
        (
            "cheroot",
            ["emulate", "tiktok"],
            "Error: serving needs cheroot: pip install 'authkit-core[emulator]'\n",
        ),
        (
            "waitress",
            ["demo", "--check"],
            "Error: serving needs waitress: pip install 'authkit-core[cli]'\n",
        ),
        (
            "pyramid",
            ["demo", "--check"],
            "Error: the demo needs pyramid: pip install 'authkit-core[cli,pyramid,emulator]'\n",
        ),
    ],
)
def test_a_missing_package_is_one_line_with_the_command_that_brings_it(blocked, args, advice):
    done = run_without(blocked, args=args)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", advice)


@pytest.mark.slow
def test_the_list_of_plugins_needs_neither_pyramid_nor_a_server():
    done = run_without("pyramid", "webob", "waitress", "cheroot", "trustme", args=["plugins", "--json"])

    assert (done.returncode, done.stderr) == (0, "")


def test_without_its_libraries_the_command_line_says_how_to_get_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == "The command line needs two more packages: pip install 'authkit-core[cli]'"


def test_without_pyramid_the_demo_says_how_to_get_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "authkit.cli.demo_app", raising=False)
    monkeypatch.setitem(sys.modules, "pyramid.config", None)

    with pytest.raises(ConfigError, match=r"the demo needs pyramid\.config: pip install 'authkit-core\[cli,pyramid,"):
        demo.run("tiktok", 0, 0, check=True, as_json=False)


def test_the_module_is_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["python -m authkit", "--version"])

    with pytest.raises(SystemExit) as caught:
        runpy.run_path(MODULE, run_name="__main__")
    assert (caught.value.code, capsys.readouterr().out) == (
        0,
        f"authkit, version {metadata.version('authkit-core')}\n",
    )


def test_importing_the_module_runs_nothing(capsys):
    runpy.run_path(MODULE, run_name="authkit.__main__")

    assert capsys.readouterr().out == ""


def test_help_names_every_command():
    assert set(authkit.commands) == {
        *("db", "demo", "doctor", "emulate", "keys", "login", "new-plugin", "plugins", "tokens")
    }
    for name in ("", *authkit.commands):
        result = run(*filter(None, [name, "--help"]))
        assert (result.exit_code, result.output.startswith("Usage: authkit")) == (0, True)
