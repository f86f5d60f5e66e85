"""The providers of a history: TikTok with two apps, and Acme; each an emulator, and both on one wire."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fakes import Network, acme

from authkit.emulator import KINDS, StockClient, StockEmulator
from authkit_tiktok.emulator import App, TikTokEmulator, User

PEOPLE = ("Ada", "Ben", "Newcomer")
"""Who has an account at both providers. The last one signs in at the very end."""
SETTINGS: Mapping[str, str] = {
    "authkit.tiktok.client_key": "first-app",
    "authkit.tiktok.client_secret": "canary-first-secret",
    "authkit.creators.provider": "tiktok",
    "authkit.creators.client_key": "second-app",
    "authkit.creators.client_secret": "canary-second-secret",
    "authkit.acme.client_id": "acme-client",
    "authkit.acme.client_secret": "canary-acme-secret",
}
REGISTRATIONS = ("tiktok", "creators", "acme")
WITH_PKCE = ("creators", "acme")
"""Where the provider looks at the verifier. TikTok does not, of most apps for the web."""
CODE_LIFETIME = 60
TOKENS = '"(?:access|refresh)_token": ?"([^"]+)"'

UNAVAILABLE = ("slow-connect", "silent", "slow-headers", "drip", "500", "502", "503", "504", "reset", "reset-headers")
PROTOCOL = ("html", "html-as-json", "truncated", "empty", "huge=2", "redirect", "301", "303", "307", "308", "json")
FAULTS: Mapping[str, str] = {
    **dict.fromkeys((*UNAVAILABLE, "reset-body", "error-in-200", "mixed"), "provider_unavailable"),
    **dict.fromkeys((*PROTOCOL, "wrong-types"), "provider_protocol"),
    "429": "provider_rate_limited",
}
"""What goes wrong, and the code that it has to end in."""
USERINFO_FAULTS = {**FAULTS, **dict.fromkeys(("no-id", "empty-id", "bad-id"), "provider_protocol")}
del USERINFO_FAULTS["wrong-types"]  # an error to TikTok's readers, nonsense to Acme's


class Providers:
    """A WSGI application that is both providers, by the host.

    Attributes:
        asked: how often each endpoint was asked, by its path.
        tokens: every token that was given out, the last one last.
    """

    def __init__(self, clock: Callable[[], float], random: Callable[[int], bytes]) -> None:
        secrets = {name.split(".")[1]: value for name, value in SETTINGS.items() if name.endswith("client_secret")}
        self.tiktok = TikTokEmulator(
            clock=clock,
            random=random,
            apps=(
                App("first-app", secrets["tiktok"]),
                App("second-app", secrets["creators"], platform="web-strict"),
            ),
            users=[
                User(open_id=f"-000{name}", union_id=f"union-{name}", display_name=name, username=name.lower())
                for name in PEOPLE
            ],
            webhook_transport=Network(),
        )
        self.acme = StockEmulator(
            acme,
            clock=clock,
            random=random,
            users=[{"id": f"user-{name}", "name": name} for name in PEOPLE],
            clients=[StockClient("acme-client", secrets["acme"])],
        )
        self.asked: Counter[str] = Counter()
        self.tokens: dict[str, None] = {}

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        self.asked[environ["PATH_INFO"].rstrip("/").rpartition("/")[2]] += 1
        emulator = self.acme if environ["HTTP_HOST"] == "acme.example" else self.tiktok
        body = b"".join(emulator(environ, start_response))
        self.tokens.update(dict.fromkeys(re.findall(TOKENS, body[:10_000].decode("utf-8", "replace"))))
        return [body]

    def of(self, registration: str) -> TikTokEmulator | StockEmulator:
        """Return the emulator behind a registration."""
        return self.acme if registration == "acme" else self.tiktok

    def fault(self, registration: str, endpoint: str) -> str:
        """Return what is about to go wrong at an endpoint, as a key of `FAULTS`; "" for nothing."""
        due = [fault for fault in self.of(registration).workbench.faults if fault.endpoint == endpoint]
        return "" if not due else f"{due[0].kind}={due[0].value}".rstrip("=")

    @property
    def newest_access_token(self) -> str:
        """The access token that was given out last."""
        return [token for token in self.tokens if not token.startswith(("rft.", "refresh"))][-1]

    def repair(self) -> None:
        """Let nothing go wrong any more."""
        for emulator in (self.tiktok, self.acme):
            emulator.workbench.faults.clear()


def is_processed(fault: str) -> bool:
    """Return whether the provider does what it is asked, although `fault` damages its answer."""
    return not fault or KINDS[fault.partition("=")[0]].effect == "processed"
