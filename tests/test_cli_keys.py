"""``authkit keys new``: what it prints, and what it does to a file."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading

import pytest
from cli_world import environment, run
from fakes import SECRET, make_kit

from authkit import AuthKit
from authkit.models import Secret

signingkeys = pytest.importorskip("authkit.native.signingkeys")

ALGORITHMS = ("ES256", "EdDSA", "HS256")
FORMS = {
    "ES256": {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"},
    "HS256": {"kty": "oct", "alg": "HS256", "use": "sig"},
}


def made(*args):
    """Return what the command printed."""
    result = run("keys", "new", *args)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def keys_in(path):
    return json.loads(path.read_text())["keys"]


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_it_prints_signs_and_verifies(algorithm):
    text = made("--alg", algorithm)
    keys = signingkeys.SigningKeys(Secret(text))
    [key] = json.loads(text)["keys"]

    assert {name: key[name] for name in FORMS[algorithm]} == FORMS[algorithm]
    assert keys.verify("JWT", keys.sign("JWT", b"{}")) == b"{}"


def test_the_usual_algorithm_is_es256():
    assert json.loads(made())["keys"][0]["alg"] == "ES256"


def test_another_algorithm_is_a_matter_of_usage():
    assert run("keys", "new", "--alg", "none").exit_code == 2
    assert run("keys", "new", "--keep", "0").exit_code == 2


def test_it_prints_one_line_that_an_ini_file_takes(tmp_path):
    from authkit.cli.listing import read_ini

    line = made().rstrip("\n")
    ini = tmp_path / "app.ini"
    ini.write_text(f"[app:main]\nauthkit.native.keys = {line}\n")

    assert "\n" not in line
    assert read_ini(ini) == {"authkit.native.keys": line}


@pytest.mark.parametrize("by", ["setting", "file", "variable"])
def test_the_settings_take_it(by, tmp_path):
    path = tmp_path / "keys.json"
    made("--file", str(path))
    text = path.read_text()
    settings = {
        "setting": {"authkit.native.keys": text},
        "file": {"authkit.native.keys_file": str(path)},
        "variable": {},
    }[by]
    environ = {"AUTHKIT_NATIVE_KEYS": text} if by == "variable" else {}
    site = {"authkit.secret": SECRET, "authkit.base_url": "https://app.example"}
    own = {"authkit.acme.client_id": "x", "authkit.acme.client_secret": "y"}
    kit = AuthKit.from_settings({**site, **own, **settings}, plugins=make_kit().plugins, environ=environ)
    keys = signingkeys.SigningKeys(kit.parts["native"]["keys"])

    assert [key["kid"] for key in keys.public()["keys"]] == [key["kid"] for key in keys_in(path)]


def test_each_key_is_another():
    first, second = (json.loads(made())["keys"][0] for _ in range(2))

    assert first["kid"] != second["kid"]
    assert first["d"] != second["d"]


def test_a_new_key_stands_in_front_and_the_oldest_goes(tmp_path):
    path = tmp_path / "keys.json"
    seen = []
    for algorithm in ("ES256", "EdDSA", "HS256", "ES256"):
        said = made("--file", str(path), "--keep", "3", "--alg", algorithm)
        seen.insert(0, keys_in(path)[0])
        assert keys_in(path) == seen[:3]
        assert said == (
            f"{path} has {len(seen[:3])} key(s); {seen[0]['kid']} signs: authkit.native.keys_file = {path}\n"
        )
    assert len({key["kid"] for key in seen}) == 4
    assert signingkeys.SigningKeys(Secret(path.read_text()))


def test_two_stay_unless_it_is_told_otherwise(tmp_path):
    path = tmp_path / "keys.json"
    for _ in range(3):
        made("--file", str(path))

    assert len(keys_in(path)) == 2


def test_what_an_older_key_signed_is_still_good(tmp_path):
    path = tmp_path / "keys.json"
    made("--file", str(path))
    signed = signingkeys.SigningKeys(Secret(path.read_text())).sign("JWT", b"{}")
    made("--file", str(path))

    assert signingkeys.SigningKeys(Secret(path.read_text())).verify("JWT", signed) == b"{}"


def test_the_file_is_its_owner_s_alone_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "keys.json"
    before = os.umask(0)
    try:
        made("--file", str(path))
        first = mode_of(path)
        path.chmod(0o644)
        made("--file", str(path))
    finally:
        os.umask(before)

    assert (first, mode_of(path), names_in(tmp_path)) == (0o600, 0o600, ["keys.json"])


def test_a_file_in_the_working_folder_is_named_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert made("--file", "keys.json").endswith(f"authkit.native.keys_file = {tmp_path.resolve()}/keys.json\n")


def test_the_file_is_replaced_and_never_half_written(tmp_path):
    path = tmp_path / "keys.json"
    made("--file", str(path))
    is_over, torn = threading.Event(), []

    def read():
        while not is_over.is_set():
            try:
                signingkeys.SigningKeys(Secret(path.read_text()))
            except Exception as exc:  # noqa: BLE001 - whatever it is, it is counted
                torn.append(exc)

    reader = threading.Thread(target=read)
    reader.start()
    with path.open() as kept_open:
        for _ in range(20):
            made("--file", str(path))
        old = kept_open.read()
    is_over.set()
    reader.join()

    assert torn == []
    assert len(json.loads(old)["keys"]) == 1


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "keys.json")
    made("--file", str(tmp_path / "link.json"))

    assert (tmp_path / "link.json").is_symlink()
    assert len(keys_in(tmp_path / "keys.json")) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file away")
def test_root_does_not_lock_the_app_out(tmp_path):
    path = tmp_path / "keys.json"
    made("--file", str(path))
    os.chown(path, 4321, 4322)
    made("--file", str(path))

    assert (path.stat().st_uid, path.stat().st_gid, mode_of(path)) == (4321, 4322, 0o600)


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "{}", '{"keys": "abc"}', '{"keys": {"a": 1}}', "[" * 100_000, b"\xff"],
    ids=["empty", "no json", "a list", "no keys", "a text", "an object", "deep", "no utf-8"],
)
def test_a_file_that_is_no_key_set_stays_as_it_is(text, tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = path.read_bytes()
    result = run("keys", "new", "--file", str(path))

    assert (result.exit_code, result.output) == (
        1,
        f"Error: {path} cannot be read, or is no JSON Web Key set; nothing was changed\n",
    )
    assert (path.read_bytes(), names_in(tmp_path)) == (before, ["keys.json"])


@pytest.mark.parametrize("member", ["x", {}, {"kid": "a"}, {"kid": "a", "kty": "RSA", "n": "x", "e": "AQAB"}, None])
def test_a_key_that_the_app_would_refuse_is_refused_here(member, tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [member]}))
    before = path.read_bytes()
    result = run("keys", "new", "--file", str(path))

    assert result.exit_code == 1
    assert result.output.startswith("Error: authkit.native.keys")
    assert (path.read_bytes(), names_in(tmp_path)) == (before, ["keys.json"])


def test_a_bad_key_that_goes_anyway_does_not_matter(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [{"kid": "a"}]}))
    made("--file", str(path), "--keep", "1")

    assert len(keys_in(path)) == 1


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    path = tmp_path / "none" / "keys.json"
    result = run("keys", "new", "--file", str(path))

    assert (result.exit_code, result.output) == (
        1,
        f"Error: {path} cannot be written: No such file or directory; nothing was changed\n",
    )


def test_a_disk_that_is_full_leaves_the_file_and_nothing_beside_it(tmp_path):
    import resource
    import signal

    path = tmp_path / "keys.json"
    made("--file", str(path))
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        result = run("keys", "new", "--file", str(path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)

    assert (result.exit_code, result.output) == (
        1,
        f"Error: {path} cannot be written: File too large; nothing was changed\n",
    )
    assert (path.read_bytes(), names_in(tmp_path)) == (before, ["keys.json"])


def python(script):
    return subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=False, timeout=60
    )


def test_without_the_library_the_line_says_how_to_get_it():
    done = python(
        "import sys; sys.modules['joserfc'] = None; sys.argv = ['authkit', 'keys', 'new']\n"
        "from authkit.cli import main; main()"
    )

    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "Error: keys that sign need one more package: pip install 'authkit-core[native]'\n",
    )


def test_in_this_process_too(monkeypatch):
    monkeypatch.setitem(sys.modules, "authkit.native.signingkeys", None)

    assert run("keys", "new").stderr.endswith("pip install 'authkit-core[native]'\n")


def test_the_command_line_can_be_imported_without_what_only_some_commands_need():
    done = python(
        "import sys; sys.modules.update(dict.fromkeys(('joserfc', 'sqlalchemy', 'alembic', 'keyring')))\n"
        "import authkit.cli.commands; print('imported')"
    )

    assert (done.stdout, done.stderr) == ("imported\n", "")
