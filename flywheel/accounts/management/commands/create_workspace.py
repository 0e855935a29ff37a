"""manage.py create_workspace: a first workspace and its owner, without the browser."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from flywheel.accounts.models import User
from flywheel.accounts.workspaces import WorkspaceForm, create_workspace


class Command(BaseCommand):
    """Make a workspace and, where needed, its owner's account."""

    help = "Make a workspace; prints its address and, for a new owner, the password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The business and who owns it."""
        parser.add_argument("name", help="what the business is called")
        parser.add_argument("--owner", required=True, metavar="E-MAIL", help="owner's e-mail address")
        parser.add_argument("--currency", default="EUR", help="base currency (default EUR)")
        parser.add_argument("--time-zone", default="UTC", help="IANA zone such as Asia/Shanghai (default UTC)")
        parser.add_argument(
            "--first-weekday", default="0", choices=["0", "5", "6"], help="0 Monday, 5 Saturday, 6 Sunday"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check like the page does, then make both."""
        form = WorkspaceForm(
            {
                "name": options["name"],
                "base_currency": options["currency"],
                "time_zone": options["time_zone"],
                "first_weekday": options["first_weekday"],
            }
        )
        if not form.is_valid():
            raise CommandError(
                "; ".join(f"{name}: {' '.join(map(str, errors))}" for name, errors in form.errors.items())
            )
        owner, password = self._owner(options["owner"])
        workspace = create_workspace(owner, **form.cleaned_data)
        self.stdout.write(f"workspace {workspace.slug}")
        if password:
            self.stdout.write(f"log in as {owner.email} with the password {password}")

    def _owner(self, email: str) -> tuple[User, str]:
        """The user of this e-mail; a new one comes with a password."""
        found = User.objects.filter(email=email.strip().lower()).first()
        if found:
            return found, ""
        password = secrets.token_urlsafe(12)
        return User.objects.create_user(email, password), password
