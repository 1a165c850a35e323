"""A model file as somebody gives it: read once, so that what is checked is what is hashed."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from patients.domain.errors import InputError

LONGEST_NAME = 120


@dataclass(frozen=True)
class GivenFile:
    """A file's name, for messages, and its bytes."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes, in hexadecimal."""
        return sha256(self.data).hexdigest()


def read_given(path: Path, most_bytes: int, wanted: str) -> GivenFile:
    """Read the whole file. `wanted` ends the sentence of a refusal: what to give instead.

    Raises InputError if there is no such file, it cannot be read or is longer than `most_bytes`.
    """
    try:
        if path.is_dir():
            raise InputError(f"{path.name} cannot be read: it is a folder; give {wanted}.")
        if not path.is_file():
            raise InputError(f"{path.name} cannot be read: there is no such file; give {wanted}.")
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}; give {wanted}.") from error
    if len(data) > most_bytes:
        raise InputError(f"{path.name} is larger than {most_bytes >> 20} MiB; give {wanted}.")
    return GivenFile(path.name, data)


def shown(name: str) -> str:
    """A name out of a file that nobody trusts, fit for one line of a message."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in name)
    return printable if len(printable) <= LONGEST_NAME else printable[:LONGEST_NAME] + "…"
