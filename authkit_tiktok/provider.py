"""TikTok Login Kit as data (Login Kit for Web, Login Kit for Desktop, User Access Token Management)."""

from __future__ import annotations

from authkit import OAuth2Provider, Option, pkce
from authkit_tiktok.events import TikTokEvents
from authkit_tiktok.profile import BASIC_SCOPE, fetch_user, map_profile
from authkit_tiktok.rules import check_redirect_uri, read_error

tiktok = OAuth2Provider(
    name="tiktok",
    title="TikTok",
    authorize_url="https://www.tiktok.com/v2/auth/authorize/",
    token_url="https://open.tiktokapis.com/v2/oauth/token/",
    userinfo_url="https://open.tiktokapis.com/v2/user/info/",
    revoke_url="https://open.tiktokapis.com/v2/oauth/revoke/",
    default_scope=(BASIC_SCOPE,),
    basic_scope=(BASIC_SCOPE,),
    client_id_param="client_key",
    token_auth="body",
    scope_separator=",",
    granted_scope_param="scopes",
    subject_param="open_id",
    revoke_with="access_token",
    prompts={"consent": {"disable_auto_auth": "1"}},
    options=(
        Option(
            name="platform",
            choices=("web", "desktop"),
            default="web",
            help="The platform of the app in TikTok's portal; a loopback redirect URI needs `desktop`.",
        ),
    ),
    events=TikTokEvents(),
    code_challenge=pkce.s256_hex,
    read_error=read_error,
    userinfo=fetch_user,
    profile=map_profile,
    check_redirect_uri=check_redirect_uri,
)
