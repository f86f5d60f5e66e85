"""What OpenID Connect has to say about an authorization request (OpenID Connect Core 1.0, section 3.1.2)."""

from __future__ import annotations

from authkit.emulator.messages import Request
from authkit.emulator.openid import rules
from authkit.emulator.openid.realm import Realm
from authkit.emulator.stock.parameters import Parameters
from authkit.emulator.stock.refused import Refused

__all__ = ["check_authorization"]

PROMPTS = frozenset({"login", "consent", "select_account"})


def check_authorization(realm: Realm, request: Request, asked: Parameters) -> None:
    """Check what the stock emulator does not know of.

    Nobody has a session here: everybody signs in on the page, each time. So ``max_age`` is kept to in any case, and
    ``prompt=none`` never succeeds.

    Raises:
        Refused: something is wrong, which the client is told.
    """
    is_pushing = request.path == realm.site.path("par")
    prompts = asked.get("prompt").split()
    if asked.get("request"):
        raise Refused("request_not_supported", "This server takes no request objects.", rules.NO_REQUEST_OBJECT)
    if asked.get("response_mode") not in ("", "query"):
        raise Refused("invalid_request", "The response_mode is not query.", rules.RESPONSE_MODE)
    if prompts != ["none"] and not PROMPTS.issuperset(prompts):
        raise Refused("invalid_request", "The prompt is none that there is.", rules.PROMPT_KNOWN)
    if asked.get("max_age") and not (asked.get("max_age").isascii() and asked.get("max_age").isdigit()):
        raise Refused("invalid_request", "The max_age is no number.", rules.MAX_AGE_NUMBER)
    if is_pushing:
        return
    if realm.switches.now.par == "required" and "request_uri" not in request.query:
        raise Refused("invalid_request", "This server wants requests to be pushed.", rules.PAR_REQUIRED)
    if prompts == ["none"]:
        raise Refused("login_required", "Nobody is signed in.", rules.PROMPT_NONE)
