"""Reading the form of a token call, and the app that sends it."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import unquote_plus

from authkit.emulator import Request, Rule
from authkit_tiktok.emulator import rulebook
from authkit_tiktok.emulator.app import App

__all__ = ["MALFORMED", "Form", "TokenError", "read_client", "read_form"]

Form = Mapping[str, str]

FORM_TYPE = "application/x-www-form-urlencoded"
MALFORMED = "The request parameters are malformed."


class TokenError(Exception):
    """The token endpoint says no ("OAuth error handling").

    Attributes:
        error: the category.
        description: what TikTok says.
        broken: the rule that the request broke.
    """

    def __init__(self, broken: Rule, error: str = "invalid_request", description: str = MALFORMED) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.broken = broken


def read_form(request: Request, *, is_lenient: bool) -> tuple[Form, Rule | None]:
    """Return the fields of the form, and the rule that a request breaks which is only taken out of lenience.

    Args:
        request: a token call.
        is_lenient: whether to take a content type with parameters, JSON and HTTP Basic as well.

    Raises:
        TokenError: the request is malformed.
    """
    broken = _broken_shape(request)
    if broken is None:
        return request.form, None
    if not is_lenient:
        raise TokenError(broken)
    is_json = request.content_type.lower().startswith("application/json")
    form = _read_json(request.body) if is_json else request.form
    return {**form, **_read_basic(request)}, broken


def read_client(request: Request, form: Form, apps: Mapping[str, App]) -> App:
    """Return the app that calls: by its key and secret ("Get a user access token").

    Raises:
        TokenError: one of them is missing or wrong.
    """
    key, secret = form.get("client_key", ""), form.get("client_secret", "")
    if not key:
        in_query = rulebook.BODY_ONLY if "client_key" in request.query else rulebook.TOKEN_FIELDS
        raise TokenError(rulebook.T01 if "client_id" in form else in_query)
    if not secret:
        raise TokenError(rulebook.CLIENT_SECRET, description="Client secret is missed in request.")
    app = apps.get(key)
    if app is None or app.client_secret != secret:
        raise TokenError(_broken_pair(key, secret, apps), "invalid_client", "Client key or secret is incorrect.")
    return app


def _broken_shape(request: Request) -> Rule | None:
    if request.credentials[0] == "basic":
        return rulebook.T07
    return None if request.content_type.lower() == FORM_TYPE else rulebook.T08


def _broken_pair(key: str, secret: str, apps: Mapping[str, App]) -> Rule:
    if (key, secret) != (key.strip(), secret.strip()):
        return rulebook.T34
    is_of_another = key in apps and any(secret == app.client_secret for app in apps.values())
    return rulebook.T26 if is_of_another else rulebook.T30


def _read_json(body: bytes) -> Form:
    """Return the texts of a JSON object, nothing for any other body."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    fields = data.items() if isinstance(data, dict) else ()
    return {name: value for name, value in fields if isinstance(value, str)}


def _read_basic(request: Request) -> Form:
    """Return key and secret from the Authorization header (RFC 6749, section 2.3.1), nothing from any other."""
    scheme, text = request.credentials
    try:
        pair = b64decode(text.encode("ascii"), validate=True).decode("utf-8") if scheme == "basic" else ""
    except ValueError:
        return {}
    key, colon, secret = pair.partition(":")
    return {"client_key": unquote_plus(key), "client_secret": unquote_plus(secret)} if colon else {}
