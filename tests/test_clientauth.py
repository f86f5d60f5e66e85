"""How a client proves who it is: what it shows of itself, and what it is called in a form."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from authkit.clientauth import SecretInForm, SecretInHeader
from authkit.models import Secret

HEADER = SecretInHeader("id", Secret("canary"))
FORM = SecretInForm("id", Secret("canary"))


def test_a_secret_is_not_even_mentioned() -> None:
    assert repr(HEADER) == "SecretInHeader(client_id='id')"
    assert repr(FORM) == "SecretInForm(client_id='id', client_id_param='client_id')"


@pytest.mark.parametrize("auth", [HEADER, FORM], ids=["header", "form"])
def test_the_proof_of_a_client_cannot_be_changed(auth: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        auth.client_id = "other"


def test_a_form_has_the_id_and_the_secret_under_their_usual_names() -> None:
    assert FORM.form() == {"client_id": "id", "client_secret": "canary"}
