"""Pages about the models: which there are, and the facts of one. Nothing about any patient."""

from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from patients.permissions import Permission, may
from patients.views import actor, page
from scoring.models import ModelVersion, Track
from scoring.presenters.model_facts import model_view
from scoring.shadow import COMPARED_DAYS, shadow_comparisons

SHOWN = 50  # of each track, the newest


def version_for(_user: object, version_id: int) -> ModelVersion:
    """The version: its facts are for everybody who may see a score."""
    return get_object_or_404(ModelVersion, pk=version_id)


@page("GET")
def models(request: HttpRequest) -> HttpResponse:
    """Which models decide, wait in shadow or decided before; how shadows compare, for those
    who run them.
    """
    compares = may(actor(request), Permission.SEE_RUNS)
    found = shadow_comparisons(timezone.localdate()) if compares else {}
    tracks = [(track.label, _versions(track)) for track in Track]
    context = {
        "tracks": tracks,
        "compares": compares,
        "compared_days": COMPARED_DAYS,
        "shadows": [
            (version, found.get(version.pk))
            for _, versions in tracks
            for version in versions
            if version.state == ModelVersion.State.SHADOW
        ],
    }
    return render(request, "scoring/models.html", context)


def _versions(track: Track) -> list[ModelVersion]:
    """The current one first, then shadows, then those that decided before, each newest first."""
    order = Case(*(When(state=state, then=at) for at, state in enumerate(ModelVersion.State)))
    rows = ModelVersion.objects.filter(track=track)
    return list(rows.order_by(order, "-first_used_at", "-pk")[:SHOWN])


@page("GET", find=version_for)
def model_facts(request: HttpRequest, version: ModelVersion) -> HttpResponse:
    """What one model is, what it was made from, how well it did, and what it is not for."""
    return render(request, "scoring/model_facts.html", {"model": model_view(version)})
