"""What is typed about people and care teams."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.models import CareTeamMember, Role, User
from patients.people import clinicians

ROLES = [("", _("choose")), *Role.choices]
PARTS = CareTeamMember.Part.choices


class PersonForm(forms.ModelForm):
    """Names, address and role."""

    role = forms.ChoiceField(
        label=_("Role"), choices=ROLES, error_messages={"required": _("Choose a role.")}
    )

    class Meta:
        model = User
        fields: tuple[str, ...] = ("first_name", "last_name", "email", "role")
        labels = {"email": _("E-mail (for notices)")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"label_suffix": ""})
        for name in ("first_name", "last_name"):
            self.fields[name].required = True


class NewPersonForm(PersonForm):
    """The same, and the user name, which stays."""

    class Meta(PersonForm.Meta):
        fields = ("username", *PersonForm.Meta.fields)
        labels = {**PersonForm.Meta.labels, "username": _("User name (stays as it is)")}
        help_texts = {"username": ""}


class HandOverForm(forms.Form):
    """To whom patients go."""

    taker = forms.ModelChoiceField(
        clinicians(),
        label=_("Hand over to"),
        empty_label=_("choose"),
        error_messages={"required": _("Choose to whom.")},
    )
    stays = forms.BooleanField(label=_("stays a member as well"), required=False)

    def __init__(self, *args: Any, giver: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"label_suffix": ""})
        taker = self.fields["taker"]
        assert isinstance(taker, forms.ModelChoiceField)
        taker.queryset = clinicians().exclude(pk=giver.pk)


class AssignForm(forms.Form):
    """A patient who comes into somebody's care."""

    code = forms.CharField(max_length=40, label=_("Patient’s code"))
    part = forms.ChoiceField(label=_("Part"), choices=PARTS, initial=CareTeamMember.Part.MEMBER)


class MemberForm(forms.Form):
    """Somebody who comes into a care team."""

    person = forms.ModelChoiceField(clinicians(), label=_("Person"), empty_label=_("choose"))
    part = forms.ChoiceField(label=_("Part"), choices=PARTS, initial=CareTeamMember.Part.MEMBER)
