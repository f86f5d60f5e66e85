"""``authkit emulate``: what it prints, what it can be told, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import webbrowser
from pathlib import Path

import pytest
import requests
from cli_world import busy_port, free_port, interrupted, read_until, run, run_process, running
from fakes import acme, plugins_with

from authkit import Emulator, hookimpl
from authkit.cli.emulating import Options, announce, list_choices, prepare
from authkit.cli.emulators import make_emulator
from authkit.cli.notes import print_request
from authkit.emulator import KINDS, Recorded, Request, Rule
from authkit.errors import ConfigError
from authkit.plugins import load_plugins
from authkit_tiktok.emulator import App, TikTokEmulator, TikTokSwitches, User

ORIGIN = re.compile(r"https?://[\w.]+:\d+")


def settings_in(output: str) -> dict[str, str]:
    """Return the lines of an ini file among what was printed."""
    return dict(re.findall(r"^  (authkit\.\S+) = (.+)$", output, re.MULTILINE))


def test_an_unknown_emulator_is_one_line():
    result = run("emulate", "tictoc")

    assert (result.exit_code, result.output) == (
        1,
        "Error: no plugin brings an emulator of 'tictoc'; there are: oidc, tiktok\n",
    )


def test_without_any_plugin_the_line_says_how_to_get_one():
    with pytest.raises(ConfigError, match=r"there are: none; for TikTok: pip install authkit-tiktok$"):
        make_emulator("tiktok", load_plugins(found=()))


def test_it_prints_settings_for_authkit_and_for_others_and_ends_by_ctrl_c():
    port = free_port()
    with interrupted():
        result = run("emulate", "tiktok", "--port", str(port))
    origin = f"http://127.0.0.1:{port}"
    settings = TikTokEmulator().settings(origin)

    assert result.exit_code == 0
    assert result.output.splitlines()[:3] == [
        f"tiktok is emulated at {origin}",
        f"Requests, faults and switches: {origin}/_emulator/",
        "",
    ]
    assert settings_in(result.output) == {f"authkit.tiktok.{key}": value for key, value in settings.items()}
    assert re.findall(r"^  export (\w+)=(.+)$", result.output, re.MULTILINE) == [
        (f"AUTHKIT_TIKTOK_{key.upper()}", value) for key, value in settings.items()
    ]
    for library in ("django-allauth (Python)", "passport-tiktok-auth (Node)", "Auth.js (Node)"):
        recipe = result.output.partition(f"\n{library}\n")[2].lstrip("\n").partition("\n\n")[0]
        assert set(ORIGIN.findall(recipe)) == {origin}
        assert settings["client_key"] in recipe
        assert settings["client_secret"] in recipe
    assert result.output.rstrip().endswith("\nCtrl-C ends it.")


def test_a_port_that_cannot_be_is_a_matter_of_usage():
    assert run("emulate", "tiktok", "--port", "70000").exit_code == 2


def test_an_address_that_is_not_this_machine_s_is_one_line():
    result = run("emulate", "tiktok", "--host", "192.0.2.1")

    assert result.exit_code == 1
    assert result.output.startswith("Error: cannot listen at '192.0.2.1'")


def test_who_listens_for_others_is_told_so_and_under_which_name():
    with interrupted():
        shown = run("emulate", "tiktok", "--host", "0.0.0.0", "--port", "0", "--name", "tiktok.test").output

    assert "Everybody who can reach this machine can use it." in shown
    assert re.search(r"is emulated at http://tiktok\.test:\d+\n", shown)
    assert settings_in(shown)["authkit.tiktok.token_url"].startswith("http://tiktok.test:")


def test_nobody_else_is_mentioned_on_a_loopback_address():
    with interrupted():
        assert "Everybody" not in run("emulate", "tiktok", "--port", "0").output


def test_with_tls_the_roots_to_trust_are_among_the_settings(tmp_path):
    kept = tmp_path / "ca.pem"
    with interrupted():
        shown = run("emulate", "tiktok", "--port", "0", "--tls", "--ca-file", str(kept)).output
    with interrupted():
        passing = settings_in(run("emulate", "tiktok", "--port", "0", "--tls").output)

    assert settings_in(shown)["authkit.ca_bundle"] == str(kept)
    assert settings_in(shown)["authkit.tiktok.token_url"].startswith("https://127.0.0.1:")
    assert "BEGIN CERTIFICATE" in kept.read_text()
    assert not Path(passing["authkit.ca_bundle"]).exists()


def test_a_file_for_roots_without_tls_is_one_line(tmp_path):
    result = run("emulate", "tiktok", "--ca-file", str(tmp_path / "ca.pem"))

    assert (result.exit_code, result.output) == (1, "Error: --ca-file goes with --tls\n")


def test_switches_and_faults_are_set_before_the_first_request():
    emulator = TikTokEmulator()
    prepare(
        emulator,
        Options(switches=["rotation=off", "error_status=rfc"], faults=["token:reset:once"], names=["a.test"]),
    )

    assert emulator.workbench.switches.now == TikTokSwitches(rotation=False, error_status="rfc")
    assert [str(fault) for fault in emulator.workbench.faults] == ["token:reset:once"]
    assert emulator.workbench.hosts == {"a.test"}


def test_a_seed_makes_faults_repeatable():
    def drawn(seed: int) -> list[bool]:
        emulator = TikTokEmulator()
        prepare(emulator, Options(faults=["token:503:50%"], seed=seed))
        return [emulator.workbench.faults.take("token") is not None for _ in range(64)]

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (("--switch", "rotatoin=off"), "no switch is called 'rotatoin'; did you mean rotation?"),
        (("--switch", "rotation"), "rotation is one of on, off, not ''"),
        (("--fault", "tokn:reset"), "tokn"),
        (("--fault", "token:rest"), "reset"),
    ],
)
def test_what_the_emulator_does_not_know_is_one_line(option, problem):
    result = run("emulate", "tiktok", *option)

    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert problem in result.output


def test_the_choices_are_listed():
    result = run("emulate", "tiktok", "--list")
    words = set(result.output.split())

    assert result.exit_code == 0
    assert {"authorize,", "token,", "error_status", "200|rfc"} <= words
    assert set(KINDS) <= words


class Plain:
    """An emulator that stands on no workbench."""

    provider = "plain"


class WithPlain:
    @hookimpl
    def authkit_emulators(self):
        return [Plain]


def test_an_emulator_without_a_workbench_has_no_choices():
    emulator: Emulator = make_emulator("plain", load_plugins(found=(), extra=[WithPlain()]))
    prepare(emulator, Options())

    with pytest.raises(ConfigError, match=r"the emulator of 'plain' has neither faults nor switches$"):
        prepare(emulator, Options(faults=["token:reset"]))
    with pytest.raises(ConfigError, match=r"the emulator of 'plain' has neither faults nor switches$"):
        prepare(emulator, Options(switches=["a=b"]))


class Recorder(webbrowser.BaseBrowser):
    """A browser that opens nothing."""

    def __init__(self):
        super().__init__()
        self.opened = []

    def open(self, url, new=0, autoraise=True):
        self.opened.append(url)
        return True


def test_the_control_page_is_opened_when_it_is_wanted(capsys):
    browser = Recorder()
    webbrowser.register("recorder", None, browser, preferred=True)
    announce(TikTokEmulator(), "http://127.0.0.1:8787", {}, Options())
    announce(TikTokEmulator(), "http://127.0.0.1:8787", {}, Options(opens_page=True))

    assert browser.opened == ["http://127.0.0.1:8787/_emulator/"]


@pytest.mark.parametrize(("options", "lines"), [(Options(), 1), (Options(quiet=True), 0), (Options(as_json=True), 0)])
def test_a_line_a_request_is_printed_unless_told_otherwise(options, lines, capsys):
    emulator = TikTokEmulator()
    announce(emulator, "http://127.0.0.1:8787", {}, options)
    capsys.readouterr()
    emulator.workbench.answer(Request.by_browser("GET", "/v2/user/info/"))

    assert capsys.readouterr().out.count("GET userinfo 401") == lines


def test_an_emulator_without_a_workbench_is_announced_and_has_nothing_to_list(capsys):
    plugins = load_plugins(found=(), extra=[WithPlain()])
    announce(make_emulator("plain", plugins), "http://127.0.0.1:8787", {"authkit.plain.client_id": "c"}, Options())

    assert "authkit.plain.client_id = c" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="has neither faults nor switches"):
        list_choices("plain", plugins)


def test_other_apps_and_users_can_be_had():
    apps = [{"client_key": "aw1", "client_secret": "s", "status": "sandbox", "target_users": ["me"]}]
    users = [{"open_id": "o", "union_id": "u", "display_name": "Me", "username": "me", "is_verified": True}]
    emulator = make_emulator("tiktok", apps=apps, users=users)

    assert emulator.apps == (App("aw1", "s", status="sandbox", target_users=("me",)),)
    assert emulator.users == (User(open_id="o", union_id="u", display_name="Me", username="me", is_verified=True),)


def test_one_of_the_two_leaves_the_other_as_it_is():
    assert make_emulator("tiktok", apps=[{"client_key": "aw1", "client_secret": "s"}]).users == TikTokEmulator().users


def test_the_stock_emulator_takes_clients_and_what_user_info_answers():
    plugins = plugins_with(acme)
    emulator = make_emulator(
        "acme", plugins, apps=[{"client_id": "c", "client_secret": "s"}], users=[{"id": "7", "name": "Me"}]
    )

    assert emulator.settings("")["client_id"] == "c"
    assert [user.body for user in emulator.users] == [{"id": "7", "name": "Me"}]


@pytest.mark.parametrize(
    ("app", "problem"),
    [
        ({"client_key": "aw1"}, "App lacks 'client_secret'"),
        ({"client_key": "aw1", "client_secret": 7}, "'client_secret' has to be of type str"),
        ({"client_key": "aw1", "client_secret": "s", "scopes": "a,b"}, "'scopes' has to be a list of texts"),
        ({"client_key": "aw1", "client_secret": "s", "scopes": [1]}, "'scopes' has to be a list of texts"),
        ({"client_key": "aw1", "client_secret": "s", "secret": "s"}, "App has no 'secret'; it has client_key, "),
        ({"client_key": "aw1", "client_secret": "s", "has_login_kit": 1}, "'has_login_kit' has to be of type bool"),
        (
            {"client_key": "aw1", "client_secret": "s", "redirect_uris": ["http://a.example/"]},
            "TikTok would not register",
        ),
        ({"client_key": "aw1", "client_secret": "s", "platform": "weeb"}, "weeb"),
        ({"client_key": "aw1", "client_secret": "s", "status": "dead"}, "dead"),
    ],
)
def test_an_app_that_cannot_be_is_one_line(tmp_path, app, problem):
    apps = tmp_path / "apps.json"
    apps.write_text(json.dumps([app]))
    result = run("emulate", "tiktok", "--apps", str(apps))

    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert result.output.startswith("Error: the emulator of 'tiktok': ")
    assert problem in result.output


def test_an_emulator_that_takes_no_apps_says_so():
    with pytest.raises(ConfigError, match="takes neither apps nor users"):
        make_emulator("plain", load_plugins(found=(), extra=[WithPlain()]), users=[{"name": "me"}])


@pytest.mark.parametrize("content", ["", "{}", "[]", "[1]", "nonsense", "[" * 100_000])
def test_a_list_that_is_none_is_one_line(tmp_path, content):
    users = tmp_path / "users.json"
    users.write_text(content)
    result = run("emulate", "tiktok", "--users", str(users))

    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert result.output.startswith(f"Error: {users} ")


def test_roots_that_cannot_be_written_are_one_line(tmp_path):
    result = run("emulate", "tiktok", "--port", "0", "--tls", "--ca-file", str(tmp_path / "no" / "ca.pem"))

    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "No such file or directory" in result.output


def test_a_request_is_one_line_without_secrets(capsys):
    rule = Rule("T8", "The content type is bare.", "Get a user access token")
    print_request(
        Recorded(
            number=1,
            at=0.0,
            endpoint="token",
            method="POST",
            path="/v2/oauth/token/",
            query={},
            form={"client_key": "awkey", "client_secret": "canary-of-twenty-characters"},
            headers={},
            status=200,
            verdict="invalid_request",
            broken=rule,
        )
    )
    line = capsys.readouterr().out

    assert line.count("\n") == 1
    assert "POST token 200" in line
    assert "T8" in line
    assert "canary-of" not in line


def test_an_emulator_prints_its_settings_for_machines():
    port = free_port()
    with interrupted():
        told = json.loads(run("emulate", "tiktok", "--port", str(port), "--json").output)

    assert told == {
        "origin": f"http://127.0.0.1:{port}",
        "settings": {
            f"authkit.tiktok.{key}": value
            for key, value in TikTokEmulator().settings(f"http://127.0.0.1:{port}").items()
        },
    }


@pytest.mark.slow
def test_in_a_process_of_its_own_it_gives_way_answers_logs_and_ends_by_ctrl_c():
    with busy_port() as port, running("emulate", "tiktok", "--port", str(port)) as process:
        shown = read_until(process.stdout, "Ctrl-C")
        origin = ORIGIN.search(shown)[0]
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{origin}/v2/user/info/", timeout=10)
        logged = read_until(process.stdout, "userinfo")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)

    assert origin != f"http://127.0.0.1:{port}"
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "access_token_invalid")
    assert "GET userinfo 401" in logged
    assert (process.returncode, rest.strip(), errors) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_in_a_process_of_its_own_it_can_be_quiet(option):
    with running("emulate", "tiktok", "--port", "0", option) as process:
        shown = read_until(process.stdout, "Ctrl-C" if option == "--quiet" else "}\n")
        with requests.Session() as session:
            session.trust_env = False
            session.get(f"{ORIGIN.search(shown)[0]}/v2/user/info/", timeout=10)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)

    assert "userinfo 401" not in rest


@pytest.mark.slow
def test_an_unknown_emulator_in_a_process_of_its_own_is_one_line():
    done = run_process("emulate", "tictoc")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: no plugin brings an emulator of 'tictoc'; there are: oidc, tiktok\n"
