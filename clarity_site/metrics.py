"""Figures for Prometheus, counted when asked for. Numbers only: nothing about anybody."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from alerts.models import Alert, OutboxMessage
from alerts.raising import alerts_overdue
from patients.models import Upload
from scoring.models import ScoringJob, ScoringRun
from scoring.selectors import model_failures


class ClarityCollector(Collector):
    """Jobs, alerts, uploads and messages by state, models that fail, and when the last night
    finished.
    """

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the tables; called by each scrape."""
        latest = ScoringRun.objects.order_by("-queued_at").first()
        jobs = ScoringJob.objects.filter(run__isnull=False, run=latest)
        yield _by_state("clarity_scoring_jobs", "Jobs of the latest run by state.", jobs)
        yield _by_state("clarity_alerts", "Alerts by state.", Alert.objects.all())
        yield GaugeMetricFamily(
            "clarity_alerts_overdue",
            "Alerts whose escalation is more than half an hour late: the watch does not run.",
            value=alerts_overdue(timezone.now()),
        )
        yield _by_state("clarity_uploads", "Uploads by state.", Upload.objects.all())
        yield _by_state("clarity_messages", "Messages by state.", OutboxMessage.objects.all())
        failures = GaugeMetricFamily(
            "clarity_model_failures",
            "Days scored since the latest run began without a track, because its model failed.",
            labels=["track"],
        )
        for track, count in model_failures().items():
            failures.add_metric([track], count)
        yield failures
        done = ScoringRun.objects.filter(state=ScoringRun.State.DONE)
        finished = done.aggregate(at=Max("finished_at"))["at"]
        yield GaugeMetricFamily(
            "clarity_last_night_finished_timestamp_seconds",
            "When the last complete run finished; 0 before the first.",
            value=finished.timestamp() if finished else 0,
        )


def _by_state(name: str, text: str, rows: QuerySet[Any]) -> GaugeMetricFamily:
    metric = GaugeMetricFamily(name, text, labels=["state"])
    counted = rows.order_by().values("state").annotate(n=Count("pk"))
    for row in counted:
        metric.add_metric([row["state"]], row["n"])
    return metric


@login_not_required
def metrics(_request: HttpRequest) -> HttpResponse:
    """All figures in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ClarityCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
