"""Settings from the environment."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from clarity_site import env


@pytest.mark.parametrize("name", ["localtime", "Factory", "right/UTC", "Mars/Base"])
def test_the_clinics_zone_is_a_place(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert env.time_zone("ZONE", "Europe/Berlin") == "Europe/Berlin"
    monkeypatch.setenv("ZONE", name)
    with pytest.raises(ImproperlyConfigured, match=f"ZONE is '{name}'"):
        env.time_zone("ZONE", "Europe/Berlin")
