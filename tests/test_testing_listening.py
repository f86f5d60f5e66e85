"""What a contract hears of a provider, and what it leaves behind."""

from __future__ import annotations

import subprocess
import sys

LAST_WORDS = """
from authkit.testing.provider import listening

class Last:
    def __del__(self, compile=compile):
        compile("1", "nowhere", "eval")  # which is told to audit hooks

with listening.Listening():
    pass
listening.last = Last()  # it goes when the other names of the module have gone
"""


def test_a_process_that_ends_says_nothing_of_having_listened() -> None:
    ended = subprocess.run([sys.executable, "-c", LAST_WORDS], capture_output=True, text=True, check=True)

    assert (ended.stdout, ended.stderr) == ("", "")
