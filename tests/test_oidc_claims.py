"""What is made of the claims about a user, and which of them are no part of the profile."""

from __future__ import annotations

import pytest
from openid_world import claims

from authkit.oidc.claims import merge_claims

OF_THE_TOKEN = ("iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "s_hash", "sid")


@pytest.mark.parametrize("name", OF_THE_TOKEN)
def test_what_an_id_token_says_of_itself_is_not_said_of_the_user(name: str) -> None:
    id_token = claims(**{"name": "Ada", name: "said"})

    assert merge_claims(id_token, {}) == {"sub": "user-1", "name": "Ada"}
