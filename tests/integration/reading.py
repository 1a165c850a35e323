"""Reads pages as a person does: logged in, and without the markup."""

import re
from datetime import date, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from patients.models import Role, User
from tests import factories


def yesterday() -> date:
    return timezone.localdate() - timedelta(days=1)


def browser(role: str = Role.PSYCHIATRIST) -> tuple[Client, User]:
    client, who = Client(), factories.user(role)
    client.force_login(who)
    return client, who


def text(answer: Any) -> str:
    """The words of a page, without markup and repeated blanks."""
    assert answer.status_code == 200
    body = re.sub(r"<script.*?</script>|<[^>]+>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", body)
