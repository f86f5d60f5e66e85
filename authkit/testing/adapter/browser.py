"""A browser as small as can be: it keeps cookies, and sends what it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

from authkit.testing.adapter.listening import listening
from authkit.testing.adapter.wire import Answer, call
from authkit.testing.verdicts import expect

if TYPE_CHECKING:
    from authkit.testing.adapter.world import World

__all__ = ["Browser"]


class Browser:
    """Somebody's browser.

    Args:
        world: where it is.
        app: the application that it speaks to, if not the world's own: another process of the same site.
        cookies: the cookies that it has from before.

    Attributes:
        cookies: the cookies that it has.
    """

    def __init__(self, world: World, app: Any = None, cookies: dict[str, str] | None = None) -> None:
        self.world = world
        self.app = app or world.app
        self.cookies = dict(cookies or {})

    def ask(self, method: str, path: str, query: str = "", *, body: str = "", **environ: str) -> Answer:
        """Send one request: `path` is below the application, and `environ` is what differs from a plain one."""
        cookies = {"HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        with listening(self.world.log):
            answer = call(
                self.app,
                {
                    **self.world.environ,
                    **(cookies if self.cookies else {}),
                    "REQUEST_METHOD": method,
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    **environ,
                },
                body.encode(),
            )
        for cookie in answer.cookies:
            self.cookies.pop(cookie.name, None)
            if not cookie.is_cleared:
                self.cookies[cookie.name] = cookie.value
        return answer

    def get(self, path: str, query: str = "", **environ: str) -> Answer:
        """GET a path of the application."""
        return self.ask("GET", path, query, **environ)

    def visit(self, url: str, method: str = "GET", **environ: str) -> Answer:
        """Go to an address of the site."""
        parts = urlsplit(url)
        path = unquote_to_bytes(parts.path).decode("latin-1").removeprefix(self.world.environ["SCRIPT_NAME"])
        return self.ask(method, path, parts.query, **environ)

    def start(self, query: str = "", *, name: str = "acme", **environ: str) -> str:
        """Begin a login, and return the address at the provider."""
        answer = self.get(self.world.path(f"/{name}"), query, **environ)
        url = answer.location
        expect(
            parse_qs(urlsplit(url).query).get("state") and answer.cookies,
            f"a login cannot be begun: GET {self.world.path(f'/{name}')} was answered {answer.status} "
            f"with Location {url[:60]!r} and {len(answer.cookies)} cookies",
            why="nobody can sign in.",
            fix="answer a redirect to the `url` of `kit.begin(...)`, with all of its `cookies`.",
        )
        return url

    def begin(self, query: str = "", *, user: int | str = 0, name: str = "acme", **environ: str) -> str:
        """Begin a login, say yes at the provider, and return the callback's address."""
        return self.world.provider.approve(self.start(query, name=name, **environ), user=user)

    def log_in(self, query: str = "", *, user: int | str = 0, name: str = "acme", **environ: str) -> Answer:
        """Go through a whole login, and return the last answer."""
        return self.visit(self.begin(query, user=user, name=name, **environ), **environ)

    def log_out(self, query: str = "", **environ: str) -> Answer:
        """Send what the button "Sign out" sends."""
        return self.ask("POST", self.world.path("/logout"), query, **environ)

    @property
    def me(self) -> str:
        """Who is signed in, "" for nobody."""
        return self.world.who(self)
