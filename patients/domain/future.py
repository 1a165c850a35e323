"""Nobody has worn a device tomorrow: what is dated so is left out, and counted."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from patients.domain.recording import MinuteSeries, Recording

MINUTE = timedelta(minutes=1)


def until(recording: Recording, latest: datetime) -> Recording:
    """The recording without what is dated after ``latest`` (UTC), which is counted by channel.

    A day in the future would become the patient's last one, and hide every real day after it.
    """
    rejected: Counter[str] = Counter(recording.rejected)
    series = [_cut(s, latest, rejected) for s in recording.series]
    sleep = tuple(e for e in recording.sleep if e.end <= latest)
    answers = tuple(a for a in recording.questionnaires if a.taken_at <= latest)
    rejected["sleep_in_the_future"] += len(recording.sleep) - len(sleep)
    rejected["questionnaires_in_the_future"] += len(recording.questionnaires) - len(answers)
    return replace(
        recording,
        series=tuple(s for s in series if s is not None),
        sleep=sleep,
        questionnaires=answers,
        rejected={reason: count for reason, count in rejected.items() if count},
        rejected_days={
            (channel, day): count
            for (channel, day), count in recording.rejected_days.items()
            if day <= latest.date()
        },
    )


def _cut(series: MinuteSeries, latest: datetime, rejected: Counter[str]) -> MinuteSeries | None:
    if series.end <= latest:
        return series
    kept = max(int((latest - series.start) / MINUTE), 0)
    lost = int(np.count_nonzero(~np.isnan(series.values[kept:])))
    rejected[f"{series.channel}_in_the_future"] += lost
    stop = int(series.start.timestamp()) // 60 + kept
    partial = {minute: samples for minute, samples in series.partial.items() if minute < stop}
    walks = series.walks
    if walks is not None:
        walks = walks[walks["end"] <= int(latest.timestamp())]
    if not kept or walks is not None and not walks.size:
        return None
    return replace(series, values=series.values[:kept], partial=partial, walks=walks)
