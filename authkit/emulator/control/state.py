"""What the control page shows, as data for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

from authkit.emulator.control.controls import Controls, Table
from authkit.emulator.kinds import KINDS
from authkit.emulator.logline import severity_of
from authkit.emulator.masking import cut, mask, mask_header, mask_pairs, mask_text, mask_url
from authkit.emulator.requestlog import Recorded

__all__ = ["describe_state"]

MOST_ROWS = 200
MOST_PARAMETERS = 60

Pair = tuple[str, str]


def describe_state(controls: Controls, *, after: int, with_secrets: bool) -> Mapping[str, Any]:
    """Return everything, and of the requests those whose number is greater than `after`.

    `oldest` is the number of the first request that is still kept, also when there is none yet. Values of more than
    2000 characters are cut, and so is a request's list of parameters or headers after 60.
    """
    requests = controls.requests()
    return {
        "run": controls.run,
        "title": controls.title,
        "time": controls.clock(),
        "ahead": controls.clock.ahead,
        "endpoints": list(controls.endpoints),
        "switches": [asdict(switch) for switch in controls.switches.describe()],
        "faults": [str(fault) for fault in controls.faults],
        "fault_kinds": [asdict(kind) for kind in KINDS.values()],
        "tables": [_describe_table(table, with_secrets=with_secrets) for table in controls.tables()],
        "actions": [
            {"name": action.name, "label": action.label, "fields": list(action.fields)} for action in controls.actions
        ],
        "oldest": requests[0].number if requests else controls.requests.total + 1,
        "requests": [
            _describe_request(recorded, with_secrets=with_secrets) for recorded in requests if recorded.number > after
        ],
    }


def _describe_table(table: Table, *, with_secrets: bool) -> Mapping[str, Any]:
    hidden = frozenset() if with_secrets else table.secrets
    rows = [
        [cut(mask(text) if column in hidden else text) for column, text in zip(table.columns, row, strict=True)]
        for row in table.rows[:MOST_ROWS]
    ]
    return {
        "title": table.title,
        "columns": list(table.columns),
        "secrets": [column for column in table.columns if column in table.secrets],
        "rows": rows,
        "left_out": len(table.rows) - len(rows),
    }


def _describe_request(recorded: Recorded, *, with_secrets: bool) -> Mapping[str, Any]:
    show, show_url = (cut, cut) if with_secrets else (mask_text, mask_url)
    show_pairs, show_headers = (_cut_pairs, _cut_pairs) if with_secrets else (mask_pairs, _mask_headers)
    return {
        "number": recorded.number,
        "time": recorded.at,
        "endpoint": recorded.endpoint,
        "method": show(recorded.method),
        "path": show(recorded.path),
        "query": _first(show_pairs(recorded.query), len(recorded.query)),
        "form": _first(show_pairs(recorded.form), len(recorded.form)),
        "headers": _first(show_headers(recorded.headers), len(recorded.headers)),
        "status": recorded.status,
        "severity": severity_of(recorded).value,
        "verdict": show(recorded.verdict),
        "rule": asdict(recorded.broken) if recorded.broken else None,
        "fault": recorded.fault,
        "location": show_url(recorded.location),
    }


def _cut_pairs(pairs: Mapping[str, str]) -> Iterable[Pair]:
    return ((cut(name), cut(value)) for name, value in pairs.items())


def _mask_headers(headers: Mapping[str, str]) -> Iterable[Pair]:
    return ((mask_text(name), mask_header(name, value)) for name, value in headers.items())


def _first(pairs: Iterable[Pair], total: int) -> list[Pair]:
    """Return the first 60 of `pairs`, and how many more there are; the others are not even made."""
    shown = list(islice(pairs, MOST_PARAMETERS))
    return shown if total <= MOST_PARAMETERS else [*shown, ("…", f"{total - MOST_PARAMETERS} more")]
