"""The export files of well-known programs, recognised by their header. Adding one is adding a `Format` to a list."""

from flywheel.intake.formats import ads, amazon, ecb, ga4, klaviyo, olist, shopify, woocommerce, zendesk
from flywheel.intake.formats.base import Format

_ALL = (shopify, woocommerce, amazon, ga4, ads, klaviyo, zendesk, ecb, olist)
FORMATS: dict[str, Format] = {known.slug: known for module in _ALL for known in module.FORMATS}
