"""Payment methods: the words that shops use for them, and which ones markets prefer.

Preferences are what their sources say in public. A figure is given only where a source gives one; elsewhere a method
is "widely used", which the source says by supporting or running it for that market.
"""

import re
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

NAMES: dict[str, str | Promise] = {
    "card": _("Credit or debit card"),
    "paypal": "PayPal",
    "apple_pay": "Apple Pay",
    "google_pay": "Google Pay",
    "klarna": "Klarna",
    "invoice": _("Invoice (pay later)"),
    "bank_transfer": _("Bank transfer"),
    "direct_debit": _("Direct debit"),
    "cash_on_delivery": _("Cash on delivery"),
    "ideal": "iDEAL",
    "bancontact": "Bancontact",
    "eps": "EPS",
    "blik": "BLIK",
    "przelewy24": "Przelewy24",
    "swish": "Swish",
    "mobilepay": "MobilePay",
    "vipps": "Vipps",
    "twint": "TWINT",
    "bizum": "Bizum",
    "multibanco": "Multibanco",
    "mb_way": "MB WAY",
    "satispay": "Satispay",
    "cartes_bancaires": "Cartes Bancaires",
    "afterpay": "Afterpay / Clearpay",
    "konbini": _("Convenience store (konbini)"),
    "paypay": "PayPay",
    "pix": "Pix",
    "boleto": "Boleto",
    "oxxo": "OXXO",
    "alipay": "Alipay",
    "wechat_pay": "WeChat Pay",
    "upi": "UPI",
    "kakaopay": "KakaoPay",
    "naver_pay": "Naver Pay",
    "grabpay": "GrabPay",
    "paynow": "PayNow",
    "gcash": "GCash",
    "fpx": "FPX",
    "promptpay": "PromptPay",
    "interac": "Interac",
    "poli": "POLi",
    "gift_card": _("Voucher or gift card"),
}
_WORDS = (
    ("apple_pay", r"apple"),
    ("google_pay", r"google|gpay"),
    ("mobilepay", r"mobile ?pay"),
    ("paypal", r"paypal|pay pal"),
    ("paypay", r"paypay"),
    ("cartes_bancaires", r"cartes? bancaires?"),
    ("klarna", r"klarna|sofort"),
    ("afterpay", r"afterpay|clearpay"),
    ("alipay", r"alipay|支付宝"),
    ("wechat_pay", r"wechat|weixin|微信"),
    ("grabpay", r"grab ?pay"),
    ("kakaopay", r"kakao"),
    ("naver_pay", r"naver"),
    ("ideal", r"ideal"),
    ("bancontact", r"bancontact|mister ?cash"),
    ("przelewy24", r"przelewy|p24"),
    ("mb_way", r"mb ?way"),
    ("promptpay", r"prompt ?pay"),
    ("paynow", r"pay ?now"),
    ("konbini", r"konbini|convenience|コンビニ"),
    ("cash_on_delivery", r"cash on delivery|cod|货到付款"),
    ("gift_card", r"gift|voucher|礼品卡"),
    ("invoice", r"invoice|rechnung|pay later|open invoice"),
    ("direct_debit", r"direct debit|lastschrift|sepa debit"),
    ("bank_transfer", r"bank transfer|wire|vorkasse|prepayment|bank deposit|transfer"),
    ("boleto", r"boleto"),
    ("card", r"card|visa|master ?card|amex|american express|maestro|shopify payments|stripe|信用卡|银行卡"),
)
_PATTERNS = tuple((code, re.compile(rf"(?<![a-z])(?:{words})(?![a-z])")) for code, words in _WORDS)


def canonical(word: str) -> str:
    """The code of a shop's word for a payment method ("Credit_Card" -> card); the word itself where it is not known."""
    plain = re.sub(r"[_\-./:()+]+", " ", word.strip().lower())
    code = re.sub(r" +", "_", plain.strip())
    if code in NAMES:
        return code
    return next((code for code, pattern in _PATTERNS if pattern.search(plain)), word.strip())


def name_of(code: str) -> str:
    """A method's name in the reader's language; an unknown one's own word."""
    return str(NAMES.get(code, code))


@dataclass(frozen=True)
class Preference:
    """A method that a market prefers. `figure`: what the source says in numbers, or nothing; `year` 0: undated."""

    method: str
    source: str
    kind: str  # a key of KINDS
    year: int = 0
    figure: Promise | None = None


KINDS = {
    "operator": _("the scheme's operator"),
    "bank": _("central bank"),
    "provider": _("a payment provider's documentation"),
    "survey": _("survey of a payment provider, reported by RetailDetail"),
    "common": _("common knowledge of the trade; check it for your goods"),
}
_BRAINTREE = "PayPal Braintree: Local Payment Methods"
_MOLLIE = "Mollie: European e-commerce report"
_COMMON = ""


