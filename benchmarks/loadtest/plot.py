"""`plot`: memory and descriptors over time, as an SVG that a page can show."""

from __future__ import annotations

from collections.abc import Sequence

from loadtest.watch import Sample

__all__ = ["plot"]

WIDTH, HEIGHT = 720, 150
LEFT, TOP, BOTTOM = 60, 24, 24


def plot(samples: Sequence[Sample]) -> str:
    """Return a drawing of what a process held, by seconds since the first look at it."""
    panels = [
        _panel(0, "memory (RSS), MiB", [sample.rss / 1024 for sample in samples], samples),
        _panel(1, "files and sockets open", [float(sample.descriptors) for sample in samples], samples),
        _panel(2, "threads", [float(sample.threads) for sample in samples], samples),
    ]
    size = f'width="{WIDTH}" height="{HEIGHT * len(panels)}" viewBox="0 0 {WIDTH} {HEIGHT * len(panels)}"'
    style = 'font-family="sans-serif" font-size="12" fill="#444"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>', *panels, "</svg>", ""])


def _panel(number: int, title: str, values: Sequence[float], samples: Sequence[Sample]) -> str:
    """Return one graph, whose axis begins at 0, so that what is flat looks flat."""
    top, seconds = number * HEIGHT, max(samples[-1].at - samples[0].at, 1.0)
    most, bottom = max(*values, 1.0) * 1.1, top + HEIGHT - BOTTOM
    high, wide = HEIGHT - TOP - BOTTOM, WIDTH - LEFT - 20
    points = " ".join(
        f"{LEFT + (sample.at - samples[0].at) / seconds * wide:.1f},{bottom - value / most * high:.1f}"
        for sample, value in zip(samples, values, strict=True)
    )
    return "\n".join(
        [
            f'<rect x="{LEFT}" y="{top + TOP}" width="{wide}" height="{high}" fill="#f6f6f6"/>',
            f'<text x="{LEFT}" y="{top + TOP - 6}">{title}</text>',
            f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end">0</text>',
            f'<text x="{LEFT - 6}" y="{top + TOP + 10}" text-anchor="end">{most:.0f}</text>',
            f'<text x="{LEFT + wide}" y="{bottom + 15}" text-anchor="end">{seconds:.0f} s</text>',
            f'<polyline points="{points}" fill="none" stroke="#0969da" stroke-width="1.5"/>',
        ]
    )
