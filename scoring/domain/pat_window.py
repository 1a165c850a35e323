"""The 10,080 minutes that PAT sees."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from patients.domain.days import ZoneHistory
from patients.domain.recording import Minutes
from scoring.domain.grid import Grid, build_grid
from scoring.domain.types import Mask, PersonData

WEEK_MINUTES = 7 * 1440
# A minute far out of the reference says no more than that: keep the network in its range.
Z_LIMIT = 10.0


@dataclass(frozen=True)
class PatWeek:
    """Seven days of minute activity that end with the scored day, and which were worn.

    Contiguous minutes, aligned to local midnight at the end; in a week with a clock change
    the days before it are an hour off the clock.
    """

    activity: Minutes
    worn: Mask

    @property
    def known(self) -> Mask:
        """The minutes that say something: worn, with a value."""
        return self.worn & ~np.isnan(self.activity)

    @property
    def coverage(self) -> float:
        """Share of the 10,080 minutes on which the sensor was worn."""
        return float(self.known.mean())


@dataclass(frozen=True)
class Reference:
    """Mean and SD of each of the 10,080 minutes over a reference group of one unit family."""

    mean: NDArray[np.float32]
    sd: NDArray[np.float32]


def of_a_week(reference: Reference) -> Reference:
    """A reference of one day, seven times; one of a week as it is."""
    times = WEEK_MINUTES // len(reference.mean)
    return Reference(np.tile(reference.mean, times), np.tile(reference.sd, times))


def pat_week(person: PersonData, scored_day: date) -> PatWeek:
    """Cut the week that ends with the scored day."""
    return week_of(
        build_grid(person, scored_day - timedelta(days=6), scored_day), person.zones, scored_day
    )


def week_of(grid: Grid, zones: ZoneHistory, scored_day: date) -> PatWeek:
    """The same from a grid that has the six days before as well."""
    high = grid.index(zones.day_bounds(scored_day)[1])
    low = high - WEEK_MINUTES
    return PatWeek(grid.activity[low:high], grid.worn[low:high])


def standardised(week: PatWeek, reference: Reference) -> NDArray[np.float32]:
    """(x - mean) / SD minute by minute, as the PAT paper does, by a stored reference.

    Minutes not worn become 0, the reference's own mean: they say nothing either way. A minute
    without spread in the reference is only centred. Shape (10080,), float32.
    """
    z = (week.activity - reference.mean) / np.where(reference.sd > 0, reference.sd, 1.0)
    return np.where(week.known, np.clip(z, -Z_LIMIT, Z_LIMIT), 0.0).astype(np.float32)
