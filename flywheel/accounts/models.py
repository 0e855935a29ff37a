"""People and the businesses they run: users, workspaces, memberships; and the keys of their programs."""

import secrets
import zoneinfo
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Creates users that log in by e-mail."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """A user with a hashed password (unusable when None). The e-mail is stored in lower case."""
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        """A user with every permission (for manage.py createsuperuser)."""
        return self.create_user(email, password, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by e-mail."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email


def check_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("%(name)s is not a known time zone."), params={"name": name})


def new_hash_key() -> bytes:
    """A fresh key for hashing customers' e-mail addresses."""
    return secrets.token_bytes(32)


class Weekday(models.IntegerChoices):
    """The first day of a workspace's week, numbered as Python's date.weekday()."""

    MONDAY = 0, _("Monday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


MAX_REPLY_HOURS = 168  # a week; longer waits are kept by the day only


class Workspace(models.Model):
    """One business. Everything else belongs to exactly one workspace."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("address"), unique=True)
    base_currency = models.CharField(_("base currency"), max_length=3, default="EUR")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[check_time_zone])
    first_weekday = models.PositiveSmallIntegerField(_("first weekday"), choices=Weekday, default=Weekday.MONDAY)
    fiscal_year_start = models.PositiveSmallIntegerField(_("first month of the fiscal year"), default=1)
    language = models.CharField(_("language"), max_length=10, default="en")
    agreed_reply_hours = models.PositiveSmallIntegerField(
        _("agreed hours to the first reply"),
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_REPLY_HOURS)],
        help_text=_("Within how many hours a customer is to have a person's first reply."),
    )
    is_demo = models.BooleanField(default=False)
    hash_key = models.BinaryField(default=new_hash_key, editable=False)  # customers' e-mails are kept only as its HMAC
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The workspace's time zone, for the calendar of weeks."""
        return zoneinfo.ZoneInfo(self.time_zone)


class Role(models.IntegerChoices):
    """What a member may do, in rising order: a higher role may do all that a lower one may."""

    READER = 10, _("Reader")
    MEMBER = 20, _("Member")
    ENGINE_LEAD = 30, _("Engine lead")
    ADMIN = 40, _("Admin")
    OWNER = 50, _("Owner")


class Membership(models.Model):
    """A user's role in a workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(choices=Role, default=Role.READER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "user"], name="membership_once"),)

    def __str__(self) -> str:
        return f"{self.user} · {self.workspace} · {self.get_role_display()}"


class ApiKey(models.Model):
    """A program's way into one workspace. The key itself is shown once: only its SHA-256 is kept.

    `prefix` is the part by which it is found and told apart on the pages; `scopes` names what it may do.
    """

    class Scope(models.TextChoices):
        FACTS_WRITE = "facts:write", _("Send data")
        METRICS_READ = "metrics:read", _("Read KPIs, weekly measures and verdicts")

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """Whether it opens anything: active, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= timezone.now() else "active"

    @property
    def scope_labels(self) -> list[str]:
        """What it may do, in words."""
        return [str(self.Scope(scope).label) for scope in self.scopes]
