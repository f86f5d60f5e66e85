"""The rules that the OpenID Connect emulator enforces beside those of the stock one, each with its section."""

from __future__ import annotations

from authkit.emulator.rules import Rule
from authkit.emulator.stock.rules import rfc

CORE = "https://openid.net/specs/openid-connect-core-1_0.html"
LOGOUT = "https://openid.net/specs/openid-connect-rpinitiated-1_0.html"
MODES = "https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html"


def _core(section: str, anchor: str, text: str) -> Rule:
    return Rule(f"OIDC Core, {section}", text, f"OpenID Connect Core 1.0, section {section}", f"{CORE}#{anchor}")


def _logout(section: str, anchor: str, text: str) -> Rule:
    source = f"OpenID Connect RP-Initiated Logout 1.0, section {section}"
    return Rule(f"OIDC Logout, {section}", text, source, f"{LOGOUT}#{anchor}")


# The authorization request

PROMPT_KNOWN = _core("3.1.2.1", "AuthRequest", "A prompt is none alone, or some of login, consent, select_account.")
PROMPT_NONE = _core("3.1.2.6", "AuthError", "Without a page (prompt=none) nobody is signed in who is not already.")
MAX_AGE_NUMBER = _core("3.1.2.1", "AuthRequest", "A max_age is a number of seconds.")
NO_REQUEST_OBJECT = _core("6.1", "RequestObject", "A request object is sent only where the server takes them.")
RESPONSE_MODE = Rule(
    "OAuth Response Modes, 2.1",
    "A response_mode is one that the server supports: query.",
    "OAuth 2.0 Multiple Response Type Encoding Practices, section 2.1",
    f"{MODES}#ResponseModes",
)

# Pushed authorization requests

PAR_REQUIRED = rfc(9126, "5", "Where the server demands it, an authorization request is pushed first.")
PAR_OFFERED = rfc(9126, "5", "A request_uri is sent only where the server has an endpoint to push a request to.")
PAR_ONCE = rfc(9126, "4", "A request_uri is used once, soon, and by the client that pushed the request.")
PAR_NO_URI = rfc(9126, "2.1", "What is pushed has no request_uri.")
PAR_BY_POST = rfc(9126, "2.1", "A request is pushed by POST.")
PAR_BY_FORM = rfc(9126, "2.1", "A request is pushed as a form: application/x-www-form-urlencoded, in the body.")
PAR_SINGLE = rfc(9126, "2.1", "No parameter of a pushed request is there twice.")

# The client

METHOD_ANNOUNCED = _core("9", "ClientAuthentication", "A client authenticates in a way that the server announces.")
ASSERTION_TYPE = rfc(7523, "2.2", "A client assertion comes with its type, jwt-bearer, and nothing else that proves.")
ASSERTION_SIGNED = rfc(7523, "3", "A client assertion is signed by a key that the client has registered.")
ASSERTION_ISSUER = rfc(7523, "3", "The issuer and the subject of a client assertion are the client id.")
ASSERTION_AUDIENCE = rfc(7523, "3", "The audience of a client assertion is this server.")
ASSERTION_TIME = rfc(7523, "3", "A client assertion has an end, and that is not over.")
ASSERTION_ONCE = _core("9", "ClientAuthentication", "A client assertion has an id (jti), and is used once.")

# The end of a session

HINT_VALID = _logout("2", "RPLogout", "An id_token_hint is an ID token that this server has issued.")
HINT_CLIENT = _logout("2", "RPLogout", "A client_id beside an id_token_hint is the audience of it.")
LOGOUT_CLIENT = _logout("2", "RPLogout", "Who wants the browser back says who it is: by id_token_hint or client_id.")
LOGOUT_EXACT = _logout("3.1", "ClientMetadata", "A post_logout_redirect_uri is one of those registered, exactly.")
LOGOUT_SINGLE = _logout("2", "RPLogout", "No parameter of a logout is there twice.")
