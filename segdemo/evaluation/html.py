"""Pieces of a report in HTML: everything from outside is escaped, and nothing is fetched."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light dark;--ink:#1d2126;--soft:#5c6570;--line:#d7dce1;--ground:#fff;--accent:#1f6fb2;--wash:#f3f5f7}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#a2abb5;--line:#3a424b;--ground:#15181b;--accent:#6cb2ee;
--wash:#20252a}}
*{box-sizing:border-box}
body{margin:0 auto;padding:24px;max-width:1100px;font:15px/1.5 system-ui,sans-serif;color:var(--ink);
background:var(--ground)}
h1{font-size:24px;margin:0 0 8px}h2{font-size:18px;margin:40px 0 8px}p,caption{color:var(--soft);margin:4px 0 8px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:8px 0}caption{text-align:left}
th,td{padding:3px 0 3px 14px;border-bottom:1px solid var(--line);text-align:right;vertical-align:bottom}
td{white-space:nowrap}th{font-weight:600}
th:first-child,td:first-child{padding-left:0;text-align:left;white-space:normal;overflow-wrap:break-word}
.wide th:first-child,.wide td:first-child{min-width:120px;max-width:300px}
nav{margin:12px 0;line-height:1.9}nav a{color:var(--accent);margin-right:14px;white-space:nowrap}
.tiles{display:flex;flex-wrap:wrap;gap:8px}.tiles div{background:var(--wash);border-radius:6px;padding:8px 14px}
.tiles b{display:block;font-size:20px;font-variant-numeric:tabular-nums}.tiles span{color:var(--soft);font-size:13px}
.pair{display:flex;flex-wrap:wrap;gap:8px 40px}.scroll{overflow-x:auto}
.bar{display:inline-block;height:10px;border-radius:2px;vertical-align:middle}
.bars{text-align:left}.keys span{white-space:nowrap;margin-right:12px;display:inline-block}
.keys .key{margin-right:6px}
.key{display:inline-block;width:12px;height:12px;border-radius:2px;border:1px solid var(--line);margin:0 6px -1px 0}
.worst{break-inside:avoid;margin:16px 0}.worst img{max-width:32%;height:auto;border:1px solid var(--line);
image-rendering:auto}.worst h3{font-size:15px;margin:0 0 4px;overflow-wrap:anywhere}
.matrix{font-size:11px}.matrix td,.matrix th{padding:1px 3px;border:1px solid var(--line);min-width:26px}
.matrix thead th{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;max-height:120px}
svg{max-width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:var(--soft)}
@page{size:A4;margin:14mm}
@media print{:root{--ink:#000;--soft:#444;--line:#ccc;--ground:#fff;--accent:#1f6fb2;--wash:#f3f5f7}
body{max-width:none;padding:0;font-size:11px}h2{break-after:avoid}tr,svg{break-inside:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
_LINES = ("#1f6fb2", "#d1662b", "#2f8f5b", "#8e4fa8", "#b8860b")
NAME = 120
"""Characters of a name that are shown."""


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page that fetches nothing, and is not allowed to."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def text(said: str, most: int = NAME) -> str:
    """What comes from outside, escaped and cut short."""
    return escape(said if len(said) <= most else f"{said[: most - 1]}…")


def heading(title: str, said: str = "") -> str:
    """A section's title, and a line below it."""
    place = re.sub(r"[^a-z]+", "-", title.lower())
    return f'<h2 id="{place}">{escape(title)}</h2>' + (f"<p>{escape(said)}</p>" if said else "")


def contents(parts: Iterable[str]) -> str:
    """Links to the sections of a page."""
    found = re.findall(r'<h2 id="([a-z-]+)">([^<]*)</h2>', "".join(parts))
    return (
        f'<nav aria-label="Sections">{" ".join(f"""<a href="#{place}">{title}</a>""" for place, title in found)}</nav>'
    )


def percent(value: float | None) -> str:
    """A share in percent."""
    return "–" if value is None else f"{100 * value:.1f} %"


