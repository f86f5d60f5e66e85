"""Rows as every released revision of the tables holds them. What stands here for a revision is never changed.

They are what an app of that time has written: the sealed texts open with the secret of the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from authkit import Identity

IDENTITY = Identity("acme", "acme-client", "user-1")
AT = "2026-12-31 23:59:59.000000"
LATER = "2035-01-01 00:00:00.000000"
DIGEST = "fc7a6f7f944b2ec7bcf8389284b1e142eba8d330b4fd1693e016fcb90ef4c3b8"
CLAIMED = "d79d3458a58877cd8e48c18ebaf4c27b9d5c1a9cb5dfbdac769a7a21d8a1022e"

SAMPLES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "0001": {
        "authkit_accounts": {
            "id": "account-1",
            "display_name": "Ada \u00c9 \U0001f600",
            "created_at": AT,
            "last_login_at": AT,
            "disabled_at": None,
        },
        "authkit_identities": {
            "id": 7,
            "account_id": "account-1",
            "authority": "acme",
            "client": "acme-client",
            "subject": "user-1",
            "union_id": "union-1",
            "registration": "acme",
            "display_name": "Ada \u00c9 \U0001f600",
            "username": "ada",
            "avatar_url": "https://acme.example/ada.png",
            "email": "ada@acme.example",
            "email_verified": True,
            "created_at": AT,
            "last_login_at": AT,
        },
        "authkit_tokens": {
            "identity_id": 7,
            "registration": "acme",
            "sealed": "AWsNfKxOFHIXBeqTfoftdp-XJ2m2fiB1IG02ux5Tu7ZU-SqEbhJg_qQdsFmp3Z6EAJc3vjUYtLvdiaHKPEz5j1XAwB"
            "leIUOeThFlgH7Dbgk",
            "sealed_with": "6b0d7cac",
            "scope": "profile email",
            "obtained_at": AT,
            "expires_at": LATER,
            "refresh_expires_at": LATER,
            "ends_at": LATER,
            "closed_at": None,
            "closed_because": None,
            "fence": 3_000_000_000,
            "lease_owner": "0123456789abcdef0123456789abcdef",
            "lease_until": None,
            "failures": 0,
            "retry_at": None,
        },
        "authkit_revocations": {
            "id": 5,
            "registration": "acme",
            "identity": DIGEST,
            "sealed": "AWsNfKym3XHpiQzndFBsrA121ED2IWUhr8G_ZuwE5aKcFiOWW3PLwzxxeVKAqvf8k6bkg6WHQ7-agWKQfsUTQsvUg2"
            "NTExkRCYki4EuyLEs",
            "sealed_with": "6b0d7cac",
            "created_at": AT,
            "tries": 2,
            "retry_at": AT,
        },
        "authkit_claims": {"digest": CLAIMED, "expires_at": 4_000_000_000},
        "authkit_audit": {
            "id": 9,
            "at": AT,
            "event": "created",
            "account_id": "account-1",
            "identity": DIGEST,
            "registration": "acme",
            "reason": None,
            "reference": "0123456789abcdef",
        },
    },
}


SAMPLES = {
    **SAMPLES,
    "0002": {
        **SAMPLES["0001"],
        "authkit_sessions": {
            "id": "0123456789abcdef0123456789abcdef",
            "account_id": "account-1",
            "app": "phone",
            "registration": "acme",
            "created_at": AT,
            "used_at": AT,
            "ends_at": LATER,
            "digest": DIGEST,
            "previous_digest": CLAIMED,
            "rotated_at": AT,
        },
    },
}


def put_samples(connection: Connection, revision: str) -> None:
    """Insert the rows of a revision, as plain SQL: its tables are not those of the code of today."""
    for table, row in SAMPLES[revision].items():
        columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({values})"), dict(row))
        if connection.dialect.name == "postgresql" and isinstance(row.get("id"), int):
            connection.execute(text(f"SELECT setval('{table}_id_seq', {row['id']})"))
