"""What is said of reading from the EHR, of its tokens, and of what it answers."""

from django.utils.translation import gettext_noop as _

MESSAGES = (
    _("Its status is %(status)s."),
    _("Its status is %(status)s: whether it is taken is not known."),
    _("Its intent is %(intent)s."),
    _("It asks not to give the drug."),
    _("It names no drug."),
    _("The day on which it began is not told."),
    _("It ends before it begins."),
    _("It is %(verification)s."),
    _("Its codes say different things."),
    _("The code does not say which kind."),
    _("The form is not known."),
    _("The code is not known."),
    _("%(known)s of %(asked)s items are told, and no total."),
    _("%(given)s answers have points: %(needed)s are needed, and at most their sum."),
    _("The day on which it was filled in is not told."),
    _("Its total is %(total)s, but its items add up to %(sum)s."),
    _("It holds no points."),
    _(
        "The EHR’s record is that of another patient here: see which of the two it is about, and "
        "give the other one its own identifier first."
    ),
    _("It is about another patient."),
    _("Somebody of the team is not named here yet."),
    _("The EHR is being read already: wait until that is done."),
    _("Reading from an EHR beyond this machine is off: an administrator can turn it on."),
    _("Its time was over: the next reading goes on."),
    _("The EHR refused to be read (%(status)s)."),
    _("The EHR gave a link to another host, which is not followed."),
    _("The EHR answered with more than 32 MiB at once."),
    _("The EHR’s pages lead back to one that was read: what follows them cannot be reached."),
    _("The EHR’s export holds a line that is no JSON."),
    _("The EHR’s export broke off (%(error)s)."),
    _("The EHR’s export was not ready in two hours."),
    _("The EHR’s export does not say of which moment it tells."),
    _("The EHR did not begin the export."),
    _("The EHR’s export left something out: it is read page by page."),
    _("“%(diagnosis)s” is none of the list: choose one that is."),
    _("Choose the class of %(drug)s."),
    _("reading from the EHR"),
    _("The EHR’s token server did not answer in time."),
    _("The certificate of the EHR’s token server was not accepted."),
    _("The EHR’s token server could not be reached (%(error)s)."),
    _("The EHR’s token server answered %(status)s."),
    _("The EHR’s token server refused Clarity (%(what)s)."),
    _("The EHR’s token server refused Clarity (%(what)s). %(said)s"),
    _("The EHR’s token server answered without a token."),
    _("The EHR’s token server gives tokens that are no bearer tokens."),
    _("The EHR has no smart-configuration (%(status)s): set EHR_TOKEN_URL."),
    _("The EHR’s smart-configuration cannot be read: %(reason)s."),
    _("The EHR’s smart-configuration names no token endpoint by https."),
    _(
        "Clarity has no key for %(algorithms)s, which the EHR accepts: make one with "
        "`ehr_keys make` and register it there."
    ),
)
