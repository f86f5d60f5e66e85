"""Pushed authorization requests (RFC 9126)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from authkit.emulator.messages import Answer, Request
from authkit.emulator.openid import rules
from authkit.emulator.openid.realm import Realm
from authkit.emulator.shelf import Shelf
from authkit.emulator.stock.calls import Manners, answer_client, refuse_method
from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.parameters import Parameters, read_query
from authkit.emulator.stock.refused import NO_CACHE, Refused
from authkit.emulator.stock.wish import read_way_back, read_wish
from authkit.emulator.stock.world import World

__all__ = ["PushedEndpoint", "PushedRequests"]

MANNERS = Manners(rules.PAR_BY_POST, rules.PAR_BY_FORM, rules.PAR_SINGLE)
LIFETIME = 90
PREFIX = "urn:ietf:params:oauth:request_uri:"
CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


@dataclass(frozen=True, slots=True)
class PushedRequests:
    """What was pushed and waits for its browser.

    Attributes:
        realm: how the server behaves.
        waiting: the parameters, by ``request_uri``.
    """

    realm: Realm
    waiting: Shelf[Parameters]

    def read(self, request: Request) -> Parameters:
        """Return the parameters of an authorization request: those that were pushed, if it says so.

        The consent form uses a ``request_uri`` up; the page that has it may be loaded again (section 4).

        Raises:
            Refused: the ``request_uri`` is unknown, used, too old or another client's.
        """
        query = read_query(request)
        uri = query.get("request_uri")
        if not uri:
            return query
        if self.realm.switches.now.par == "off":
            raise Refused("request_uri_not_supported", "This server takes no request_uri.", rules.PAR_OFFERED)
        pushed = self.waiting.get(uri)
        if pushed is None or pushed.get("client_id") != query.get("client_id"):
            raise Refused("invalid_request_uri", "The request_uri is unknown, or was used.", rules.PAR_ONCE)
        if request.method == "POST":
            self.waiting.drop(uri)
        return pushed


@dataclass(frozen=True, slots=True)
class PushedEndpoint:
    """The endpoint that requests are pushed to."""

    world: World
    requests: PushedRequests

    def push(self, request: Request) -> Answer:
        """Keep a request, and answer what the browser is to bring (section 2.2)."""
        if self.requests.realm.switches.now.par == "off":
            return Answer(404)
        return answer_client(request, self.world, MANNERS, partial(self._push, request))

    def refuse(self, request: Request) -> Answer:  # noqa: ARG002 - the method alone is wrong
        """Answer a GET."""
        return refuse_method(MANNERS)

    def _push(self, request: Request, client: StockClient, form: Parameters) -> Answer:
        if form.get("request_uri"):
            raise Refused("invalid_request", "A request_uri is pushed.", rules.PAR_NO_URI)
        sent = {name: value for name, value in form.values.items() if name not in CREDENTIALS}
        pushed = Parameters({**sent, "client_id": client.client_id}, frozenset())
        read_wish(request, pushed, read_way_back(request, pushed, self.world), self.world)
        uri = PREFIX + self.world.ledger.new_text("request")
        self.requests.waiting.put(uri, pushed, self.requests.realm.clock() + LIFETIME)
        answer = Answer.json({"request_uri": uri, "expires_in": LIFETIME}, 201)
        return Answer(answer.status, answer.body, (*answer.headers, *NO_CACHE))
