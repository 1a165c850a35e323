"""What the flags of a day are called on a page."""

from collections.abc import Sequence

from django.utils.translation import gettext, gettext_lazy

from clarity_site.said import said_again
from scoring.domain.circumstances import Circumstance, says_less

FLAG_WORDS = {
    "partial_day": gettext_lazy("under 12 h recorded"),
    "night_missing": gettext_lazy("night not known"),
    "night_unworn": gettext_lazy("night not worn"),
    "travel_day": gettext_lazy("time zone changed"),
    "clock_change": gettext_lazy("clocks changed"),
    "phase_crossed_noon": gettext_lazy("body clock crossed noon"),
}
CLINICAL_WORDS = {
    "insomnia_pattern": gettext_lazy("insomnia pattern (short, broken sleep)"),
    "hypersomnia": gettext_lazy("long sleep on several nights"),
    "phase_advanced": gettext_lazy("body clock earlier than usual"),
    "phase_delayed": gettext_lazy("body clock later than usual"),
    "irregular_rhythm": gettext_lazy("irregular sleep times"),
    "sleep_collapsing": gettext_lazy("much less sleep than usual"),
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
        marks = ["" if checked_by else gettext("unverified"), said_again(less)]
        tags = "; ".join(filter(None, marks))
        return f"{CLINICAL_WORDS[flag]} ({tags})" if tags else str(CLINICAL_WORDS[flag])

    return ", ".join(
        [
            *(str(FLAG_WORDS.get(flag, flag.replace("_", " "))) for flag in flags),
            *map(tagged, clinical),
        ]
    )
