"""One target under Atheris: ``python -m fuzz.harness TARGET [options of libFuzzer] [folders]``."""

from __future__ import annotations

import logging
import shlex
import sys
from pathlib import Path

import atheris

WORK = Path(__file__).parent / "work"
# What is imported here is traced, and guides the search; the fakes of the tests are not.
TRACED = ["authkit", "authkit_tiktok", "fuzz.targets", "joserfc", "oauthlib"]


def main() -> None:
    """Run the target that the first argument names; libFuzzer ends the process."""
    _, name, *options = sys.argv
    sys.path.append(str(Path(__file__).parent.parent / "tests"))
    with atheris.instrument_imports(include=TRACED):
        from fuzz.targets import load

        module = load(name)
    for number, seed in enumerate(module.SEEDS):
        (WORK / name / f"seed-{number}").write_bytes(seed)
    logging.disable()  # what is refused is logged, and that some thousand times a second
    again = shlex.join([sys.executable, "-m", "fuzz.harness", name])  # a merge starts itself anew, through a shell
    atheris.Setup([again, *options], module.target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
