"""The command line: ``authkit``. It needs the extra ``[cli]``."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; without its libraries, say how to get them."""
    try:
        import click  # noqa: F401
        import rich  # noqa: F401
    except ImportError:
        sys.exit("The command line needs two more packages: pip install 'authkit-core[cli]'")
    from authkit.cli.commands import authkit

    authkit(prog_name="authkit")
