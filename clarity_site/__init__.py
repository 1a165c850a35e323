"""Settings, URLs and Celery: what wires the apps together."""

from clarity_site.celery import app as celery_app

__all__ = ["celery_app"]
