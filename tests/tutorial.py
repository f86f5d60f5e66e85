"""Reads a page of the docs as somebody who does what it says: types its commands, and makes its changes.

Two kinds of fenced blocks are done, in their order; any other is only read:

* ``console``: what stands behind ``$`` is typed, and the lines below it have to be what comes out. ``…`` stands for
  anything in a line, and on a line of its own for any lines. ``^C`` presses Ctrl-C once the lines above it came.
* ``diff``: the file that ``+++`` names is changed. What goes, with the lines around it, has to be there once.

A ``console`` block whose info string goes on with ``not-run`` is left out.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Change", "Command", "Reader", "read_page"]

BLOCK = re.compile(r"^```(console|diff)( not-run)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SECONDS = 300
SECONDS_UNTIL_CTRL_C = 60


@dataclass(frozen=True)
class Command:
    """What is typed, in one line or several that end in a backslash, and the lines that come out of it."""

    line: str
    output: tuple[str, ...]
    is_run: bool = True


@dataclass(frozen=True)
class Change:
    """A change of a file: what is there before, and afterwards."""

    path: str
    before: str
    after: str


def read_page(text: str) -> Iterator[Command | Change]:
    """Yield what a page says is to be done.

    Raises:
        ValueError: a block cannot be done.
    """
    for kind, mark, body in BLOCK.findall(text):
        if kind == "diff":
            yield _read_change(body)
        else:
            yield from _read_commands(body, is_run=not mark)


def _read_change(body: str) -> Change:
    names = re.findall(r"^\+\+\+ (\S+)$", body, re.MULTILINE)
    lines = [line for line in body.splitlines() if not line.startswith(("+++ ", "--- ", "@@"))]
    if len(names) != 1 or not all(line == "" or line[0] in " +-" for line in lines):
        raise ValueError(f"this is no change of one file:\n{body}")
    before = [line[1:] for line in lines if not line.startswith("+")]
    after = [line[1:] for line in lines if not line.startswith("-")]
    return Change(names[0], "\n".join(before), "\n".join(after))


def _read_commands(body: str, *, is_run: bool) -> Iterator[Command]:
    parts = re.split(r"^\$ ", body, flags=re.MULTILINE)
    if parts[0].strip() or len(parts) == 1:
        raise ValueError(f"this console begins with no command:\n{body}")
    for part in parts[1:]:
        line, *output = part.rstrip("\n").split("\n")
        while line.endswith("\\") and output:
            line = f"{line}\n{output.pop(0)}"
        yield Command(line, tuple(output), is_run)


class Reader:
    """Somebody who types in a shell of their own, in a folder of their own.

    Args:
        folder: where they begin.
        environ: what their shell has; what a command does to it holds for the next.
        look: what they do with an address that a running command shows, before they press Ctrl-C.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], look: Callable[[str], None]) -> None:
        self._environ = dict(environ)
        self._look = look
        self._state = folder / ".state"
        self._state.write_text(f"cd {shlex.quote(str(folder))}\n")

    def do(self, step: Command | Change) -> None:
        """Do one thing that a page says.

        Raises:
            AssertionError: it does not go as the page says.
        """
        if isinstance(step, Change):
            self._change(step)
        elif step.is_run:
            self._type(step)

    def _change(self, change: Change) -> None:
        path = Path(self._run("pwd")[1].strip()) / change.path
        text = path.read_text(encoding="utf-8")
        assert text.count(change.before) == 1, f"{change.path} has this not once:\n{change.before}\n\nbut is:\n{text}"
        path.write_text(text.replace(change.before, change.after), encoding="utf-8")

    def _type(self, command: Command) -> None:
        status, printed = self._run(command.line, command.output)
        expected = "\n".join(command.output)
        assert is_as_expected(printed, expected), (
            f"$ {command.line}\n\nhas to print:\n{expected}\n\nand printed:\n{tidy(printed)}"
        )
        may_fail = re.search(r"^Error|\d failed|\^C", expected, re.MULTILINE)
        assert status == 0 or may_fail, f"$ {command.line}\n\nended with {status}, and printed:\n{printed}"

    def _run(self, line: str, output: tuple[str, ...] = ()) -> tuple[int, str]:
        """Run a line where the last one left off, and return its status and what it printed."""
        keep = f'{{ export -p; printf "cd %q\\n" "$PWD"; }} > {shlex.quote(str(self._state))}'
        script = f". {shlex.quote(str(self._state))}\n{line}\nstatus=$?\n{keep}\nexit $status"
        with self._shell(script) as process:
            assert process.stdout is not None
            seconds = SECONDS_UNTIL_CTRL_C if "^C" in output else SECONDS
            guard = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
            guard.start()
            try:
                printed = self._until_interrupted(process, output) if "^C" in output else ""
                printed += process.stdout.read()
                return process.wait(), printed
            finally:
                guard.cancel()
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def _shell(self, script: str) -> subprocess.Popen[str]:
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have taken from us
        try:
            return subprocess.Popen(
                ["bash", "-c", script],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        finally:
            signal.signal(signal.SIGINT, handler)

    def _until_interrupted(self, process: subprocess.Popen[str], output: tuple[str, ...]) -> str:
        """Read what stands above ``^C``, look at the first address in it, and press Ctrl-C."""
        assert process.stdout is not None
        awaited = "\n".join(output[: output.index("^C")])
        printed = ""
        while not is_as_expected(printed, awaited):
            line = process.stdout.readline()
            assert line, f"it ended before the lines above ^C came, and printed:\n{printed}"
            printed += line
        address = re.search(r"http://127\.0\.0\.1:\d+/?(?= in a browser|$)", printed, re.MULTILINE)
        if address:
            self._look(address[0])
        os.killpg(process.pid, signal.SIGINT)
        return f"{printed}^C\n"


def tidy(text: str) -> str:
    """Return what is printed without colours, blanks at the ends of lines, and empty lines at the ends."""
    return PORT.sub("PORT", "\n".join(line.rstrip() for line in COLOUR.sub("", text).splitlines())).strip("\n")


def pattern_of(expected: str) -> re.Pattern[str]:
    """Return what matches the lines of `expected`, in which ``…`` stands for what varies, each with a line break."""
    lines = tidy(expected).split("\n")
    return re.compile(
        "".join(
            r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*?") + r"\n" for line in lines
        )
    )


def is_as_expected(printed: str, expected: str) -> bool:
    """Whether what was printed is what a page says."""
    return pattern_of(expected).fullmatch(f"{tidy(printed)}\n") is not None
