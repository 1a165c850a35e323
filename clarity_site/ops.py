"""Mails to operations, in the clinic's language."""

from django.conf import settings
from django.core.mail import mail_admins

from clarity_site.said import said_again


def ops_told(subject: str, report: str) -> None:
    """Mail what they must know. Raises OSError where the mail cannot go out."""
    language = settings.CLINIC_LANGUAGE
    mail_admins(said_again(subject, language), said_again(report, language))
