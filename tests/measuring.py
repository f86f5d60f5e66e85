"""What is left out of the coverage.

To trace code takes longer than to run it, whosever code it is: Pyramid's as well as ours. A test that runs a thousand
times what other tests have run once is done in half the time if nobody looks on, and the coverage stays what it was.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from coverage import Coverage


@contextmanager
def unmeasured() -> Iterator[None]:
    """Do not measure what runs inside. The coverage can only get smaller: what nothing else runs counts as not run.

    So does what nothing else runs in this process, because it is done once and cached. Where that may be, a test of
    the same file, which runs in the same process, has to have run it before.
    """
    measuring = Coverage.current()
    if measuring is None:
        yield
        return
    measuring.stop()
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # coverage takes each start for the first, and says what it missed
            measuring.start()
