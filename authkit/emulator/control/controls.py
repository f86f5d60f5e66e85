"""`Controls`: what of an emulator its control page shows and changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from authkit.emulator.clock import AdjustableClock
from authkit.emulator.faults import Faults
from authkit.emulator.requestlog import RequestLog
from authkit.emulator.switches import Switchboard

__all__ = ["Action", "Controls", "Table"]


@dataclass(frozen=True, slots=True)
class Table:
    """Something an emulator knows, for its control page: users, apps, tokens.

    Attributes:
        title: what the rows are.
        columns: the heads of the columns.
        rows: as many texts each as there are columns.
        secrets: the columns that are shown only when somebody asks for them.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    secrets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Action:
    """Something that people can do at a provider beside logging in, such as taking back what they allowed.

    Attributes:
        name: what scripts call it.
        label: what its button says.
        fields: the texts to fill in.
        run: does it with a text for each field, and returns what came of it.  It raises ValueError with the reason
            when it cannot be done.
    """

    name: str
    label: str
    fields: tuple[str, ...]
    run: Callable[[Mapping[str, str]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What the control page reaches.

    Attributes:
        title: the provider, as people write it.
        endpoints: the names of what it answers.
        clock: its time.
        switches: its switches.
        faults: what goes wrong.
        requests: what was sent.
        tables: returns what it knows.
        actions: what people can do.
        hosts: the host names beside loopback ones under which the page is shown.
        run: another text for each emulator, so that a page knows when it speaks to a new one.
    """

    title: str
    endpoints: Sequence[str]
    clock: AdjustableClock
    switches: Switchboard[Any]
    faults: Faults
    requests: RequestLog
    tables: Callable[[], Sequence[Table]]
    actions: Sequence[Action]
    hosts: Set[str]
    run: str = field(default_factory=lambda: token_hex(8))
