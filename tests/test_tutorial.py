"""The tutorial works: each of its commands is typed, and each of its changes made, from nothing to a built plugin."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests
from places import Distribution, strangers_environ
from tutorial import Change, Command, Reader, is_as_expected, read_page

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


def look(address: str) -> None:
    """Open an address as a browser would, and see that somebody is there."""
    with requests.Session() as session:
        session.trust_env = False
        assert session.get(address, timeout=10).status_code in (200, 404)


def shell_environ(folder: Path, **more: str) -> Mapping[str, str]:
    """Return the environment of a shell that has a Python, the system's commands, and nothing of this checkout's."""
    commands = folder / ".bin"
    commands.mkdir()
    (commands / "python").symlink_to(getattr(sys, "_base_executable", sys.executable))
    path = os.pathsep.join([str(commands), "/usr/local/bin", "/usr/bin", "/bin"])
    return strangers_environ(PATH=path, COLUMNS="120", LC_ALL="C.UTF-8", **more)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Give somebody with a shell, in an empty folder."""
    return Reader(tmp_path, shell_environ(tmp_path), look)


@pytest.mark.slow
@pytest.mark.pyramid
@pytest.mark.timeout(900)
def test_the_tutorial_takes_a_reader_from_nothing_to_a_built_plugin(
    tmp_path: Path, distributions: Mapping[str, Distribution]
) -> None:
    # What the index will have one day is what is in this checkout today.
    wheels = distributions["authkit_core"].wheel.parent
    pip = {
        "PIP_FIND_LINKS": wheels.as_uri(),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_QUIET": "1",
    }  # and no warning
    reader = Reader(tmp_path, shell_environ(tmp_path, **pip), look)

    for step in read_page(PAGE):
        reader.do(step)


def test_only_the_upload_is_not_run() -> None:
    steps = [step for step in read_page(PAGE) if isinstance(step, Command)]

    assert [step.line for step in steps if not step.is_run] == ["python -m twine upload dist/*"]
    assert len(steps) > 20


def test_every_block_that_shows_a_command_is_one_that_is_run() -> None:
    blocks = [block.partition("\n") for block in PAGE.split("```")[1::2]]

    assert {kind for kind, _, _ in blocks} == {"console", "console not-run", "diff", "json"}


# The reader of the tutorial notices what is wrong with it.


def test_a_command_prints_what_stands_below_it(reader: Reader) -> None:
    reader.do(Command("echo one; echo two", ("one", "two")))

    with pytest.raises(AssertionError, match=r"has to print:\none\n\nand printed:\none\ntwo"):
        reader.do(Command("echo one; echo two", ("one",)))


def test_a_command_that_says_nothing_stands_alone(reader: Reader) -> None:
    reader.do(Command("true", ()))

    with pytest.raises(AssertionError):
        reader.do(Command("echo surprise", ()))


def test_a_command_that_fails_is_noticed_unless_the_page_shows_it(reader: Reader) -> None:
    reader.do(Command("echo 'Error: no'; false", ("Error: no",)))

    with pytest.raises(AssertionError, match="ended with 1"):
        reader.do(Command("echo fine; false", ("fine",)))


def test_what_a_command_does_to_the_shell_holds_for_the_next(reader: Reader) -> None:
    reader.do(Command("mkdir 'a folder'; cd 'a folder'; export WORD=kept", ()))

    reader.do(Command('basename "$PWD"; echo $WORD', ("a folder", "kept")))


def test_a_change_is_made_where_it_fits_and_nowhere_else(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("one\ntwo\nthree\ntwo\n")
    reader.do(Change("file.txt", "one\ntwo", "one\n2"))
    assert (tmp_path / "file.txt").read_text() == "one\n2\nthree\ntwo\n"

    for before in ("nine", "t"):
        with pytest.raises(AssertionError, match="has this not once"):
            reader.do(Change("file.txt", before, ""))


def test_ctrl_c_is_pressed_once_the_lines_above_it_came(tmp_path: Path) -> None:
    seen: list[str] = []
    reader = Reader(tmp_path, shell_environ(tmp_path), seen.append)
    script = "trap 'echo over; exit' INT; echo open http://127.0.0.1:80 in a browser; while true; do sleep 0.1; done"
    (tmp_path / "serve.sh").write_text(script)

    reader.do(Command("bash serve.sh", ("open http://127.0.0.1:1 in a browser", "^C", "over")))

    assert seen == ["http://127.0.0.1:80"]


def test_a_command_that_ends_before_ctrl_c_is_noticed(reader: Reader) -> None:
    with pytest.raises(AssertionError, match="ended before the lines above"):
        reader.do(Command("echo nothing", ("something", "^C")))


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("3 passed in 1.2s", "… passed in …"),
        ("a\nb\nc", "a\n…\nc"),
        ("a\nc", "a\n…\nc"),
        ("a\nb", "a\n…"),
        ("a", "a\n…"),
        ("at http://127.0.0.1:8787/ now  \n\n", "at http://127.0.0.1:6543/ now"),
        ("\x1b[32mPASSED\x1b[0m", "PASSED"),
        ("", ""),
    ],
)
def test_dots_stand_for_what_varies(printed: str, expected: str) -> None:
    assert is_as_expected(printed, expected)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [("3 failed in 1.2s", "… passed in …"), ("a\nb", "…"), ("a\nb", "a"), ("ab", "a.b"), ("x", ""), ("a\nb", "a…b")],
)
def test_dots_stand_for_nothing_else(printed: str, expected: str) -> None:
    assert is_as_expected(printed, expected) is (expected == "…")


def test_a_page_is_read_in_its_order() -> None:
    page = "\n".join(
        [
            "```console",
            "$ one \\",
            "    --more",
            "out",
            "",
            "more",
            "$ two",
            "```",
            "```python",
            "$ no command",
            "```",
            "```diff",
            "--- a.txt",
            "+++ a.txt",
            "@@ place @@",
            " kept",
            "-old",
            "+new",
            "```",
            "```console not-run",
            "$ three",
            "```",
            "",
        ]
    )

    assert list(read_page(page)) == [
        Command("one \\\n    --more", ("out", "", "more")),
        Command("two", ()),
        Change("a.txt", "kept\nold", "kept\nnew"),
        Command("three", (), is_run=False),
    ]


@pytest.mark.parametrize(
    "block",
    ["console\nno command\n", "console\n", "diff\n+new\n", "diff\n+++ a.txt\n+++ b.txt\n", "diff\n+++ a\nx\n"],
)
def test_a_block_that_cannot_be_done_is_refused(block: str) -> None:
    with pytest.raises(ValueError, match="this "):
        list(read_page(f"```{block}```\n"))
