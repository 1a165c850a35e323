"""Why a recording was refused: what is wrong with the file, and what to do."""

from django.utils.translation import gettext_noop as _

MESSAGES = (
    _("The recording tells of the same steps over and over; export it again."),
    _(
        "This file is already stored with its times read in %(a)s, and would now be read "
        "in %(b)s: if that is right, remove that device's data on the patient's data page "
        "and give the file again."
    ),
    _(
        "Another file of the same device gave %(a)s with its times read in %(b)s, and "
        "this one would now be read in %(c)s: if that is right, remove that device's data "
        "of these days on the patient's data page and give the file again."
    ),
    _(
        "%(file)s has no line Epoch#, Date, Time, Activity; export it from Actical with "
        "the epoch-by-epoch data."
    ),
    _(
        "%(file)s has dates and elapsed seconds that lie over an hour apart; export it "
        "again from Actical."
    ),
    _("%(file)s is over 128 MiB; export it with epochs of 60 s."),
    _("%(file)s does not say how long its epochs are; export it again."),
    _("%(file)s lacks the tables of an .agd file; export it again."),
    _("%(file)s has no counts with a stamp; export it again."),
    _("%(file)s is a damaged .agd file; export it from ActiLife again."),
    _("%(file)s is over 256 MiB; export it with epochs of 60 s."),
    _("%(file)s ends within its header; export it again."),
    _(
        "%(file)s has no epochs of whole seconds in its header; export counts in epochs, "
        "or give the .gt3x file for raw acceleration."
    ),
    _(
        "%(file)s: the %(a)s columns of its table are not those its header tells of; "
        "export it again with column headers."
    ),
    _(
        "%(file)s: the start %(a)s and the download %(b)s in its header are no dates in "
        "its date format, or not in this order; export it again with a timestamp in each "
        "row."
    ),
    _(
        "%(file)s: its header tells of epochs of %(a)s s and its rows are %(b)s s apart; "
        "export it again."
    ),
    _("%(file)s: the table from line %(a)s on cannot be read; export it again."),
    _(
        "%(file)s holds no acceleration in the layout that can be read; export it from "
        "ActiLife as .agd or CSV and give that."
    ),
    _("%(file)s tells of no sample rate up to 9,999 Hz; copy it again."),
    _(
        "%(file)s was set up on a clock at UTC%(a)s%(b)s:%(c)s, not that of %(d)s on that "
        "day; give the zone where it was set up."
    ),
    _(
        "%(file)s is of an older kind without log.bin; export it from ActiLife as .agd or "
        "CSV and give that."
    ),
    _(
        "%(file)s holds over 256 MiB of samples; export it from ActiLife as .agd or CSV "
        "and give that."
    ),
    _("%(file)s has no info.txt as ActiGraph writes it; copy it again."),
    _("%(file)s is cut off or damaged; download it from the device again."),
    _("%(file)s is damaged; download it from the device again."),
    _("%(file)s: the epoch code %(a)s in line 4 is not known; use one of %(b)s."),
    _("%(file)s: line %(a)s is no count; export the recording again."),
    _(
        "%(file)s has no table of epochs with line, date, time and activity; export it "
        "from Actiware with the epoch-by-epoch data."
    ),
    _(
        "%(file)s: whether %(a)s names the day or the month first cannot be told; export "
        "it with dates as year-month-day."
    ),
    _("%(file)s ends within a row: it was cut off; copy the log again."),
    _(
        "%(file)s has movement in %(a)s of its minutes: nobody wore this sensor; give the "
        "log of the one that was worn."
    ),
    _("%(file)s has no line starting DATE/TIME; give the log as exported."),
    _("%(file)s has no column PIM; export the log with activity."),
    _("%(file)s is damaged: only %(a)s of %(b)s records can be read; export it again."),
    _("%(file)s is cut off: it does not end with </HealthData>; export or copy it again."),
    _("%(file)s holds %(a)s Apple Health exports; give a file with one."),
    _("%(file)s is not readable XML (line %(a)s); export it again."),
    _("%(file)s has a tag or text over 4 MiB; export it again."),
    _("%(file)s names over %(a)s devices and apps; check where it is from and export it again."),
    _(
        "%(file)s would unpack to %(a)s bytes from %(b)s, which no recording does; export "
        "it again or unpack it and give the folder."
    ),
    _("%(file)s holds %(a)s files, over %(b)s; give the export alone."),
    _("%(file)s is encrypted or packed in an unusual way; give a plain zip without a password."),
    _("%(file)s is a zip archive that is cut off; copy it again."),
    _("%(file)s is a damaged zip archive; export it again."),
    _(
        "%(file)s holds nothing that can be used as a %(a)s recording (%(b)s); check what "
        "was exported."
    ),
    _("The time zone %(a)s is not known; give an IANA name such as Europe/Berlin."),
    _(
        "%(file)s: the date of %(a)s is not between 1970 and 2100; check the device's "
        "clock and export again."
    ),
    _("The recording has one row every %(a)s s; give one with epochs of one minute or less."),
    _("%(file)s is over 64 MiB; give the Takeout files as exported."),
    _("%(file)s is no complete table; download the Takeout again."),
    _(
        "%(file)s has the date %(a)s, not between 1970 and 2100; check the file and "
        "export it again."
    ),
    _("%(file)s is over %(a)s MiB or %(b)s records; export shorter stretches of time."),
    _("%(file)s is not complete JSON; export or download it again."),
    _("%(file)s is over %(a)s MiB; split the recording and give the parts one by one."),
    _("%(file)s has fewer than two rows; export the recording again."),
    _("%(file)s has columns 0 to %(a)s: %(b)s is not one with values."),
    _("%(file)s is empty or its times do not rise: sort it by time."),
    _("%(file)s spans more than 20 years: check its times."),
    _(
        "%(file)s %(a)s: give a comma CSV with one header line and times written "
        "YYYY-MM-DD HH:MM:SS in the first column."
    ),
    _(
        "The recording holds %(a)s sleep records, over %(b)s; give the files of one "
        "person, or split them by year."
    ),
    _("%(file)s has over %(a)s samples within a month; export a shorter span of time."),
    _("%(file)s holds %(a)s Empatica sessions; give each one's folder or zip alone."),
    _("%(file)s is over 256 MiB; give the session as exported."),
    _(
        "%(file)s starts with a date not between 1970 and 2100 or a rate that the E4 does "
        "not have; export the session again."
    ),
    _("%(file)s cannot be read; export the session again."),
    _("%(file)s has no column %(a)s; give the file as released."),
    _("%(file)s does not hold one person's rows (column mesaid); give one file a person."),
    _("%(file)s names a channel twice; keep one column for each."),
    _("%(file)s has the column %(a)s, which is no channel; remove it or name it as one of %(b)s."),
    _("%(file)s is over 256 MiB; split it by years."),
    _("%(file)s names %(a)s columns and has %(b)s; check its commas."),
    _(
        "%(file)s counts activity or steps in rows that are not evenly spaced; give one "
        "row a minute."
    ),
    _(
        "%(file)s does not say in which units its activity is; name the column "
        "activity:FAMILY, with one of %(a)s."
    ),
    _("%(file)s is no table of %(a)s columns; check its quotes and commas."),
    _("%(file)s has no column %(a)s; export it again."),
    _("%(file)s is a workbook of too many cells; export fewer days at once."),
    _(
        "%(file)s: its stamps run from %(a)s to %(b)s, outside the analysis range %(c)s "
        "to %(d)s it names; export it with month-day-year stamps."
    ),
    _("%(file)s is no readable workbook; export it again."),
    _("%(file)s is not in UTF-8; export it again."),
    _("There is no file or folder %(a)s; check the path."),
    _("%(file)s is neither a file nor a folder; give one of these."),
    _("%(file)s is empty; export the recording again."),
    _("The source %(a)s is not known; use one of %(b)s."),
    _("%(file)s is not a %(a)s recording, it looks like %(b)s; use the source %(c)s or auto."),
    _("%(file)s holds only totals or scores of %(a)s, from which no minute can be told; %(b)s."),
    _("%(file)s cannot be read (%(a)s); check the path and its permissions."),
    _("%(file)s is no UK Biobank file of 5-s epochs; give it as received."),
    _("%(file)s has no table of two columns; download it again."),
    _("Everything in the recording is dated in the future: check its clock."),
    _("This would be more than %(a)s devices of one patient; check where the recording is from."),
    _(
        "The patient would have data from %(a)s to %(b)s, over %(c)s years: check the "
        "dates in the recording."
    ),
    _("Send the file itself, as application/octet-stream."),
    _("The file did not arrive whole: upload it again."),
    _("The Idempotency-Key has not 1 to %(a)s printable characters."),
    _("The source %(a)s is not known: choose one of the list."),
    _("The file is empty: export it again."),
    _("The file is over %(a)s GB: split it by year."),
    _("The server has no room for this file: tell the operators."),
)
