"""oidc-provider, the certified server for node, in a process of its own; a browser; a wire that remembers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from fakes import BASE_URL, SECRET, Sent
from interop_world import node_command, running
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from authkit import AuthKit
from authkit.plugins import Plugins
from authkit.transport import PooledAdapter

__all__ = ["ADA", "BEN", "OpenIDServer", "Person", "Wire", "client", "run_openid_server"]

SECONDS = 20
CALLBACK = f"{BASE_URL}/auth/op/callback"
ADA = {
    "name": "Ada Lovelace",
    "preferred_username": "ada",
    "picture": "https://pictures.example/ada.png",
    "email": "ada@people.example",
    "email_verified": True,
}
BEN = {"name": "Ben", "email": "ben@people.example", "email_verified": False}


def client(client_id: str, method: str, secret: str, **metadata: Any) -> Mapping[str, Any]:
    """Return the registration of a client at the server, in the words of OpenID Connect Registration, section 2."""
    return {
        "client_id": client_id,
        "token_endpoint_auth_method": method,
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [f"{BASE_URL}/"],
        "grant_types": ["authorization_code", "refresh_token"],
        **({} if method == "private_key_jwt" else {"client_secret": secret}),
        **metadata,
    }


class Wire(BaseAdapter):
    """The network, which remembers every request that went out on it and every answer that came back."""

    def __init__(self) -> None:
        super().__init__()
        self._network = PooledAdapter()
        self.sent: list[Sent] = []

    def send(self, request: PreparedRequest, **options: Any) -> Response:  # type: ignore[override]
        body = request.body or ""
        text = body.decode() if isinstance(body, bytes) else str(body)
        self.sent.append(Sent(request.method or "", request.url or "", dict(request.headers), text))
        return self._network.send(request, **options)

    def close(self) -> None:
        self._network.close()

    def to(self, path: str) -> Sequence[Sent]:
        """Return what was sent to `path`, oldest first."""
        return [sent for sent in self.sent if sent.path == path]


@dataclass(frozen=True)
class Person:
    """A person's browser at the server. It keeps cookies, and stops where an address leads elsewhere."""

    origin: str
    _session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self._session.trust_env = False

    def open(self, url: str, method: str = "GET", **content: Any) -> Response:
        """Open a page of the server, and follow it to the end, or to the address of another site."""
        for _ in range(10):
            response = self._session.request(method, url, allow_redirects=False, timeout=SECONDS, **content)
            url, method, content = urljoin(response.url, response.headers.get("Location", "")), "GET", {}
            if not response.is_redirect or not url.startswith(f"{self.origin}/"):
                return response
        raise AssertionError(f"too many redirects, the last one to {url}")

    def allow(self, url: str, account: str = "ada") -> str:
        """Sign in as `account`, consent to everything, and return the callback that the browser is sent to."""
        return self._decide(url, account=account)

    def deny(self, url: str, error: str = "access_denied") -> str:
        """Refuse, and return the callback that the browser is sent to."""
        return self._decide(url, error=error)

    def is_asked(self, url: str) -> bool:
        """Whether the server has to ask at this address, because nobody is signed in or has consented."""
        return self._is_question(self.open(url))

    def sign_out(self, url: str) -> str:
        """Confirm on the page that the server shows at this address, and return where the browser is sent to."""
        page = self.open(url)
        found = re.search(r'action="([^"]+)".*name="xsrf" value="([^"]+)"', page.text)
        assert found, f"{page.url}\n{page.text}"
        answer = self.open(found[1], "POST", data={"xsrf": found[2], "logout": "yes"})
        return answer.headers["Location"]

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def _decide(self, url: str, **decision: str) -> str:
        page = self.open(url)
        if self._is_question(page):
            page = self.open(f"{page.url}?{urlencode(decision)}")
        assert page.headers.get("Location", "").startswith(CALLBACK), f"{page.url}\n{page.text}"
        return page.headers["Location"]

    @staticmethod
    def _is_question(page: Response) -> bool:
        return urlsplit(page.url).path.startswith("/interaction/") and page.ok


@dataclass(frozen=True)
class OpenIDServer:
    """The server, as a test sees it.

    Attributes:
        origin: its origin, which is its issuer identifier.
    """

    origin: str

    def change_keys(self) -> None:
        """Make the server sign with other keys from now on, and know the old ones no more."""
        self._asked(f"{self.origin}/keys", "POST")

    def connections(self) -> int:
        """Return how many connections the server has had requests on, other than about this."""
        return self._asked(f"{self.origin}/connections")["connections"]

    def understood(self, url: str) -> Mapping[str, str]:
        """Return the authorization request that the server makes of an address."""
        return self._asked(url)

    def _asked(self, url: str, method: str = "GET") -> Any:
        with closing(Person(self.origin)) as somebody:
            return somebody.open(url, method).json()

    def kit(self, wire: Wire, clock: Callable[[], float] | None, plugins: Plugins | None, **settings: str) -> AuthKit:
        """Return the kit of an app that is registered at the server with these settings."""
        common = {"secret": SECRET, "base_url": BASE_URL, "op.provider": "oidc", "op.issuer": self.origin}
        own = {f"op.{name}": value for name, value in settings.items()}
        mapping = {f"authkit.{name}": value for name, value in {**common, **own}.items()}
        return AuthKit.from_settings(mapping, wire, clock, plugins=plugins, environ={})


@contextmanager
def run_openid_server(*clients: Mapping[str, Any], **people: Mapping[str, Any]) -> Iterator[OpenIDServer]:
    """Run the server while the block lasts, with these clients, and with these people and what it says of them."""
    with running(node_command("oidc-provider.mjs"), {"clients": clients, "people": people}) as origin:
        yield OpenIDServer(origin)
