"""How often TikTok's resource API may be called."""

from __future__ import annotations

import pytest
from tiktok_emulator_fakes import API, Clock, World

from authkit.emulator import Request
from authkit_tiktok.emulator.ratelimit import RateLimit
from authkit_tiktok.emulator.rulebook import RATE_LIMIT

TOO_MANY = ("rate_limit_exceeded", "The API rate limit was exceeded. Please try again later.")


def token_of(world, user=0):
    return world.tokens(user=user, changes={"scope": "user.info.basic,video.list"})["access_token"]


def statuses(world, token, number, path="/user/info/"):
    """Call that often, without anything in between, and give the statuses."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if path == "/user/info/":
        request = Request("GET", f"/v2{path}", {"fields": "open_id"}, headers=headers)
    else:
        body = b'{"filters":{"video_ids":["1"]}}'
        request = Request("POST", f"/v2{path}", {"fields": "id"}, headers=headers, body=body)
    return [world.emulator.workbench.answer(request).status for _ in range(number)]


PATHS = ["/user/info/", "/video/list/", "/video/query/"]


@pytest.mark.parametrize("path", PATHS)
def test_a_token_may_call_each_path_600_times_a_minute(path):
    world = World()
    token = token_of(world)

    assert statuses(world, token, 601, path) == [200] * 600 + [429]


def test_what_is_too_much_is_refused_with_its_code():
    world = World(rate_limit=1)
    token = token_of(world)
    world.userinfo(token)
    response = world.userinfo(token)
    error = response.json()["error"]

    assert (response.status_code, list(response.json())) == (429, ["error"])
    assert (error["code"], error["message"]) == TOO_MANY
    assert world.emulator.requests[-1].verdict == ": ".join(TOO_MANY)
    assert world.emulator.requests[-1].broken == RATE_LIMIT


def test_the_refusal_has_the_other_envelope_too():
    world = World(rate_limit=0, resource_error_data=True)

    assert world.userinfo(token_of(world)).json()["data"] == {}


def test_the_window_slides():
    world = World(rate_limit=3)
    token = token_of(world)
    started, seen = world.clock.now, []
    for second in (0, 20, 40, 59, 60, 61, 79, 80, 100, 101):
        world.clock.now = started + second
        seen.append((second, world.userinfo(token).status_code))

    assert seen == [
        (0, 200),
        (20, 200),
        (40, 200),
        (59, 429),
        (60, 200),
        (61, 429),
        (79, 429),
        (80, 200),
        (100, 200),
        (101, 429),
    ]


def test_each_token_and_each_path_is_counted_by_itself():
    world = World(rate_limit=2)
    first, second = token_of(world), token_of(world, user=1)

    assert [statuses(world, first, 3, path) for path in PATHS] == [[200, 200, 429]] * 3
    assert statuses(world, second, 3) == [200, 200, 429]


def test_calls_without_a_token_that_works_count_for_nobody():
    world = World(rate_limit=1)
    token = token_of(world)

    assert [world.userinfo(text).status_code for text in ("act.x", "act.x", token, "act.x")] == [401, 401, 200, 401]


def test_calls_that_are_refused_otherwise_count():
    world = World(rate_limit=1)
    token = token_of(world)
    url, headers = f"{API}/user/info/", {"Authorization": f"Bearer {token}"}

    assert [world.http.get(url, headers=headers).status_code for _ in range(2)] == [400, 429]


def test_the_limit_can_be_turned_while_it_counts():
    world = World()
    token = token_of(world)
    statuses(world, token, 3)
    world.emulator.workbench.switches.turn("rate_limit", "3")

    assert world.userinfo(token).status_code == 429


def test_the_token_endpoint_has_no_limit():
    world = World(rate_limit=0)

    assert token_of(world) != token_of(world)


def test_a_clock_that_is_put_back_begins_to_count_anew():
    clock = Clock()
    limit = RateLimit(clock)
    assert [limit.admits("/", "act.1", 1) for _ in range(2)] == [True, False]
    clock.now -= 3600

    assert [limit.admits("/", "act.1", 1) for _ in range(2)] == [True, False]


def test_what_is_kept_is_bounded_by_seconds_and_by_tokens():
    clock = Clock()
    limit = RateLimit(clock)
    for number in range(12_000):
        limit.admits("/", f"act.{number}", 10**9)
    for _ in range(3000):
        clock.now += 0.25
        limit.admits("/", "act.busy", 10**9)

    assert len(limit._windows) <= 10_000
    assert len(limit._windows.get(("/", "act.busy"))) == 60
    clock.now += 60
    limit.admits("/", "act.next", 1)
    assert len(limit._windows) == 1
