"""`Workbench`: what every emulator stands on, so that its own code is the provider's rules and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from authkit.emulator.clock import AdjustableClock
from authkit.emulator.faults import Fault, Faults
from authkit.emulator.messages import Answer, Request, read_request
from authkit.emulator.requestlog import Recorded, RequestLog
from authkit.emulator.switches import Switchboard

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["Endpoint", "HasWorkbench", "Table", "Workbench"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing a provider answers.

    Attributes:
        name: what the request log and the faults call it.
        method: the HTTP method.
        paths: the paths, as a browser percent-decodes them.
        answer: what answers a request.
        error: what answers when the provider itself fails; its body goes out with the fault ``error-in-200``.
    """

    name: str
    method: str
    paths: tuple[str, ...]
    answer: Callable[[Request], Answer]
    error: Callable[[], Answer] | None = None


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


class Workbench:
    """The shared part of an emulator: routing, clock, switches, faults, request log and control page.

    It is a WSGI application. One request is answered at a time, so an emulator needs no locks of its own.

    Args:
        title: the provider, as people write it.
        endpoints: what it answers.
        clock: the time that its code reads.
        switches: the switches that its code reads.
        faults: what goes wrong.
        tables: what the control page shows.
        identity_fields: the fields of a JSON answer that say who somebody is.

    Attributes:
        requests: what was sent.
    """

    def __init__(
        self,
        title: str,
        endpoints: Sequence[Endpoint],
        *,
        clock: AdjustableClock,
        switches: Switchboard[Any],
        faults: Faults,
        tables: Callable[[], Sequence[Table]] = tuple,
        identity_fields: frozenset[str] = frozenset({"sub", "id"}),
    ) -> None:
        self.title = title
        self.clock = clock
        self.switches = switches
        self.faults = faults
        self.requests = RequestLog()
        self._endpoints = tuple(endpoints)
        self._routes: dict[str, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            for path in endpoint.paths:
                self._routes.setdefault(path, {})[endpoint.method] = endpoint
        self._tables = tables
        self._identity_fields = identity_fields
        self._lock = RLock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request of a WSGI server."""
        answer = self.answer(read_request(environ))
        answer.delivery.announce(environ)
        return answer.send(start_response)

    def answer(self, request: Request) -> Answer:
        """Answer one request, disturbed by the fault that is due, and record it."""
        methods = self._routes.get(request.path, {})
        endpoint = methods.get(request.method)
        with self._lock:
            if endpoint is None:
                allowed = ", ".join(methods)
                return self._record(
                    request, "", Answer(405, headers=(("Allow", allowed),)) if methods else Answer(404)
                )
            fault = self.faults.take(endpoint.name)
            answer = Answer(413) if request.is_too_large else endpoint.answer(request)
            return self._record(request, endpoint.name, answer, fault)

    def _record(self, request: Request, endpoint: str, answer: Answer, fault: Fault | None = None) -> Answer:
        self.requests.add(
            lambda number: Recorded(
                number=number,
                at=self.clock(),
                endpoint=endpoint,
                method=request.method,
                path=request.path,
                query=request.query,
                form=request.form,
                headers=request.headers,
                status=answer.status,
                location=answer.location or "",
                verdict=answer.verdict,
                broken=answer.broken,
                fault=str(fault or ""),
            )
        )
        return answer


@runtime_checkable
class HasWorkbench(Protocol):
    """An emulator that stands on a `Workbench`."""

    @property
    def workbench(self) -> Workbench:
        """What it stands on."""
        ...
