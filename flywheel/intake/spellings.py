"""How people and exports spell what is not a plain number, date or code: missing values, yes, currencies, countries."""

MISSING = frozenset(
    {
        "--",
        "-",
        "—",
        "–",
        "n/a",
        "#n/a",
        "n.a.",
        "na",
        "nan",
        "null",
        "none",
        "nil",
        "\\n",
        "k.a.",
        "k. a.",
        "无",
        "暂无",
    }
)  # a number, date or rating that is not there

NO_DATE = frozenset({"0000-00-00", "0000-00-00 00:00:00"})  # how some databases write an unknown date

YES = frozenset(
    {"1", "y", "yes", "true", "t", "on", "x", "✓", "✔"}
    | {"ja", "j", "wahr", "oui", "o", "vrai", "si", "sí", "sì", "s", "verdadero", "vero", "sim", "verdadeiro"}
    | {"waar", "tak", "prawda", "ano", "da", "да", "evet", "是", "有", "真", "对", "はい", "예", "네"}
)
NO = frozenset(
    {"0", "n", "no", "false", "f", "off"}
    | {"nein", "falsch", "non", "faux", "falso", "não", "nao", "nee", "onwaar", "nie", "fałsz", "ne", "nej"}
    | {"net", "нет", "hayır", "否", "无", "假", "没有", "いいえ", "아니오", "아니요"}
)

CURRENCIES: dict[str, str] = {  # signs and words that mean one currency only
    "€": "EUR", "euro": "EUR", "euros": "EUR", "欧元": "EUR",
    "£": "GBP", "英镑": "GBP",
    "us$": "USD", "usd$": "USD", "$us": "USD", "美元": "USD",
    "ca$": "CAD", "c$": "CAD", "cdn$": "CAD", "can$": "CAD", "$ca": "CAD", "加元": "CAD",
    "a$": "AUD", "au$": "AUD", "澳元": "AUD",
    "nz$": "NZD", "hk$": "HKD", "港元": "HKD", "港币": "HKD", "nt$": "TWD", "新台币": "TWD",
    "sg$": "SGD", "s$": "SGD", "mx$": "MXN", "mex$": "MXN", "r$": "BRL",
    "rmb": "CNY", "元": "CNY", "cn¥": "CNY", "rmb¥": "CNY", "人民币": "CNY",
    "jp¥": "JPY", "円": "JPY", "日元": "JPY", "₩": "KRW", "원": "KRW", "₹": "INR",
    "zł": "PLN", "zl": "PLN", "kč": "CZK", "ft": "HUF", "лв": "BGN", "лв.": "BGN",
    "₺": "TRY", "₽": "RUB", "₴": "UAH", "₪": "ILS", "฿": "THB", "₫": "VND", "đ": "VND", "₱": "PHP", "₦": "NGN",
    "rp": "IDR", "rm": "MYR", "sfr": "CHF", "sfr.": "CHF",
}  # fmt: skip
CURRENCY_SIGNS = frozenset(  # beside an amount they are understood, but they do not say whose currency it is
    {"$", "¥", "kr", "kr.", "fr", "fr.", "lei", "rs", "rs.", "tl", "r", "s/", "руб", "руб.", "块"}
)

AFTERNOON = frozenset({"pm", "下午", "午後", "오후"})
MORE_MONTHS = {"mrz": 3, "maerz": 3, "aou": 8}  # short forms beside those of the Unicode locales
OFFSET_MINUTES: dict[str, int] = {  # by the zones' names in reports; ambiguous ones (CST, IST) are not known
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 60, "WEST": 60, "CET": 60, "MEZ": 60, "MET": 60, "CEST": 120,
    "MESZ": 120, "MEST": 120, "EET": 120, "EEST": 180, "MSK": 180, "JST": 540, "AEST": 600, "AEDT": 660,
    "EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
}  # fmt: skip

COUNTRIES: dict[str, str] = {  # names in use beside those of the Unicode locales
    "USA": "US", "United States of America": "US", "Vereinigte Staaten von Amerika": "US",
    "États-Unis d'Amérique": "US",
    "UK": "GB", "Great Britain": "GB", "Britain": "GB", "England": "GB", "Scotland": "GB", "Wales": "GB",
    "Northern Ireland": "GB", "Großbritannien": "GB", "Grande-Bretagne": "GB",
    "United Kingdom of Great Britain and Northern Ireland": "GB",
    "Holland": "NL", "The Netherlands": "NL", "Czech Republic": "CZ", "Tschechische Republik": "CZ",
    "République tchèque": "CZ", "Turkey": "TR", "Korea": "KR", "South Korea": "KR", "Republic of Korea": "KR",
    "Korea, Republic of": "KR", "Russian Federation": "RU", "Viet Nam": "VN",
    "UAE": "AE", "Emirates": "AE", "KSA": "SA",
    "Macedonia": "MK", "Slovak Republic": "SK", "Republic of Ireland": "IE", "Hong Kong": "HK", "Hongkong": "HK",
    "Macau": "MO", "Macao": "MO", "Taiwan": "TW", "Taiwan, Province of China": "TW", "Mainland China": "CN",
    "PRC": "CN", "P.R. China": "CN", "中国大陆": "CN", "中国内地": "CN", "中华人民共和国": "CN",
    "香港": "HK", "中国香港": "HK",
    "澳门": "MO", "澳門": "MO", "中国澳门": "MO", "中国台湾": "TW", "台灣": "TW", "阿联酋": "AE", "沙特": "SA",
}  # fmt: skip

SATISFACTION: dict[str, str] = {  # help desks ask for a thumb up or down
    **dict.fromkeys(("good", "good with comment", "goodwithcomment", "satisfied", "happy"), "5"),
    **dict.fromkeys(("gut", "gut mit kommentar", "zufrieden", "bien", "bon", "bonne", "satisfait", "satisfaite"), "5"),
    **dict.fromkeys(("好", "好评", "满意", "良好"), "5"),
    **dict.fromkeys(("bad", "bad with comment", "badwithcomment", "dissatisfied", "unsatisfied", "unhappy"), "1"),
    **dict.fromkeys(("schlecht", "schlecht mit kommentar", "unzufrieden", "mauvais", "mauvaise", "insatisfait"), "1"),
    **dict.fromkeys(("insatisfaite", "mal", "差", "差评", "不满意", "不好"), "1"),
}
NOT_RATED = frozenset(
    {"offered", "unoffered", "not offered", "not rated", "unrated", "no rating"}
    | {"angeboten", "nicht angeboten", "nicht bewertet", "proposé", "proposée", "non proposé", "non proposée"}
    | {"non évalué", "offert", "non offert", "已提供", "未提供", "未评价", "未评分", "已邀请", "未邀请"}
)
