"""Load the simulated clinic: people with log-ins, patients with teams, drugs and recordings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256

from django.db import transaction

from alerts.domain.states import UNDO_WITHIN
from alerts.models import Alert, AlertState
from alerts.services import alert_follow_up
from patients.domain.days import zone_named
from patients.medication_services import medication_list_set, medication_start
from patients.models import CareTeamMember, Patient, Role, User
from patients.outcomes import questionnaire_record
from patients.services import SYSTEM, patient_enrol
from patients.storage import recordings_store
from scoring.baselines import baseline_approve, baseline_propose
from scoring.features import features_update
from scoring.learning.clinic import DRUGS, ClinicPatient, simulate_clinic
from scoring.models import Tier
from scoring.resources import baseline_rules
from scoring.usual import run_ins

SEED = 7
VISIT_AT = time(10)
FOLLOW_UP_IN = (1, 2, 3)  # days
STAFF = (
    ("dr.roy", "Camille", "Roy", Role.PSYCHIATRIST),
    ("dr.okafor", "Chidi", "Okafor", Role.PSYCHIATRIST),
    ("dr.lindqvist", "Maja", "Lindqvist", Role.PSYCHIATRIST),
    ("coord.tremblay", "Alex", "Tremblay", Role.COORDINATOR),
    ("coord.haddad", "Sami", "Haddad", Role.COORDINATOR),
    ("admin.chen", "Wei", "Chen", Role.ADMINISTRATOR),
)


@dataclass(frozen=True)
class Staff:
    """The clinic's people by what they do."""

    psychiatrists: list[User]
    coordinators: list[User]
    administrator: User


def staff_create(*, password: str) -> Staff:
    """The clinic's six log-ins, all with this password."""
    users = []
    for username, first, last, role in STAFF:
        user = User(username=username, first_name=first, last_name=last, role=role)
        user.set_password(password)
        user.save()
        users.append(user)
    return Staff(users[:3], users[3:5], users[5])


def clinic_load(
    *,
    staff: Staff,
    patients: int,
    last_day: date,
    ehr_id_of: Callable[[ClinicPatient], str],
    progress: Callable[[], object],
) -> None:
    """Every simulated patient with a care team, drugs, recordings and an approved baseline."""
    for index, simulated in enumerate(simulate_clinic(SEED, patients, last_day)):
        _load(simulated, index, staff, last_day, ehr_id_of(simulated))
        progress()


def recordings_load(*, patients: int, last_day: date) -> None:
    """The recordings alone of so many simulated patients."""
    for simulated in simulate_clinic(SEED, patients, last_day):
        _record(patient_enrol(code=simulated.code, zone=simulated.zone, by=SYSTEM), simulated)


def _record(patient: Patient, simulated: ClinicPatient) -> None:
    recordings_store(
        patient=patient,
        recordings=[r for r in (simulated.recording, simulated.phone) if r],
        file_sha256=sha256(simulated.code.encode()).hexdigest(),
        zone=simulated.zone,
        by=SYSTEM,
    )


@transaction.atomic
def _load(simulated: ClinicPatient, index: int, staff: Staff, last_day: date, ehr_id: str) -> None:
    patient = patient_enrol(code=simulated.code, zone=simulated.zone, by=SYSTEM)
    patient.name, patient.diagnosis, patient.ehr_id = simulated.name, simulated.diagnosis, ehr_id
    patient.save()
    team = (staff.psychiatrists[index % 3], staff.coordinators[index % 2])
    CareTeamMember.objects.bulk_create(CareTeamMember(patient=patient, user=u) for u in team)
    _medicate(patient, simulated, last_day, staff.administrator)
    _ask(patient, simulated, by=team[1])
    _record(patient, simulated)
    features_update(patient=patient)
    if run_ins([patient], baseline_rules())[patient.pk].is_over:
        baseline = baseline_propose(patient=patient, by=SYSTEM)
        if index % 5:  # some proposals are left for the administrator to look at
            baseline_approve(baseline=baseline, by=staff.administrator)


def _ask(patient: Patient, simulated: ClinicPatient, *, by: User) -> None:
    """The questionnaires of the visits, at ten on the patient's clock."""
    zone = zone_named(simulated.zone)
    for asked in simulated.asked:
        questionnaire_record(
            patient=patient,
            instrument=asked.instrument,
            taken_at=datetime.combine(asked.day, VISIT_AT, zone),
            total=asked.total,
            by=by,
        )


def follow_ups_promise(*, today: date) -> None:
    """What the team promised of the newest Moderate alerts: to look again in the days to come."""
    waiting = Alert.objects.filter(state=AlertState.NEW, tier=Tier.MODERATE)
    for alert, days in zip(waiting.order_by("patient__code"), FOLLOW_UP_IN, strict=False):
        team = alert.patient.care_team.select_related("user")
        promised = alert_follow_up(
            alert=alert,
            by=team.filter(user__role=Role.PSYCHIATRIST)[0].user,
            due_on=today + timedelta(days=days),
            note="Call the patient and ask how the week went.",
        )
        # Long enough ago that whoever opens the demo is not asked to take it back.
        promised.at -= UNDO_WITHIN
        promised.save(update_fields=["at"])


def _medicate(patient: Patient, simulated: ClinicPatient, last_day: date, by: User) -> None:
    medication_list_set(patient=patient, available=simulated.medication_known, by=by)
    if simulated.drug_class and simulated.medication_known:
        drug, dose = DRUGS[simulated.drug_class]
        begun = last_day - timedelta(days=60 + 17 * (patient.pk % 5))
        medication_start(
            patient=patient,
            drug=drug,
            drug_class=simulated.drug_class,
            dose=dose,
            first_day=begun,
            by=by,
        )
