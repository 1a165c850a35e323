"""Settings from the environment: read once, refused with a hint when they are nonsense."""

import os
import secrets
from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from patients.domain.days import zone_names

# Opening a connection costs PostgreSQL more than most requests do.
KEPT_CONNECTIONS = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
# PostgreSQL takes our short queries over thousands of patients for long ones, and compiling one
# takes ten times as long as running it.
NO_JIT = {"options": "-c jit=off"}
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The variable's value without surrounding blanks; an empty one counts as unset."""
    return os.environ.get(name, "").strip() or default


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def boolean(name: str, default: bool) -> bool:
    """True or false; anything else is refused."""
    value = text(name, str(default)).lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}: write true or false.")


def integer(name: str, default: int, low: int, high: int) -> int:
    """A whole number between low and high."""
    value = text(name, str(default))
    if not value.isdigit() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name} is {value!r}: write a number from {low} to {high}.")
    return int(value)


def url(name: str, schemes: set[str], default: str = "") -> str:
    """A URL of one of the schemes, or the default when the variable is unset."""
    value = text(name, default)
    if value and urlsplit(value).scheme not in schemes:
        known = ", ".join(sorted(schemes))
        # The value may hold a password, so the message never repeats it.
        raise ImproperlyConfigured(f"{name} does not begin with one of: {known} (then ://).")
    return value


def secret(name: str, folder: Path) -> str:
    """The variable, or a random secret kept in a private file of this installation."""
    value = text(name)
    if value:
        if len(value) < 32:
            raise ImproperlyConfigured(f"{name} is shorter than 32 characters: make it longer.")
        return value
    path = folder / name.lower()
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write_private(path, secrets.token_urlsafe(48))
        except OSError:
            raise ImproperlyConfigured(
                f"{name} is unset and {folder} cannot be written: set {name}, or name another "
                "folder in CLARITY_STATE_DIR."
            ) from None
    return path.read_text().strip()


def _write_private(path: Path, value: str) -> None:
    # O_EXCL: of two processes starting at once one writes, the other reads what it wrote.
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(value)


def folder(name: str, default: Path) -> Path:
    """A folder, which need not be there yet; anything else of that name is refused."""
    path = Path(text(name, str(default)))
    if path.exists() and not path.is_dir():
        raise ImproperlyConfigured(f"{name} names a file: name a folder.")
    return path


def choice(name: str, default: str, known: Collection[str]) -> str:
    """One of the known words."""
    value = text(name, default)
    if value not in known:
        raise ImproperlyConfigured(f"{name} is {value!r}: write one of {', '.join(known)}.")
    return value


def time_zone(name: str, default: str) -> str:
    """An IANA time zone."""
    value = text(name, default)
    if value not in zone_names():
        raise ImproperlyConfigured(f"{name} is {value!r}: write a zone such as America/Toronto.")
    return value


def database(name: str, embedded_folder: Path) -> dict[str, object]:
    """Django's settings of a postgres:// URL, or of the embedded PostgreSQL when unset."""
    value = url(name, {"postgres", "postgresql"})
    if not value:
        return {
            "ENGINE": "clarity_site.embedded_postgres",
            "NAME": text("CLARITY_DATABASE_NAME", "clarity"),
            "USER": "postgres",
            "OPTIONS": {"embedded_folder": str(embedded_folder), **NO_JIT},
            **KEPT_CONNECTIONS,
        }
    parts = urlsplit(value)
    if not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} names no database: end it with /clarity or the like.")
    try:
        port = str(parts.port or "")
    except ValueError:
        raise ImproperlyConfigured(f"{name} has a port that is no number up to 65535.") from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": port,
        "OPTIONS": NO_JIT,
        **KEPT_CONNECTIONS,
    }
