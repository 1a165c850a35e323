"""A request that is no object is told so, whatever the action."""

from typing import Any

import pytest

from alerts.actions import ACTIONS
from tests import factories
from tests.integration.reading import browser, yesterday

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("body", [[], ["known-and-managed"], "known-and-managed", 3])
@pytest.mark.parametrize("name", [name for name in ACTIONS if name != "undo"])
def test_a_body_that_is_no_object_is_refused(name: str, body: Any) -> None:
    client, who = browser()
    alert = factories.alert(factories.score(factories.patient("P-1", [who]), yesterday(), 0.9, 0.9))
    answer = client.post(f"/api/v1/alerts/{alert.pk}/{name}/", body, "application/json")
    assert answer.status_code == 400 and answer.json()
    alert.refresh_from_db()
    assert alert.state == "new"
