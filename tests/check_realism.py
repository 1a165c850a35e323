"""`make check-realism`: simulated people beside published values, row by row, and what has none."""

import sys

from scoring.learning.realism import assumptions, realism_table
from scoring.resources import DATA

PEOPLE, SEED = 300, 20261126


def main() -> int:
    """Print the table; 1 if a row lies out of its bounds."""
    rows = realism_table(DATA / "realism.toml", SEED, PEOPLE)
    print(f"{'measure':28} {'people':20} {'published':>12} {'simulated':>10}  within bounds")
    for row in rows:
        verdict = "yes" if row.holds else f"NO ({row.low:.3g} to {row.high:.3g})"
        print(
            f"{row.name:28} {row.people:20} {row.published:>12} {row.simulated:>10.3f}  {verdict}"
        )
    held = sum(row.holds for row in rows)
    print(f"{held} of {len(rows)} rows within their bounds ({PEOPLE} patients, {PEOPLE} others)")
    print("Effects of moods that are assumptions:", *assumptions(DATA / "realism.toml"), sep="\n  ")
    return int(held < len(rows))


if __name__ == "__main__":
    sys.exit(main())
