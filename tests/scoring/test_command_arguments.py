"""A wrong argument is answered in one sentence that says what, where and what to do."""

import pytest
from django.core.management import CommandError, call_command, load_command_class

WRONG = {
    ("replay", "abc", "--json"): (
        "'abc' is no whole number: give score_id one; `manage.py replay --help` says what it takes."
    ),
    ("replay", "--json"): "What is missing is score_id: give all of it; ",
    ("rollback_model", "foo"): "'foo' is not known: give TRACK one of ",
    ("evaluate", "--people", "abc"): "'abc' is no whole number: give --people one; ",
    ("evaluate", "--people"): "--people has no value: give it one; ",
    ("import_model", "--json"): "What is missing is kind, files: give all of it; ",
    ("train_depression", "--size", "X"): "'X' is not known: give --size one of ",
    ("train_depression", "--rate", "fast"): "'fast' is no number: give --rate one; ",
    ("compare_pat_sizes", "--sizes", "S", "X"): "'X' is not known: give --sizes one of ",
    ("calibrate_model", "here"): "What is missing is --out: give all of it; ",
    ("models", "--two\nlines"): "This command has no --two lines: leave it out; ",
}


@pytest.mark.parametrize(("words", "said"), WRONG.items(), ids=" ".join)
def test_on_the_command_line(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        load_command_class("scoring", words[0]).run_from_argv(["manage.py", *words])
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and out == ""
    assert err.startswith(said) and err.endswith(
        f"`manage.py {words[0]} --help` says what it takes.\n"
    )
    assert err.count("\n") == 1 and "usage" not in err


def test_called_from_code_it_is_the_same_sentence() -> None:
    with pytest.raises(CommandError, match="^'X' is not known: give --size one of ") as refused:
        call_command("train_depression", "--size=X")
    assert refused.value.returncode == 2
