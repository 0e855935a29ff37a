"""The list of screenshots holds every page that can be opened by its address alone."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tests.shots import PAGES

NO_PAGES = {
    "home": "leads to the first workspace",
    "health": "asked by machines",
    "set_language": "only posted to",
    "conversion-analyse": "only posted to",
    "diagnosis-run": "only posted to",
    "source-check": "only posted to",
    "aftersales-count-run": "only posted to",
    "aftersales-lifetime-run": "only posted to",
    "market-model-new": "only posted to",
    "market-values-new": "the page of market-record, with other fields",
    "market-content-new": "the page of market-record, with other fields",
    "market-partners-new": "the page of market-record, with other fields",
    "market-offers-new": "the page of market-record, with other fields",
    "account_logout": "posted to from the person's menu",
    "account_signup": "closed",
    "account_inactive": "no link leads there, as to the other pages of the accounts package below",
    "account_reauthenticate": "",
    "account_email": "",
    "account_email_verification_sent": "",
    "account_set_password": "",
    "account_confirm_login_code": "",
    "account_reset_password_done": "only where mail is sent",
    "account_reset_password_from_key_done": "only where mail is sent",
}


def _names(entries: list[URLPattern | URLResolver], known: frozenset[str] = frozenset()) -> Iterator[str]:
    """Names of the addresses that need no argument but the workspace's slug; those of the API are for programs."""
    for entry in entries:
        arguments = known | set(entry.pattern.regex.groupindex)
        if isinstance(entry, URLResolver) and entry.namespace == "api":
            continue
        if isinstance(entry, URLResolver):
            yield from _names(entry.url_patterns, arguments)
        elif arguments <= {"slug"} and entry.name:
            yield entry.name


def _address(path: str) -> str:
    return path.format(slug="demo", draft=1).partition("?")[0]


def test_every_page_is_photographed_or_named_as_an_exception() -> None:
    shown = {resolve(_address(page.path)).url_name for page in PAGES if page.name != "not-found"}
    assert set(_names(get_resolver().url_patterns)) - shown == set(NO_PAGES)
