"""Addresses at which TikTok has nothing any more, or never had: version 1 of its API, and a missing slash."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from authkit.emulator import Answer, Request
from authkit_tiktok.emulator import rulebook
from authkit_tiktok.emulator.authorize import AuthorizeEndpoint
from authkit_tiktok.emulator.headers import stamped
from authkit_tiktok.emulator.wish import PageError
from authkit_tiktok.emulator.world import World

__all__ = ["V1_CALLS", "V1_PAGES", "SlashlessEndpoint", "Version1Endpoint"]

V1_PAGES = ("/auth/authorize/", "/auth/authorize", "/platform/oauth/connect/", "/platform/oauth/connect")
V1_CALLS = tuple(
    path + slash
    for path in ("/oauth/access_token", "/oauth/refresh_token", "/oauth/revoke", "/user/info")
    for slash in ("/", "")
)


@dataclass(frozen=True, slots=True)
class Version1Endpoint:
    """Version 1 ("Migration guidance for OAuth v1")."""

    world: World

    def show(self, request: Request) -> Answer:
        """Answer a login page of version 1 as TikTok is seen to: with its error page about the redirect URI."""
        error = PageError("invalid_request", "redirect_uri", rulebook.VERSION_1)
        return AuthorizeEndpoint(self.world).refuse(request, error)

    def call(self, _request: Request) -> Answer:
        """Answer a call of version 1 with an error in the shape of that version; the wording is made up."""
        description = "This version of the API is retired."
        data = {"captcha": "", "desc_url": "", "description": description, "error_code": 10002}
        answer = Answer.json({"data": data, "message": "error"})
        return stamped(answer, self.world.ledger.log_id()).refused(description, rulebook.VERSION_1)


@dataclass(frozen=True, slots=True)
class SlashlessEndpoint:
    """The addresses of the API without the slash at their end. What they answer is unknown, hence the switch."""

    world: World

    def answer(self, request: Request) -> Answer:
        """Answer that there is nothing, or lead to the address with the slash."""
        log_id = self.world.ledger.log_id()
        if self.world.switches.now.slashless == "404":
            return stamped(Answer(404), log_id).refused("Not Found", rulebook.T09)
        # A relative reference, since the emulator may be mounted below any path.
        address = request.path.rpartition("/")[2] + "/"
        query = f"?{urlencode(request.query)}" if request.query else ""
        answer = Answer(301, headers=(("Location", address + query),))
        return stamped(answer, log_id).refused("Moved Permanently", rulebook.T09)
