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
_CHINESE: tuple[tuple[Channel.Kind, tuple[str, ...]], ...] = (  # parts of names: Chinese has no spaces between words
    (Kind.AFFILIATE, ("联盟", "分销", "达人")),  # first: 京东联盟 is an affiliate network
    (Kind.MARKETPLACE, ("天猫", "淘宝", "京东", "拼多多", "亚马逊", "速卖通", "阿里巴巴", "虾皮")),
    (Kind.REFERRAL, ("口碑", "推荐", "老带新", "邀请")),
    (Kind.EMAIL, ("邮件", "短信")),
    (Kind.SOCIAL, ("抖音", "小红书", "微信", "微博", "快手", "社交", "社媒", "脸书")),
    (Kind.SEARCH, ("搜索", "百度", "谷歌", "必应")),
    (Kind.OWN_STORE, ("独立站", "官网", "自营")),
    (Kind.DIRECT, ("直接访问", "直接", "直达")),
)


def channel_kind(code: str) -> Channel.Kind:
    """The kind that the channel's name tells, by its first well-known word in the order above; unknown when none."""
    words = set(re.split(r"[^0-9a-z]+", code.lower().replace("e-mail", "email")))
    found = [kind for kind, names in _NAMES if words & set(names)]
    found += [kind for kind, names in _CHINESE if any(name in code for name in names)]
    return found[0] if found else Kind.UNKNOWN
