"""Who is compared: each peer's app stands in a folder under peers/, beside what it is installed from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """One way to have users log in.

    Attributes:
        name: what it is called on the command line.
        title: what it is called on the page.
        folder: where its app stands, under peers/.
        environment: the environment it runs in, under .bench/.
        factory: the function that makes the app.
        is_node: whether it is JavaScript.
        is_yardstick: whether it is there to measure by, not for users to pick.
        is_quick: whether it takes part in what would take the slow ones minutes: crowds, and lost connections.
        warm_up: how many logins it takes until it is as fast as it gets, beyond those that prove it.
        most_threads: how many threads it may be given: one that mixes up users with more gets one.
    """

    name: str
    title: str
    folder: str = ""
    environment: str = ""
    factory: str = "make_app"
    is_node: bool = False
    is_yardstick: bool = False
    is_quick: bool = False
    warm_up: int = 0
    most_threads: int = 1000

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", self.folder or self.name)
        object.__setattr__(self, "environment", self.environment or self.folder)


AUTHKIT = Peer("authkit", "authkit on Pyramid", is_quick=True)
BEFORE = Peer("authkit-before", "authkit of another checkout", "authkit", "authkit-before", is_quick=True)
BY_HAND = Peer("by-hand", "by hand: Pyramid + requests-oauthlib", is_quick=True)
POOLED = Peer("by-hand-pooled", "by hand, with one pool", "by-hand", factory="make_pooled_app", is_quick=True)
AUTHLIB = Peer("authlib", "Authlib 1.9 on Flask")
ALLAUTH = Peer("allauth", "django-allauth 65.21")
SOCIAL_CORE = Peer("social-core", "social-core 7.0 on Django")
FLASK_DANCE = Peer("flask-dance", "Flask-Dance 7.1, one thread", most_threads=1)
FASTAPI_SSO = Peer("fastapi-sso", "fastapi-sso 0.23")
PASSPORT = Peer("passport", "passport 0.7 on Express (node)", is_node=True, is_quick=True, warm_up=3000)
FLOOR = Peer("floor", "floor: bare WSGI and urllib3", is_yardstick=True, is_quick=True)

PEERS = (AUTHKIT, POOLED, BY_HAND, FLASK_DANCE, FASTAPI_SSO, AUTHLIB, SOCIAL_CORE, ALLAUTH, PASSPORT, FLOOR)
