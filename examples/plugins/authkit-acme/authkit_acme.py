"""Continue with Acme: a whole provider plugin."""

from authkit import OAuth2Provider, Profile, hookimpl

acme = OAuth2Provider(
    name="acme",
    title="Acme",
    authorize_url="https://acme.example/oauth/authorize",
    token_url="https://acme.example/oauth/token",
    userinfo_url="https://acme.example/api/me",
    default_scope=("profile",),
    profile=lambda data: Profile(subject=data["id"], display_name=data["name"]),
)


@hookimpl
def authkit_providers():
    return [acme]
