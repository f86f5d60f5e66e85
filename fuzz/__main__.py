"""``python -m fuzz TARGET SECONDS``: fuzz one target, and keep in its corpus what covers all that was reached."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from hashlib import sha1
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
WORDS = Path(__file__).parent / "words.txt"
"""What the search may put in anywhere: the words of our documents, and what has fooled other parsers."""
WORK = Path(__file__).parent / "work"
"""What a search has found, and what a target has failed on; not committed."""
LIMITS = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=2048"]
MOST_FILES = 100
MOST_BYTES = 200_000


def main() -> int:
    """Fuzz the target, and minimise its corpus; return what libFuzzer returned."""
    name, seconds = sys.argv[1:]
    corpus, found = CORPUS / name, WORK / name
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    search = [f"-max_total_time={seconds}", f"-dict={WORDS}", f"-artifact_prefix={WORK}/{name}-"]
    failed = _run(name, [*search, "-print_final_stats=1", *LIMITS], found, corpus)
    if not failed:
        _keep_what_counts(name, corpus, found)
    return failed


def _keep_what_counts(name: str, corpus: Path, found: Path) -> None:
    """Leave in the corpus a smallest choice of inputs that reaches all that all of them reach."""
    kept = WORK / f"{name}.kept"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    _run(name, ["-set_cover_merge=1", *LIMITS], kept, corpus, found)
    contents = [path.read_bytes() for path in kept.iterdir()]
    if not contents:
        raise SystemExit(f"{name}: nothing came out of the merge, the corpus stays as it was")
    if len(contents) > MOST_FILES or sum(map(len, contents)) > MOST_BYTES:
        raise SystemExit(f"{name}: more than {MOST_FILES} inputs or {MOST_BYTES} bytes would be kept")
    _write(corpus, contents)
    print(f"{name}: {len(contents)} inputs, {sum(map(len, contents))} bytes are kept")


def _write(folder: Path, contents: Iterable[bytes]) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    for content in contents:
        (folder / sha1(content, usedforsecurity=False).hexdigest()).write_bytes(content)


def _run(name: str, options: list[str], *folders: Path) -> int:
    """Run the harness in a process of its own: libFuzzer ends the one that it is in."""
    command = [sys.executable, "-m", "fuzz.harness", name, *options, *map(str, folders)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
