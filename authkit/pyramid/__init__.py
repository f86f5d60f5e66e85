"""The Pyramid adapter: ``config.include("authkit.pyramid")``."""

from __future__ import annotations

from authkit.pyramid.answers import begin
from authkit.pyramid.config import includeme
from authkit.pyramid.handlers import sign_in
from authkit.pyramid.security import CookieSecurityPolicy
from authkit.pyramid.sessions import renew_session

__all__ = ["CookieSecurityPolicy", "begin", "includeme", "renew_session", "sign_in"]
