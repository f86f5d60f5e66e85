"""``authkit new-plugin``: what it asks, what it refuses, and what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cli_world import run
from click.testing import CliRunner
from conftest import needs

from authkit.cli.commands import authkit

ENDPOINTS = (
    *("--authorize-url", "https://acme.example/oauth/authorize"),
    *("--token-url", "https://acme.example/oauth/token"),
    *("--userinfo-url", "https://acme.example/api/me"),
)
ACME = ("new-plugin", "acme", *ENDPOINTS, "--yes")
FILES = [
    ".github/workflows/test.yml",
    ".gitignore",
    "README.md",
    "pyproject.toml",
    "src/authkit_acme/__init__.py",
    "src/authkit_acme/py.typed",
    "tests/test_acme.py",
]
PROVIDER = """\
acme = OAuth2Provider(
    name="acme",
    title="Acme",
    authorize_url="https://acme.example/oauth/authorize",
    token_url="https://acme.example/oauth/token",
    userinfo_url="https://acme.example/api/me",
    profile=read_profile,
)
"""


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def module_of(folder, name="acme"):
    return (folder / f"authkit-{name}" / "src" / f"authkit_{name}" / "__init__.py").read_text()


def refused(*args):
    """Return why a command was refused."""
    result = run(*args)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    return result.stderr


def test_it_writes_a_folder_and_says_what_to_type_next(tmp_path):
    result = run(*ACME, "--into", str(tmp_path))

    folder = tmp_path / "authkit-acme"
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"{folder} is a plugin. Next:\n\n  cd {folder}\n  python -m pip install -e '.[test]'\n  python -m pytest\n"
    )
    assert files_in(folder) == FILES
    assert PROVIDER in module_of(tmp_path)


def test_without_a_place_it_writes_into_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert run(*ACME).stdout.startswith("authkit-acme is a plugin. Next:\n\n  cd authkit-acme\n")
    assert files_in(tmp_path / "authkit-acme") == FILES


def test_it_asks_for_what_no_option_answers(tmp_path):
    typed = [
        "Acme & Sons",
        "https://acme.example/authorize",
        "https://acme.example/token",
        "https://acme.example/me",
        "https://acme.example/revoke",
        "profile, mail",
        "body",
        "user.id",
        "number",
        "user.name",
    ]
    result = CliRunner().invoke(
        authkit, ["new-plugin", "acme", "--into", str(tmp_path)], input="".join(f"{line}\n" for line in typed)
    )

    assert result.exit_code == 0, result.output
    questions = [line.partition(":")[0] for line in result.stdout.splitlines()[: len(typed)]]
    assert [question.split()[0] for question in questions] == (
        ["What", "Authorization", "Token", "User", "Revocation", "Scopes", "How", "Where", "Is", "Where"]
    )
    assert module_of(tmp_path).partition("hookimpl\n\n\n")[2].partition("\n\n\n@hookimpl")[0] == (
        "def read_profile(data: Mapping[str, Any]) -> Profile:\n"
        '    """Make a profile of what the user info endpoint answered."""\n'
        '    user_id = data["user"]["id"]\n'
        "    if type(user_id) is not int:  # str() would make one user of all who have no id\n"
        '        raise TypeError("the user\'s id is no number")\n'
        "    return Profile(\n"
        "        subject=str(user_id),\n"
        '        display_name=data["user"].get("name"),\n'
        "    )\n\n\n"
        "acme = OAuth2Provider(\n"
        '    name="acme",\n'
        '    title="Acme & Sons",\n'
        '    authorize_url="https://acme.example/authorize",\n'
        '    token_url="https://acme.example/token",\n'
        '    userinfo_url="https://acme.example/me",\n'
        '    revoke_url="https://acme.example/revoke",\n'
        '    default_scope=("profile", "mail"),\n'
        '    token_auth="body",\n'
        "    profile=read_profile,\n"
        ")"
    )


def test_it_takes_the_default_of_a_question_that_is_passed_by(tmp_path):
    typed = ["", "https://acme.example/oauth/authorize", "https://acme.example/oauth/token"]
    typed += ["https://acme.example/api/me", "", "", "", "", "", ""]
    CliRunner().invoke(
        authkit, ["new-plugin", "acme", "--into", str(tmp_path)], input="".join(f"{line}\n" for line in typed)
    )

    assert PROVIDER in module_of(tmp_path)
    assert 'subject=data["id"],\n        display_name=data.get("name"),\n' in module_of(tmp_path)


def test_it_asks_again_after_an_answer_that_cannot_be(tmp_path):
    result = CliRunner().invoke(
        authkit,
        ["new-plugin", "acme", *ENDPOINTS[2:], "--title", "Acme", "--into", str(tmp_path)],
        input="http://acme.example/a\nhttps://acme.example/a\n" + "\n" * 6,
    )

    assert result.exit_code == 0
    assert "Error: 'http://acme.example/a' is http; write https (an app sets another endpoint" in result.output
    assert 'authorize_url="https://acme.example/a"' in module_of(tmp_path)


def test_a_provider_without_names_has_a_profile_without_one(tmp_path):
    run(*ACME, "--into", str(tmp_path), "--name-field", "")

    assert 'return Profile(\n        subject=data["id"],\n    )' in module_of(tmp_path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Acme", "provider name 'Acme' does not match [a-z][a-z0-9-]{0,31}; choose another"),
        ("acme_2", "provider name 'acme_2' does not match [a-z][a-z0-9-]{0,31}; choose another"),
        ("../acme", "provider name '../acme' does not match [a-z][a-z0-9-]{0,31}; choose another"),
        ("acme\n", "provider name 'acme\\\\n' does not match [a-z][a-z0-9-]{0,31}; choose another"),
        ("login", "provider name 'login' is reserved; choose another"),
        ("acme-", "a distribution cannot be named authkit-acme-: its name must end in a letter or a digit"),
        ("core", "authkit-core is authkit itself; choose another name"),
    ],
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_written(name, reason, tmp_path):
    assert refused("new-plugin", name, *ENDPOINTS, "--yes", "--into", str(tmp_path)) == f"Error: {reason}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--title", " ", "has to be 1 to 60 characters that can be printed"),
        ("--title", "A\nB", "has to be 1 to 60 characters that can be printed"),
        ("--title", "A\u202eB", "has to be 1 to 60 characters that can be printed"),
        ("--title", "A" * 61, "has to be 1 to 60 characters that can be printed"),
        ("--authorize-url", "acme.example", "is no absolute URL; write it as https://host/path"),
        (
            *("--token-url", "http://127.0.0.1/token"),
            "is http; write https (an app sets another endpoint, such as an emulator's, in its settings)",
        ),
        ("--userinfo-url", "", "is no absolute URL; write it as https://host/path"),
        ("--revoke-url", "https://a@acme.example/", "has a user, a fragment or a port that it must not have"),
        ("--scope", 'one "two"', "has '\"two\"', which is no scope (RFC 6749, section 3.3)"),
        ("--token-auth", "header", "has to be one of: basic, body, none"),
        (
            *("--subject-field", ""),
            "is no member's name; write one as id, or with dots between at most four: data.user.id",
        ),
        (
            *("--subject-field", "a.b.c.d.e"),
            "is no member's name; write one as id, or with dots between at most four: data.user.id",
        ),
        (
            *("--name-field", 'a"]'),
            "is no member's name; write one as id, or with dots between at most four: data.user.id",
        ),
        ("--subject-type", "uuid", "has to be one of: text, number"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_before_anything_is_written(option, value, reason, tmp_path):
    shown = value.encode("unicode_escape").decode()
    assert refused(*ACME, option, value, "--into", str(tmp_path)) == f"Error: {option} '{shown}' {reason}\n"
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_is_missing_is_named_where_nobody_is_asked(tmp_path):
    said = refused("new-plugin", "acme", *ENDPOINTS[:4], "--yes", "--into", str(tmp_path))

    assert said == "Error: --userinfo-url is missing: User info endpoint (it answers who somebody is)\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_exists_is_never_touched(kind, tmp_path):
    folder = tmp_path / "authkit-acme"
    if kind == "folder":
        folder.mkdir()
        (folder / "pyproject.toml").write_text("mine")
    elif kind == "file":
        folder.write_text("mine")
    else:
        folder.symlink_to(tmp_path / "nowhere")

    assert refused(*ACME, "--into", str(tmp_path)) == (
        f"Error: {folder} exists, and nothing of it was touched; move it away, or choose another place: --into DIR\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["authkit-acme"]
    assert kind != "folder" or files_in(folder) == ["pyproject.toml"]
    assert kind != "file" or folder.read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_named():
    needs(Path("/proc/self").exists(), "a folder in which nobody can write")
    assert refused(*ACME, "--into", "/proc") == (
        "Error: /proc/authkit-acme cannot be written: No such file or directory\n"
    )


def test_a_place_that_is_not_there_is_refused(tmp_path):
    result = run(*ACME, "--into", str(tmp_path / "nowhere"))

    assert result.exit_code == 2
    assert "does not exist" in result.stderr


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("acme", "acme"),
        ("my-acme", "my_acme"),
        ("class", "class_"),
        ("list", "list_"),
        ("match", "match_"),
        ("read-profile", "read_profile_"),
        ("hookimpl", "hookimpl_"),
    ],
)
def test_a_variable_hides_nothing_that_is_needed(name, variable, tmp_path):
    run("new-plugin", name, *ENDPOINTS, "--yes", "--into", str(tmp_path))

    module = module_of(tmp_path, name) if "-" not in name else ""
    module = module or next((tmp_path / f"authkit-{name}").rglob("__init__.py")).read_text()
    assert f'\n{variable} = OAuth2Provider(\n    name="{name}",\n' in module
    names = {}
    exec(module, names)
    assert names["authkit_providers"]()[0].name == name


# An issuer, or the server's metadata


def test_an_issuer_is_the_whole_of_a_provider_of_openid_connect(tmp_path):
    result = run("new-plugin", "acme", "--issuer", "https://id.acme.example", "--yes", "--into", str(tmp_path))

    assert result.exit_code == 0, result.output
    assert files_in(tmp_path / "authkit-acme") == FILES
    assert module_of(tmp_path) == (
        '"""Sign-in with acme: a provider plugin for authkit."""\n\n'
        "from collections.abc import Sequence\n\n"
        "from authkit import hookimpl\n"
        "from authkit.oidc import OpenIDProvider\n\n"
        "acme = OpenIDProvider(\n"
        '    name="acme",\n'
        '    title="Acme",\n'
        '    issuer="https://id.acme.example",\n'
        ")\n\n\n"
        "@hookimpl\n"
        "def authkit_providers() -> Sequence[OpenIDProvider]:\n"
        '    """Tell authkit of the provider."""\n'
        "    return [acme]\n"
    )
    assert 'dependencies = ["authkit-core[oidc]>=' in (tmp_path / "authkit-acme" / "pyproject.toml").read_text()


def test_an_issuer_asks_for_the_title_alone(tmp_path):
    result = CliRunner().invoke(
        authkit,
        ["new-plugin", "acme", "--issuer", "https://id.acme.example", "--into", str(tmp_path)],
        input="ACME\n",
    )

    assert result.exit_code == 0, result.output
    assert 'title="ACME"' in module_of(tmp_path)


def test_an_issuer_goes_with_no_endpoint(tmp_path):
    assert refused(*ACME, "--issuer", "https://id.acme.example", "--into", str(tmp_path)) == (
        "Error: --issuer goes with --title alone: the issuer's metadata, read at each start, say the rest\n"
    )


def test_an_issuer_is_https(tmp_path):
    said = refused("new-plugin", "acme", "--issuer", "http://id.acme.example", "--yes", "--into", str(tmp_path))

    assert said.startswith("Error: --issuer 'http://id.acme.example' is http; write https")


def test_an_issuer_is_what_the_core_takes_for_one(tmp_path):
    said = refused("new-plugin", "acme", "--issuer", "https://id.acme.example/?a=b", "--yes", "--into", str(tmp_path))

    assert said == "Error: provider 'acme': issuer has a query, which no issuer has\n"
    assert list(tmp_path.iterdir()) == []


def test_metadata_answer_and_options_win_over_them(tmp_path):
    file = tmp_path / "metadata.json"
    metadata = {
        "issuer": "https://acme.example",
        "authorization_endpoint": "https://acme.example/authorize",
        "token_endpoint": "https://acme.example/token",
        "userinfo_endpoint": "https://acme.example/userinfo",
        "response_types_supported": ["code"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post"],
        "scopes_supported": ["email", "openid"],
        "authorization_response_iss_parameter_supported": True,
    }
    file.write_text(json.dumps(metadata))

    result = run(
        *("new-plugin", "acme", "--metadata", str(file), "--scope", "openid", "--yes", "--into", str(tmp_path))
    )

    assert result.exit_code == 0, result.output
    assert re.search(r"\n(acme = .*?\n\))\n", module_of(tmp_path), re.DOTALL)[1] == (
        "acme = OAuth2Provider(\n"
        '    name="acme",\n'
        '    title="Acme",\n'
        '    authorize_url="https://acme.example/authorize",\n'
        '    token_url="https://acme.example/token",\n'
        '    userinfo_url="https://acme.example/userinfo",\n'
        '    default_scope=("openid",),\n'
        '    token_auth="body",\n'
        '    issuer="https://acme.example",\n'
        "    profile=read_profile,\n"
        ")"
    )
    assert 'subject=data["sub"],' in module_of(tmp_path)


def test_metadata_that_cannot_be_read_write_nothing(tmp_path):
    file = tmp_path / "metadata.json"
    file.write_text("[]")

    assert refused("new-plugin", "acme", "--metadata", str(file), "--yes", "--into", str(tmp_path)) == (
        f"Error: {file}: the answer is JSON, but no object\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["metadata.json"]
