"""The headers that TikTok is seen to add to every answer."""

from __future__ import annotations

from dataclasses import replace

from authkit.emulator import Answer

__all__ = ["stamped"]


def stamped(answer: Answer, log_id: str) -> Answer:
    """Return `answer` with the headers of the request that has this log id.

    Developers report the names; the values are made up, but for the log id, which a body of an error has too.
    """
    trace = log_id.lower()
    seen = (
        ("X-Tt-Logid", log_id),
        ("X-Tt-Trace-Id", f"00-{trace[2:]}-{trace[18:]}-01"),
        ("X-Tt-Trace-Tag", "id=16;cdn-cache=miss;type=dyn"),
        ("X-Tt-Trace-Host", trace[14:] * 4),
        ("X-Janus-Info", "0"),
        ("Access-Control-Expose-Headers", "x-tt-logid"),
        ("Server-Timing", "inner; dur=12"),
        ("Pragma", "no-cache"),
        ("Expires", "0"),
    )
    return replace(answer, headers=(*answer.headers, *seen))
