"""What is typed about a system that may call Clarity or read from it."""

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from alerts.models import TrustedSystem
from alerts.systems import FIELDS, problems


class KeySetField(forms.JSONField):
    """A key set as JSON; an empty one is an empty field."""

    def prepare_value(self, value: Any) -> Any:
        """As it is shown: one line a part, to be compared by eye."""
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, indent=1) if value else ""


class SystemForm(forms.ModelForm):
    """Who it is, where its keys are, what it may read."""

    jwks = KeySetField(
        label=_("or the keys themselves (JWKS)"),
        help_text=_("Only where there is no address. Public keys, never private ones."),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        error_messages={"invalid": _("This is no JSON: copy the whole key set.")},
    )

    class Meta:
        model = TrustedSystem
        fields = FIELDS
        labels = {
            "name": _("Name"),
            "issuer": _("Issuer of its tokens"),
            "fhir_url": _("Address of its FHIR server"),
            "client_id": _("Client id"),
            "audience": _("Another audience"),
            "jwks_url": _("Address of its public keys (JWKS)"),
            "scopes": _("What it may read"),
        }
        help_texts = {
            "name": _("As people here know it."),
            "issuer": _("For an EHR that calls CDS Hooks: the iss of its tokens, to the letter."),
            "fhir_url": _(
                "For an EHR that calls CDS Hooks: it gets cards only if this is EHR_BASE_URL, the "
                "EHR of this clinic."
            ),
            "client_id": _(
                "For a system that reads: what it calls itself when it asks for a token."
            ),
            "audience": _(
                "Only where it reaches Clarity under another address: the aud of its tokens."
            ),
            "jwks_url": _("With an address the other system can change its keys by itself."),
            "scopes": _(
                "Such as system/Observation.rs system/RiskAssessment.rs: what the models say then "
                "leaves this machine for it. Empty: nothing."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"label_suffix": ""})
        for field in self.fields.values():
            field.required = False
            if not isinstance(field.widget, forms.Textarea):
                field.widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def clean(self) -> dict[str, Any]:
        """The values that the service takes; each problem stands beside its field."""
        given = self.cleaned_data
        values = {name: given.get(name) or ({} if name == "jwks" else "") for name in FIELDS}
        known = self.instance if self.instance.pk else None
        for name, sentence in problems(values, known).items():
            if name not in self.errors and not ("jwks" in self.errors and "jwks" in name):
                self.add_error(name, sentence)
        return values

    def _post_clean(self) -> None:
        """The service writes and checks: a form's instance stays as it is."""
