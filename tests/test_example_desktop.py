"""The example of a desktop program, and the page about it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import environment
from loopback_world import KEY, REGISTERED, App, desktop_emulator, get, settings_at
from test_examples import lines_of_code

from authkit.emulator import serve

ROOT = Path(__file__).parents[1]
EXAMPLE, PAGE = ROOT / "examples" / "desktop.py", ROOT / "docs" / "desktop.md"


def run_example(answer):
    """Run the program beside an emulator, do as `answer` says at the address that it prints, and return its end."""
    emulator = desktop_emulator()
    with serve(emulator, port=0) as server:
        settings = settings_at(emulator, server.origin)
        variables = {name.upper().replace(".", "_"): value for name, value in settings.items()}
        process = subprocess.Popen(
            [sys.executable, "-u", str(EXAMPLE)],
            env=environment(**variables, BROWSER="true"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            while "http" not in (line := process.stderr.readline()):
                assert line, "it ended before it printed an address"
            get(getattr(emulator, answer)(line.strip()))
            output, errors = process.stdout.read(), process.stderr.read()
    return process.returncode, output, errors.strip()


def test_the_program_is_under_30_lines():
    assert len(lines_of_code(EXAMPLE)) < 30


@pytest.mark.slow
def test_the_program_signs_its_user_in():
    status, output, errors = run_example("approve")

    assert (status, errors) == (0, "")
    assert re.fullmatch(rf"Hello, Ada Tok\. To this program you are v1:tiktok:{KEY}:\S+\.\n", output)


@pytest.mark.slow
def test_the_program_says_that_the_user_said_no():
    status, output, errors = run_example("deny")

    assert (status, output) == (1, "")
    assert errors.splitlines()[-1].startswith("You did not allow the sign-in. You can try again whenever you like. (")


def test_the_program_says_which_setting_is_missing():
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], check=False, env=environment(), capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(
        "(config_error: authkit.tiktok.client_key is missing: what TikTok calls the client id)\n"
    )


def test_the_page_shows_the_program_as_it_is():
    source = EXAMPLE.read_text(encoding="utf-8")
    docstring = ast.get_source_segment(source, ast.parse(source).body[0])

    assert source.replace(docstring, "", 1).strip() in PAGE.read_text(encoding="utf-8")


def test_the_page_s_redirect_uri_is_one_that_tiktok_registers():
    registered = re.search(r"^(http://127\S+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)[1]

    assert registered == REGISTERED
    assert App(KEY, "secret", redirect_uris=(registered,), platform="desktop").redirect_uris == (REGISTERED,)
    with pytest.raises(ValueError, match="would not register"):
        App(KEY, "secret", redirect_uris=(registered,), platform="web")


def test_the_page_s_lines_about_kept_tokens_run():
    [source] = [
        block
        for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        if "TokenRing" in block
    ]
    script = f"""
import sys, types
store = {{}}
sys.modules["keyring"] = types.SimpleNamespace(
    get_password=lambda *place: store.get(place),
    set_password=lambda service, name, text: store.__setitem__((service, name), text),
    delete_password=lambda *place: store.pop(place),
)
sys.path.insert(0, {str(ROOT / "tests")!r})
from fakes import Network, TOKEN, make_kit
from authkit import Token
from authkit.models import Secret
kit = make_kit(Network())
name, key = "acme", "v1:acme:acme-client:user-1"
token = Token(Secret("an-old-token"), Secret("a-refresh-token"))
{source}
print(sorted(store), fresh.access_token.reveal())
ring.forget(key)
print(store)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)

    assert (done.stdout, done.stderr) == (
        "[('my-program', 'v1:acme:acme-client:user-1')] canary-access-token\n{}\n",
        "",
    )
