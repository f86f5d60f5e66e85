"""The plugins under examples/, and what the page about plugins shows, pass the contract of providers."""

from __future__ import annotations

import re
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

from authkit.testing import ProviderContract

ROOT = Path(__file__).parent.parent
PLUGINS = ROOT / "examples" / "plugins"
EMAILS = {
    "https://api.github.com/user/emails": lambda user: [
        {"email": f"{user['login']}@people.example", "primary": True, "verified": True}
    ]
}


def provider_of(name: str) -> Any:
    return runpy.run_path(str(PLUGINS / f"authkit-{name}" / f"authkit_{name}.py"))[name]


def shown(*functions: str) -> Any:
    """Return the provider of the page about plugins, with the functions that the page shows further down."""
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "authkit_acme"}
    for example in examples:
        if "def authkit_providers" in example or any(f"def {function}(" in example for function in functions):
            exec(example, names)
    return replace(
        names["acme"], default_scope=("profile", "email"), **{function: names[function] for function in functions}
    )


class TestAcme(ProviderContract):
    provider = provider_of("acme")


class TestGitHub(ProviderContract):
    provider = provider_of("github")
    resources = EMAILS
    requires = ("email", "pkce", "prompt")


class TestGoogle(ProviderContract):
    provider = provider_of("google")
    requires = ("email", "pkce", "prompt", "refresh", "scopes")


class TestErrorsInAnotherForm(ProviderContract):
    provider = shown("read_error")


class TestMoreThanOneCall(ProviderContract):
    provider = shown("userinfo")
    resources = {"https://acme.example/api/me/emails": [{"email": "ada@people.example"}]}
    requires = ("scopes",)
