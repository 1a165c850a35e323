"""The cells of a panel row as HTML.

They are made here and not by the template, because an engine's own bookkeeping for some eighty
values a row takes several times as long as all the rest of the page; ``format_html`` is too slow
for it as well. So every text is escaped where it is put in, by ``e``: keep it so.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape as e

from django.utils.safestring import SafeString, mark_safe

DASH = '<span class="muted">–</span>'


def track_cell(
    *,
    tier: str,
    tier_words: str,
    direction: str,
    change: str,
    week: str,
    rule: str,
    coverage: str,
    spark: str,
) -> SafeString:
    """Tier, where it is going, 30 days, and how much data there were. ``tier`` may be empty.

    ``rule``: that an early-warning rule, and not the model, gave the tier; or empty.

    ``spark`` is HTML from below, or empty.
    """
    moved = (
        f'<span class="change change-{e(direction)}"><svg class="arrow" aria-hidden="true">'
        f'<use href="#i-{e(direction)}"/></svg>{e(change)}'
        f'<span class="hidden"> {e(week)}</span></span>'
        if direction
        else ""
    )
    by = f'<span class="muted small">{e(rule)}</span>' if rule else ""
    return mark_safe(
        f'<span class="tier-line"><span class="tier tier-{e(tier.lower() or "none")}">'
        f"{e(tier_words)}</span>{moved}</span>{by}{spark}"
        f'<span class="muted small">{e(coverage)}</span>'
    )


def spark(name: str, days: Sequence[int | None], usual: Sequence[int] | None, words: str) -> str:
    """30 percents as lines in a box of 29 by 100; behind them the band of what is usual."""
    band = ""
    if usual:
        low, high = usual
        band = f'<rect y="{100 - high}" width="29" height="{max(high - low, 2)}"/>'
    lines = "".join(f'<polyline points="{points}"/>' for points in stretches(days))
    return (
        f'<svg class="spark spark-of-{e(name)}" viewBox="0 0 29 100" preserveAspectRatio="none" '
        f'role="img" aria-label="{e(words)}">{band}{lines}</svg>'
    )


def stretches(days: Sequence[int | None]) -> list[str]:
    """SVG polyline points, one text per unbroken stretch: gaps stay gaps.

    >>> stretches([10, 12, None, 7])
    ['0,90 1,88', '3,93 3,93']
    """
    found: list[list[str]] = [[]]
    for at, percent in enumerate(days):
        if percent is None:
            found.append([])
        else:
            found[-1].append(f"{at},{100 - percent}")
    # A lone day is drawn as a dot: a line to itself with round ends.
    return [" ".join(s if len(s) > 1 else s * 2) for s in found if s]


def alert_line(
    *,
    key: int,
    kind: str,
    tier: str,
    tier_words: str,
    new: str,
    state: str,
    acknowledge: str,
    words: str,
    asks: bool,
) -> str:
    """One open alert, who has it, and the button; without an address there is none.

    ``state`` is HTML from below. ``asks``: the user may dismiss it by a request alone.
    """
    button = (
        f'<button form="bulk" formaction="{e(acknowledge)}" formnovalidate>{e(words)}</button>'
        if acknowledge
        else ""
    )
    tag = f' <span class="tag tag-new">{e(new)}</span>' if new else ""
    shown = (
        f' <span class="tier tier-{e(tier.lower())}">{e(tier_words)}</span>' if tier_words else ""
    )
    about = f'data-alert="{key:d}"' + " data-asks" * asks
    return (
        f'<div class="alert-line" {about}><span data-what>{e(kind)}{shown}</span>{tag}'
        f'<span class="muted small">{state}</span>{button}</div>'
    )


def state_words(words: str, **parts: str) -> str:
    """A sentence with its parts put in as HTML: what is in them is escaped where they are made."""
    return e(words) % parts


def time_cell(moment: datetime, hint: str, words: str) -> str:
    """A moment in short; pointing at it tells the hint."""
    return f'<time datetime="{moment.isoformat()}" title="{e(hint)}">{e(words)}</time>'


def alert_cell(lines: Iterable[str], nothing: str) -> SafeString:
    """The lines from above, or that there is none."""
    return mark_safe("".join(lines) or f'<span class="muted small">{e(nothing)}</span>')


def spans(of: str, found: Iterable[tuple[str, str]], before: str = "") -> SafeString:
    """Short words side by side, each with a class that begins with ``of``: (level, words).

    ``before`` is HTML from below, or empty.
    """
    made = (f'<span class="{of} {of}-{e(level)}">{e(words)}</span>' for level, words in found)
    return mark_safe(before + "".join(made) or DASH)


def stopped_chip(address: str, words: str) -> str:
    """That data have stopped, with the way to where one looks after it."""
    return f'<a class="chip chip-stopped" href="{e(address)}">{e(words)}</a>'
