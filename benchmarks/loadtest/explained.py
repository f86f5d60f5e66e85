"""`Explanation`: whether the end of a login fits what the provider did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from loadtest.audit import Line
from loadtest.faultmix import may_become
from loadtest.provider import Call
from loadtest.tally import Attempt

__all__ = ["Explanation"]

NOTHING = Line("ok", "", "")
LOGIN = {"token", "userinfo"}
LOST = ("connect timed out", "no answer came in time", "the connection was closed without an answer")
"""What happens to a call that never arrives: its connection is slow to come about, or ended just then."""


class Explanation:
    """What explains the ends of logins.

    Args:
        calls: what the provider was asked.
        audit: the lines of the app's audit log.
    """

    def __init__(self, calls: Iterable[Call], audit: Iterable[Line]) -> None:
        self._lines = {line.reference: line for line in audit}
        self._calls: defaultdict[tuple[str, bool], list[Call]] = defaultdict(list)
        for call in calls:
            if call.endpoint != "revoke":  # which is tried again until it succeeds
                self._calls[call.login, call.endpoint == "refresh"].append(call)

    def unfit(self, attempts: Sequence[Attempt]) -> Iterator[str]:
        """Yield what is wrong with each attempt whose end is not explained by what the provider did."""
        for attempt in attempts:
            if not self._fits(attempt):
                met = ", ".join(f"{call.endpoint}:{call.fault}" for call in self._met(attempt)) or "nothing"
                cause = self._line(attempt).cause
                yield f"a {attempt.kind} ended in {attempt.outcome} ({cause}), and the provider did {met}"

    def is_refused_at_once(self, attempt: Attempt) -> bool:
        """Whether nobody was asked, or waited for, so that others need not wait."""
        return self._line(attempt).is_refused_at_once

    def is_lost(self, attempt: Attempt) -> bool:
        """Whether a call of the login never arrived: its code, or its token, was not seen where it had to be next."""
        calls = self._of(attempt)
        is_cut_short = not any(call.fault for call in calls) and not {call.endpoint for call in calls} >= LOGIN
        is_late = self._line(attempt).cause.removeprefix("the profile: ") in LOST
        return attempt.kind != "refresh" and is_late and is_cut_short

    def _fits(self, attempt: Attempt) -> bool:
        outcomes = [may_become(call.endpoint, call.fault) for call in self._met(attempt)]
        if attempt.outcome == "ok":
            return attempt.kind == "refresh" or all("ok" in each for each in outcomes)
        if attempt.outcome == "reauth_required" and attempt.kind == "refresh":
            return bool(outcomes)  # of an earlier refresh, whose answer was lost, and with it the token
        if any(attempt.outcome in each for each in outcomes):
            return True
        # There may be no call that counts: after a refresh that failed, there is a pause.
        is_without_call = attempt.kind == "refresh" or self.is_refused_at_once(attempt) or self.is_lost(attempt)
        return attempt.outcome == "provider_unavailable" and is_without_call

    def _line(self, attempt: Attempt) -> Line:
        return self._lines.get(attempt.reference, NOTHING)

    def _of(self, attempt: Attempt) -> Sequence[Call]:
        return self._calls[attempt.login, attempt.kind == "refresh"] if attempt.login else ()

    def _met(self, attempt: Attempt) -> Sequence[Call]:
        return [call for call in self._of(attempt) if call.fault]
