"""Thousands of hostile uploads, one after the other, and what came of them."""

import gzip
import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from tests.hostile import checks
from tests.hostile.crafted_devices import DATABASES, LOGS, WORKBOOKS
from tests.hostile.crafted_pushes import PUSHES
from tests.hostile.crafted_texts import TEXTS
from tests.hostile.crafted_xml import XML_FILES, ZIP_FILES
from tests.hostile.mutations import gzipped, spoilt_file, text_changed
from tests.hostile.seeds import Seed, pushes, seeds

Go = Callable[[checks.Clinic], str]
FILES = (*XML_FILES, *ZIP_FILES, *DATABASES, *WORKBOOKS, *LOGS, *TEXTS)
KEYS = ["", "k" * 201, "a b", "ü", "\t", "k\0", "{}", "k1"]
NAMES = ["", "..", "../../etc/passwd", "a\0b", "x" * 5000, "\ud800", "a\nb.json", "ü.zip", "/"]
LIES = ["a.zip", "a.csv.gz", "a.xz", "a.tar", "a.zst", "a.bz2", "a.xml", "%s{0}.txt"]
ZONES = ["", "Mars/Olympus", "../../zone", "UTC\0", "Europe/Berlin", "x" * 9000, "Europe"]


@dataclass(frozen=True)
class Case:
    """What was spoilt and how, what tells it from others, and how it is brought in."""

    label: str
    key: Hashable
    go: Go


@dataclass
class Tally:
    """What came of the uploads of one kind."""

    refused: int = 0
    stored: int = 0
    slowest: tuple[float, str] = (0.0, "")
    most_mb: tuple[float, str] = (0.0, "")
    failures: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """How many there were."""
        return self.refused + self.stored + len(self.failures)


class Run:
    """Brings uploads in, one after the other; ``only`` is the name of the one to bring."""

    def __init__(self, clinic: checks.Clinic, only: str = "") -> None:
        self.clinic, self.only = clinic, only
        self.tallies: dict[str, Tally] = {}

    def bring(self, kind: str, name: str, label: str, go: Go, tame: bool = True) -> None:
        """Bring one upload in and note what came of it."""
        if self.only and self.only != name:
            return
        tally = self.tallies.setdefault(kind, Tally())
        found = checks.outcome(self.clinic, lambda: go(self.clinic))
        failure = found.failure
        if not failure and not tame and not found.refusal:
            failure = "it was stored"
        if failure:
            tally.failures.append(f"{name} ({label}): {failure}")
        tally.refused += bool(found.refusal) and not failure
        tally.stored += not found.refusal and not failure
        told = f"{name} {label}"[:40]
        tally.slowest = max(tally.slowest, (found.seconds, told))
        tally.most_mb = max(tally.most_mb, (found.grown_mb, told))
        if self.only:
            print(f"{name} ({label}): {found}")

    def crafted(self) -> None:
        """All that were made by hand, files by the command and pushes by the API."""
        for file in FILES:
            with TemporaryDirectory() as folder:
                inner = Path(folder) / "upload"
                inner.mkdir()
                go = _by_command(file.make(inner))
                self.bring("crafted file", file.name, "", go, file.tame)
        for push in PUSHES:
            go = _by_push(push.body(), push.headers)
            self.bring("crafted push", push.name, "", go, push.tame)

    def mutated(self, count: int, seed: int) -> None:
        """``count`` spoilt ones: 13 in 20 by the command, the others by HTTP."""
        files = count * 13 // 20
        pages = (count - files) // 3
        for kind, strategy, share in (
            ("file", _command_cases(), files),
            ("page", _page_cases(), pages),
            ("push", _push_cases(), count - files - pages),
        ):
            self._draw(kind, strategy, share, seed)

    def _draw(self, kind: str, strategy: st.SearchStrategy[Case], count: int, seed: int) -> None:
        """Bring ``count`` different ones in, the same ones for the same seed."""
        seen: set[Hashable] = set()

        def bring(case: Case) -> None:
            if case.key not in seen and len(seen) < count:
                self.bring(f"mutated {kind}", f"{kind} {len(seen)}", case.label, case.go)
                seen.add(case.key)

        while len(seen) < count:
            each_drawn(bring, strategy, 2 * (count - len(seen)), seed)
            seed += 1

    def failures(self) -> list[str]:
        """What must not have happened."""
        return [failure for tally in self.tallies.values() for failure in tally.failures]

    def table(self) -> str:
        """All of it, for people."""
        lines = [
            f"{kind}: {t.cases} cases, {t.refused} refused, {t.stored} stored; slowest "
            f"{t.slowest[0] * 1000:.0f} ms ({t.slowest[1]}); most memory {t.most_mb[0]:.0f} MB "
            f"({t.most_mb[1]}); {len(t.failures)} failures"
            for kind, t in self.tallies.items()
        ]
        total = sum(t.cases for t in self.tallies.values())
        return "\n".join([*lines, f"{total} uploads, {len(self.failures())} failures"])


