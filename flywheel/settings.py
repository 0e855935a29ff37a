"""Django settings, all from the environment (flywheel/environment.py declares every variable)."""

import os
import secrets
from pathlib import Path

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from flywheel import environment as env
from flywheel.embedded.paths import DATABASE, socket_dir, valkey_socket

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a loaded box: 0.2 s instead of 3 s for an LTV fit

BASE_DIR = env.BASE_DIR
VAR_DIR = env.var_dir()
DEBUG = env.flag("DEBUG")
EMBEDDED_POSTGRES = not env.text("DATABASE_URL")
EMBEDDED_VALKEY = not env.text("REDIS_URL")


def _secret_key() -> str:
    """SECRET_KEY, or one kept in VAR_DIR for a business that runs on the embedded servers."""
    if key := env.text("SECRET_KEY"):
        return key
    if not EMBEDDED_POSTGRES:
        raise ImproperlyConfigured("SECRET_KEY is empty: set it to a long random text (it signs sessions).")
    path = VAR_DIR / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(50))
    return path.read_text().strip()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = [*env.words("ALLOWED_HOSTS"), "localhost", "127.0.0.1"]  # the machine itself asks for /healthz
CSRF_TRUSTED_ORIGINS = env.words("TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "template_partials",
    "flywheel.accounts",
    "flywheel.jobs",
    "flywheel.facts",
    "flywheel.intake",
    "flywheel.measures",
    "flywheel.diagnosis",
    "flywheel.market",
    "flywheel.conversion",
    "flywheel.aftersales",
    "flywheel.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "flywheel.accounts.access.zone_ends",
]

ROOT_URLCONF = "flywheel.urls"
WSGI_APPLICATION = "flywheel.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["template_partials.templatetags.partials", "flywheel.accounts.templatetags.formats"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "flywheel.accounts.context.shell",
            ],
        },
    }
]

# --- data -----------------------------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, object]]
if EMBEDDED_POSTGRES:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE,
            "USER": DATABASE,
            "HOST": str(socket_dir(VAR_DIR)),
            "OPTIONS": {},
        }
    }
else:
    DATABASES = {"default": env.database(env.text("DATABASE_URL"))}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
FEED_DATABASE_URL = env.text("FEED_DATABASE_URL")
if FEED_DATABASE_URL:
    env.database(FEED_DATABASE_URL, "FEED_DATABASE_URL")  # refuses another kind
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if EMBEDDED_VALKEY:
    CELERY_BROKER_URL = f"redis+socket://{valkey_socket(VAR_DIR)}?virtual_host=0"
    CACHE_URL = f"unix://{valkey_socket(VAR_DIR)}?db=1"
else:
    CELERY_BROKER_URL, CACHE_URL = env.redis(env.text("REDIS_URL"))
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "flywheel",
    }
}

# --- work -----------------------------------------------------------------------------------------------------------
JOB_HEARTBEAT_SECONDS = 3
JOB_LOST_AFTER_SECONDS = 20  # a running job without a heartbeat for this long has lost its worker
JOB_MAX_ATTEMPTS = 3
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = env.number("CELERY_WORKERS", 1, 64)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 6 * 3600,  # above the longest task; lost jobs are found by their heartbeat, not by this
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "find-lost-jobs": {
        "task": "flywheel.jobs.tasks.find_lost_jobs",
        "schedule": 10.0,
        "options": {"expires": 10},  # a busy worker need not make up for those it missed
    },
    "weekly-diagnosis": {"task": "flywheel.diagnosis.tasks.diagnose_all", "schedule": 3600.0},
    "check-sources": {"task": "flywheel.intake.tasks.check_all_sources", "schedule": 3600.0},  # once a day for each
    "start-due-feeds": {
        "task": "flywheel.intake.tasks.start_due_feeds",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "forget-old-answers": {"task": "flywheel.intake.tasks.forget_old_answers", "schedule": 3600.0},
    "forget-old-files": {"task": "flywheel.intake.tasks.forget_old_files", "schedule": 24 * 3600.0},
}

# --- people ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "flywheel.accounts.adapter.ClosedSignup"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = {
    "login_failed": "5/5m/key,100/5m/ip"
}  # an office shares one address; a guesser aims at one account
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if env.flag("HTTPS") else 0  # behind TLS the client's address is the proxy's word
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to addresses that nobody here has

# --- mail -----------------------------------------------------------------------------------------------------------
SENDS_MAIL = bool(env.text("EMAIL_URL"))  # without it the password reset is closed
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"  # never into a log: reset links are keys
EMAIL_TIMEOUT = 10  # seconds; a person waits for the page
if SENDS_MAIL:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    DEFAULT_FROM_EMAIL = env.mail_sender()
    globals().update(env.mail(env.text("EMAIL_URL")))

# --- words ----------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- files ----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": VAR_DIR / "files"}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
UPLOAD_DIR = VAR_DIR / "uploads"
MAX_UPLOAD_MB = env.number("MAX_UPLOAD_MB", 1, 100_000)
FILE_UPLOAD_HANDLERS = ["flywheel.intake.uploads.BoundedUpload"]  # on disk, and no more than MAX_UPLOAD_MB
FILE_UPLOAD_TEMP_DIR: Path | None = None
WATCH_DIR = env.folder("WATCH_DIR") if env.text("WATCH_DIR") else None
if WATCH_DIR:
    CELERY_BEAT_SCHEDULE["take-watched-files"] = {
        "task": "flywheel.intake.tasks.take_watched_files",
        "schedule": 30.0,
        "options": {"expires": 30},
    }
API_REQUESTS_PER_MINUTE = env.number("API_REQUESTS_PER_MINUTE", 1, 1_000_000)
API_BODY_MB = env.number("API_BODY_MB", 1, 1_000)

# --- safety ---------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
if env.flag("HTTPS"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^healthz$"]  # asked from the machine itself, before TLS

# --- logs -----------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", {"DEBUG", "INFO", "WARNING", "ERROR"})
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(colors=False),
            ],
            "foreign_pre_chain": [
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
