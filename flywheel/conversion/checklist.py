"""The bundled items of the trust checklist."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from flywheel.conversion.models import TrustItem

Group = TrustItem.Group


@dataclass(frozen=True)
class Item:
    """One item: its key, group and words."""

    key: str
    group: str
    words: Promise


ITEMS = {
    item.key: item
    for item in (
        Item("reviews", Group.PROOF, _("Product pages show stars and reviews of customers")),
        Item("review_media", Group.PROOF, _("Reviews with photos or videos of customers")),
        Item("local_reviews", Group.PROOF, _("Reviews in the language of the market")),
        Item("review_badge", Group.PROOF, _("Rating on a review platform that the market knows")),
        Item("cases", Group.PROOF, _("Cases, press or creators from the market")),
        Item("https", Group.SECURITY, _("HTTPS on every page, checkout included")),
        Item("pci", Group.SECURITY, _("Card data handled to PCI DSS, by us or the payment provider")),
        Item("strong_authentication", Group.SECURITY, _("Strong customer authentication (3-D Secure) where required")),
        Item("payment_marks", Group.SECURITY, _("Marks of the payment methods in the cart and at checkout")),
        Item("local_payment", Group.SECURITY, _("The payment methods that the market prefers")),
        Item("trust_seal", Group.SECURITY, _("A trust seal that the market knows")),
        Item("returns", Group.POLICY, _("Returns: period, costs and address, on the product page")),
        Item("delivery", Group.POLICY, _("Delivery time and cost before the checkout")),
        Item("duties", Group.POLICY, _("Duties and taxes in the price, or said before payment")),
        Item("privacy", Group.POLICY, _("Privacy and cookie consent by the law of the market")),
        Item("terms", Group.POLICY, _("Terms, imprint and withdrawal by the law of the market")),
        Item("warranty", Group.POLICY, _("Warranty, and how to claim it")),
        Item("contact", Group.POLICY, _("Contact in the language of the market, with hours")),
        Item("translation", Group.CONTENT, _("Texts written or checked by a native speaker")),
        Item("units", Group.CONTENT, _("Currency, sizes and units of the market")),
        Item("photos", Group.CONTENT, _("Several photos and a video for each product")),
        Item("size_guide", Group.CONTENT, _("Size guide and answers to common questions")),
        Item("about", Group.CONTENT, _("About page with company, address and people")),
        Item("no_dead_links", Group.CONTENT, _("No dead links and no untranslated leftovers")),
    )
}
