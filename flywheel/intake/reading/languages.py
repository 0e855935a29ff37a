"""How much a text, decoded in some encoding, reads like a language that is written in it."""

import re
from collections import Counter

WIDE_ENCODINGS = ("cp949", "gb18030", "big5", "cp932")  # of two bytes a character
ENCODINGS = (  # likeliest first: of equal scores the first is chosen
    "cp1252",
    *WIDE_ENCODINGS,
    "cp1251",
    "cp1250",
    "cp1253",
    "cp1254",
    "iso8859_2",
    "cp1257",
)
LOOKED_AT = 20_000  # characters
_WESTERN = (
    "äöüß",  # German
    "àâæçéèêëîïôœùûüÿ",  # French
    "áéíñóúüçàèòïªº",  # Spanish, Catalan
    "ãõáâàçéêíóôúü",  # Portuguese
    "àèéìíòóùú",  # Italian
    "éèëïöüáó",  # Dutch
    "åäöéáøæšž",  # Swedish, Danish, Norwegian, Finnish
    "áðéíóúýþæö",  # Icelandic
)
_CENTRAL = (
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýž",  # Czech
    "áäčďéíĺľňóôŕšťúýž",  # Slovak
    "áéíóöőúüű",  # Hungarian
    "ăâîşţ",  # Romanian
    "čćđšž",  # Croatian, Slovenian
)
_ALPHABETS = {
    "cp1252": _WESTERN,
    "cp1250": _CENTRAL,
    "iso8859_2": _CENTRAL,
    "cp1254": ("çğıöşüâîû",),  # Turkish
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž", "äöüõšž"),  # Lithuanian, Latvian, Estonian
}
_SCRIPTS = {"cp1251": re.compile("[Ѐ-џҐґ]+"), "cp1253": re.compile("[Ά-ώ]+")}
_SYLLABLES = frozenset(  # Korean's commonest, and those of names, cities and orders
    "이다는의가에을를은고한하지로기사도리어자인시대부나해서정일그수전주보구성동산남북경울광천원강마포용분김박최조윤장임오신권"
    "황안송류홍제품상명문번호배완료결금액량매중취소환불고객민영희훈아라스드트니여무선세미과들년월화유당비치진"
)
_EVERYDAY = {  # where the common characters are: lowest and highest first byte, lowest second one, and what they prove
    "gb18030": (0xB0, 0xD7, 0xA1, 1.0),
    "cp949": (0xB0, 0xC8, 0xA1, 0.9),
    "big5": (0xA4, 0xC6, 0x40, 1.0),
    "cp932": (0x88, 0x97, 0x40, 1.0),
}
_SIGNS = frozenset("€£¥®™©°ªº«»“”„‘’‚–—…•´½¼¾×·§²³\xa0")  # that stand in texts of any language
_WORD = re.compile(r"[^\W_]+")
_SIGN_IN_WORD = re.compile(r"(?<=[^\W\d_])[^\w\s\x00-\x7f“”„‘’«»–—®™°…](?=[^\W\d_])|[£¥€](?=[^\W\d_])")
_ASTRAY = re.compile("(?<=[A-Za-z])[^\x00-\x7f](?![^\x00-\x7f])")  # a single wide letter that ends a Latin word


def likeness(text: str, encoding: str) -> float:
    """From about -1, nonsense, to 1, nothing but letters that one language of the encoding has."""
    text = text[:LOOKED_AT]
    if encoding in _ALPHABETS:
        return _as_alphabet(text, _ALPHABETS[encoding])
    if encoding in _SCRIPTS:
        return _as_script(text, _SCRIPTS[encoding])
    return _as_wide(text, encoding)


def _as_alphabet(text: str, alphabets: tuple[str, ...]) -> float:
    """Latin letters: accents of one language, within words of plain letters, with few signs among them."""
    text = text.replace("İ", "i").lower()
    letters: Counter[str] = Counter()
    strange = 0
    for word in _WORD.findall(text):
        own = [letter for letter in word if not letter.isascii()]
        letters.update(own)
        starts_number = own and word[0] != "ø" and not word[0].isascii() and word[1:2].isdigit()
        if starts_number or len(own) == len(word) > 2:
            strange += len(own)
    signs = [letter for letter in text if not letter.isascii() and not letter.isalnum()]
    odd = sum(sign not in _SIGNS for sign in signs) + len(_SIGN_IN_WORD.findall(text))
    known = max(sum(count for letter, count in letters.items() if letter in alphabet) for alphabet in alphabets)
    total = letters.total() + len(signs)
    return (known - strange - odd + 0.5 * (len(signs) - odd)) / total if total else 0.0


def _as_script(text: str, script: re.Pattern[str]) -> float:
    """Whole words of one script, capitals only in front or throughout."""
    good = bad = 0
    for word in _WORD.findall(text):
        own = sum(not letter.isascii() for letter in word)
        if own == len(word) > 1 and script.fullmatch(word) and (word[1:].islower() or word.isupper()):
            good += own
        else:
            bad += own
    bad += sum(not (letter.isascii() or letter.isalnum() or letter in _SIGNS) for letter in text)
    return (good - bad) / (good + bad) if good + bad else 0.0


def _as_wide(text: str, encoding: str) -> float:
    """The share of characters in everyday use, which each of these encodings keeps in one place."""
    wide = [letter for letter in text if not letter.isascii()]
    good = sum(_everyday(letter, encoding) * count for letter, count in Counter(wide).items())
    return (good - len(_ASTRAY.findall(text))) / len(wide) if wide else 0.0


def _everyday(letter: str, encoding: str) -> float:
    if "\u3000" <= letter <= "\u3015" or "\uff01" <= letter <= "\uff5e":
        return 0.7  # punctuation, which all of them have
    if "\u3041" <= letter <= "\u30ff":
        return float(encoding == "cp932")
    if letter in _SYLLABLES:
        return 1.1  # Korean in Chinese encodings looks like everyday Chinese; Chinese in Korean's like rare syllables
    first, last, second, worth = _EVERYDAY[encoding]
    code = letter.encode(encoding)
    return worth if len(code) == 2 and first <= code[0] <= last and code[1] >= second else 0.0