def _common(*methods: str) -> tuple[Preference, ...]:
    return tuple(Preference(method, _COMMON, "common") for method in methods)


def _provider(*methods: str) -> tuple[Preference, ...]:
    return tuple(Preference(method, _BRAINTREE, "provider") for method in methods)


def _survey(**shares: int) -> tuple[Preference, ...]:
    """Methods with the share (in %) of online shoppers asked in the market who prefer them; several could be named."""
    return tuple(
        Preference(
            method, _MOLLIE, "survey", 2024, format_lazy(_("{share} of online shoppers prefer it"), share=f"{share}%")
        )
        for method, share in shares.items()
    )


PREFERRED: dict[str, tuple[Preference, ...]] = {
    "NL": (
        *_survey(ideal=66, paypal=47, card=39),
        *_common("klarna"),
    ),
    "BE": (*_survey(bancontact=73, card=41, paypal=39),),
    "PL": (
        Preference("blik", "Polski Standard Płatności", "operator"),
        *_provider("przelewy24"),
        *_common("card", "cash_on_delivery"),
    ),
    "DE": (*_survey(paypal=67, invoice=40, card=36), *_common("klarna", "direct_debit")),
    "AT": (*_provider("eps"), *_common("card", "paypal", "klarna", "invoice")),
    "CH": (Preference("twint", "TWINT AG", "operator"), *_common("card", "invoice", "paypal")),
    "FR": (
        *_survey(card=71, paypal=57),
        Preference("cartes_bancaires", "Groupement des Cartes Bancaires CB", "operator"),
    ),
    "GB": (*_survey(card=73, paypal=66), *_common("apple_pay", "klarna")),
    "IE": (*_common("card", "paypal", "apple_pay"),),
    "ES": (Preference("bizum", "Bizum", "operator"), *_common("card", "paypal")),
    "PT": (*_provider("mb_way", "multibanco"), *_common("card", "paypal")),
    "IT": (*_common("paypal", "card"), Preference("satispay", "Satispay", "operator")),
    "SE": (*_provider("swish"), *_common("klarna", "card")),
    "NO": (Preference("vipps", "Vipps MobilePay", "operator"), *_common("card", "klarna")),
    "DK": (Preference("mobilepay", "Vipps MobilePay", "operator"), *_common("card")),
    "FI": (Preference("mobilepay", "Vipps MobilePay", "operator"), *_common("card", "klarna", "invoice")),
    "US": (*_common("card", "paypal", "apple_pay"),),
    "CA": (*_common("card", "paypal"), Preference("interac", "Interac Corp.", "operator")),
    "MX": (*_common("card"), *_provider("oxxo"), *_common("paypal")),
    "BR": (
        Preference("pix", "Banco Central do Brasil", "bank"),
        *_common("card"),
        *_provider("boleto"),
    ),
    "JP": (
        *_common("card", "konbini"),
        Preference("paypay", "PayPay Corporation", "operator"),
        *_common("bank_transfer"),
    ),
    "CN": (
        Preference("alipay", "Ant Group", "operator"),
        Preference("wechat_pay", "Tencent", "operator"),
    ),
    "HK": (*_common("card", "alipay"),),
    "TW": (*_common("card", "konbini", "cash_on_delivery"),),
    "KR": (
        *_common("card"),
        Preference("kakaopay", "KakaoPay Corp.", "operator"),
        Preference("naver_pay", "Naver Financial", "operator"),
    ),
    "IN": (
        Preference("upi", "National Payments Corporation of India", "operator"),
        *_common("card", "cash_on_delivery"),
    ),
    "SG": (*_common("card", "grabpay"), Preference("paynow", "Association of Banks in Singapore", "operator")),
    "MY": (Preference("fpx", "PayNet", "operator"), *_common("card", "grabpay")),
    "TH": (Preference("promptpay", "Bank of Thailand", "bank"), *_common("card", "cash_on_delivery")),
    "PH": (Preference("gcash", "Mynt", "operator"), *_common("card", "cash_on_delivery", "grabpay")),
    "VN": (*_common("cash_on_delivery", "card", "bank_transfer"),),
    "ID": (*_common("bank_transfer", "cash_on_delivery", "card"),),
    "AU": (*_common("card", "paypal", "afterpay", "apple_pay"),),
    "NZ": (*_common("card", "paypal", "afterpay"),),
    "AE": (*_common("card", "cash_on_delivery", "apple_pay"),),
    "SA": (*_common("card", "apple_pay", "cash_on_delivery"),),
    "TR": (*_common("card", "bank_transfer"),),
    "ZA": (*_common("card", "bank_transfer"),),
}  # by ISO country code
