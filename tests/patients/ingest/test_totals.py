"""Tables of totals and scores: named as such where they are alone, counted where they are not."""

from pathlib import Path

import pytest

from patients.domain.errors import InputError
from patients.domain.plain import reason_words
from patients.domain.recording import Channel
from patients.ingest import fitbit, google_fit
from patients.ingest.common import totals
from patients.ingest.sources import UnknownFormat, read_recordings
from tests.patients.ingest.builders import fitbit_steps, parsed, write_json, write_zip
from tests.patients.ingest.builders_json import fit_points, minutes_of

ZONE = "Europe/Berlin"
DAILY = (
    "Date,Move Minutes count,Calories (kcal),Distance (m),Step count\n2024-03-04,30,1800,9,5321\n"
)
QUARTERS = (
    "Start time,End time,Move Minutes count,Calories (kcal),Step count\n"
    "00:00:00.000+01:00,00:15:00.000+01:00,3,18.7,240\n"
)
SLEEP_SCORES = (
    "sleep_log_entry_id,timestamp,overall_score,composition_score,restlessness\n"
    "1,2024-03-05T07:00:00Z,81,20,0.1\n"
)
TABLES = {
    "daily": ("google_fit", DAILY),
    "quarters": ("google_fit", QUARTERS),
    "without location": ("google_fit", '\ufeff"Date","Calories (kcal)","Step count"\r\n'),
    "old": ("google_fit", "Date,Heart Points,Step count\n"),
    "sleep scores": ("fitbit", SLEEP_SCORES),
    "stress": ("fitbit", "DATE,UPDATED_AT,STRESS_SCORE,SLEEP_POINTS,MAX_SLEEP_POINTS\n"),
    "readiness": ("fitbit", "date,readiness_score_value,readiness_state\n"),
    "nights of HRV": ("fitbit", "timestamp,rmssd,nremhr,entropy\n"),
    "nights of SpO2": ("fitbit", "timestamp,average_value,lower_bound,upper_bound\n"),
}
WORDS = {"google_fit": "Google Fit, .* All Data and All Sessions", "fitbit": "Fitbit, .* sleep"}


@pytest.mark.parametrize("how", ["file", "folder", "zip"])
@pytest.mark.parametrize("name", TABLES)
def test_totals_alone_are_refused_with_what_to_give_instead(
    tmp_path: Path, name: str, how: str
) -> None:
    source, content = TABLES[name]
    path = tmp_path / "in" / "2024-03-04.csv"
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    if how == "folder":
        path = path.parent
    if how == "zip":
        path = write_zip(tmp_path / "a.zip", {"Takeout/a.csv": content})
    for asked in ("auto", source, "oura"):
        with pytest.raises(InputError, match=f"only totals or scores of {WORDS[source]}") as told:
            list(read_recordings(path, ZONE, asked))
        assert not isinstance(told.value, UnknownFormat)


def test_a_takeout_counts_its_totals_and_reads_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "Takeout/Fit/Daily activity metrics"
    folder.mkdir(parents=True)
    (folder / "Daily activity metrics.csv").write_text(DAILY)
    (folder / "2024-03-04.csv").write_text(QUARTERS)
    points = fit_points(f"derived:{google_fit.STEPS}:x:merge_step_deltas", [(0, 1, 60)])
    write_json(tmp_path / "Takeout/Fit/All Data/steps.json", points)
    found = parsed(google_fit, tmp_path, ZONE)
    assert minutes_of(found, Channel.STEPS) == {0: 60}
    assert found.rejected == {totals.REASON: 2}
    assert reason_words(totals.REASON) == "table of totals or scores only"


def test_scores_beside_the_steps_of_fitbit_are_counted(tmp_path: Path) -> None:
    write_json(tmp_path / "steps-1.json", fitbit_steps([5, 6]))
    (tmp_path / "sleep_score.csv").write_text(SLEEP_SCORES)
    (tmp_path / "daily.csv").write_text(DAILY)  # another format's
    found = parsed(fitbit, tmp_path, ZONE)
    assert minutes_of(found, Channel.STEPS) == {0: 5, 1: 6}
    assert found.rejected == {totals.REASON: 1}


def test_scores_of_one_format_do_not_hide_the_data_of_another(tmp_path: Path) -> None:
    (tmp_path / "sleep_score.csv").write_text(SLEEP_SCORES)
    points = fit_points(f"derived:{google_fit.STEPS}:x:merge_step_deltas", [(0, 1, 60)])
    write_json(tmp_path / "steps.json", points)
    assert [r.source for r in read_recordings(tmp_path, ZONE)] == ["google_fit"]


@pytest.mark.parametrize("content", ["Date,Calories (kcal)\n", "timestamp,rmssd\n", "", "\x00,\n"])
def test_other_tables_are_not_taken_for_totals(content: str) -> None:
    assert totals.source_of(content.encode()) == ""
