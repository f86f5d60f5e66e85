"""`unexplained`: the logins whose end does not fit what the provider did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from loadtest.audit import Line
from loadtest.faultmix import may_become
from loadtest.provider import Call
from loadtest.tally import Attempt

__all__ = ["unexplained"]

NOTHING = Line("ok", "", "")


def unexplained(attempts: Sequence[Attempt], calls: Sequence[Call], audit: Sequence[Line]) -> Iterator[str]:
    """Yield what is wrong with each attempt whose end is not explained by what the provider did."""
    disturbed: defaultdict[tuple[str, bool], list[Call]] = defaultdict(list)
    for call in calls:
        if call.fault and call.endpoint != "revoke":  # which is tried again until it succeeds
            disturbed[call.login, call.endpoint == "refresh"].append(call)
    lines = {line.reference: line for line in audit}
    for attempt in attempts:
        line, met = lines.get(attempt.reference, NOTHING), disturbed[attempt.login, attempt.kind == "refresh"]
        if not _fits(attempt, met, line):
            suffered = ", ".join(f"{call.endpoint}:{call.fault}" for call in met) or "nothing"
            yield f"a {attempt.kind} ended in {attempt.outcome} ({line.cause}), and the provider did {suffered}"


def _fits(attempt: Attempt, met: Collection[Call], line: Line) -> bool:
    outcomes = [may_become(call.endpoint, call.fault) for call in met]
    if attempt.outcome == "ok":
        return attempt.kind == "refresh" or all("ok" in each for each in outcomes)
    if attempt.outcome == "provider_unavailable" and _is_without_a_call(attempt, line):
        return True
    if attempt.outcome == "reauth_required" and attempt.kind == "refresh":
        return bool(met)  # of an earlier refresh, whose answer was lost, and with it the token
    return any(attempt.outcome in each for each in outcomes)


def _is_without_a_call(attempt: Attempt, line: Line) -> bool:
    """Whether the provider was not called: refused at once, no connection, or a pause after a refresh that failed."""
    return attempt.kind == "refresh" or line.is_refused_at_once or line.cause == "connect timed out"
