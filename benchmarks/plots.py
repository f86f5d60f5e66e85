"""Two kinds of plots as SVG, without a library: bars, and lines over a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 760
INK, PALE, LINES = "#1f2430", "#9aa4b2", ("#0b6e99", "#c2410c", "#4d7c0f", "#7c3aed")
FONT = 'font-family="system-ui, sans-serif" font-size="13"'


def _svg(height: int, title: str, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" {FONT} fill="{INK}">'
    named = f'<title>{escape(title)}</title><rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    heading = f'<text x="16" y="26" font-size="15" font-weight="600">{escape(title)}</text>'
    return "\n".join((head, named, heading, *parts, "</svg>", ""))


def bars(title: str, values: Mapping[str, float], marked: str = "") -> str:
    """Return horizontal bars, the one that is `marked` in another colour."""
    left, top, step = 270, 44, 26
    longest = max(values.values(), default=1.0)
    parts = []
    for number, (name, value) in enumerate(values.items()):
        y = top + number * step
        width = max(1.0, (WIDTH - left - 80) * value / longest)
        colour = LINES[0] if name == marked else PALE
        parts += [
            f'<text x="{left - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{left}" y="{y}" width="{width:.1f}" height="{step - 7}" fill="{colour}"/>',
            f'<text x="{left + width + 8:.1f}" y="{y + 14}">{value:,.0f}</text>',
        ]
    return _svg(top + len(values) * step + 10, title, parts)


def lines(title: str, under: str, series: Mapping[str, Mapping[int, float]]) -> str:
    """Return lines: by name, values over numbers, whose axis is logarithmic and called `under`. Values start at 0."""
    left, right, top, bottom = 70, 200, 48, 250
    numbers = sorted({number for line in series.values() for number in line})
    highest = _round_up(max((value for line in series.values() for value in line.values()), default=1.0))
    low, high = math.log(numbers[0]), math.log(max(numbers[-1], numbers[0] + 1))

    def x(number: int) -> float:
        return left + (WIDTH - left - right) * (math.log(number) - low) / (high - low)

    def y(value: float) -> float:
        return bottom - (bottom - top) * value / highest

    parts = []
    for tick in (0.0, highest / 2, highest):
        parts += [
            f'<line x1="{left}" x2="{WIDTH - right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#e2e6ec"/>',
            f'<text x="{left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:,g}</text>',
        ]
    parts += [
        f'<text x="{x(number):.1f}" y="{bottom + 20}" text-anchor="middle">{number:,}</text>' for number in numbers
    ]
    parts.append(
        f'<text x="{(left + WIDTH - right) / 2}" y="{bottom + 42}" text-anchor="middle">{escape(under)}</text>'
    )
    named_at: list[float] = []
    for (name, line), colour in zip(series.items(), LINES, strict=False):
        points = [(x(number), y(value)) for number, value in sorted(line.items())]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in points]
        last_x, last_y = points[-1]
        while any(abs(last_y - other) < 15 for other in named_at):  # names do not cover each other
            last_y += 1
        named_at.append(last_y)
        parts.append(f'<text x="{last_x + 10:.1f}" y="{last_y + 4:.1f}" fill="{colour}">{escape(name)}</text>')
    return _svg(bottom + 56, title, parts)


def _round_up(value: float) -> float:
    """Return the next number of one digit, or of 1.5 or 2.5: a quiet end for an axis."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return next(power * step for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if power * step >= value)
