"""Every address. tests/integration/test_access.py walks this list."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import IsAuthenticated

from alerts import launches
from alerts import urls as alerts
from clarity_site import health
from clarity_site.metrics import metrics
from patients import urls as patients
from patients.admin import site
from scoring import urls as scoring

api = [
    *patients.api,
    *scoring.api,
    *alerts.api,
    path(
        "schema/",
        SpectacularAPIView.as_view(permission_classes=[IsAuthenticated]),
        name="schema",
    ),
]

urlpatterns = [
    *patients.pages,
    *scoring.pages,
    *alerts.pages,
    *alerts.machine,
    path(
        "login/",
        LoginView.as_view(
            template_name="login.html",
            redirect_authenticated_user=True,
            extra_context={"by_the_ehr": launches.is_configured},
        ),
        name="login",
    ),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", site.urls),
    path("api/v1/", include((api, "api"))),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", metrics),
]
