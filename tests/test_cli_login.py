"""``authkit login``: from its settings to what it shows, with TikTok emulated and a browser of the tests' own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import webbrowser

import pytest
from cli_world import environment, run
from fakes import SECRET as APP_SECRET
from loopback_world import KEY, SCOPES, desktop_emulator, get, is_open, port_of, settings_at

from authkit.cli.login import _announce_by_hand
from authkit.emulator import serve
from authkit_tiktok.emulator.user import EXAMPLE_USERS

HERE = "SSH_CONNECTION", "BROWSER", "DISPLAY", "WAYLAND_DISPLAY"
ADA, BEN = EXAMPLE_USERS[:2]
BACKEND = """
import json, os
from keyring.backend import KeyringBackend

class Folder(KeyringBackend):
    priority = 1

    def _path(self, service, username):
        return os.path.join(os.environ["KEYRING_FOLDER"], service + "+" + username.replace(":", "+"))

    def get_password(self, service, username):
        path = self._path(service, username)
        return open(path).read() if os.path.exists(path) else None

    def set_password(self, service, username, password):
        with open(self._path(service, username), "w") as file:
            file.write(password)

class Broken(Folder):
    def set_password(self, service, username, password):
        raise RuntimeError("cannot keep " + password)
"""


STOPPABLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may have taken Ctrl-C away
sys.argv = ["authkit", "login", "tiktok", "--no-browser"]
from authkit.cli import main
main()
"""


class ScriptedBrowser(webbrowser.BaseBrowser):
    """A browser, as the standard library knows browsers: it does what the test at hand says."""

    script = staticmethod(lambda url: None)

    def open(self, url, new=0, autoraise=True):
        type(self).script(url)
        return True


@pytest.fixture(scope="module")
def tiktok():
    """Give TikTok with a desktop app, and the variables that point to it."""
    emulator = desktop_emulator()
    with serve(emulator, port=0) as server:
        yield emulator, server.origin


@pytest.fixture
def variables(tiktok):
    return {name.upper().replace(".", "_"): value for name, value in settings_at(*tiktok).items()} | dict.fromkeys(
        HERE
    )


@pytest.fixture
def browse(tiktok, variables):
    """Give what runs the command here, with a browser in which a user says yes, or does as `script` says."""

    def go(*args, script=None, **env):
        def say_yes(url):
            get(tiktok[0].approve(url))

        ScriptedBrowser.script = staticmethod(script or say_yes)
        return run("login", "tiktok", *args, **{**variables, "BROWSER": "authkit-tests", **env})

    webbrowser.register("authkit-tests", None, ScriptedBrowser(), preferred=True)
    yield go
    ScriptedBrowser.script = staticmethod(lambda url: None)


