"""TikTok's video endpoints, as an app calls them at the emulator."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiktok_emulator_fakes import API, NOON, World

from authkit.emulator import Request
from authkit_tiktok.emulator import User, Video
from authkit_tiktok.emulator.rulebook import BEARER_TOKEN, FIELDS, T12, T31, VIDEO_PAGE
from authkit_tiktok.emulator.user import EXAMPLE_USERS
from authkit_tiktok.emulator.video import VIDEO_FIELDS

LIST, QUERY = f"{API}/video/list/", f"{API}/video/query/"
SCOPES = ("user.info.basic", "video.list")
ADAS = ["7400000000000000003", "7400000000000000002", "7400000000000000001"]


def somebody(*videos):
    return User(open_id="-000a", union_id="u", display_name="Some body", username="some.body", videos=videos)


def numbered(number, **fields):
    """The video with this number, posted that many minutes before noon."""
    return Video(id=f"74{number:017d}", create_time=int(NOON) - 60 * number, **fields)


def ids(response):
    return [video["id"] for video in response.json()["data"]["videos"]]


class Videos(World):
    """TikTok, and an app that somebody has logged in to."""

    def __init__(self, *videos, scopes=SCOPES, user=0, **switches):
        super().__init__(users=[somebody(*videos)] if videos else EXAMPLE_USERS, **switches)
        asked = {"scope": ",".join(SCOPES)}
        self.token = self.tokens(user=user, scopes=scopes, changes=asked)["access_token"]

    def ask(self, url, body, fields="id", content_type="application/json", token=None):
        return self.http.post(
            url,
            params=None if fields is None else {"fields": fields},
            data=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token or self.token}", "Content-Type": content_type},
            allow_redirects=False,
        )

    def page(self, body=None, **options):
        return self.ask(LIST, body or {}, **options)

    def look_up(self, *wanted, **options):
        return self.ask(QUERY, {"filters": {"video_ids": list(wanted)}}, **options)


def refusal(world, response):
    """The status and the code of a refusal, and the rule that the request log has for it."""
    body, recorded = response.json(), world.emulator.requests[-1]
    assert list(body) == ["error"]
    assert re.fullmatch(r"20261121\d{6}[0-9A-F]{20}", body["error"]["log_id"])
    assert recorded.verdict == f"{body['error']['code']}: {body['error']['message']}"
    return response.status_code, body["error"]["code"], recorded.broken


@pytest.fixture
def world():
    return Videos()


@pytest.fixture(scope="module")
def any_world():
    return Videos(rate_limit=10**9)


# What a page has


def test_the_newest_videos_come_first_in_the_envelope_of_the_resource_api(world):
    response = world.page({"max_count": 20})
    body = response.json()

    assert response.status_code == 200
    assert body["data"] == {
        "videos": [{"id": number} for number in ADAS],
        "cursor": 1794960000000,
        "has_more": False,
    }
    assert (body["error"]["code"], body["error"]["message"]) == ("ok", "")
    assert response.headers["X-Tt-Logid"] == body["error"]["log_id"]


def test_t31_ids_are_strings_cursors_milliseconds_and_times_seconds(world):
    page = world.page({"max_count": 1}, fields="id,create_time").json()["data"]

    assert page["videos"] == [{"id": "7400000000000000003", "create_time": 1795132800}]
    assert page["cursor"] == 1795132800 * 1000
    assert world.look_up("7400000000000000003").json()["data"]["videos"] == [{"id": "7400000000000000003"}]
    assert refusal(world, world.look_up(7400000000000000003)) == (400, "invalid_params", T31)


def test_every_documented_field_has_its_type(world):
    video = world.page({"max_count": 1}, fields=",".join(VIDEO_FIELDS)).json()["data"]["videos"][0]
    expires = int(NOON) + 6 * 3600

    assert list(video) == list(VIDEO_FIELDS)
    cover = video.pop("cover_image_url")
    assert re.fullmatch(
        rf"https://p16-sign\.tiktokcdn\.example/tos/7400000000000000003~c5_720x720\.jpeg"
        rf"\?x-expires={expires}&x-signature=[\w%]+",
        cover,
    )
    share_url = "https://www.tiktok.example/@ada.tok/video/7400000000000000003"
    assert video == {
        "id": "7400000000000000003",
        "create_time": 1795132800,
        "share_url": share_url,
        "video_description": "Counting down, the long way round. #loops",
        "duration": 90,
        "height": 1024,
        "width": 576,
        "title": "A loop in ninety seconds",
        "embed_html": f'<blockquote class="tiktok-embed" cite="{share_url}" data-video-id="7400000000000000003">'
        "<section>A loop in ninety seconds</section></blockquote>",
        "embed_link": "https://www.tiktok.example/embed/v2/7400000000000000003",
        "like_count": 120433,
        "comment_count": 1204,
        "share_count": 377,
        "view_count": 3000000000,
    }


def test_a_cover_ends_after_six_hours_and_a_query_renews_it(world):
    def cover():
        url = world.look_up(ADAS[0], fields="cover_image_url").json()["data"]["videos"][0]["cover_image_url"]
        return parse_qs(urlsplit(url).query)

    before = cover()
    world.clock.now += 3600
    after = cover()

    assert (before["x-expires"], after["x-expires"]) == ([str(int(NOON) + 21600)], [str(int(NOON) + 25200)])
    assert before["x-signature"] != after["x-signature"]


def test_what_people_have_written_is_escaped_in_html_only():
    world = Videos(numbered(1, title='<b>"Łódź"</b>'))
    video = world.page(fields="title,embed_html").json()["data"]["videos"][0]

    assert video["title"] == '<b>"Łódź"</b>'
    assert "<section>&lt;b&gt;&quot;Łódź&quot;&lt;/b&gt;</section>" in video["embed_html"]


def test_only_public_videos_are_shown():
    world = Videos(user="zoe_lukasz")

    assert (ids(world.page()), ids(world.look_up("7400000000000000005"))) == (["7400000000000000004"], [])


@pytest.mark.parametrize("field", ["title", "video_description"])
def test_texts_have_at_most_150_characters(field):
    assert getattr(numbered(1, **{field: "x" * 150}), field) == "x" * 150
    with pytest.raises(ValueError, match="at most 150 characters"):
        numbered(1, **{field: "x" * 151})


# Pages and cursors


MANY = [numbered(number) for number in range(1, 46)]


def test_a_page_has_ten_videos_unless_told_otherwise():
    assert len(ids(Videos(*MANY).page())) == 10


@pytest.mark.parametrize("size", [1, 7, 20])
def test_cursors_lead_through_all_videos(size):
    world = Videos(*MANY)
    body, seen, has_more = {"max_count": size}, [], True
    while has_more:
        page = world.page(body).json()["data"]
        assert 1 <= len(page["videos"]) <= size
        seen += [video["id"] for video in page["videos"]]
        body, has_more = {**body, "cursor": page["cursor"]}, page["has_more"]

    assert seen == [video.id for video in MANY]


def test_a_last_page_that_is_full_has_no_more():
    world = Videos(*MANY[:20])

    assert [world.page({"max_count": size}).json()["data"]["has_more"] for size in (19, 20)] == [True, False]


def test_videos_of_one_second_are_told_apart_by_a_cursor():
    world = Videos(*[Video(id=str(number), create_time=int(NOON) - 60) for number in range(3)])
    first = world.page({"max_count": 2}).json()["data"]
    second = world.page({"cursor": first["cursor"]}).json()["data"]

    assert [video["id"] for video in first["videos"] + second["videos"]] == ["2", "1", "0"]


def test_any_time_in_milliseconds_is_a_cursor_and_means_the_videos_before_it():
    world = Videos(*MANY[:3])
    second = MANY[1].create_time * 1000

    assert ids(world.page({"cursor": second})) == [MANY[2].id]
    assert ids(world.page({"cursor": second + 1})) == [MANY[1].id, MANY[2].id]
    assert ids(world.page({"cursor": 2**63 - 1})) == [video.id for video in MANY[:3]]


def test_a_page_with_nothing_on_it_keeps_the_cursor(world):
    assert world.page({"cursor": 0}).json()["data"] == {"videos": [], "cursor": 0, "has_more": False}
    nothing = Videos(user="benmoka").page().json()["data"]
    assert nothing == {"videos": [], "cursor": int(NOON) * 1000, "has_more": False}


def test_a_video_of_the_future_is_not_there_yet():
    world = Videos(numbered(-1), numbered(1))

    assert ids(world.page()) == [numbered(1).id]


# Looking videos up


def test_only_the_users_own_videos_are_found(world):
    assert ids(world.look_up(ADAS[2], "7400000000000000004", ADAS[0], "0", ADAS[0])) == [ADAS[0], ADAS[2]]


def test_at_most_twenty_ids_are_looked_up():
    world = Videos(*MANY)
    wanted = [video.id for video in MANY]

    assert ids(world.look_up(*wanted[:20])) == wanted[:20]
    assert refusal(world, world.look_up(*wanted[:21])) == (400, "invalid_params", T31)


# Refusals


@pytest.mark.parametrize(
    "body",
    [
        {"max_count": 21},
        {"max_count": 0},
        {"max_count": -1},
        {"max_count": "20"},
        {"max_count": 5.0},
        {"max_count": True},
        {"max_count": None},
        {"cursor": "1795132800000"},
        {"cursor": -1},
        {"cursor": 2**63},
        {"cursor": 1e12},
        {"cursor": [1]},
        [],
        "text",
        None,
        b"",
        b"{",
        b"\xff",
        b'{"cursor":NaN}',
        b'{"other":-Infinity}',
        b"[" * 60_000,
        b'{"cursor":' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: repr(body)[:30],
)
def test_a_page_is_asked_for_by_a_json_object_with_numbers_in_their_bounds(world, body):
    response = world.ask(LIST, body)

    assert refusal(world, response) == (400, "invalid_params", VIDEO_PAGE)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"video_ids": ["1"]},
        {"filters": None},
        {"filters": ["1"]},
        {"filters": {}},
        {"filters": {"video_ids": "1"}},
        {"filters": {"video_ids": {"1": "2"}}},
        {"filters": {"video_ids": []}},
        {"filters": {"video_ids": ["1", None]}},
        {"filters": {"video_ids": [["1"]]}},
        b"{",
    ],
    ids=repr,
)
def test_videos_are_looked_up_by_a_list_of_strings(world, body):
    assert refusal(world, world.ask(QUERY, body)) == (400, "invalid_params", T31)


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "text/json", ""])
def test_the_body_is_json_by_its_type_too(world, content_type):
    assert refusal(world, world.page(content_type=content_type)) == (400, "invalid_params", VIDEO_PAGE)
    assert world.page(content_type="Application/JSON; charset=utf-8").status_code == 200


@pytest.mark.parametrize("fields", [None, "", "id,", "id,username", "ID", "id id"])
@pytest.mark.parametrize("url", [LIST, QUERY])
def test_fields_have_to_be_known(world, url, fields):
    assert refusal(world, world.ask(url, {}, fields=fields)) == (400, "invalid_params", FIELDS)


@pytest.mark.parametrize("url", [LIST, QUERY])
def test_videos_need_their_scope(url):
    world = Videos(scopes=["user.info.basic"])

    assert refusal(world, world.ask(url, {})) == (401, "scope_not_authorized", T12)


@pytest.mark.parametrize("url", [LIST, QUERY])
def test_videos_need_an_access_token(world, url):
    assert refusal(world, world.ask(url, {}, token="act.wrong")) == (401, "access_token_invalid", BEARER_TOKEN)
    world.clock.now += 7200
    assert refusal(world, world.ask(url, {})) == (401, "access_token_invalid", BEARER_TOKEN)


def test_a_refusal_may_have_empty_data_beside_the_error():
    world = Videos(resource_error_data=True)

    assert list(world.page({"max_count": 21}).json()) == ["data", "error"]


def test_when_tiktok_fails_it_says_so_in_the_same_envelope(world):
    world.emulator.workbench.faults.add("video-list:error-in-200:once")
    response = world.page()

    assert (response.status_code, response.json()["error"]["code"]) == (200, "internal_error")


NAMES = st.sampled_from(["cursor", "max_count", "filters", "video_ids"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)


@given(body=st.binary() | ANYTHING.map(json.dumps).map(str.encode))
@pytest.mark.parametrize("url", [LIST, QUERY])
def test_nothing_that_is_sent_makes_it_fail(any_world, url, body):
    headers = {"Authorization": f"Bearer {any_world.token}", "Content-Type": "application/json"}
    answer = any_world.emulator.workbench.answer(
        Request("POST", urlsplit(url).path, {"fields": "id"}, headers=headers, body=body)
    )

    assert answer.status in {200, 400}
