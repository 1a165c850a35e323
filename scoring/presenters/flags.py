"""What the flags of a day are called on a page."""

from collections.abc import Sequence

FLAG_WORDS = {
    "partial_day": "under 12 h recorded",
    "night_missing": "night not known",
    "night_unworn": "night not worn",
    "travel_day": "time zone changed",
    "clock_change": "clocks changed",
    "phase_crossed_noon": "body clock crossed noon",
}


def flag_words(flags: Sequence[str]) -> str:
    """The flags in words; one without words of its own as it is spelt.

    >>> flag_words(["clock_change", "night_unworn"])
    'clocks changed, night not worn'
    """
    return ", ".join(FLAG_WORDS.get(flag, flag.replace("_", " ")) for flag in flags)
