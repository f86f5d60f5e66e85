"""`Shelf`: what is kept, for how long, and how much of it."""

from __future__ import annotations

from fakes import Clock

from authkit.emulator import Shelf


def test_a_shelf_drops_what_has_ended_and_what_is_too_much():
    clock = Clock()
    shelf = Shelf(clock, limit=3)
    shelf.put("short", 1, clock.now + 1)
    shelf.put("long", 2, clock.now + 9)
    clock.now += 1
    shelf.put("next", 3, clock.now + 9)

    assert ([shelf.get(key) for key in ("short", "long", "next")], len(shelf)) == ([None, 2, 3], 2)
    shelf.put("long", 4, clock.now + 9)
    shelf.put("more", 5, clock.now + 9)
    shelf.put("most", 6, clock.now + 9)
    assert ([shelf.get(key) for key in ("next", "long", "more", "most")], len(shelf)) == ([None, 4, 5, 6], 3)


def test_a_shelf_drops_what_it_is_told_to():
    clock = Clock()
    shelf = Shelf(clock)
    for number in range(4):
        shelf.put(number, number, clock.now + 9)
    shelf.drop(0)
    shelf.drop("never there")
    shelf.drop_values(lambda number: number == 2)

    assert [key for key, _, _ in shelf.newest()] == [3, 1]


def test_the_items_of_a_shelf_are_those_that_have_not_ended():
    clock = Clock()
    shelf = Shelf(clock)
    shelf.put("long", 1, clock.now + 9)
    shelf.put("short", 2, clock.now + 1)
    clock.now += 1

    assert list(shelf.newest()) == [("long", 1, clock.now + 8)]
