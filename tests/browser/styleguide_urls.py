"""The product's addresses with the style guide, as when DEBUG is on."""

from django.urls import URLPattern, URLResolver, path

from flywheel.accounts.styleguide import styleguide
from flywheel.urls import urlpatterns as product

urlpatterns: list[URLPattern | URLResolver] = [path("styleguide/", styleguide), *product]
