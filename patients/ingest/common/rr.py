"""Heart-rate variability of the intervals between beats, by NeuroKit2, in windows of 5 minutes.

Measures as in Task Force 1996, Circulation 93:1043. What is an artefact is decided here; the
library does the rest. It is slow to import and large, so that only those who need it do.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patients.ingest.common.base import LATEST_SECOND, Seconds, Values

WINDOW_SECONDS = 300
SHORTEST_SECONDS, LONGEST_SECONDS = 0.3, 2.0
LARGEST_CHANGE = 0.2  # of the interval before; more is an ectopic or a badly detected beat
CLOCK_SECONDS = 0.02  # how far stamps and intervals may disagree; the E4's clock ticks in 1/64 s
LEAST_SHARE = 0.5
LF_HZ, HF_HZ = (0.04, 0.15), (0.15, 0.4)
SPECTRUM_SHARE = 0.8  # a spectrum over wide gaps shows their filling: assumption
SAMPLES_HZ = 4
STEADY_SECONDS = 1e-6  # what rounding alone may differ by


@dataclass(frozen=True)
class Beats:
    """The usable beats of one window.

    ``start`` is its UTC second; ``at`` (s) and ``intervals`` (s) have shape (n,), and so has
    ``follows``: whether an interval follows the one before it without a missed beat.
    """

    start: int
    at: Values
    intervals: Values
    follows: NDArray[np.bool_]

    @property
    def covered(self) -> float:
        """Share of the window that is filled by intervals following another."""
        return float(self.intervals[self.follows].sum()) / WINDOW_SECONDS


def windows(start: float, offsets: Values, intervals: Values) -> Iterator[Beats]:
    """Windows of which usable beats cover at least half, in order.

    A beat lies ``offsets`` seconds after ``start`` (UTC) and ``intervals`` seconds after the
    beat before it, both of shape (n,). Intervals of 0.3 to 2 s count that follow another, or are
    followed, without a missed beat and with a change of at most a fifth.
    """
    beats = (offsets >= 0) & (offsets < LATEST_SECOND)
    beats &= (intervals >= SHORTEST_SECONDS) & (intervals <= LONGEST_SECONDS)
    order = np.argsort(offsets[beats], kind="stable")
    at, ibi = start + offsets[beats][order], intervals[beats][order]
    window = np.floor(at / WINDOW_SECONDS).astype(np.int64)
    follows = np.zeros(at.size, dtype=np.bool_)
    follows[1:] = np.abs(np.diff(at) - ibi[1:]) < CLOCK_SECONDS
    follows[1:] &= np.abs(np.diff(ibi)) <= LARGEST_CHANGE * ibi[:-1]
    follows[1:] &= window[1:] == window[:-1]
    usable = follows | np.append(follows[1:], False)
    at, ibi, follows, window = (a[usable] for a in (at, ibi, follows, window))
    edges = np.flatnonzero(np.diff(window)) + 1
    for part in np.split(np.arange(at.size), edges):
        if part.size:
            found = Beats(int(window[part[0]]) * WINDOW_SECONDS, at[part], ibi[part], follows[part])
            if found.covered >= LEAST_SHARE:
                yield found


def rmssd_and_sdnn(found: list[Beats]) -> tuple[Seconds, Values, Values]:
    """Starts of the windows (UTC seconds), RMSSD and SDNN of each (ms), of shape (n,)."""
    measured = [_time_domain(beats) for beats in found]
    starts = np.array([beats.start for beats in found], dtype=np.int64)
    rmssd, sdnn = np.array(measured, dtype=np.float64).reshape(-1, 2).T
    return starts, rmssd, sdnn


def _time_domain(beats: Beats) -> tuple[float, float]:
    # A pause before each interval that does not follow: over it the library takes no difference.
    times = np.cumsum(beats.intervals) + np.cumsum(~beats.follows)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # its other measures divide by 0 for a steady pulse
        from neurokit2.hrv import hrv_time

        row = hrv_time({"RRI": 1000 * beats.intervals, "RRI_Time": times}).iloc[0]
    return float(row["HRV_RMSSD"]), float(row["HRV_SDNN"])


def lf_to_hf(beats: Beats) -> float | None:
    """Power at 0.04 to 0.15 Hz by that at 0.15 to 0.4 Hz (Welch, intervals drawn at 4 Hz).

    None where usable beats cover less than 80 % of the window, or the pulse is steady.
    """
    if beats.covered < SPECTRUM_SHARE or np.ptp(beats.intervals) < STEADY_SECONDS:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from neurokit2.hrv import intervals_process
        from neurokit2.signal import signal_psd

        drawn, _, rate = intervals_process(
            1000 * beats.intervals, beats.at - beats.at[0], True, SAMPLES_HZ
        )
        spectrum = signal_psd(
            drawn, sampling_rate=rate, method="welch", min_frequency=LF_HZ[0],
            max_frequency=HF_HZ[1], normalize=False, show=False,
        )  # fmt: skip
    hertz, power = (spectrum[name].to_numpy() for name in ("Frequency", "Power"))

    def within(low: float, high: float) -> float:
        band = (hertz >= low) & (hertz < high)
        return float(np.trapezoid(power[band], hertz[band]))

    return within(*LF_HZ) / within(*HF_HZ)