def each_drawn(
    bring: Callable[[Case], None], strategy: st.SearchStrategy[Case], count: int, seed: int
) -> None:
    """``bring`` examples; some come twice."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def drawn(case: Case) -> None:
        bring(case)

    drawn()


def _by_command(path: Path) -> Go:
    return lambda clinic: checks.by_command(clinic.patient.code, path)


def _by_push(body: bytes, headers: Mapping[str, str]) -> Go:
    return lambda clinic: checks.by_api(clinic, body, headers)


@st.composite
def _command_cases(draw: st.DrawFn) -> Case:
    seed: Seed = draw(st.sampled_from(seeds()))
    how, content = draw(spoilt_file(seed))
    source = draw(st.sampled_from(["auto", "auto", seed.source]))
    is_new = draw(st.booleans())
    name = draw(st.sampled_from([seed.name] * 9 + LIES)) if is_new else seed.name

    def go(clinic: checks.Clinic) -> str:
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            code = "N-new" if is_new else clinic.patient.code
            return checks.by_command(code, path, source)

    return Case(f"{seed.source} {how}", (name, sha256(content).digest()), go)


@st.composite
def _page_cases(draw: st.DrawFn) -> Case:
    seed: Seed = draw(st.sampled_from(seeds()))
    how, content = draw(spoilt_file(seed))
    asked = {"name": seed.name}
    for name, odd in {"name": NAMES + LIES, "zone": ZONES, "source": ["", "fitbit", "\0"]}.items():
        if draw(st.integers(0, 5)) == 0:
            asked[name] = draw(st.sampled_from(odd))
    key = (*asked.values(), sha256(content).digest())
    return Case(f"{seed.source} {how}", key, lambda clinic: checks.by_page(clinic, content, asked))


@st.composite
def _push_cases(draw: st.DrawFn) -> Case:
    raw = json.dumps(draw(st.sampled_from(pushes()))).encode()
    how, body = draw(text_changed(raw))
    headers: dict[str, Any] = {}
    if draw(st.booleans()):
        headers["Content-Encoding"] = "gzip"
        way, body = draw(gzipped(body)) if draw(st.booleans()) else ("", _compressed(body))
        how += f", {way}"
    odd = {"Idempotency-Key": KEYS, "Content-Encoding": ["deflate", "GZIP", "x" * 999]}
    for name, values in odd.items():
        if draw(st.integers(0, 15)) == 0:
            headers[name] = draw(st.sampled_from(values))
    if draw(st.integers(0, 30)) == 0:
        headers["Content-Type"] = draw(st.sampled_from(["", "text/plain", "application/json;x="]))
    key = (*headers.values(), sha256(body).digest())
    return Case(how, key, lambda clinic: checks.by_api(clinic, body, headers))


def _compressed(raw: bytes) -> bytes:
    return gzip.compress(raw, 1, mtime=0)
