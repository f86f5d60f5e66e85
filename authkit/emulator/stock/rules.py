"""The rules that the stock emulator enforces, each with the section of the RFC that has it."""

from __future__ import annotations

from authkit.emulator.rules import Rule

TITLES = {
    6749: "The OAuth 2.0 Authorization Framework",
    6750: "The OAuth 2.0 Authorization Framework: Bearer Token Usage",
    7009: "OAuth 2.0 Token Revocation",
    7523: "JSON Web Token (JWT) Profile for OAuth 2.0 Client Authentication and Authorization Grants",
    7636: "Proof Key for Code Exchange by OAuth Public Clients",
    9126: "OAuth 2.0 Pushed Authorization Requests",
    9700: "Best Current Practice for OAuth 2.0 Security",
}


def rfc(number: int, section: str, text: str) -> Rule:
    """Return a rule of an RFC."""
    return Rule(
        id=f"RFC {number}, {section}",
        text=text,
        source=f"RFC {number}, {TITLES[number]}, section {section}",
        url=f"https://www.rfc-editor.org/rfc/rfc{number}#section-{section}",
    )


# Every request

AUTHORIZE_ONCE = rfc(6749, "3.1", "No parameter of an authorization request is there twice.")
TOKEN_ONCE = rfc(6749, "3.2", "No parameter of a token request is there twice.")
TOKEN_BY_POST = rfc(6749, "3.2", "The token endpoint is called by POST.")
TOKEN_BY_FORM = rfc(6749, "4.1.3", "A token request is a form: application/x-www-form-urlencoded, in the body.")
REVOKE_BY_POST = rfc(7009, "2.1", "The revocation endpoint is called by POST.")
REVOKE_BY_FORM = rfc(7009, "2.1", "A revocation request is a form: application/x-www-form-urlencoded, in the body.")
REVOKE_ONCE = rfc(7009, "2.1", "A revocation request names one token and one client, each once.")
SECRETS_IN_BODY = rfc(6749, "2.3.1", "Client credentials are never in the address of a request.")

# The authorization request

CLIENT_KNOWN = rfc(6749, "4.1.2.1", "With a client id that is missing or unknown, nobody is sent anywhere.")
REDIRECT_GIVEN = rfc(6749, "3.1.2.3", "A redirect URI may be left out only where exactly one is registered.")
REDIRECT_NO_FRAGMENT = rfc(6749, "3.1.2", "A redirect URI is absolute and has no fragment.")
REDIRECT_SECURE = rfc(9700, "2.6", "A redirect URI is https; plain http is for loopback addresses only.")
REDIRECT_EXACT = rfc(9700, "4.1.3", "A redirect URI is one of those registered, character by character.")
RESPONSE_TYPE_GIVEN = rfc(6749, "4.1.1", "An authorization request has a response_type.")
RESPONSE_TYPE_CODE = rfc(9700, "2.1.2", "The response_type is code: no token goes through the browser.")
SCOPE_FORM = rfc(6749, "3.3", "A scope is a list of words with one separator between each two.")
SCOPE_ALLOWED = rfc(6749, "4.1.2.1", "A client asks for scopes that it may have.")

# Proof Key for Code Exchange

PKCE_GIVEN = rfc(9700, "2.1.1", "An authorization request has a code_challenge.")
PKCE_S256 = rfc(
    7636, "4.4.1", "The code_challenge_method is one that the server supports: S256; left out, it is plain."
)
CHALLENGE_FORM = rfc(7636, "4.2", "A code_challenge has 43 to 128 characters.")
VERIFIER_FORM = rfc(7636, "4.1", "A code_verifier has 43 to 128 characters out of A-Z, a-z, 0-9 and -._~.")
VERIFIER_GIVEN = rfc(
    7636, "4.5", "A code that was asked for with a code_challenge is exchanged with its code_verifier."
)
VERIFIER_RIGHT = rfc(7636, "4.6", "The code_verifier is the one that the code_challenge was made from.")
NO_DOWNGRADE = rfc(
    9700, "4.8.2", "A code that was asked for without a code_challenge is exchanged without a code_verifier."
)

# The client

CLIENT_AUTHENTICATED = rfc(6749, "5.2", "A client is known, and proves that it is.")
CLIENT_METHOD = rfc(6749, "2.3", "A client authenticates in the way that the server has for it.")
CLIENT_ONE_METHOD = rfc(6749, "2.3", "A client uses one way of authentication in a request, not two.")
CLIENT_ENCODED = rfc(6749, "2.3.1", "Client id and secret are form-encoded before HTTP Basic joins them.")
PUBLIC_CLIENT = rfc(6749, "3.2.1", "A client that does not authenticate says who it is by its client id.")

# The token endpoint

GRANT_TYPE_GIVEN = rfc(6749, "5.2", "A token request has every parameter that its grant needs.")
GRANT_TYPE_KNOWN = rfc(6749, "5.2", "The grant_type is one that the server supports.")
CODE_ONCE = rfc(6749, "4.1.2", "A code is used once; used again, all that was issued from it is revoked.")
CODE_SHORT = rfc(6749, "4.1.2", "A code is used at once: it ends after a short time.")
CODE_OF_CLIENT = rfc(6749, "4.1.3", "A code is exchanged by the client that it was issued to.")
CODE_OF_REDIRECT = rfc(6749, "4.1.3", "A code is exchanged with the redirect URI of its authorization request.")
REFRESH_VALID = rfc(6749, "6", "A refresh token is one that was issued and has neither ended nor been revoked.")
REFRESH_OF_CLIENT = rfc(6749, "6", "A refresh token is used by the client that it was issued to.")
REFRESH_ONCE = rfc(
    9700, "4.14.2", "A refresh token that was replaced is not used again; if it is, all its successors are revoked."
)
REFRESH_SCOPE = rfc(6749, "6", "A refresh asks for no scope that the user did not grant.")

# Revocation and user info

REVOKE_TOKEN_GIVEN = rfc(7009, "2.1", "A revocation request has the token.")
REVOKE_OF_CLIENT = rfc(7009, "2.1", "A token is revoked by the client that it was issued to.")
BEARER_GIVEN = rfc(6750, "3.1", "A request for somebody's data has an access token.")
BEARER_HEADER = rfc(6750, "2.1", "An access token travels in the Authorization header, after the word Bearer.")
BEARER_NOT_IN_URL = rfc(9700, "4.3.2", "An access token is never in an address.")
BEARER_VALID = rfc(6750, "3.1", "An access token is one that was issued and has neither ended nor been revoked.")
BEARER_SCOPE = rfc(6750, "3.1", "An access token has the scope that the request needs.")
