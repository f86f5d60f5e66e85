"""Writes the parts of the docs that repeat code: names, settings, errors, hooks, fields, and what emulators can do.

Each stands between ``<!-- name -->`` and ``<!-- /name -->`` in a file of this folder. `make docs` runs this; a
test fails when a file is behind the code.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from authkit import Profile, ProviderEvent, Secret, errors, hookspecs
from authkit.emulator import KINDS, OpenIDSwitches, StockSwitches, Switchboard
from authkit.emulator.openid import MODULES
from authkit.keys import MEMBER_KEYS, PART_KEYS, REGISTRATION_KEYS, SITE_KEYS, Key, option_key
from authkit.oidc import OpenIDProvider
from authkit.provider import OAuth2Provider
from authkit.testing import ProviderContract
from authkit_tiktok.emulator import TikTokSwitches
from authkit_tiktok.provider import tiktok

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"
PUBLIC: Mapping[str, str] = {
    "authkit": "",
    "authkit.adapters": "",
    "authkit.errors": "",
    "authkit.events": "",
    "authkit.pkce": "",
    "authkit.plugins": "",
    "authkit.oidc": "oidc",
    "authkit.emulator": "emulator",
    "authkit.testing": "testing",
    "authkit.pyramid": "pyramid",
    "authkit.pyramid.accounts": "pyramid,accounts",
    "authkit.pyramid.native": "pyramid,native",
    "authkit.accounts": "accounts",
    "authkit.accounts.inbox": "accounts",
    "authkit.accounts.migrate": "accounts",
    "authkit.native": "native",
    "authkit.native.desktop": "",
    "authkit.native.loopback": "",
    "authkit.native.tokenring": "",
}
"""The modules whose names are public, and the extra that each needs. Think twice: what is added here stays."""

NO_SWITCHES = {"App", "call", "get", "post", "Request"}
"""What the tests call with arguments that have the names of switches."""


def public_names() -> str:
    """Return the table of the public names."""
    rows = []
    for module, extra in PUBLIC.items():
        names = ", ".join(f"`{name}`" for name in _exports(module))
        rows.append(f"| `{module}` | {f'`[{extra}]`' if extra else ''} | {names} |")
    return _table("| module | extra | names |", rows)


def settings_of_the_site() -> str:
    """Return the table of the settings of a site."""
    return _settings("authkit.", SITE_KEYS.values())


def settings_of_a_registration() -> str:
    """Return the table of the settings of a registration."""
    return _settings("authkit.<registration>.", REGISTRATION_KEYS.values())


def settings_of_the_parts() -> str:
    """Return the table of the settings of the optional parts."""
    keys = [
        replace(key, name=f"{part}.{name}") for part, declared in PART_KEYS.items() for name, key in declared.items()
    ]
    return _settings("authkit.", keys)


def settings_of_native_apps() -> str:
    """Return the table of the settings of a native app."""
    return _settings("authkit.native.<app>.", MEMBER_KEYS["native"].values())


def settings_of_openid() -> str:
    """Return the table of the settings that OpenID Connect adds."""
    return _settings("authkit.<registration>.", map(option_key, OpenIDProvider.options))


def settings_of_tiktok() -> str:
    """Return the table of the settings that TikTok adds."""
    rows = [f"| `authkit.tiktok.{option.name}` | `{option.default}` | {option.help} |" for option in tiktok.options]
    return _table("| key | default | meaning |", rows)


def error_codes() -> str:
    """Return the table of error codes, each linked to its section."""
    known: dict[str, type[errors.AuthkitError]] = {}
    for name in errors.__all__:
        found = getattr(errors, name)
        if inspect.isclass(found) and found is not errors.AuthkitError:
            known.setdefault(found.code, found)
    rows = [f"| [`{code}`](#{code}) | {known[code].status} | {known[code].message} |" for code in sorted(known)]
    return _table("| code | HTTP | what the visitor reads |", rows)


def hooks() -> str:
    """Return every hook with its signature and what its docstring says."""
    parts = []
    for name, function in vars(hookspecs).items():
        if name.startswith("authkit_"):
            parameters = ", ".join(inspect.signature(function).parameters)
            parts.append(f"### `{name}({parameters})`\n\n{_as_markdown(inspect.getdoc(function) or '')}")
    return "\n\n".join(parts)


def provider_fields() -> str:
    """Return the fields of a provider."""
    return _fields(OAuth2Provider)


def openid_provider_fields() -> str:
    """Return the fields of a provider of OpenID Connect."""
    return _fields(OpenIDProvider)


def profile_fields() -> str:
    """Return the fields of a profile."""
    return _fields(Profile)


def event_fields() -> str:
    """Return the fields of a provider's event."""
    return _fields(ProviderEvent)


def fault_kinds() -> str:
    """Return the table of what can go wrong at an emulator."""
    rows = [f"| `{kind.name}` | {kind.default} | {kind.effect} | {kind.help} |" for kind in KINDS.values()]
    return _table("| kind | value | the request | what happens |", rows)


