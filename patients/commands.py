"""What Clarity's commands have in common: one JSON object out, exit 2 for bad input."""

import json
import re
import sys
from abc import abstractmethod
from pathlib import Path
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_slug
from django.db import OperationalError, ProgrammingError, transaction

from patients.domain.errors import InputError
from patients.ingest.common.base import zones_of
from patients.models import Patient
from patients.selectors import PATIENT_ZONES, zones_asked
from patients.services import SYSTEM, patient_enrol
from patients.storage import Stored, file_store

BAD_INPUT = 2


# What argparse says of an argument, and the same as a sentence.
SENTENCES = (
    (r"argument (\S+): invalid int value: (.+)", r"\2 is no whole number: give \1 one"),
    (r"argument (\S+): invalid float value: (.+)", r"\2 is no number: give \1 one"),
    (r"argument (\S+): invalid choice: (.+) \(choose from (.+)\)",
     r"\2 is not known: give \1 one of \3"),
    (r"argument (\S+): expected (?:one|at least one) argument", r"\1 has no value: give it one"),
    (r"the following arguments are required: (.+)", r"What is missing is \1: give all of it"),
    (r"unrecognized arguments: (.+)", r"This command has no \1: leave it out"),
)  # fmt: skip


class SentenceParser(CommandParser):
    """Says what is wrong with an argument in one sentence, without the usage; exit code 2."""

    def error(self, message: str) -> NoReturn:
        said = " ".join(message.split())
        for pattern, words in SENTENCES:
            said = re.sub(f"^{pattern}$", words, said)
        sentence = f"{said}; `{self.prog} --help` says what it takes."
        if not self.called_from_command_line:
            raise CommandError(sentence, returncode=BAD_INPUT)
        self.exit(BAD_INPUT, f"{sentence}\n")


class SentenceCommand(BaseCommand):
    """A command that refuses a wrong argument in one sentence."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's parser, with other words for what is wrong."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = SentenceParser  # Django makes it and asks nobody of which class
        return parser


class JsonCommand(SentenceCommand):
    """A command that answers with one object.

    With ``--json`` standard output is exactly that object; without, a short text. Bad input
    ends in one sentence on standard error and exit code 2; where some of it could be used, in
    the answer, a sentence for each part that could not, and exit code 2.
    """

    # A command says what is wrong with its own input; system checks belong to the server.
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Add --json to every command's own arguments."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        return parser

    def handle(self, *_: Any, **options: Any) -> None:
        """Answer, or end with exit code 2."""
        try:
            answer = self.answer(options)
        except InputError as error:
            self.refuse(str(error))
        except (OperationalError, ProgrammingError):
            self.refuse("The database cannot be reached or has no tables: run `make setup`.")
        if options["json"]:
            self.stdout.write(json.dumps(answer, allow_nan=False, ensure_ascii=False))
        else:
            self.stdout.write(self.text(answer))
        if sentences := self.refusals(answer):
            self.refuse("\n".join(sentences))

    def refuse(self, sentence: str) -> None:
        """One sentence on standard error, exit code 2."""
        self.stderr.write(sentence)
        sys.exit(BAD_INPUT)

    @abstractmethod
    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        """The object. Raises InputError for bad input."""

    def refusals(self, answer: dict[str, Any]) -> list[str]:
        """What of the input was refused although the rest was taken; then too exit code 2."""
        return []

    def text(self, answer: dict[str, Any]) -> str:
        """The same for people; JSON with indents unless a command words it better."""
        return json.dumps(answer, indent=2, allow_nan=False, ensure_ascii=False)


def timezone_argument(parser: CommandParser) -> None:
    """Add --timezone of the commands that store recordings."""
    parser.add_argument(
        "--timezone",
        required=True,
        metavar="ZONE",
        help="Where times without an offset were recorded: an IANA name such as Europe/Berlin, or "
        f"“{PATIENT_ZONES}” for the zones in which the patient lived at the time.",
    )


def require_zone(code: str, zone: str) -> None:
    """InputError for a zone that is none, or the zones of a patient who is not enrolled."""
    if zone != PATIENT_ZONES:
        zones_of(zone)
    elif not Patient.objects.filter(code=code).exists():
        raise InputError(
            f"{code} is not enrolled yet and has no time zones: give --timezone an IANA name "
            "such as Europe/Berlin."
        )


@transaction.atomic
def file_take(code: str, path: Path, zone: str, source: str) -> tuple[Stored, Patient, bool]:
    """Store a file for the patient of that code, and whether the patient had to be enrolled.

    ``zone`` is a name, or PATIENT_ZONES for a patient who is enrolled. Raises InputError, and
    then neither is the patient enrolled.
    """
    try:
        validate_slug(code)
    except ValidationError:
        raise InputError(
            f"“{code}” is no patient code: use letters, digits, hyphens and underscores."
        ) from None
    require_zone(code, zone)
    known = Patient.objects.filter(code=code).first()
    patient = known or patient_enrol(code=code, zone=zone, by=SYSTEM)
    zones = zones_asked(patient, zone)
    stored = file_store(patient=patient, path=path, zone=zones, by=SYSTEM, source=source)
    return stored, patient, known is None
