"""Addresses of the import pages, under /w/<slug>/."""

from django.urls import path

from flywheel.intake import feed_views, source_views, views

urlpatterns = [
    path("imports/", views.import_list, name="import-list"),
    path("imports/new/", views.import_new, name="import-new"),
    path("imports/waiting/", views.import_waiting, name="import-waiting"),
    path("imports/template/<slug:kind>.csv", views.import_template, name="import-template"),
    path(
        "imports/template/<slug:kind>.xlsx",
        views.import_template,
        {"file_format": "xlsx"},
        name="import-template-workbook",
    ),
    path("imports/<int:batch_id>/", views.import_detail, name="import-detail"),
    path("imports/<int:batch_id>/map/", views.import_map, name="import-map"),
    path("imports/<int:batch_id>/undo/", views.import_undo, name="import-undo"),
    path("imports/<int:batch_id>/discard/", views.import_discard, name="import-discard"),
    path("imports/<int:batch_id>/bad-rows.csv", views.import_errors_file, name="import-errors-file"),
    path("sources/", source_views.source_list, name="source-list"),
    path("sources/check/", source_views.source_check, name="source-check"),
    path("sources/<int:source_id>/", source_views.source_detail, name="source-detail"),
    path("sources/feeds/<int:feed_id>/read/", feed_views.feed_read, name="feed-read"),
    path("sources/feeds/<int:feed_id>/change/", feed_views.feed_change, name="feed-change"),
]