def tiktok_switches() -> str:
    """Return the table of the switches of TikTok's emulator, each with a test that turns it."""
    return _switches(Switchboard(TikTokSwitches()), "test_tiktok_emulator*.py")


def stock_switches() -> str:
    """Return the table of the switches of the stock emulator, each with a test that turns it."""
    return _switches(Switchboard(StockSwitches()), "test_stock*.py")


def openid_switches() -> str:
    """Return the table of the switches of the OpenID Connect emulator, each with a test that turns it."""
    return _switches(
        Switchboard(OpenIDSwitches()), "test_openid_emulator*.py", {"module": "a name from the next table"}
    )


def openid_modules() -> str:
    """Return the table of the modules of the OpenID Connect emulator, each with its test."""
    tests = {test.name: f"{path.name}::{test.name}" for path, test in _tests("test_openid_emulator_modules.py")}
    rows = []
    for module in MODULES.values():
        test = tests[f"test_module_{module.name.replace('-', '_')}"]
        rows.append(f"| `{module.name}` | {module.help} | {'goes on' if module.is_sound else 'stops'} | `{test}` |")
    return _table("| module | what the server does | a relying party | test |", rows)


def tiktok_facts() -> str:
    """Return the table of the facts about TikTok; a test of a fact begins with its number."""
    rows = []
    for path, test in _tests("test_tiktok_emulator*.py"):
        if found := re.fullmatch(r"test_t(\d\d)_(\w+)", test.name):
            fact, words = found.groups()
            rows.append((int(fact), f"| T{int(fact)} | {words.replace('_', ' ')} | `{path.name}::{test.name}` |"))
    return _table("| fact | what its test shows | test |", [row for _, row in sorted(rows)])


def security_rows() -> str:
    """Return the table of the attacks and faults, each with its tests."""
    from security_coverage import covered, tests_of_rows

    rows = [f"| {row} | {what} | {shown} |" for row, what, shown in covered(tests_of_rows(TESTS))]
    return _table("| row | what is attacked, or fails | tests |", rows)


def security_open() -> str:
    """Return the table of the rows of which something has no test."""
    from security_rows import OPEN

    return _table(
        "| row | what is open, and why |", [f"| {row} | {why} |" for row, why in OPEN.items()] or ["| none | |"]
    )


def mutants() -> str:
    """Return the table of what was measured of each module."""
    return _table("| module | mutants | tried | killed | |", [_mutants(*page) for page in _mutated().items()])


def surviving_mutants() -> str:
    """Return the table of the reasons for which mutants may survive."""
    lives = [(one["why"], one) for page in _mutated().values() for one in page["survivors"] if one["why"]]
    rows = []
    for why, number in sorted(Counter(why for why, _ in lives).items(), key=lambda found: (-found[1], found[0])):
        example = next(one for reason, one in lives if reason == why)
        rows.append(f"| {why} | {number} | `{_cell(example['was'])}` → `{_cell(example['now'])}` |")
    return _table("| why it survives | how many | such as |", rows)


def adapter_contract() -> str:
    """Return the table of the tests that an adapter has to pass, each with the wrong adapter that proves it."""
    sys.path.append(str(TESTS))  # where pytest has it already
    from wrong_adapters import PARTS

    rows = [
        f"| {part} | {_words(test)} | {defect.what} |"
        for part, defects in PARTS.items()
        for test, defect in defects.items()
    ]
    return _table("| about | what is tested | the wrong adapter that it finds |", rows)


def provider_contract() -> str:
    """Return the table of the tests of the contract of providers, each with the defect that proves it."""
    sys.path.append(str(TESTS))  # where the defects are, unless pytest has put it there already
    from seeded import DEFECTS

    proofs = {defect.red: defect.what for defect in DEFECTS}
    rows = []
    for part in ProviderContract.__bases__:
        for name, test in vars(part).items():
            if name.startswith("test_"):
                says = " ".join((inspect.getdoc(test) or "").split())
                rows.append(f"| `{name}` | {says} | {proofs.get(name, '')} |")
    return _table("| test | what has to be true | the wrong provider that proves it |", rows)


def wire_faults() -> str:
    """Return the table of the faults on the wire that the tests cause, each with its code and its cause."""
    sys.path.append(str(TESTS))  # where pytest has it already
    from wire_faults import ANSWERS, CONNECTING, HANDSHAKES, PROXIES

    rows = []
    for name, fault in {**CONNECTING, **HANDSHAKES, **ANSWERS, **PROXIES}.items():
        causes = ", or: ".join(cause if not cause.endswith(": ") else f"{cause}…" for cause in fault.causes)
        rows.append(f"| {name} | `{fault.code}` | {causes} |")
    return _table("| what goes wrong | code | cause |", rows)


def _mutated() -> Mapping[str, Mapping[str, Any]]:
    pages: dict[str, dict[str, Any]] = json.loads((HERE / "mutants.json").read_text(encoding="utf-8"))
    return pages


def _mutants(module: str, page: Mapping[str, Any]) -> str:
    tried, killed = page["tried"], page["killed"]
    return f"| `{module}` | {page['mutants']} | {tried} | {killed} | {killed / tried:.1%} |"


