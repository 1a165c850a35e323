"""The French catalogue: gathers every message, and compiles what is translated."""

from pathlib import Path
from typing import Any

import polib  # type: ignore[import-untyped]
from django.core.management.base import BaseCommand
from django.core.management.commands import makemessages

from clarity_site.said import tables

LOCALE = Path(__file__).resolve().parents[3] / "clarity_site" / "locale"
FRENCH = LOCALE / "fr" / "LC_MESSAGES" / "django.po"
# There while xgettext reads, and never committed; it passes over what lies beside a catalogue.
GATHERED = LOCALE.parent / "said" / "rule_files.py"
METADATA = {  # without dates: the same messages make the same file
    "Project-Id-Version": "Clarity",
    "Language": "fr",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n > 1);",
}
NOT_READ = ["tests/*", "node_modules/*", ".venv/*", "docs/*", "static/*"]


class _Gather(makemessages.Command):
    """What is new stays empty: a translation is never guessed from one that looks alike."""

    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]


class Command(BaseCommand):
    """``make messages``. Needs GNU gettext; polib compiles."""

    help = "Gather the messages of code, templates and rule files, and compile the catalogue."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what is not translated yet."""
        gather()
        catalogue = polib.pofile(str(FRENCH))
        catalogue.save_as_mofile(str(FRENCH.with_suffix(".mo")))
        missing = [e.msgid for e in catalogue if not e.translated() and not e.obsolete]
        for message in missing:
            self.stdout.write(f"not translated: {message}")
        self.stdout.write(f"{len(catalogue)} messages, {len(missing)} of them not translated.")


def gather() -> None:
    """Bring the catalogue up to what the code says; what is gone is dropped."""
    lines = "".join(f"_({text!r})\n" for text in tables.texts())
    GATHERED.write_text(f"from django.utils.translation import gettext_noop as _\n{lines}")
    try:
        _Gather().run_from_argv(
            [
                *("manage.py", "makemessages", "--locale", "fr", "--no-obsolete", "--no-wrap"),
                *("--add-location", "file", "--verbosity", "0"),
                *(part for folder in NOT_READ for part in ("--ignore", folder)),
            ]
        )
    finally:
        GATHERED.unlink()
    catalogue = polib.pofile(str(FRENCH), wrapwidth=10_000)
    catalogue.header, catalogue.metadata_is_fuzzy = "Clarity in French.", []
    catalogue.metadata = METADATA
    catalogue.save(str(FRENCH))
