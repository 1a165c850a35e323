"""What is said of scores: reasons, why a track is not assessed, baselines."""

from django.utils.translation import gettext_noop as _

MESSAGES = (
    _("sensor units a minute"),
    _("Only the depression track could be assessed; it decides alone."),
    _("Only the mania track could be assessed; it decides alone."),
    _("Limited data for depression (under %(share)s): it weighs %(weight)s."),
    _("Limited data for mania (under %(share)s): it weighs %(weight)s."),
    _("Depression not assessed: %(why)s"),
    _("Mania not assessed: %(why)s"),
    _(
        "Early-warning rule: under %(hours)s h of sleep on %(nights)s nights in a row "
        "with activity above the person's own 95th percentile. A rule, not a model."
    ),
    _(
        "Early-warning rule: under %(hours)s h of sleep on %(nights)s nights in a row "
        "with activity above the population's 95th percentile. A rule, not a model."
    ),
    _(
        "Early-warning rule: under %(hours)s h of sleep on %(nights)s nights in a row. A "
        "rule, not a model."
    ),
    _("%(rule)s It is noted and raises no tier: %(circumstance)s."),
    _("%(what)s since %(day)s"),
    _("%(what)s from %(first)s to %(last)s"),
    _("%(since)s: %(says)s."),
    _("says less: %(why)s"),
    _("%(what)s, usually %(usual)s (%(size)s SD more)."),
    _("%(what)s, usually %(usual)s (%(size)s SD less)."),
    _("%(what)s, usually %(usual)s (%(size)s SD later)."),
    _("%(what)s, usually %(usual)s (%(size)s SD earlier)."),
    _("%(what)s, %(usual)s in a population (%(size)s SD more); there is no personal baseline yet."),
    _("%(what)s, %(usual)s in a population (%(size)s SD less); there is no personal baseline yet."),
    _(
        "%(what)s, %(usual)s in a population (%(size)s SD later); there is no personal "
        "baseline yet."
    ),
    _(
        "%(what)s, %(usual)s in a population (%(size)s SD earlier); there is no personal "
        "baseline yet."
    ),
    _("more than %(size)s"),
    _("no reference for unit %(unit)s: values cannot be compared."),
    _("no reference for unit unknown: no activity was recorded."),
    _("%(nights)s of %(window)s nights are there, %(needed)s are needed."),
    _("No nightly run has finished yet: scores may be missing."),
    _(
        "Scores are of %(day)s: the run of %(night)s failed for %(patients)s patients. "
        "Operations have been told."
    ),
    _("Scores are of %(day)s: the run of %(night)s has not finished. Operations have been told."),
    _("Research use: model trained on simulated data"),
    _("Research use: model trained on simulated data."),
    _("%(what)s, compared with the reference group"),
    _("Activity on %(day)s"),
    _("run `make train` or restore the file."),
    _("%(code)s has %(days)s days: a baseline needs %(least)s of the last %(window)s."),
    _(
        "%(code)s has %(days)s days that are not left out: a baseline needs %(least)s of "
        "the last %(window)s."
    ),
    _("No other can be proposed: %(a)s. Decide on it first."),
    _("%(a)s has %(b)s days: run-in takes %(c)s, and until then the population's values stand in."),
    _("No mean and no SD was changed: change one, or leave it as it is."),
    _("This baseline is no longer %(a)s: %(b)s. Nothing was changed."),
    _("This cannot be done: %(a)s. Unfreeze it first."),
    _("Say why: a reason is kept with every such change."),
    _("Version %(a)s has no %(b)s: leave it out."),
    _("Weights: depression %(a)s, mania %(b)s."),
    _("The tracks differ: mania weighs more."),
    _("The tracks differ and an SSRI or SNRI is active: depression weighs more."),
    _("The medication list is unavailable: both weightings were computed, the higher kept."),
    _("Neither track could be assessed: no risk is shown."),
    _("Both tracks are Low, so the overall tier is Low."),
    _("Limited data: both tracks are under %(a)s."),
    _("Both tracks are %(a)s: they weigh the same."),
    _("Depression is High: at least %(a)s."),
    _("Mania is High: %(a)s."),
    _("Mania is High on limited data: at least %(a)s."),
    _("No track is above %(a)s, so the overall tier is %(b)s."),
    _(
        "Unit scale not validated: the week's mean of %(a)s %(b)s lies outside %(c)s to "
        "%(d)s, where the weeks of the reference people lay. The depression track may be "
        "wrong for this sensor."
    ),
    _("The depression output lies %(a)s SD above this person’s own last 8 weeks."),
    _("manifest.json names an artefact twice; run `make train` or restore the file."),
    _("manifest.json in %(a)s/ holds a NUL character; run `make train` or restore the file."),
    _("manifest.json gives %(a)s the path %(b)s; name a file beside it."),
    _("%(a)s is absent; run `make train` or restore the file."),
    _("%(a)s has hash %(b)s, its manifest says %(c)s; run `make train` or restore the file."),
    _(
        "manifest.json in %(a)s/ is absent or not a list of artefacts; run `make train` "
        "or restore the file."
    ),
    _(
        "manifest.json in %(a)s/ holds NaN or an infinite number; run `make train` or "
        "restore the file."
    ),
    _(
        "manifest.json in %(a)s/ gives %(b)s a %(c)s that is not %(d)s; run `make train` "
        "or restore the file."
    ),
    _(
        "What calibrates both tracks together is missing or was changed: the overall "
        "probability is their weighted mean as it is. Operations have been told."
    ),
    _(
        "The overall probability is the weighted mean of both tracks as it is: what "
        "calibrates it was fitted for other models than those in use."
    ),
    _("the sensor was worn %(a)s %% of the week, %(b)s %% is needed."),
    _("none of the last %(a)s nights is there."),
    _("%(what)s; operations have been told."),
    _("the files of its model are missing or were changed, so it was not used"),
    _("its model gave no usable number"),
    _("its model failed"),
    _("of 1"),
    _("Mania is read from the night to %(a)s, the latest there."),
    _(
        "The sensor was not worn in %(a)s of %(b)s nights: their sleep is assumed from "
        "its lying still in the dark."
    ),
    _("%(a)s in %(b)s/ has no %(c)s; %(d)s."),
    _("%(a)s/ no longer holds the %(b)s model %(c)s; restore it, or promote another."),
    _("its manifest gives the size %(a)s, which is none of %(b)s"),
    _("its mania and hypomania boosters are the same trees: give one of each"),
    _("%(a)s gave %(b)s for a plain input, which is no probability"),
    _("its reference of %(a)s is not %(b)s numbers"),
    _("Nothing was recorded of %(a)s yet: there is nothing to score."),
    _("%(a)s has no day with 12 h recorded: there is nothing to score yet."),
    _("The last day, %(a)s, lies before the first: change one of them."),
    _("%(a)s lies in the future: mark days that have been."),
    _("%(a)s to %(b)s is marked as %(c)s by %(d)s: remove that mark first."),
    _("This mark was removed by %(a)s on %(b)s: nothing was changed."),
    _("%(a)s is no PHQ-9 total: give 0 to %(b)s."),
    _("%(a)s is no tier: give Low, Moderate or High."),
    _("%(a)s lies in the future: give the day of the assessment."),
    _("Say which clinician assessed the patient."),
    # what operations are mailed
    _("Clarity: the nightly run has not finished"),
    _("Clarity: a model fails"),
    _("Clarity: what the models read or say has drifted"),
    _("%(notice)s Run %(run)s: %(state)s, jobs %(jobs)s."),
    _(
        "Days scored without a model in run %(run)s so far: %(counts)s. A track is then "
        "unavailable with the reason, without the combination the weighted mean stands as it is; "
        "the log says which file or step failed. `manage.py models` lists the models, `manage.py "
        "rollback_model TRACK` goes back to the one before."
    ),
    _(
        "In the week to %(day)s (%(people)s people, %(days)s days) %(moved)s of %(all)s inputs and "
        "outputs of the models are past the limits of drift.toml against what the models were made "
        "from: %(named)s. Scores go on unchanged. Look at “Drift” in Clarity, and at new devices, "
        "units and patients of that week."
    ),
    _("%(named)s and others"),
    # verdicts of drift
    _("too few days"),
    _("steady"),
    _("look"),
    _("act"),
    _("Depression risk indicator"),
    _("Mania risk indicator"),
    _("Hypomania risk indicator"),
    # the worse side of a feature
    _("lower for mania"),
    _("lower for depression"),
    _("higher for mania"),
    _("higher for depression"),
    _("earlier for mania"),
    _("earlier for depression"),
    _("later for mania"),
    _("later for depression"),
    _("lower for mania, lower for depression"),
    _("lower for mania, higher for depression"),
    _("higher for mania, lower for depression"),
    _("higher for mania, higher for depression"),
    _("earlier for mania, earlier for depression"),
    _("earlier for mania, later for depression"),
    _("later for mania, earlier for depression"),
    _("later for mania, later for depression"),
    _("compared with the reference group"),
)
