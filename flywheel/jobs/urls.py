"""Under /w/<slug>/jobs/."""

from django.urls import URLPattern, path

from flywheel.jobs import views

urlpatterns: list[URLPattern] = [
    path("", views.job_list, name="job-list"),
    path("<uuid:job_id>/", views.job_detail, name="job-detail"),
    path("<uuid:job_id>/again/", views.job_again, name="job-again"),
]
