"""What was to arrive, what the EHR holds, and whether one is the other."""

import json
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from alerts.domain import states
from alerts.models import Alert, OutboxMessage
from tests.delivery.kinds import Kind

State, Sort = OutboxMessage.State, OutboxMessage.Kind
PRIORITY = {"High": "urgent", "Moderate": "routine"}


@dataclass(frozen=True)
class Held:
    """The resources the EHR holds by what names them, each as it was written last.

    A Provenance is named by what it is of. ``arrived`` in each says in which order they came.
    """

    by_name: Mapping[str, list[Mapping[str, Any]]]
    references: frozenset[str]

    @classmethod
    def of(cls, kind: Kind, paths: Path) -> "Held":
        """Read what the server wrote, or what lies in the folder: not what was answered."""
        last: dict[str, Mapping[str, Any]] = {}
        for line, resource in enumerate(
            _files(paths / "folder") if kind.way == "folder" else _lines(paths)
        ):
            last[_reference(resource)] = {"arrived": line} | resource
        found = defaultdict(list)
        for resource in last.values():
            found[_name(resource)].append(resource)
        return cls(found, frozenset(last))

    def copies(self, name: str) -> int:
        """How many of a name it holds."""
        return len(self.by_name.get(name, ()))

    def by_type(self) -> Counter[str]:
        """How many of each type it holds."""
        return Counter(it.split("/")[0] for it in self.references)


def _reference(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _name(resource: Mapping[str, Any]) -> str:
    if resource["resourceType"] == "Provenance":
        return str(resource["target"][-1]["reference"])
    return str(resource["identifier"][0]["value"])


def _lines(paths: Path) -> Iterator[Mapping[str, Any]]:
    for line in (paths / "ehr.jsonl").read_text().splitlines():
        yield json.loads(line)


def _files(folder: Path) -> Iterator[Mapping[str, Any]]:
    """In the order in which they were written; one message's later file stands for it."""
    for path in sorted(folder.glob("*.json"), key=lambda it: it.stat().st_mtime_ns):
        resource = json.loads(path.read_text())
        yield resource | {"id": resource["identifier"][0]["value"]}


@dataclass
class Told:
    """Lines for whoever reads it, and whether all is as it must be."""

    lines: list[str] = field(default_factory=list)
    well: bool = True

    def say(self, words: str, *, wrong: int = 0) -> None:
        """A line; ``wrong``: so many of what may never be."""
        self.lines.append(words)
        self.well = self.well and wrong == 0


def counted(kind: Kind, alerts: QuerySet[Alert], held: Held) -> Told:
    """Count messages by state, copies in the EHR, and alerts that it holds otherwise."""
    told = Told()
    messages = list(OutboxMessage.objects.filter(alert__in=alerts).order_by("id"))
    by_state = Counter(f"{Sort(m.kind).name.lower()} {m.state}" for m in messages)
    told.say(f"{alerts.count()} alerts, messages: {dict(sorted(by_state.items()))}")
    unsettled = [m for m in messages if m.state not in (State.DELIVERED, State.SUPERSEDED)]
    told.say(f"neither arrived nor superseded: {len(unsettled)}", wrong=len(unsettled))
    for message in unsettled[:3]:
        told.say(f"  {message.kind} {message.state} {message.last_error}")
    sent = [m for m in messages if m.kind == Sort.NOTICE and m.state == State.DELIVERED]
    lost = sum(not held.copies(str(m.identifier)) for m in sent)
    told.say(f"lost: {lost} of {len(sent)} that arrived", wrong=lost)
    results = [m for m in messages if m.kind == Sort.RESULT and m.state == State.DELIVERED]
    if results:
        lost = sum(not _whole(m, held) for m in results)
        told.say(f"results that are not whole: {lost} of {len(results)}", wrong=lost)
    told.say(f"the EHR holds {dict(sorted(held.by_type().items()))}")
    more = sum(len(them) - 1 for them in held.by_name.values())
    told.say(f"duplicates: {more}", wrong=more if kind.exact else 0)
    otherwise = list(_otherwise(kind, alerts, messages, held))
    told.say(f"alerts that the EHR holds otherwise: {len(otherwise)}", wrong=len(otherwise))
    for words in otherwise[:3]:
        told.say(f"  {words}")
    return told


def _whole(message: OutboxMessage, held: Held) -> bool:
    """Its Provenance is there, and the four that it is of."""
    notice = message.transition.messages.get(kind=Sort.NOTICE)
    signed = held.by_name.get(f"CommunicationRequest/{notice.ehr_resource_id}", ())
    return any(
        len(it["target"]) == 4 and {t["reference"] for t in it["target"]} <= held.references
        for it in signed
    )


def _otherwise(
    kind: Kind, alerts: Iterable[Alert], messages: Iterable[OutboxMessage], held: Held
) -> Iterator[str]:
    """Alerts whose last state the EHR does not hold, and what it holds instead."""
    of_alert = defaultdict(list)
    for message in messages:
        of_alert[message.alert_id].append(message)
    for alert in alerts:
        mine = of_alert[alert.pk]
        found = [r for m in mine for r in held.by_name.get(str(m.identifier), ())]
        if words := (_communication if kind.way == "Communication" else _request)(
            alert, mine, found, kind
        ):
            yield f"{alert.pk} {alert.state} {alert.tier}: {words}"


def _request(
    alert: Alert, mine: list[OutboxMessage], found: list[Mapping[str, Any]], kind: Kind
) -> str:
    """Of an open alert one active request of its tier; of a closed one none."""
    if not kind.exact:  # a copy that nobody can find stays: the last one of each message counts
        found = [it for it in (_last(found, m) for m in mine) if it]
    active = [it for it in found if it["status"] == "active"]
    if alert.state in states.OPEN:
        well = [it["priority"] for it in active] == [PRIORITY[alert.tier]]
    else:
        well = not active
    return "" if well else str([(it["status"], it["priority"]) for it in found])


def _last(found: list[Mapping[str, Any]], message: OutboxMessage) -> Mapping[str, Any]:
    mine = [it for it in found if it["identifier"][0]["value"] == str(message.identifier)]
    return max(mine, key=lambda it: it.get("meta", {}).get("lastUpdated", ""), default={})


def _communication(
    alert: Alert, mine: list[OutboxMessage], found: list[Mapping[str, Any]], kind: Kind
) -> str:
    """The last to arrive is of the alert's tier, or says that it is closed, if any arrived."""
    if not found:
        return "nothing" if alert.state in states.OPEN else ""
    last = max(found, key=lambda it: it["arrived"])
    text = b64decode(last["payload"][0]["contentAttachment"]["data"]).decode()
    if alert.state in states.OPEN:
        return "" if f"{alert.kind}: {alert.tier} on" in text else text[:80]
    word = "resolved" if alert.state == states.RESOLVED else "dismissed"
    return "" if text.endswith(f"{word}.") else text[-80:]
