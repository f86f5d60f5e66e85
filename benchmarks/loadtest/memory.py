"""`in_use`: the memory that is used, and not just kept for later, as Python and the C library count it."""

from __future__ import annotations

import ctypes
import gc
import sys

__all__ = ["in_use"]


class _MallInfo(ctypes.Structure):
    """What ``mallinfo2`` of glibc 2.33 returns (mallinfo(3))."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


def in_use() -> tuple[int, int]:
    """Return how many blocks Python has in use, and how many bytes were allocated from the C library.

    What the process holds is no measure of that: both keep what is freed, for later.
    """
    gc.collect()
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        return sys.getallocatedblocks(), 0
    library.mallinfo2.restype = _MallInfo
    info = library.mallinfo2()
    return sys.getallocatedblocks(), info.uordblks + info.hblkhd
