"""`Workbench`: what every emulator stands on, so that its own code is the provider's rules and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from authkit.emulator.clock import AdjustableClock
from authkit.emulator.control import Action, ControlPage, Controls, Table
from authkit.emulator.faults import Fault, Faults
from authkit.emulator.messages import Answer, Request, read_request
from authkit.emulator.requestlog import Recorded, RequestLog
from authkit.emulator.spoil import Damage, connecting, disturbed
from authkit.emulator.switches import Switchboard
from authkit.emulator.wire import IS_CONNECTED

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["Endpoint", "HasWorkbench", "Workbench"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing a provider answers.

    Attributes:
        name: what the request log and the faults call it.
        method: the HTTP method.
        paths: the paths, as a browser percent-decodes them.
        answer: what answers a request.
        error: what answers when the provider itself fails; its body goes out with the faults ``error-in-200`` and
            ``mixed``.
    """

    name: str
    method: str
    paths: tuple[str, ...]
    answer: Callable[[Request], Answer]
    error: Callable[[], Answer] = lambda: Answer.json({"error": "server_error"}, 500)


class Workbench:
    """The shared part of an emulator: routing, clock, switches, faults, request log and control page.

    It is a WSGI application. One request is answered at a time, so an emulator needs no locks of its own.

    Args:
        title: the provider, as people write it.
        endpoints: what it answers.
        clock: the time that its code reads.
        switches: the switches that its code reads.
        faults: what goes wrong from the start, such as ``token:reset:once``.
        seed: what decides about faults that have a probability.
        tables: what the control page shows.
        actions: what people can do on the control page.
        hosts: host names under which the control page is shown, beside loopback ones.
        identity_fields: the fields of a JSON answer that say who somebody is.

    Attributes:
        title: the provider, as people write it.
        clock: its time; it can be put forward.
        switches: its switches; they can be turned.
        endpoints: the names of what it answers, each once.
        faults: what goes wrong; more can be added.
        hosts: the host names; more can be added.
        requests: what was sent.
    """

    def __init__(  # noqa: PLR0913 - all but two are named in the call, and most can be left out
        self,
        title: str,
        endpoints: Sequence[Endpoint],
        *,
        clock: AdjustableClock,
        switches: Switchboard[Any],
        faults: Sequence[str] = (),
        seed: int = 0,
        tables: Callable[[], Sequence[Table]] = tuple,
        actions: Sequence[Action] = (),
        hosts: Iterable[str] = (),
        identity_fields: frozenset[str] = frozenset({"sub", "id"}),
    ) -> None:
        self.title = title
        self.clock = clock
        self.switches = switches
        self.endpoints = tuple(dict.fromkeys(endpoint.name for endpoint in endpoints))
        self.requests = RequestLog(self.endpoints)
        self.faults = Faults(self.endpoints, faults, seed)
        self.hosts = set(hosts)
        self._routes: dict[str, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            for path in endpoint.paths:
                self._routes.setdefault(path, {})[endpoint.method] = endpoint
        self._identity_fields = identity_fields
        self._lock = RLock()
        self._control = ControlPage(
            Controls(
                title=title,
                endpoints=self.endpoints,
                clock=clock,
                switches=switches,
                faults=self.faults,
                requests=self.requests,
                tables=tables,
                actions=tuple(actions),
                hosts=self.hosts,
            )
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request of a WSGI server."""
        request = read_request(environ)
        fault = self._take_fault(request, is_connected=IS_CONNECTED in environ)
        connecting(fault).announce(environ)
        answer = self._answer(request, fault)
        answer.delivery.announce(environ)
        return answer.send(start_response)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold off every request for the duration of a ``with`` block, to change what its endpoints read."""
        with self._lock:
            yield

    def answer(self, request: Request) -> Answer:
        """Answer one request, disturbed by the fault that is due, and record it; or show the control page.

        Nothing waits here: what the fault does to a connection is the answer's `Delivery`.
        """
        return self._answer(request, self._take_fault(request))

    def _take_fault(self, request: Request, *, is_connected: bool = False) -> Fault | None:
        endpoint = self._routes.get(request.path, {}).get(request.method)
        return self.faults.take(endpoint.name, is_connected=is_connected) if endpoint else None

    def _answer(self, request: Request, fault: Fault | None) -> Answer:
        methods = self._routes.get(request.path, {})
        endpoint = methods.get(request.method)
        with self._lock:
            if not methods and (shown := self._control.answer(request)) is not None:
                return shown
            if endpoint is None:
                allowed = ", ".join(methods)
                return self._record(
                    request, "", Answer(405, headers=(("Allow", allowed),)) if methods else Answer(404)
                )
            return self._record(request, endpoint.name, self._process(request, endpoint, fault), fault)

    def _process(self, request: Request, endpoint: Endpoint, fault: Fault | None) -> Answer:
        def work() -> Answer:
            return Answer(413) if request.is_too_large else endpoint.answer(request)

        if fault is None:
            return work()
        return disturbed(work, Damage(fault, endpoint.error, self._identity_fields, self.clock))

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
