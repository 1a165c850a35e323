"""Tables with totals or scores only, of days or quarters of an hour, known by their columns.

They hold no minutes, and overlap the export's own JSON, so they are left out and counted.
"""

from pathlib import Path

from patients.ingest.common.archive import members, sample

REASON = "table_of_totals"
TABLES = (
    ("google_fit", {"move minutes count"}),
    ("google_fit", {"calories (kcal)", "step count"}),
    ("google_fit", {"heart points", "step count"}),
    ("fitbit", {"sleep_log_entry_id", "overall_score"}),
    ("fitbit", {"stress_score", "sleep_points"}),
    ("fitbit", {"date", "readiness_score_value"}),
    ("fitbit", {"timestamp", "rmssd", "nremhr"}),
    ("fitbit", {"timestamp", "average_value", "lower_bound", "upper_bound"}),
)
INSTEAD = {
    "google_fit": "give the JSON of the folders All Data and All Sessions of the same Takeout",
    "fitbit": "give the JSON with the steps, heart rate and sleep of the same Takeout",
}


def source_of(head: bytes) -> str:
    """The format of which the table holds totals or scores; empty for any other file.

    >>> source_of(b"Date,Move Minutes count,Step count\\n2024-03-04,30,5321\\n")
    'google_fit'
    """
    first = head.partition(b"\n")[0].decode("utf-8-sig", "replace").lower()
    columns = {name.strip().strip('"') for name in first.split(",")}
    return next((source for source, named in TABLES if named <= columns), "")


def only_of(path: Path) -> str:
    """The format of the first such table of a file, folder or zip; empty where there is none."""
    with members(path, ".csv") as files:
        return next(filter(None, (source_of(file.head()) for file in sample(files))), "")
