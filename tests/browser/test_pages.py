"""The walk of pages finds what there is, for each role; no page asks another host."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from patients.models import Role, User
from tests.browser.pages import (
    LEFT_OUT,
    Shown,
    links_of,
    parameters,
    patterns,
    value_of,
    walk,
)
from tests.browser.states import MAIN, build_every_state

pytestmark = pytest.mark.django_db
