"""Days that can have been meant: a slip of a year must not be kept, nor count for ever."""

from datetime import date, timedelta

from patients.domain.errors import InputError

EARLIEST = date(1900, 1, 1)
AHEAD = timedelta(days=731)


def day_check(
    day: date | None, today: date, *, earliest: date = EARLIEST, ahead: timedelta = AHEAD
) -> None:
    """Raises InputError for a day before ``earliest`` or longer than ``ahead`` after today.

    >>> day_check(date(9999, 12, 31), date(2026, 2, 1))  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    InputError: 9999-12-31 cannot be meant: give a day from 1900-01-01 to 2028-02-02.
    """
    latest = today + ahead
    if day is not None and not earliest <= day <= latest:
        raise InputError(f"{day} cannot be meant: give a day from {earliest} to {latest}.")
