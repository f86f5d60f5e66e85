"""What the tests of the command line share: running commands here and in processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from click.testing import CliRunner

from authkit.cli.commands import authkit
from authkit.cli.emulating import wait_for_interrupt

NOT_OURS = [name for name in os.environ if name.startswith("AUTHKIT_") or name == "FORCE_COLOR"]


def run(*args, **env):
    """Run a command in this process, without the settings of whoever runs the tests."""
    return CliRunner().invoke(
        authkit, args, env={**dict.fromkeys(NOT_OURS), "COLUMNS": "160", **env}, catch_exceptions=False
    )


def is_waiting_for_ctrl_c(thread):
    """Whether `thread` has come to the point where a command waits for Ctrl-C."""
    frame, codes = sys._current_frames().get(thread.ident), set()
    while frame is not None:
        codes.add(frame.f_code)
        frame = frame.f_back
    return {wait_for_interrupt.__code__, threading.Event.wait.__code__} <= codes


@contextmanager
def interrupted() -> Iterator[None]:
    """Press Ctrl-C when the command waits for it, or in any case after half a minute."""
    main_thread, is_over, deadline = threading.main_thread(), threading.Event(), time.monotonic() + 30

    def press():
        # A signal just before the system call that waits would be seen by nobody: look, pause, press, look again.
        while not is_over.wait(0.05):
            if is_waiting_for_ctrl_c(main_thread) or time.monotonic() > deadline:
                is_over.wait(0.05)
                signal.pthread_kill(main_thread.ident, signal.SIGINT)
                is_over.wait(2)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    presser = threading.Thread(target=press)
    presser.start()
    try:
        yield
    finally:
        is_over.set()
        presser.join()
        signal.signal(signal.SIGINT, handler)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@contextmanager
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


def environment(**more):
    """The environment for a process of its own."""
    return {**{name: value for name, value in os.environ.items() if name not in NOT_OURS}, **more}


def run_process(*args, **env):
    command = [sys.executable, "-m", "authkit", *args]
    return subprocess.run(
        command, env=environment(**env), capture_output=True, text=True, timeout=60, check=False, encoding="utf-8"
    )


@contextmanager
def running(*args) -> Iterator[subprocess.Popen[str]]:
    """Run a command until it is interrupted, and see that it ends."""
    # A shell that starts this in the background may have taken Ctrl-C away from all its children.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "authkit", *args],
        env=environment(COLUMNS="160"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    signal.signal(signal.SIGINT, handler)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(stream, text):
    """Read lines until one has `text`, and return them all."""
    lines = []
    while not lines or text not in lines[-1]:
        lines.append(stream.readline())
        assert lines[-1] != "", f"ended before {text!r} came: {''.join(lines)}"
    return "".join(lines)
