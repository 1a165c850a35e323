"""How long the alert queue and the day take on the server, by the number of open alerts."""

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

ALERTS = (5, 50, 500)
ROUNDS = 20


def main() -> None:
    """Print the median and the 95th percentile of each page, and its queries."""
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from patients.models import Role
    from tests import factories

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    call_command("migrate", verbosity=0)
    user = factories.user(Role.COORDINATOR, "bench")
    client, made = Client(), 0
    client.force_login(user)
    for wanted in ALERTS:
        while made < wanted:
            _one(made, user)
            made += 1
        for address in ("/alerts/", "/alerts/?tab=mine", "/today/"):
            with CaptureQueriesContext(connection) as seen:
                client.get(address)
            _print(f"{wanted} open alerts, {address}", len(seen), lambda a=address: client.get(a))
    alert = factories.alert(
        factories.score(factories.patient("P-last", [user]), timezone.localdate())
    )
    swap = {"HX-Request": "true", "HX-Target": f"card-{alert.pk}"}

    def there_and_back() -> Any:
        client.post(f"/alerts/{alert.pk}/acknowledge/", headers=swap)
        return client.post(f"/alerts/{alert.pk}/undo/", headers=swap)

    _print("acknowledged in place and taken back", None, there_and_back)


def _one(number: int, user: Any) -> None:
    from django.utils import timezone

    from tests import factories

    patient = factories.patient(f"P-{number:04}", [user])
    score = factories.score(patient, timezone.localdate() - timedelta(days=1), 0.3, 0.9)
    alert = factories.alert(score, tier="High" if number % 4 == 0 else "Moderate")
    if number % 5 == 0:
        factories.follow_up(alert, user)


def _print(words: str, queries: int | None, ask: Callable[[], Any]) -> None:
    took = []
    for _round in range(ROUNDS):
        began = time.perf_counter()
        assert ask().status_code == 200
        took.append((time.perf_counter() - began) * 1000)
    ninety_fifth = statistics.quantiles(took, n=20)[-1]
    count = f", {queries} queries" if queries is not None else ""
    print(f"queue: {words}: {statistics.median(took):.0f} ms, p95 {ninety_fifth:.0f} ms{count}")


if __name__ == "__main__":
    main()
