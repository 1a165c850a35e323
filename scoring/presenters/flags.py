"""What the flags of a day are called on a page."""

from collections.abc import Sequence

from scoring.domain.circumstances import Circumstance, says_less

FLAG_WORDS = {
    "partial_day": "under 12 h recorded",
    "night_missing": "night not known",
    "night_unworn": "night not worn",
    "travel_day": "time zone changed",
    "clock_change": "clocks changed",
    "phase_crossed_noon": "body clock crossed noon",
}
CLINICAL_WORDS = {
    "insomnia_pattern": "insomnia pattern (short, broken sleep)",
    "hypersomnia": "long sleep on several nights",
    "phase_advanced": "body clock earlier than usual",
    "phase_delayed": "body clock later than usual",
    "irregular_rhythm": "irregular sleep times",
    "sleep_collapsing": "much less sleep than usual",
}


def flag_words(
    flags: Sequence[str],
    clinical: Sequence[str] = (),
    checked_by: str = "",
    circumstances: Sequence[Circumstance] = (),
) -> str:
    """The flags in words; one without words of its own as it is spelt.

    ``clinical`` are those by the rules of flags.toml: each says so while no clinician has
    checked these, and what makes it say less.

    >>> flag_words(["clock_change", "night_unworn"])
    'clocks changed, night not worn'
    >>> flag_words([], ["phase_delayed"])
    'body clock later than usual (unverified)'
    """

    def tagged(flag: str) -> str:
        less = says_less(flag, circumstances)
        tags = "; ".join(filter(None, ["" if checked_by else "unverified", less]))
        return f"{CLINICAL_WORDS[flag]} ({tags})" if tags else CLINICAL_WORDS[flag]

    return ", ".join(
        [
            *(FLAG_WORDS.get(flag, flag.replace("_", " ")) for flag in flags),
            *map(tagged, clinical),
        ]
    )
