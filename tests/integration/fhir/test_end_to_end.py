"""Another system pulls from Clarity over HTTP: discovery, token, reading, a rotation of keys."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from alerts.fhir.keys import KeyFolder
from alerts.fhir.tokens import TokenRefused, TokenSource
from alerts.models import SeenToken
from alerts.trust import NotTrusted, jwt_verified
from tests.integration.fhir.reading import clinic, reader
from tests.trusted import AUDIENCE, key_server, system, token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_a_system_discovers_gets_a_token_and_reads(
    live_server: Any, tmp_path: Path, algorithm: str
) -> None:
    made = clinic()
    keys = KeyFolder(tmp_path)
    first = keys.make(algorithm, datetime.now(UTC))
    base = f"{live_server.url}/fhir/R4"
    with key_server(lambda: keys.published(datetime.now(UTC))) as published:
        reader("system/Observation.rs", jwks_url=published.url)
        source = TokenSource(base, "warehouse", keys, scopes="system/*.rs")

        def found(text: str) -> requests.Response:
            header = {"Authorization": f"Bearer {text}"}
            return requests.get(f"{base}/Observation?patient=ehr-1", headers=header, timeout=10)

        answer = found(source.token())
        assert answer.json()["total"] == 4
        assert made["patients"][0].code in answer.text
        assert "Ada" not in answer.text
        keys.make(algorithm, datetime.now(UTC))
        keys.retire(first.kid, datetime.now(UTC))
        assert found(source.renew()).status_code == 200
        stranger = KeyFolder(tmp_path / "stranger")
        stranger.make(algorithm, datetime.now(UTC))
        with pytest.raises(TokenRefused) as refusal:
            TokenSource(base, "warehouse", stranger, scopes="system/*.rs").token()
        assert "The key of the token (kid) is not one" in refusal.value.outcome_text


def test_of_many_uses_of_one_token_at_once_one_is_the_first() -> None:
    system()
    text = token()

    def use(_: int) -> bool:
        try:
            jwt_verified(text, audience=AUDIENCE, now=timezone.now())
        except NotTrusted:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(use, range(16))) == [False] * 15 + [True]
    assert SeenToken.objects.count() == 1
