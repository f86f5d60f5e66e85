"""The contract of adapters: cookies, proxies, redirects, sessions, error pages."""

from __future__ import annotations

from authkit.testing.adapter.contract import AdapterContract
from authkit.testing.adapter.stage import Stage
from authkit.testing.adapter.wire import Answer
from authkit.testing.adapter.world import World

__all__ = ["AdapterContract", "Answer", "Stage", "World"]
