"""Why something about a patient, a drug or a questionnaire was refused."""

from django.utils.translation import gettext_noop as _

MESSAGES = (
    _("The last day lies before the first: correct one of them."),
    _("“%(a)s” is already recorded and goes on: end it first."),
    _("%(a)s cannot be meant: give a day from %(b)s to %(c)s."),
    _("“%(a)s” is no time zone: give an IANA name such as Europe/Berlin or America/Toronto."),
    _("The patient has no time zone yet: give one with --timezone."),
    _("“%(a)s” is no ATC code: write one such as N06AB03."),
    _("“%(a)s” is no RxNorm code: write digits alone, such as 4493."),
    _("The name and the codes of %(a)s are of different classes (%(b)s): check them."),
    _("%(a)s has %(b)s items, but %(c)s were given: give every one, or the total alone."),
    _(
        "The total %(a)s of %(b)s is not the sum of its items, %(c)s: correct one of the "
        "two, or leave the total out."
    ),
    _("Give the items of %(a)s, or its total."),
    _("The total %(a)s of %(b)s is none: give a whole number from %(c)s to %(d)s."),
    _("Item %(a)s of %(b)s (%(c)s) is %(d)s: give a whole number from %(e)s to %(f)s."),
    _("The last day lies before the first."),
    _(
        "The table of drugs has %(a)s as %(b)s, not %(c)s: choose that class, or none, or "
        "check the name and the codes."
    ),
    _("%(a)s has this dose already: give the new one."),
    _(
        "%(a)s began on %(b)s and is not taken for longer on %(c)s: give a later day on "
        "which it is taken, or correct the course."
    ),
    _("Nothing of %(a)s was changed: change its days or its dose."),
    _("%(a)s was entered in error: nothing of it can be changed."),
    _("%(a)s began on %(b)s: it cannot have ended on %(c)s."),
    _("Choose a reason why %(a)s was entered in error."),
    _("%(a)s is not in the table of drugs: choose its class."),
    _("“%(a)s” is no questionnaire that is scored: give one of %(b)s."),
    _(
        "The %(a)s of %(b)s lies before 2000 or in the future: give the time at which it "
        "was filled in."
    ),
    _(
        "Another %(a)s of %(b)s is recorded, with the total %(c)s: mark it as entered in "
        "error first, or correct the time."
    ),
    _("“%(a)s” is no kind of episode: give one of %(b)s."),
    _("The episode began on %(a)s: it cannot have ended on %(b)s."),
    _(
        "An episode of %(a)s from %(b)s is recorded, which has a day in common: end it, "
        "or mark it as entered in error, first."
    ),
    _(
        "The episode from %(a)s goes on no more: mark it as entered in error and record "
        "it anew to change it."
    ),
    _("%(a)s lies before 1950 or in the future: give a day up to today."),
    _("The patient has no such device any more: reload the page."),
    _("The last day lies before the first: change one of them."),
    _("The device has nothing on these days: choose others."),
    _("The order must name each of the patient's devices once: reload the page."),
    _("The code %(a)s… is too long: use up to %(b)s characters."),
    _("%(a)s lies before 1970 or in the future: give the day of arrival."),
    _("A recording of this patient is being stored at the moment: try again in a minute."),
    _("The label is empty or over %(a)s characters: name the device."),
    # channels, and why samples of them were left out
    _("Activity"),
    _("Steps"),
    _("Light"),
    _("Sleep"),
    _("Heart rate"),
    _("Resting heart rate"),
    _("Heart-rate variability (SDNN)"),
    _("Heart-rate variability (RMSSD)"),
    _("Heart-rate variability (LF/HF)"),
    _("Breathing rate"),
    _("Oxygen saturation"),
    _("Wrist temperature"),
    _("%(channel)s more in a minute than is possible"),
    _("%(channel)s outside the possible range"),
    _("%(channel)s told twice"),
    _("%(channel)s of impossible length"),
    _("%(channel)s longer than 24 h"),
    _("%(channel)s with more minutes than it is long, or fewer than none"),
    _("%(channel)s of an unknown kind"),
    _("%(channel)s not readable"),
    _("%(channel)s a total without times"),
    _("%(channel)s without a reading"),
    _("%(channel)s the sensor was unsure"),
    _("%(channel)s in an unknown unit"),
    _("%(channel)s without its parts"),
    _("%(channel)s off the wrist"),
    _("%(channel)s of a file whose values are no whole numbers"),
    _("%(channel)s made up by the exporter"),
    _("%(channel)s dated in the future"),
    _("device off the wrist"),
    _("marked as missing by the device"),
    _("record with an impossible date"),
    _("record not readable"),
    _("table of totals or scores only"),
    _("%(n)s out of range"),
    _("actiwatch counts"),
    _("actigraph counts"),
    _("condor pim"),
    _("mims"),
    _("steps"),
    _("actical counts"),
    _("enmo"),
    _("the patient’s own time zones"),
    # units of channels
    _("simulated wrist device"),
    _("simulated phone"),
    _("counts/min"),
    _("PIM/min"),
    _("MIMS/min"),
    _("steps/min"),
    _("lux"),
    _("mg"),
)