def number(value: int) -> str:
    """A count, its thousands apart."""
    return f"{value:,}".replace(",", "\u202f")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "") -> str:
    """A table whose cells are HTML already; ``head`` and ``caption`` are text."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    inner = f"{said}<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="scroll"><table class="wide">{inner}</table></div>'


def _cell(cell: str) -> str:
    return f'<td class="bars">{cell}</td>' if cell.startswith(_BAR) else f"<td>{cell}</td>"


_BAR = '<span class="bar"'


def bar(share: float | None, *, color: str = "var(--accent)", width: int = 120) -> str:
    """A share as a bar."""
    return f'{_BAR} style="width:{round(width * (share or 0))}px;background:{color}"></span>'


def key(color: tuple[int, int, int]) -> str:
    """A patch of colour."""
    return f'<span class="key" style="background:rgb{tuple(color)}"></span>'


def tiles(entries: Iterable[tuple[str, str]]) -> str:
    """Large figures with what they are."""
    return (
        '<div class="tiles">' + "".join(f"<div><b>{b}</b><span>{escape(a)}</span></div>" for a, b in entries) + "</div>"
    )


def curves(series: Sequence[tuple[str, Sequence[float | None]]], *, title: str, across: str) -> str:
    """Lines over 0, 1, 2, ..., on an axis from 0 to 1, as SVG; what is none is left out."""
    width, height, left, low = 460, 240, 40, 210
    steps = max((len(values) for _, values in series), default=1)

    def at(place: int, value: float) -> str:
        return f"{left + place * (width - left - 20) / max(1, steps - 1):.1f},{low - value * (low - 15):.1f}"

    parts = [_grid(width, left, low)]
    for line, (name, values) in enumerate(series):
        color = _LINES[line % len(_LINES)]
        points = [at(place, value) for place, value in enumerate(values) if value is not None]
        parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="{" ".join(points)}"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="2.5" fill="{color}"/>' for x, y in (p.split(",") for p in points)]
        parts.append(f'<text x="{left + 95 * line}" y="11" style="fill:{color}">{escape(name)}</text>')
    for place in range(steps):
        parts.append(f'<text x="{at(place, 0).split(",")[0]}" y="{low + 15}" text-anchor="middle">{place}</text>')
    parts.append(f'<text x="{width - 20}" y="{height}" text-anchor="end">{escape(across)}</text>')
    return _svg(width, height + 4, title, parts)


def reliability(bins: Sequence[dict[str, Any]]) -> str:
    """A reliability diagram as SVG: accuracy of each bin as a bar, the diagonal, and how many pixels a bin has."""
    width, left, low, side = 300, 40, 210, 195
    most = max((entry["pixels"] for entry in bins), default=0) or 1
    parts = [_grid(left + side + 10, left, low)]
    for entry in bins:
        if not entry["pixels"]:
            continue
        x, wide = left + side * entry["low"], side * (entry["high"] - entry["low"])
        tall = side * entry["accuracy"]
        said = f"{entry['low']:.2f} to {entry['high']:.2f}: {entry['accuracy']:.1%} right of {entry['pixels']} pixels"
        parts.append(
            f'<rect x="{x:.1f}" y="{low - tall:.1f}" width="{wide - 1:.1f}" height="{tall:.1f}" fill="#1f6fb2" '
            f'fill-opacity="{0.25 + 0.75 * entry["pixels"] / most:.2f}"><title>{escape(said)}</title></rect>'
        )
    parts.append(f'<path d="M{left},{low} L{left + side},{low - side}" stroke="#d1662b" stroke-dasharray="4 3"/>')
    parts.append(f'<text x="{left + side}" y="{low + 15}" text-anchor="end">probability 1</text>')
    return _svg(width, low + 20, "Reliability: accuracy over probability, darker with more pixels", parts)


def _grid(width: int, left: int, low: int) -> str:
    lines = []
    for step in range(5):
        y = low - step / 4 * (low - 15)
        lines.append(f'<path d="M{left},{y:.1f} H{width}" stroke="#8886" stroke-width=".5"/>')
        lines.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{step / 4:g}</text>')
    return "".join(lines)


def _svg(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    inside = "".join(parts)
    return (
        f'<svg role="img" width="{width}" viewBox="0 0 {width} {height}"><title>{escape(title)}</title>{inside}</svg>'
    )
