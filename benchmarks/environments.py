"""Makes the environments under .bench: one for each peer, at exact versions, and one for what measures them.

    python benchmarks/environments.py [PEER ...]    without a name, only the environment of what measures them

Each trusts the provider's authority beside the public roots: the roots are what a real app loads, so they stay. An
environment is made anew when its requirements have changed; authkit is built from this checkout each time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BENCH = ROOT / ".bench"
TLS = BENCH / "tls"
PEERS = HERE / "peers"
TOOLS = "tools"


def python_of(name: str) -> Path:
    """Return the interpreter of an environment."""
    return BENCH / name / "bin" / "python"


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command that has to succeed."""
    subprocess.run(command, cwd=cwd, check=True, env={**os.environ, "UV_LINK_MODE": "copy"})


def uv(*arguments: str | Path) -> None:
    """Run uv."""
    run(ROOT / ".venv/bin/uv", "--quiet", *arguments)


def make_python(name: str, requirements: Path) -> None:
    """Make the environment `name` with what `requirements` pins, unless it is there."""
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = BENCH / name / "made-of"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    uv("venv", "--clear", "--python", sys.executable, BENCH / name)
    uv("pip", "install", "--compile-bytecode", "--python", python_of(name), "--requirements", requirements)
    trust(name)
    stamp.write_text(wanted)


def trust(name: str) -> None:
    """Add the provider's authority to the public roots in an environment."""
    for roots in (BENCH / name).glob("lib/python*/site-packages/certifi/cacert.pem"):
        with roots.open("ab") as file:
            file.write(b"\n" + (TLS / "root.pem").read_bytes())


def make_certificates() -> None:
    """Make the provider's authority, which its own module does."""
    make_python(TOOLS, HERE / "requirements.txt")
    if not (TLS / "root.pem").exists():
        code = "import sys, pathlib, provider; provider.server_context(pathlib.Path(sys.argv[1]))"
        run(python_of(TOOLS), "-c", code, TLS, cwd=HERE)


def install_authkit(name: str, checkout: Path = ROOT) -> None:
    """Build authkit from a checkout into an environment."""
    fresh = ("--reinstall-package", "authkit-core", "--reinstall-package", "authkit-tiktok")
    uv(
        "pip",
        "install",
        "--no-deps",
        "--compile-bytecode",
        *fresh,
        "--python",
        python_of(name),
        checkout,
        checkout / "authkit_tiktok",
    )


def make_node(name: str) -> bool:
    """Install what package-lock.json pins; False where there is no node."""
    if not shutil.which("npm"):
        return False
    folder = PEERS / name
    if not (folder / "node_modules").exists():
        run("npm", "ci", "--loglevel=error", cwd=folder)
    return True


def make(name: str) -> bool:
    """Make the environment of one peer; False where it cannot be."""
    if (PEERS / name / "package.json").exists():
        return make_node(name)
    make_python(name, PEERS / name / "requirements.txt")
    if name == "authkit":
        install_authkit(name)
    return True


def make_before(name: str, checkout: Path) -> None:
    """Make an environment with the authkit of another checkout, to be compared with this one's."""
    make_python(name, PEERS / "authkit" / "requirements.txt")
    install_authkit(name, checkout)


def main() -> None:
    """Make the environments that the command line names."""
    make_certificates()
    for name in sys.argv[1:]:
        make(name)


if __name__ == "__main__":
    main()
