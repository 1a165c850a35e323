"""Each act beside those on alerts, done with nothing but keys; each leaves its row in the audit."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser

from alerts.models import TrustedSystem
from patients.models import AuditEvent, Role, User
from tests.browser.keyboard import act
from tests.browser.looking import MAIN, open_page, window
from tests.browser.states import build_every_state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RECORD, DATA, OUTCOMES = (f"/patients/{MAIN}/{of}" for of in ("", "data/", "outcomes/"))
AGO = f"{timezone.localdate() - timedelta(days=3)}"
TODAY = f"{timezone.localdate()}"
Act = tuple[str, str, dict[str, str]]  # a page, how its form's address ends, what is typed
AS_PSYCHIATRIST: tuple[Act, ...] = (
    ("/", "/tour/close/", {}),
    ("/?tier=High", "/panel/views/save/", {"name": "Highest"}),
    ("/preferences/", "/preferences/save/", {"time_zone": "America/Vancouver"}),
    ("/notices/", "/notices/setting/", {"digest_hour": "7"}),
    ("/alerts/", "/undo/", {}),
    ("/alerts/", "/decide/", {"note": "The band was not lent."}),
    ("/today/", "/done/", {"note": "Slept well again."}),
    (RECORD, "/notes/", {"text": "Rang at ten."}),
    (RECORD, "/error/", {}),
    (RECORD, "/contacts/", {"channel": "phone", "person": "family", "outcome": "left_message"}),
    (RECORD, "/retier/", {"note": "Two nights of three hours."}),
    (RECORD, "/score/", {}),
    (RECORD, "/circumstances/", {"kind": "travel", "first_day": AGO}),
    ("/patients/CL-0130/", "/absence/", {"note": "The watch is charging."}),
    (DATA, "/tokens/#tokens", {"label": "band 13"}),
    (DATA, "/revoke/", {}),
    (OUTCOMES, "/questionnaires/", {f"item_{n}": "1" for n in range(1, 10)}),
    (OUTCOMES, "/episodes/", {"kind": "mania", "first_day": AGO}),
)
NEW = {"username": "new.1", "first_name": "Lea", "last_name": "Holm", "role": "coordinator"}
SYSTEM = {
    "name": "Warehouse",
    "client_id": "night",
    "jwks_url": "https://warehouse.example/jwks",
    "scopes": "system/Observation.rs",
}
AS_ADMINISTRATOR: tuple[Act, ...] = (
    ("/people/", "/people/add/#new", NEW),
    ("/people/{locked}/", "/unlock/", {}),
    ("/people/{locked}/", "/change/", {"first_name": "Lou", "last_name": "Ash"}),
    ("/people/{locked}/", "/password/", {}),
    ("/people/{locked}/", "/deactivate/", {}),
    ("/people/{closed}/", "/activate/", {}),
    ("/people/{newcomer}/", "/assign/#patients", {"code": "CL-0199"}),
    ("/people/{coordinator}/", "/hand-over/#patients", {"taker": "{newcomer}"}),
    ("/patients/CL-0138/team/", "/team/set/", {"person": "{newcomer}", "part": "cover"}),
    ("/patients/CL-0141/team/", "/team/remove/", {}),
    ("/on-call/", "/add/", {"user": "{newcomer}", "first_day": TODAY, "last_day": TODAY}),
    ("/on-call/", "/drop/", {}),
    ("/messages/", "/messages/resend/", {}),
    ("/messages/", "/messages/way/", {"way": "Communication"}),
    ("/baselines/CL-0121/", "/approve/", {}),
    (f"/medications/{MAIN}/", "/list/", {}),
    ("/ehr-accounts/", "/map/", {"user": "{coordinator}"}),
    ("/ehr-accounts/", "/remove/", {}),
    ("/systems/", "/register/#new", SYSTEM),
    ("/systems/{ehr}/", "/switch/", {"on": "false"}),
)


@pytest.fixture
def people(transactional_db: None, settings: Any) -> dict[str, User]:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    build_every_state()
    return {user.username.partition(".")[0]: user for user in User.objects.all()}


def named(typed: dict[str, str], keys: dict[str, str]) -> dict[str, str]:
    return {name: text.format(**keys) for name, text in typed.items()}


@pytest.mark.parametrize(
    "role, acts",
    [(Role.PSYCHIATRIST, AS_PSYCHIATRIST), (Role.ADMINISTRATOR, AS_ADMINISTRATOR)],
    ids=["psychiatrist", "administrator"],
)
def test_every_act_is_done_by_keyboard(
    role: str,
    acts: tuple[Act, ...],
    people: dict[str, User],
    chromium: Browser,
    live_server: Any,
    subtests: Any,
) -> None:
    keys = {name: str(user.pk) for name, user in people.items()}
    keys["ehr"] = str(TrustedSystem.objects.get(name="Hospital EHR").pk)
    context = window(chromium, live_server.url, people[role])
    page = context.new_page()
    for address, ending, typed in acts:
        with subtests.test(address=address, ending=ending):
            open_page(page, address.format(**keys))
            before = AuditEvent.objects.exclude(action="record opened").count()
            act(page, page.locator(f"main form[method=post][action$='{ending}']").first,
                **named(typed, keys))  # fmt: skip
            done = AuditEvent.objects.exclude(action="record opened").order_by("pk")
            if ending == "/tour/close/":  # one's own, and no act on anything
                assert User.objects.get(pk=people[role].pk).tour_seen_at
            else:
                assert done.count() > before, page.locator("main").inner_text()[:600]
    context.close()