def _cell(code: str) -> str:
    """Return code as a table can hold it."""
    text = " ".join(code.split()).replace("|", "\\|")
    return text if len(text) <= 100 else text[:100] + "…"


def _exports(module: str) -> tuple[str, ...]:
    """Return the ``__all__`` of a module, without importing it and what it needs."""
    place = HERE.parent / module.replace(".", "/")
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and ast.unparse(target) == "__all__" and node.value:
            return tuple(ast.literal_eval(node.value))
    raise LookupError(f"{module} does not say what is public")


def _switches(board: Switchboard[Any], pattern: str, elsewhere: Mapping[str, str] = MappingProxyType({})) -> str:
    rows = []
    for switch in board.describe():
        values = elsewhere.get(switch.name) or ", ".join(f"`{choice}`" for choice in switch.choices) or "a number"
        test = _turning(switch.name, pattern)
        rows.append(f"| `{switch.name}` | {values} | `{switch.default}` | {switch.help} | `{test}` |")
    return _table("| switch | values | at first | what it does | test |", rows)


def _turning(switch: str, pattern: str) -> str:
    """Return the first test that sets a switch, by an argument of that name or in a dict of switches."""
    for path, test in _tests(pattern):
        for call in (node for node in ast.walk(test) if isinstance(node, ast.Call)):
            if ast.unparse(call.func).rpartition(".")[2] in NO_SWITCHES:
                continue
            dicts = [keyword.value for keyword in call.keywords if isinstance(keyword.value, ast.Dict)]
            named = {keyword.arg for keyword in call.keywords}
            named |= {key.value for a_dict in dicts for key in a_dict.keys if isinstance(key, ast.Constant)}
            if switch in named:
                return f"{path.name}::{test.name}"
    raise LookupError(f"no test turns the switch {switch}")


@cache
def _tests(pattern: str) -> Sequence[tuple[Path, ast.FunctionDef]]:
    return [
        (path, node)
        for path in sorted(TESTS.glob(pattern))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def _words(name: str) -> str:
    """Return the sentence that the name of a test is."""
    return name.replace("_s_", "'s ").replace("_", " ")


def _fields(kind: type) -> str:
    attributes = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2].partition("\nRaises:")[0]
    fields = re.findall(r"^    (\w+): (.+(?:\n        .+)*)", attributes, re.MULTILINE)
    rows = [f"| `{name}` | {_as_markdown(' '.join(text.split()))} |" for name, text in fields]
    return _table("| field | meaning |", rows)


BLOCKS: Mapping[str, Callable[[], str]] = {
    "adapter-contract": adapter_contract,
    "settings-of-the-site": settings_of_the_site,
    "settings-of-a-registration": settings_of_a_registration,
    "settings-of-the-parts": settings_of_the_parts,
    "settings-of-native-apps": settings_of_native_apps,
    "settings-of-openid": settings_of_openid,
    "settings-of-tiktok": settings_of_tiktok,
    "surviving-mutants": surviving_mutants,
    "stock-switches": stock_switches,
    "tiktok-facts": tiktok_facts,
    "tiktok-switches": tiktok_switches,
    "provider-contract": provider_contract,
    "error-codes": error_codes,
    "event-fields": event_fields,
    "fault-kinds": fault_kinds,
    "hooks": hooks,
    "mutants": mutants,
    "openid-modules": openid_modules,
    "openid-provider-fields": openid_provider_fields,
    "openid-switches": openid_switches,
    "profile-fields": profile_fields,
    "provider-fields": provider_fields,
    "public-names": public_names,
    "security-open": security_open,
    "security-rows": security_rows,
    "wire-faults": wire_faults,
}


def renewed(text: str) -> str:
    """Return the text of a docs file with every block written anew."""
    return re.sub(r"<!-- ([\w-]+) -->\n.*?<!-- /\1 -->", _renewed_block, text, flags=re.DOTALL)


def _renewed_block(found: re.Match[str]) -> str:
    name = found[1]
    return f"<!-- {name} -->\n{BLOCKS[name]()}\n<!-- /{name} -->" if name in BLOCKS else found[0]


def _settings(prefix: str, keys: Iterable[Key]) -> str:
    rows = []
    for key in keys:
        shown = _shown(key.default)
        default = "required" if key.is_required else f"`{shown}`" if shown else ""
        rows.append(f"| `{prefix}{key.name}`{' (or `_file`)' if key.is_secret else ''} | {default} | {key.help} |")
    return _table("| key | default | meaning |", rows)


def _shown(default: Any) -> str:
    """Return a default as it would be written in an ini file."""
    if isinstance(default, Secret):
        return default.reveal()
    if isinstance(default, bool):
        return str(default).lower()
    return " ".join(default) if isinstance(default, tuple) else str(default or "")


def _table(head: str, rows: Iterable[str]) -> str:
    return "\n".join([head, "|" + " --- |" * (head.count("|") - 1), *rows])


def _as_markdown(docstring: str) -> str:
    return docstring.replace("``", "`")


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.md")):
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
