"""TikTok's rules: what its errors mean, and which redirect URIs it registers."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from authkit import Refusal
from authkit.errors import (
    AuthkitError,
    ProviderMisconfigured,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
    ScopeMissing,
)

__all__ = ["check_redirect_uri", "read_error"]

MAX_REDIRECT_URI = 511
LOOPBACK_HOSTS = ("localhost", "127.0.0.1")

API_MEANINGS: Mapping[str, type[AuthkitError]] = {
    "access_token_invalid": ProviderRejected,
    "internal_error": ProviderUnavailable,
    "invalid_params": ProviderRejected,
    "rate_limit_exceeded": ProviderRateLimited,
    "scope_not_authorized": ScopeMissing,
    "scope_permission_missed": ScopeMissing,
}
"""The codes of the resource API (TikTok API v2 Error Handling)."""

OUR_FAULT = ("redirect_uri is not matched", "client secret is missed")
HINT = "Check key and secret; the sandbox and production have a pair each."


def read_error(data: Mapping[str, Any]) -> Refusal | None:
    """Read TikTok's errors: a text at the OAuth endpoints and in callbacks, an object at the API.

    The object is there on success too, with the code ``ok``.
    """
    error = data.get("error")
    if isinstance(error, Mapping):
        return _api_refusal(error)
    if error in (None, ""):
        return None
    description, error_type = _text(data, "error_description"), _text(data, "error_type")
    meaning: type[AuthkitError] | None = None
    if error_type or any(fault in description.lower() for fault in OUR_FAULT):
        # An error that names a parameter or a reason is about the app's set-up, `access_denied` included.
        meaning, description = ProviderMisconfigured, f"{description} {error_type}".strip()
    elif error == "invalid_client":
        description = f"{description} {HINT}"
    elif error == "param_error":
        meaning = ProviderMisconfigured
    return Refusal(str(error), description, _text(data, "log_id"), meaning)


def _api_refusal(error: Mapping[str, Any]) -> Refusal | None:
    code = str(error.get("code", "an error without a code"))
    if code == "ok":
        return None
    return Refusal(code, _text(error, "message"), _text(error, "log_id"), API_MEANINGS.get(code))


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def check_redirect_uri(uri: str, options: Mapping[str, str]) -> None:
    """Raise `ValueError` for a redirect URI that TikTok would not register (Login Kit for Web, for Desktop)."""
    parts = urlsplit(uri)
    if len(uri) > MAX_REDIRECT_URI:
        raise ValueError("TikTok wants fewer than 512 characters")
    if "?" in uri or "#" in uri:
        raise ValueError("TikTok wants a static address, without a query and without a fragment")
    if options.get("platform") == "desktop":
        if parts.hostname not in LOOPBACK_HOSTS or parts.port is None or len(parts.path) < 2:
            raise ValueError("TikTok wants localhost or 127.0.0.1, with a port and a path, for a desktop app")
    elif parts.scheme != "https" or not parts.hostname or not _is_public(parts.hostname):
        raise ValueError(
            "TikTok wants a public https address for a web app; for development use an https tunnel, the emulator, "
            "or a desktop app in TikTok's portal with `platform = desktop`"
        )


def _is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return host not in LOOPBACK_HOSTS
