"""The cells of a panel row as HTML.

They are made here and not by the template, because a template engine's own bookkeeping for some
eighty values a row takes several times as long as all the rest of the page. Every value goes
through ``format_html`` and is escaped.
"""

from collections.abc import Iterable, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

NOTHING = mark_safe("")
DASH = mark_safe('<span class="muted">–</span>')


def track_cell(
    *,
    tier: str,
    tier_words: str,
    direction: str,
    change: str,
    week: str,
    coverage: str,
    spark: SafeString,
) -> SafeString:
    """Tier, where it is going, 30 days, and how much data there were. ``tier`` may be empty."""
    moved = NOTHING
    if direction:
        moved = format_html(
            '<span class="change change-{0}"><svg class="arrow" aria-hidden="true">'
            '<use href="#i-{0}"/></svg>{1}<span class="hidden"> {2}</span></span>',
            direction, change, week,
        )  # fmt: skip
    return format_html(
        '<span class="tier-line"><span class="tier tier-{}">{}</span>{}</span>{}'
        '<span class="muted small">{}</span>',
        tier.lower() or "none", tier_words, moved, spark, coverage,
    )  # fmt: skip


def spark(
    name: str, days: Sequence[int | None], usual: Sequence[int] | None, words: str
) -> SafeString:
    """30 percents as lines in a box of 29 by 100; behind them the band of what is usual."""
    band = NOTHING
    if usual:
        low, high = usual
        band = format_html('<rect y="{}" width="29" height="{}"/>', 100 - high, max(high - low, 2))
    lines = format_html_join("", '<polyline points="{}"/>', ((s,) for s in stretches(days)))
    return format_html(
        '<svg class="spark spark-of-{}" viewBox="0 0 29 100" preserveAspectRatio="none" '
        'role="img" aria-label="{}">{}{}</svg>',
        name, words, band, lines,
    )  # fmt: skip


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
) -> SafeString:
    """One open alert, who has it, and the button; without an address there is none."""
    button = NOTHING
    if acknowledge:
        button = format_html('<button form="bulk" formaction="{}">{}</button>', acknowledge, words)
    tag = format_html(' <span class="tag tag-new">{}</span>', new) if new else NOTHING
    shown = format_html(' <span class="tier tier-{}">{}</span>', tier.lower(), tier_words)
    return format_html(
        '<div class="alert-line" data-alert="{}"><span data-what>{}{}</span>{}'
        '<span class="muted small">{}</span>{}</div>',
        key, kind, shown if tier_words else NOTHING, tag, state, button,
    )  # fmt: skip


def spans(of: str, found: Iterable[tuple[str, str]], nothing: SafeString = DASH) -> SafeString:
    """Short words side by side, each with a class that begins with ``of``: (level, words)."""
    rows = [(of, of, level, words) for level, words in found]
    return format_html_join("", '<span class="{} {}-{}">{}</span>', rows) if rows else nothing
