"""From a model's raw output to a probability that means what it says."""

from dataclasses import dataclass
from math import exp, log


@dataclass(frozen=True)
class LogitCalibrator:
    """p' = 1 / (1 + exp(-(slope * logit(p) + intercept))) (Platt 1999).

    Two numbers, fitted on people that neither trained nor tested the model. A slope above
    zero keeps the order of any two probabilities.

    >>> LogitCalibrator(1.0, 0.0)(0.25)
    0.25
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        if not self.slope > 0:
            raise ValueError(f"a calibrator's slope must be above 0, not {self.slope}")

    def __call__(self, probability: float) -> float:
        """The calibrated probability."""
        p = min(max(probability, 1e-6), 1 - 1e-6)
        return 1 / (1 + exp(-(self.slope * log(p / (1 - p)) + self.intercept)))


def expected_calibration_error(
    outcomes: list[bool], probabilities: list[float], bins: int = 10
) -> float:
    """Mean gap between predicted and observed share, over bins of equal width (ECE)."""
    gap = 0.0
    for b in range(bins):
        inside = [
            (y, p)
            for y, p in zip(outcomes, probabilities, strict=True)
            if min(int(p * bins), bins - 1) == b
        ]
        if inside:
            gap += abs(sum(y for y, _ in inside) - sum(p for _, p in inside))
    return gap / max(len(outcomes), 1)
