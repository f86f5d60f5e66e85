"""`describe`: one request to an emulator in one line, for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from authkit.emulator.masking import mask_pairs, mask_text, mask_url
from authkit.emulator.requestlog import Recorded

__all__ = ["LogLine", "Severity", "describe", "severity_of"]

LONGEST = 200
LONGEST_OUTCOME = 120
LONGEST_PLACE = 48
LONGEST_NAME = 24
LONGEST_VALUE = 40


class Severity(Enum):
    """What came of a request: answered as wished, refused by the emulator, or disturbed by a fault."""

    FINE = "fine"
    REFUSED = "refused"
    DISTURBED = "disturbed"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of plain text without line breaks and control characters, secrets masked, and how grave it is."""

    text: str
    severity: Severity


def describe(recorded: Recorded) -> LogLine:
    """Return a request and what came of it in at most 200 characters.

    Example:
        >>> from authkit.emulator import Recorded, describe
        >>> form = {"grant_type": "refresh_token", "refresh_token": "rft.0123456789abcdef"}
        >>> describe(Recorded(number=1, at=0.0, endpoint="token", method="POST", path="/token", query={}, form=form,
        ...     headers={}, status=400, verdict="invalid_grant")).text
        'POST token 400  grant_type=refresh_token refresh_token=rft.…(20)  → refused: invalid_grant'
    """
    place = f"{mask_text(recorded.method)} {recorded.endpoint or mask_text(recorded.path)}"
    head = f"{_cut(_printable(place), LONGEST_PLACE)} {recorded.status}"
    outcome = _cut(_printable(_outcome(recorded)), LONGEST_OUTCOME)
    parameters = _fill(_parameters(recorded), LONGEST - len(head) - len(outcome) - 4)
    return LogLine("  ".join(filter(None, (head, parameters, outcome))), severity_of(recorded))


def severity_of(recorded: Recorded) -> Severity:
    """Return what came of a request; the provider may have refused it with a status of 200."""
    if recorded.fault:
        return Severity.DISTURBED
    return Severity.REFUSED if recorded.verdict or recorded.status >= 400 else Severity.FINE


def _outcome(recorded: Recorded) -> str:
    """Return the fault, the refusal with the rule that was broken, or the address that the browser was sent to."""
    parts = [f"fault {recorded.fault}"] if recorded.fault else []
    verdict = recorded.verdict or ("" if recorded.status < 400 or parts else HTTPStatus(recorded.status).phrase)
    if verdict:
        rule = f" ({recorded.broken.id}: {recorded.broken.text})" if recorded.broken else ""
        parts.append(f"refused: {mask_text(verdict)}{rule}")
    elif recorded.location:
        parts.append(mask_url(recorded.location))
    return f"→ {', '.join(parts)}" if parts else ""


def _parameters(recorded: Recorded) -> Iterable[str]:
    for pairs in (recorded.query, recorded.form):
        for name, value in mask_pairs(pairs):
            yield f"{_quoted(_cut(name, LONGEST_NAME))}={_quoted(_cut(value, LONGEST_VALUE))}"


def _fill(parts: Iterable[str], room: int) -> str:
    """Return as many of `parts` as there is room for, with an ellipsis for the others."""
    text = ""
    for part in parts:
        if len(text) + len(part) + 3 > room:
            return f"{text} …".strip()
        text = f"{text} {part}".strip()
    return text


def _quoted(text: str) -> str:
    """Return `text` so that it cannot pass for another part of the line."""
    clear = _printable(text)
    return json.dumps(clear, ensure_ascii=False) if set(clear) & set(' "→') else clear


def _printable(text: str) -> str:
    """Return `text` without what moves a terminal's cursor, turns its direction or hides: each becomes U+FFFD."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
