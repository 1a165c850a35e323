"""Numbers as the reader's language writes them: 1,240.5 or 1 240,5."""

from django.utils.formats import get_format
from django.utils.translation import get_language

NARROW = "\u202f"  # between thousands and before signs, where no line may break


def decimal_mark() -> str:
    """The point, or the comma."""
    return str(get_format("DECIMAL_SEPARATOR"))


def thousands_mark() -> str:
    """The comma, or the narrow space."""
    return "," if (get_language() or "en").startswith("en") else NARROW


def written(english: str) -> str:
    """A number that is written the English way: “-3,321.5” → “−3 321,5”.

    >>> written("-3,321.5")
    '−3,321.5'
    """
    marks = {",": thousands_mark(), ".": decimal_mark(), "-": "−"}
    return "".join(marks.get(letter, letter) for letter in english)
