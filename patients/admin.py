"""Django's own admin: superusers only, for users, patients, care teams and the audit log."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse

from patients import services
from patients.models import AuditEvent, CareTeamMember, Patient, User


class SuperuserSite(admin.AdminSite):
    """An admin that does not exist for anybody but superusers."""

    site_header = site_title = "Clarity administration"

    def has_permission(self, request: HttpRequest) -> bool:
        return (
            request.user.is_active
            and isinstance(request.user, User)
            and (request.user.is_superuser)
        )

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not isinstance(request.user, AnonymousUser) and not self.has_permission(request):
                raise Http404
            response: HttpResponse = inner(request, *args, **kwargs)
            return response

        return guarded

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Everybody logs in at the same door."""
        return redirect_to_login(request.GET.get("next", "/admin/"))


site = SuperuserSite(name="admin")


@admin.register(User, site=site)
class ClarityUserAdmin(UserAdmin):
    """Users with their role."""

    list_display = ("username", "first_name", "last_name", "role", "is_active")
    list_filter = ("role", "is_active")
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Clarity", {"fields": ("role",)}))
    add_fieldsets = (*UserAdmin.add_fieldsets, ("Clarity", {"fields": ("role",)}))
    filter_horizontal = ("groups", "user_permissions")


class CareTeamInline(admin.TabularInline):
    """The patient's care team, on the patient's page."""

    model = CareTeamMember
    extra = 1


@admin.register(Patient, site=site)
class PatientAdmin(admin.ModelAdmin):
    """Patients and who cares for them; opening one is an opening of the record."""

    list_display = ("code", "diagnosis", "enrolled_at")
    search_fields = ("code",)
    inlines = (CareTeamInline,)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in {"name", "ehr_id"}:
            kwargs["widget"] = forms.TextInput(attrs={"size": 40})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        patient = self.get_object(request, object_id)
        if patient is not None and request.method == "GET":
            services.record_opened(patient=patient, by=_user(request), page="admin")
        return super().change_view(request, object_id, form_url, extra_context)


@admin.register(CareTeamMember, site=site)
class CareTeamAdmin(admin.ModelAdmin):
    """Who cares for whom."""

    list_display = ("patient", "user")
    list_select_related = True
    search_fields = ("patient__code", "user__username")


@admin.register(AuditEvent, site=site)
class AuditAdmin(admin.ModelAdmin):
    """Who did or read what: to be read, never to be changed."""

    list_display = ("at", "actor", "action", "patient_code")
    search_fields = ("actor", "action", "patient_code")
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
