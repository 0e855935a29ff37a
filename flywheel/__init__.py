"""The Django project: settings, servers, and one package per room."""

from flywheel.celery import app as celery_app

__all__ = ["celery_app"]
