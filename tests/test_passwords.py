"""Password reset: by mail where a mail server is set, closed and silent where none is."""

import re

import pytest
from django.conf import settings as configured
from django.core import mail
from django.urls import reverse

from flywheel.accounts.models import User

NEW = "a-quite-different-one"


def _asked(client, email: str):
    return client.post(reverse("account_reset_password"), {"email": email}, follow=True)


@pytest.fixture
def sends_mail(settings) -> None:
    """As with EMAIL_URL set."""
    settings.SENDS_MAIL = True


def test_the_mailed_link_sets_a_new_password(client, reader, sends_mail) -> None:
    _asked(client, reader.email)
    (letter,) = mail.outbox
    link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", letter.body).group(1)
    form = client.get(link, follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert User.objects.get(pk=reader.pk).check_password(NEW)


def test_nobody_is_written_to_who_has_no_account(client, db, sends_mail) -> None:
    assert _asked(client, "nobody@example.com").status_code == 200
    assert mail.outbox == []


@pytest.mark.parametrize(("sends", "offered"), [(True, 1), (False, 0)])
def test_the_log_in_page_offers_a_reset_only_where_mail_is_sent(client, db, settings, sends, offered) -> None:
    settings.SENDS_MAIL = sends
    html = client.get(reverse("account_login")).content.decode()
    assert html.count(f'href="{reverse("account_reset_password")}"') == offered


def test_without_mail_the_reset_names_who_can_help_and_makes_no_link(client, reader) -> None:
    page = _asked(client, reader.email)
    assert "manage.py changepassword" in page.content.decode()
    assert mail.outbox == []


def test_without_mail_no_link_is_followed(client, reader) -> None:
    from allauth.account.forms import default_token_generator
    from allauth.account.utils import user_pk_to_url_str

    key = (user_pk_to_url_str(reader), default_token_generator.make_token(reader))
    page = client.get(reverse("account_reset_password_from_key", args=key), follow=True)
    assert "manage.py changepassword" in page.content.decode()


def test_no_mail_is_ever_written_to_a_log() -> None:
    from flywheel import settings

    assert settings.EMAIL_BACKEND == "django.core.mail.backends.dummy.EmailBackend"
    assert not configured.SENDS_MAIL
