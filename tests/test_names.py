"""What markets and channels are called on the pages."""

import pytest
from django.utils import translation

from flywheel.facts.models import Channel, Market


@pytest.mark.parametrize(
    ("code", "name", "english", "chinese"),
    [
        ("US", "United States", "United States", "美国"),
        ("US", "美国", "United States", "美国"),
        ("AL", "", "AL", "AL"),
        ("US", "America East", "America East", "America East"),
        ("dach", "", "dach", "dach"),
        ("", "", "", ""),
    ],
)
def test_a_market_called_as_its_country_is_told_in_the_readers_language(code, name, english, chinese):
    market = Market(code=code, name=name)
    with translation.override("en"):
        assert str(market) == english
    with translation.override("zh-hans"):
        assert str(market) == chinese


@pytest.mark.parametrize(
    ("code", "name", "chinese"),
    [("direct", "", "直接访问"), ("email", "E-mail", "电子邮件"), ("google", "Google Ads", "Google Ads"),
     ("email", "Newsletter", "Newsletter")],
)  # fmt: skip
def test_a_channel_called_by_a_plain_word_is_told_in_the_readers_language(code, name, chinese):
    with translation.override("zh-hans"):
        assert str(Channel(code=code, name=name)) == chinese