@pytest.fixture
def keyring_at(tmp_path):
    """Give the variables of a keyring that keeps everything in a folder."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "ours_for_tests.py").write_text(BACKEND)
    return lambda backend: {
        "PYTHONPATH": f"{tmp_path}:{':'.join(sys.path)}",
        "PYTHON_KEYRING_BACKEND": backend,
        "KEYRING_FOLDER": str(tmp_path / "kept"),
    }


def started(variables, *command):
    """Start Python, and return the process with what it said until the address came, or until it ended."""
    process = subprocess.Popen(
        [sys.executable, "-u", *command],
        env=environment(**{name: value for name, value in variables.items() if value is not None}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = ""
    while "http" not in said and (line := process.stderr.readline()):
        said += line
    return process, said


def rest_of(process):
    """Wait for its end, and return what it still says. `communicate` would lose what is read ahead."""
    with process:
        return process.stdout.read(), process.stderr.read()


def sign_in(tiktok, variables, *args, answer="approve", **env):
    """Run the command as a process of its own, open the address that it prints, and return how it ended."""
    command = "-m", "authkit", "login", "tiktok", "--no-browser", *args
    process, said = started({**variables, **env}, *command)
    url = said.split()[-1]
    page = get(getattr(tiktok[0], answer)(url)) if "http" in said else None
    output, rest = rest_of(process)
    return process.returncode, output, said + rest, page, url


# What it shows.


def test_it_opens_the_browser_and_shows_who_signed_in(browse):
    result = browse()
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())

    assert result.exit_code == 0
    assert list(lines) == ["identity", "subject", "display_name", "avatar_url", "union_id", "granted_scopes"]
    assert lines["identity"] == f"v1:tiktok:{KEY}:{lines['subject']}"
    assert (lines["display_name"], lines["granted_scopes"]) == ("Ada Tok", "user.info.basic")
    assert result.stderr.startswith("If no browser opens, open this address in yours:\n\n  http://127.0.0.1:")


def test_json_is_the_whole_profile_and_no_token(browse):
    shown = json.loads(browse("--json").stdout)

    assert shown["raw"].pop("display_name") == "Ada Tok"
    assert sorted(shown.pop("raw")) == ["avatar_large_url", "avatar_url", "avatar_url_100", "open_id", "union_id"]
    assert shown == {
        "identity": f"v1:tiktok:{KEY}:{shown['subject']}",
        "subject": ADA.open_id,
        "display_name": "Ada Tok",
        "username": None,
        "avatar_url": shown["avatar_url"],
        "email": None,
        "email_verified": False,
        "union_id": ADA.union_id,
        "granted_scopes": ["user.info.basic"],
        "missing_scopes": [],
    }


def test_more_scopes_can_be_asked_for_in_any_writing(browse):
    shown = json.loads(browse("--json", "--scope", "user.info.profile,user.info.basic", "--scope", SCOPES[1]).stdout)

    assert (shown["granted_scopes"], shown["missing_scopes"]) == (list(SCOPES), [])
    assert shown["username"] == "ada.tok"


def test_what_was_not_granted_is_shown(browse, tiktok):
    def untick(url):
        get(tiktok[0].approve(url, scopes=["user.info.basic"]))

    shown = browse("--scope", "user.info.profile", script=untick).stdout

    assert re.search(r"^missing_scopes +user\.info\.profile$", shown, re.MULTILINE)


def test_a_name_cannot_command_the_terminal():
    from authkit.cli.login import _lines

    assert _lines({"identity": "v1", "granted_scopes": ["a\x1b[2J"], "email": None, "raw": {"a": "\x1b"}}) == (
        "identity        v1\ngranted_scopes  a\\x1b[2J"
    )


# Where its settings come from.


def test_an_ini_file_will_do_be_it_a_web_app_s(browse, tiktok, tmp_path):
    own = "\n".join(f"{key} = {value}" for key, value in settings_at(*tiktok).items())
    site = f"authkit.secret = {APP_SECRET}\nauthkit.base_url = https://app.example\n"
    (tmp_path / "app.ini").write_text(f"[app:main]\n{site}authkit.accounts.database = sqlite://\n{own}\n")
    nothing = {f"AUTHKIT_TIKTOK_{key}": None for key in ("CLIENT_KEY", "CLIENT_SECRET", "TOKEN_URL", "AUTHORIZE_URL")}

    assert browse("--ini", str(tmp_path / "app.ini"), **nothing).exit_code == 0


def test_without_a_key_the_line_says_what_is_missing(browse):
    result = browse(AUTHKIT_TIKTOK_CLIENT_KEY=None)

    assert (result.exit_code, result.output) == (
        1,
        "Error: authkit.tiktok.client_key is missing: what TikTok calls the client id\n",
    )


def test_a_platform_that_takes_no_loopback_address_is_one_line(browse):
    result = browse(AUTHKIT_TIKTOK_PKCE="off")

    assert (result.exit_code, result.output) == (
        1,
        "Error: authkit.tiktok.pkce: a login over the loopback address needs PKCE; RFC 8252, section 8.1\n",
    )


@pytest.mark.parametrize("seconds", ["0", "601", "long"])
def test_a_timeout_that_cannot_be_is_a_matter_of_usage(seconds):
    assert run("login", "tiktok", "--timeout", seconds).exit_code == 2


# How it fails.


def test_a_user_who_says_no_is_one_line(browse, tiktok):
    result = browse(script=lambda url: get(tiktok[0].deny(url)))
    error = result.stderr.rstrip("\n").rpartition("\n")[2]

    assert (result.exit_code, result.stdout) == (1, "")
    assert error == (
        "Error: You did not allow the sign-in. You can try again whenever you like. "
        "(access_denied: access_denied: access_denied)"
    )


def test_nobody_comes_back_in_time(browse):
    result = browse("--timeout", "1", script=lambda url: None)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("(access_denied: nobody came back from the provider in time)\n")


# Without a browser here.


def opened(browse, *args, **env):
    """Return whether the command opens the browser, and what it announces."""
    seen = []
    result = browse(*args, "--timeout", "1", script=seen.append, **env)
    return bool(seen), result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "env", "is_opened"),
    [
        ([], {}, True),
        (["--no-browser"], {}, False),
        ([], {"SSH_CONNECTION": "x", "BROWSER": None}, False),
        ([], {"SSH_CONNECTION": "x", "BROWSER": "x"}, True),
        ([], {"SSH_CONNECTION": "x", "BROWSER": None, "DISPLAY": ":10"}, True),
        ([], {"SSH_CONNECTION": "x", "BROWSER": None, "WAYLAND_DISPLAY": "w"}, True),
    ],
)
def test_the_browser_stays_closed_where_it_is_not_wanted_or_would_take_the_terminal(browse, args, env, is_opened):
    was_opened, said = opened(browse, *args, **env)

    assert was_opened is is_opened
    assert ("ssh -N -L" in said) is not is_opened


def test_over_ssh_the_line_to_forward_the_port_is_printed(capsys):
    _announce_by_hand("https://t.example/?redirect_uri=http%3A%2F%2F127.0.0.1%3A4321%2Fcallback%2F&state=s")

    assert capsys.readouterr().err == (
        "Open this address in your browser:\n\n"
        "  https://t.example/?redirect_uri=http%3A%2F%2F127.0.0.1%3A4321%2Fcallback%2F&state=s\n\n"
        "Is the browser on another machine? Run there first: ssh -N -L 4321:127.0.0.1:4321 <this machine>\n"
    )


@pytest.mark.slow
def test_the_address_can_be_opened_by_hand(tiktok, variables):
    status, output, said, page, url = sign_in(tiktok, variables, "--json")
    port = port_of(url)

    assert (status, page.status) == (0, 200)
    assert json.loads(output)["display_name"] == "Ada Tok"
    assert said == (
        f"Open this address in your browser:\n\n  {url}\n\n"
        f"Is the browser on another machine? Run there first: ssh -N -L {port}:127.0.0.1:{port} <this machine>\n"
    )


@pytest.mark.slow
def test_a_failure_is_not_logged_besides(tiktok, variables):
    status, output, said, page, _ = sign_in(tiktok, variables, answer="deny")

    assert (status, output, page.status) == (1, "", 403)
    assert said.count("access_denied") == 3
    assert said.rstrip("\n").rsplit("\n", 1)[1].startswith("Error: You did not allow the sign-in.")


@pytest.mark.slow
def test_ctrl_c_ends_it_and_closes_the_port(variables):
    process, said = started(variables, "-c", STOPPABLE)
    port = port_of(said.split()[-1])
    before = is_open(port)
    process.send_signal(signal.SIGINT)
    output, rest = rest_of(process)

    assert (before, is_open(port)) == (True, False)
    assert (process.returncode, output) == (1, "")
    assert rest.rstrip("\n").rsplit("\n", 1)[1] == "Aborted!"
    assert "Traceback" not in rest


# The keyring.


@pytest.mark.slow
def test_the_tokens_go_to_the_keyring_and_to_nobody_s_eyes(tiktok, variables, keyring_at, tmp_path):
    status, output, said, _, _ = sign_in(tiktok, variables, "--keyring", **keyring_at("ours_for_tests.Folder"))
    [kept] = (tmp_path / "kept").iterdir()
    token = json.loads(kept.read_text())

    assert status == 0
    assert kept.name == f"authkit+v1+tiktok+{KEY}+{ADA.open_id}"
    assert sorted(token) == ["access_token", "expires_at", "refresh_expires_at", "refresh_token", "scope", "subject"]
    assert (token["scope"], token["subject"]) == (["user.info.basic"], ADA.open_id)
    assert [token[name] for name in ("access_token", "refresh_token") if token[name] in output + said] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "is_asked", "error"),
    [
        ("keyring.backends.fail.Keyring", False, "the keyring failed (NoKeyringError); see: keyring diagnose"),
        ("keyring.backends.null.Keyring", True, "the keyring did not keep the token; see: keyring diagnose"),
        ("ours_for_tests.Broken", True, "the keyring failed (RuntimeError); see: keyring diagnose"),
    ],
)
def test_a_keyring_that_keeps_nothing_is_one_line(tiktok, variables, keyring_at, backend, is_asked, error):
    status, output, said, page, _ = sign_in(tiktok, variables, "--keyring", **keyring_at(backend))

    assert (status, output, page is not None) == (1, "", is_asked)
    assert said.endswith(f"Error: {error}\n")


@pytest.mark.slow
def test_without_the_library_the_line_says_how_to_get_it(variables):
    script = (
        "import sys; sys.modules['keyring'] = None; sys.argv = ['authkit', 'login', 'tiktok', '--keyring']\n"
        "from authkit.cli import main; main()"
    )
    settings = {name: value for name, value in variables.items() if value is not None}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "Error: the keyring needs one more package: pip install keyring\n",
    )


def test_the_keyring_of_this_process_is_used(browse):
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend

    class Memory(KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            return kept.get((service, username))

        def set_password(self, service, username, password):
            kept[service, username] = password

    kept = {}
    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    try:
        result = browse("--keyring")
    finally:
        keyring.set_keyring(before)

    assert result.exit_code == 0
    assert list(kept) == [("authkit", f"v1:tiktok:{KEY}:{ADA.open_id}")]
