"""`Visitor`: goes through the pages of a login as somebody with a browser would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from authkit.emulator.messages import Request
from authkit.emulator.stock.refused import Refused
from authkit.emulator.stock.scopes import split_scopes, usual_scopes
from authkit.emulator.stock.world import World
from authkit.emulator.workbench import Workbench

__all__ = ["Visitor"]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who decides on the consent page."""

    workbench: Workbench
    world: World

    def approve(self, authorize_url: str, place: int, scopes: Sequence[str] | None) -> str:
        """Continue as the user at `place`, and return the callback's address.

        Args:
            authorize_url: an authorization request, at whatever host.
            place: a place in `World.users`.
            scopes: the boxes that stay ticked; None for all of them.

        Raises:
            ValueError: the server would show an error page, or has no such box.
        """
        offered = self._offered(authorize_url)
        ticked = offered if scopes is None else scopes
        if unknown := set(ticked) - set(offered):
            raise ValueError(f"the consent page has no box for {', '.join(sorted(unknown))}")
        return self._visit(authorize_url, {"decision": "allow", "user": str(place), "scope": ",".join(ticked)})

    def deny(self, authorize_url: str) -> str:
        """Cancel, and return the callback's address.

        Raises:
            ValueError: the server would show an error page.
        """
        return self._visit(authorize_url, {"decision": "deny"})

    def _offered(self, authorize_url: str) -> Sequence[str]:
        provider = self.world.provider
        try:
            asked = self.world.dialect.read_authorization(Request.by_browser("GET", authorize_url)).get("scope")
        except Refused:
            asked = ""  # the page will say why
        return split_scopes(asked, provider) if asked else usual_scopes(provider)

    def _visit(self, authorize_url: str, form: Mapping[str, str]) -> str:
        self.workbench.answer(Request.by_browser("GET", authorize_url))
        answer = self.workbench.answer(Request.by_browser("POST", authorize_url, form))
        if answer.location is None and answer.verdict:
            raise ValueError(f"the server shows an error page: {answer.verdict}")
        if answer.location is None:
            raise ValueError("this is not the address of the authorization endpoint")
        return answer.location
