"""The user info reply, its status in a first line, as TikTok's reader and a plain one take it: who is it?"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from fakes import CLIENT_SECRET, Network, answer, make_kit
from requests import PreparedRequest, Response
from tiktok_fakes import ALL_SCOPES, tiktok_kit, user_info

from authkit import OAuth2Provider, Profile
from authkit.models import Identity, Secret, Token
from authkit.oidc.claims import map_claims, merge_claims
from fuzz.verdict import PROVIDER_ERRORS, read_or_refused

SEEDS = (
    b"200\n" + json.dumps(user_info(username="ada", follower_count=1, is_verified=True)).encode(),
    b'200\n{"sub": "u", "name": "Ada", "email": "a@b.example", "email_verified": true, "picture": "https://p.example"}',
    b'401\n{"error": {"code": "access_token_invalid", "message": "canary-access", "log_id": "1"}}',
    b'200\n{"data": {}, "error": {"code": "scope_not_authorized"}}',
    b"200\n" + json.dumps(user_info(union_id="u" * 256, display_name="a\0b", avatar_url="javascript:x")).encode(),
    b'200\n{"sub": "u", "email": "a\\n@b.example", "email_verified": true, "picture": "data:,"}',
    b'200\n{"sub": "\\ud800"}',
)
TOKEN = Token(Secret("canary-access"), scope=ALL_SCOPES)
acme = OAuth2Provider(
    name="acme",
    title="Acme",
    authorize_url="https://acme.example/oauth/authorize",
    token_url="https://acme.example/oauth/token",
    userinfo_url="https://acme.example/api/info",
    profile=lambda data: map_claims(merge_claims({"sub": data.get("sub"), "email": "old@b.example"}, data)),
)
STATUSES = frozenset(map(str, range(100, 600)))
network = Network()
kits = {"acme": make_kit(network, provider=acme), "tiktok": tiktok_kit(network)}


def read(data: bytes) -> list[Profile] | None:
    """Return the profiles that are read in a reply; None for nothing."""
    head, _, body = data.partition(b"\n")
    status = int(head) if head.decode("latin-1") in STATUSES else 200

    def reply(request: PreparedRequest) -> Response:
        return answer(request, status, body)

    network.replies["info"] = reply
    network.sent.clear()
    return list(_profiles()) or None


def _profiles() -> Iterator[Profile]:
    for name, kit in kits.items():
        client = kit.clients[name]
        call = lambda client=client: client.fetch_profile(TOKEN)  # noqa: E731 - a name for it reads no better
        profile = read_or_refused(call, *PROVIDER_ERRORS, secrets=(CLIENT_SECRET, "canary-access"))
        if profile is not None:
            yield profile


def target(data: bytes) -> None:
    """Check that whoever was read can be a key in a table, and shown on a page."""
    for profile in read(data) or ():
        identity = Identity("acme", "client", profile.subject)
        assert [unquote(part, errors="strict") for part in identity.key.split(":")] == [
            "v1",
            "acme",
            "client",
            profile.subject,
        ]
        texts = (profile.display_name, profile.username, profile.avatar_url, profile.email, profile.union_id)
        for text in (profile.subject, *filter(None, texts)):
            assert all(unicodedata.category(char) not in ("Cc", "Cs") for char in text)
        assert "" not in texts
        assert 0 < len(profile.subject) <= 255
        assert len(profile.union_id or "") <= 255
        assert (profile.avatar_url or "https://").startswith(("https://", "http://"))
        assert profile.email_verified in (False, profile.email is not None)
        assert json.loads(json.dumps(profile.raw)) is not None
