"""What kind of channel a well-known name stands for."""

import re

from flywheel.facts.models import Channel

Kind = Channel.Kind
_NAMES: tuple[tuple[Channel.Kind, tuple[str, ...]], ...] = (
    (Kind.MARKETPLACE, ("marketplace", "amazon", "ebay", "aliexpress", "alibaba", "temu", "shein", "lazada", "shopee")),
    (Kind.MARKETPLACE, ("etsy", "walmart", "mercado", "mercadolibre", "otto", "zalando", "cdiscount", "rakuten")),
    (Kind.MARKETPLACE, ("allegro", "tiktokshop", "tmall", "jd", "ozon", "wildberries", "kaufland", "coupang")),
    (Kind.AFFILIATE, ("affiliate", "affiliates", "awin", "cj", "partner", "partners", "publisher", "influencer")),
    (Kind.REFERRAL, ("referral", "referrals", "refer", "invite", "friend", "friends", "ambassador", "wom")),
    (Kind.EMAIL, ("email", "mail", "newsletter", "klaviyo", "mailchimp", "edm", "crm", "sms")),
    (Kind.SOCIAL, ("social", "facebook", "fb", "instagram", "ig", "meta", "tiktok", "twitter", "x", "pinterest")),
    (Kind.SOCIAL, ("youtube", "snapchat", "linkedin", "reddit", "wechat", "weibo", "whatsapp", "vk", "kol")),
    (Kind.SEARCH, ("search", "google", "bing", "baidu", "yahoo", "duckduckgo", "yandex", "naver", "organic", "seo")),
    (Kind.SEARCH, ("sem", "ppc", "cpc", "shopping", "adwords", "pmax")),
    (Kind.OWN_STORE, ("shopify", "woocommerce", "magento", "store", "shop", "website", "web", "pos")),
    (Kind.DIRECT, ("direct", "none", "typed")),
)


def channel_kind(code: str) -> Channel.Kind:
    """The kind that the channel's name tells, by its first well-known word in the order above; unknown when none."""
    words = set(re.split(r"[^0-9a-z]+", code.lower().replace("e-mail", "email")))
    found = [kind for kind, names in _NAMES if words & set(names)]
    return found[0] if found else Kind.UNKNOWN
