"""Why a launch from the EHR opened nothing, in words: what was wrong, and what to do."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

AGAIN = _("Go back to the EHR and open Clarity from there again.")
ASK = _("Ask whoever looks after Clarity in your clinic.")

# code of a LaunchFailed or of ``Arrived.why_not`` -> (what was wrong, what to do)
WORDS: dict[str, tuple[Promise, Promise]] = {
    "off": (_("Opening Clarity from the EHR is not set up here."), ASK),
    "other_ehr": (
        _("This launch comes from another server than the EHR that this clinic has named."),
        ASK,
    ),
    "unreachable": (_("The EHR’s log-in cannot be reached at the moment."), AGAIN),
    "configuration": (
        _("The EHR does not say over https where it logs people in."),
        ASK,
    ),
    "no_key": (_("Clarity has no key by which the EHR could know it."), ASK),
    "unknown_launch": (
        _("This launch was not begun in this browser, or it was used already."),
        AGAIN,
    ),
    "too_late": (_("The launch was begun more than ten minutes ago."), AGAIN),
    "denied": (_("The EHR did not let you into Clarity."), ASK),
    "code_refused": (_("The EHR did not take its own answer back."), AGAIN),
    "expired": (_("The EHR’s answer has expired."), AGAIN),
    "nonce": (_("The EHR’s answer belongs to another log-in."), AGAIN),
    "issuer": (_("The EHR’s answer was made by another server."), ASK),
    "audience": (_("The EHR’s answer was made for another program."), ASK),
    "signature": (_("The EHR’s answer is not signed by the EHR."), ASK),
    "patient": (_("The EHR named the patient in a way that Clarity cannot read."), ASK),
    "no_identity": (
        _("The EHR did not say who you are: it must grant Clarity the scopes openid and fhirUser."),
        ASK,
    ),
    "no_person": (_("The EHR did not say which of its users you are."), ASK),
    "not_clinician": (_("Clarity opens from the EHR for clinicians alone."), ASK),
    "no_account": (
        _("Nobody has said yet which account of Clarity is yours."),
        _(
            "An administrator of Clarity now finds you in the list “EHR accounts” and can say "
            "so. Until then, log in with your user name and password."
        ),
    ),
    "no_record": (
        _("Clarity has no record of this patient that you may open."),
        _(
            "Either the patient is not followed with Clarity, or you are not in their care team: "
            "an administrator can add you to it."
        ),
    ),
}
