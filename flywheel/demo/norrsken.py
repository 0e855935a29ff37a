"""The demo business: a made-up outdoor brand that sells from Europe to eight markets through eight channels."""

from flywheel.demo.world import Carrier, Channel, Device, Market, Plant, Promotion, World

NAME = "Norrsken Outdoor"
WEAK_LINK = Plant("payment_rate", size=0.72, onset_week=-10, market="US", device="mobile")

MARKETS = (
    Market(
        "US", "United States", "USD", "America/New_York", 0.35,
        (Carrier("ups", 0.55, 7, 0.94), Carrier("usps", 0.45, 9, 0.925)),
        (("card", 0.62), ("paypal", 0.24), ("klarna", 0.14)),
        ad_currency="USD", units_per_base=1.13, tax_rate=0.07,
        conversion=0.97, basket=1.1, media_price=1.22,
    ),
    Market(
        "DE", "Germany", "EUR", "Europe/Berlin", 0.24,
        (Carrier("dhl", 0.7, 4, 0.95), Carrier("hermes", 0.3, 5, 0.93)),
        (("paypal", 0.46), ("klarna", 0.3), ("card", 0.24)),
        tax_rate=0.19,
        conversion=1.07, basket=1.0, media_price=1.08,
    ),
    Market(
        "GB", "United Kingdom", "GBP", "Europe/London", 0.145,
        (Carrier("royal_mail", 0.6, 6, 0.94), Carrier("dpd", 0.4, 5, 0.94)),
        (("card", 0.66), ("paypal", 0.26), ("klarna", 0.08)),
        units_per_base=0.85,
        conversion=1.04, basket=0.97, media_price=1.12, repeat=1.02,
    ),
    Market(
        "FR", "France", "EUR", "Europe/Paris", 0.1,
        (Carrier("colissimo", 0.65, 5, 0.94), Carrier("chronopost", 0.35, 4, 0.93)),
        (("card", 0.75), ("paypal", 0.25)),
        conversion=0.95, basket=0.94, media_price=0.93,
    ),
    Market(
        "JP", "Japan", "JPY", "Asia/Tokyo", 0.065,
        (Carrier("yamato", 1.0, 8, 0.945),),
        (("card", 0.63), ("konbini", 0.25), ("paypal", 0.12)),
        ad_currency="JPY", units_per_base=172.0, tax_rate=0.1,
        conversion=0.92, basket=1.06, media_price=1.1, repeat=1.03,
    ),
    Market(
        "BR", "Brazil", "BRL", "America/Sao_Paulo", 0.045,
        (Carrier("correios", 0.75, 14, 0.93), Carrier("jadlog", 0.25, 12, 0.935)),
        (("pix", 0.44), ("card", 0.42), ("boleto", 0.14)),
        ad_currency="USD", units_per_base=6.1, tax_rate=0.17,
        conversion=0.88, basket=0.74, media_price=0.5,
    ),
    Market(
        "AU", "Australia", "AUD", "Australia/Sydney", 0.03,
        (Carrier("auspost", 1.0, 9, 0.94),),
        (("card", 0.68), ("paypal", 0.22), ("klarna", 0.1)),
        ad_currency="USD", units_per_base=1.65, tax_rate=0.1,
        conversion=1.0, basket=1.04, media_price=1.0,
    ),
    Market(
        "PL", "Poland", "PLN", "Europe/Warsaw", 0.025,
        (Carrier("inpost", 0.8, 5, 0.945), Carrier("dpd", 0.2, 5, 0.94)),
        (("blik", 0.58), ("card", 0.27), ("paypal", 0.15)),
        units_per_base=4.28, tax_rate=0.23,
        conversion=0.94, basket=0.72, media_price=0.52,
    ),
)  # fmt: skip

CHANNELS = (
    Channel("google_ads", "Google Ads", "search", 0.27, 1.04, 1.06, 1.12,
            campaigns=(("brand", 0.25), ("generic", 0.45), ("shopping", 0.30))),
    Channel("meta_ads", "Meta Ads", "social", 0.22, 0.70, 0.92, 0.86,
            campaigns=(("prospecting", 0.7), ("retargeting", 0.3))),
    Channel("tiktok_ads", "TikTok Ads", "social", 0.10, 0.45, 0.84, 0.72,
            campaigns=(("prospecting", 0.8), ("creators", 0.2))),
    Channel("affiliate", "Affiliates", "affiliate", 0.07, 0.80, 1.0, 1.05, campaigns=(("partners", 1.0),)),
    Channel("email", "E-mail", "email", 0.05, 0.0, 1.12, 1.3, repeat_share=0.55),
    Channel("amazon", "Amazon", "marketplace", 0.10, 0.0, 1.0, 1.2, commission=0.12, closed=True),
    Channel("referral", "Referral", "referral", 0.0, 0.0, 1.15, 1.35),
    Channel("direct", "Direct", "direct", 0.19, 0.0, 1.08, 1.1, repeat_share=0.45),
)  # fmt: skip

DEVICES = (
    Device("mobile", 0.62, cart=0.95, checkout=0.94, payment=0.985),
    Device("desktop", 0.32, cart=1.08, checkout=1.1, payment=1.02),
    Device("tablet", 0.06, cart=1.02, checkout=1.0, payment=1.0),
)

PROMOTIONS = (
    Promotion("black_friday", None, 7, discount=0.15, lift=1.28, traffic=1.45),
    Promotion("singles_day", (11, 11), 2, discount=0.10, lift=1.18, traffic=1.2),
    Promotion("summer_sale", (7, 1), 9, discount=0.12, lift=1.15, traffic=1.15),
)


def demo_world(orders: int = 200_000, planted: bool = True) -> World:
    """The demo business with about `orders` orders; `planted`: payment on US phones is broken since ten weeks."""
    return World(
        name=NAME,
        markets=MARKETS,
        channels=CHANNELS,
        devices=DEVICES,
        promotions=PROMOTIONS,
        plants=(WEAK_LINK,) if planted else (),
        orders=orders,
    )
