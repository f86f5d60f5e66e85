"""Continue with Google: "OpenID Connect" in Google's documentation. Endpoints and keys come from the issuer."""

from __future__ import annotations

from authkit import hookimpl
from authkit.oidc import OpenIDProvider

google = OpenIDProvider(
    name="google",
    title="Google",
    issuer="https://accounts.google.com",
    default_scope=("openid", "email", "profile"),
    prompts={
        "consent": {"prompt": "consent", "access_type": "offline"},  # Google has no scope offline_access
        "select_account": {"prompt": "select_account"},
    },
)


@hookimpl
def authkit_providers() -> list[OpenIDProvider]:
    """Supply Google."""
    return [google]
