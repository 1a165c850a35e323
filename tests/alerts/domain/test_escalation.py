from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.domain.escalation import Policy, load_policies, policy_name
from alerts.resources import DATA, policies
from scoring.domain.rules import RuleFileError

AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_policy_survives_being_frozen_into_an_alert() -> None:
    for policy in policies().values():
        assert Policy.of(policy.as_dict()) == policy


def test_every_kind_of_alert_has_a_policy() -> None:
    kinds = {("mania", "High"), ("depression", "Moderate"), ("safety", "High")}
    kinds |= {("concern", "Moderate"), ("data", "Indeterminate")}
    assert {policy_name(*k) for k in kinds} == set(policies())


def test_a_step_that_is_late_is_due_now_and_never_before() -> None:
    policy = policies()["High"]
    late = AT + timedelta(days=3)
    assert policy.due_after(0, AT, late) == late
    assert policy.recipients(99) == policy.steps[-1].to


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('to = ["on_call"]', 'to = ["boss"]', "“to” names some of"),
        ("after_hours = 0", "after_hours = 2", "begin at 0 hours"),
        ("repeat_hours = 12", "repeat_hours = 0", "above zero"),
        ("repeat_hours = 12", "repeat_hours = 1e300", "High.repeat_hours is 1e.300: give hours"),
        ("after_hours = 4", "after_hours = 9000", "item 2.after_hours is 9000: give .* up to 8784"),
        ("after_hours = 4", "after_hours = -4", "item 2.after_hours is -4: give hours above zero"),
        ("repeat_hours = 12", "repeat_hour = 12", "unknown field: did you mean repeat_hours"),
        ("repeat_hours = 12", 'repeat_hours = "12"', "High.repeat_hours must be a number"),
        ("after_hours = 4", "after = 4", "steps, item 2.after is an unknown field"),
        ("[safety]", "[safe]", "safe is an unknown field: did you mean safety"),
    ],
)
def test_a_bad_file_is_refused_by_its_policy(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (DATA / "escalation.toml").read_text()
    assert old in text
    (tmp_path / "escalation.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(RuleFileError, match=says) as refused:
        load_policies(tmp_path / "escalation.toml")
    assert str(refused.value).startswith("escalation.toml: ")
