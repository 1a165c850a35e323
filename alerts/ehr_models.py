"""Systems of others that Clarity trusts: EHRs that call it, and programs that read from it."""

from django.db import models
from django.db.models import Q


class TrustedSystem(models.Model):
    """An EHR or a FHIR client that an administrator registered, known by its public keys.

    ``issuer`` is the `iss` of the tokens with which an EHR calls; ``client_id`` what a program
    that asks for an access token calls itself (`iss` and `sub` of its assertion). The keys are
    those behind ``jwks_url``, else the ones written down in ``jwks``. An EHR that calls speaks for
    the patients and the people of the FHIR server at ``fhir_url``.
    """

    name = models.CharField(max_length=80, unique=True)
    issuer = models.CharField(max_length=300, blank=True)
    fhir_url = models.CharField(
        max_length=300, blank=True, help_text="Of an EHR that calls: its FHIR server."
    )
    client_id = models.CharField(max_length=120, blank=True)
    jwks_url = models.CharField(max_length=300, blank=True)
    jwks = models.JSONField(default=dict, blank=True, help_text="Public keys, where no URL is.")
    audience = models.CharField(
        max_length=300, blank=True, help_text="Accepted as `aud` beside the address it calls."
    )
    scopes = models.CharField(
        max_length=500, blank=True, help_text="What it may read, such as system/Observation.rs."
    )
    is_active = models.BooleanField(default=True)
    registered_by = models.CharField(max_length=150)
    registered_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer"], condition=~Q(issuer=""), name="one_system_an_issuer"
            ),
            models.UniqueConstraint(
                fields=["client_id"], condition=~Q(client_id=""), name="one_system_a_client_id"
            ),
            models.CheckConstraint(
                condition=~Q(issuer="") | ~Q(client_id=""), name="a_system_names_itself"
            ),
            models.CheckConstraint(
                condition=~Q(jwks_url="") | ~Q(jwks={}), name="a_system_has_keys"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SeenToken(models.Model):
    """A token of a system that was used: it opens nothing again while it could still be valid."""

    system = models.ForeignKey(TrustedSystem, on_delete=models.CASCADE, related_name="seen_tokens")
    jti_sha256 = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True, help_text="From then on its expiry refuses.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "jti_sha256"], name="a_token_opens_once")
        ]

    def __str__(self) -> str:
        return f"a token of {self.system_id}"


class SystemToken(models.Model):
    """An access token that a registered system was given to read with; only its hash is kept."""

    system = models.ForeignKey(TrustedSystem, on_delete=models.CASCADE, related_name="tokens")
    token_sha256 = models.CharField(max_length=64, unique=True)
    scopes = models.CharField(max_length=500)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"a token for {self.system_id}"
