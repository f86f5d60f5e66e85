"""What is left out of the coverage.

To trace code takes longer than to run it, whosever code it is: Pyramid's as well as ours. A test that runs a thousand
times what other tests have run once is done in half the time if nobody looks on, and the coverage stays what it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from coverage import Coverage


@contextmanager
def unmeasured() -> Iterator[None]:
    """Do not measure what this thread runs inside.

    The coverage can only get smaller: what nothing else runs counts as not run. So does what a process does once, and
    caches: where that may be, a test of the same file has to have done it before.

    Nothing is asked of `Coverage`, whose `stop` is for all threads, and for good for those that run.
    """
    tracing = sys.gettrace() if Coverage.current() else None
    if tracing is None:
        yield
        return
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracing)
