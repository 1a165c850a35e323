"""All settings, from the environment; .env.sample documents each variable."""

import logging
from pathlib import Path

from csp.constants import NONE, SELF

from clarity_site import env
from clarity_site.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"
# What this installation makes for itself: database, broker, secrets. Never committed.
STATE_DIR = BASE_DIR / env.text("CLARITY_STATE_DIR", ".clarity")

DEBUG = env.boolean("DEBUG", False)
SECRET_KEY = env.secret("SECRET_KEY", STATE_DIR)
IDENTITY_KEY = env.secret("IDENTITY_KEY", STATE_DIR)  # encrypts what identifies a patient
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
BEHIND_HTTPS = env.boolean("BEHIND_HTTPS", False)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_structlog",
    "django_htmx",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "patients",
    "scoring",
    "alerts",
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
    "clarity_site.languages.ReaderMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "clarity_site.urls"
WSGI_APPLICATION = "clarity_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "scoring.presenters.page_notices",
                "alerts.presenters.unseen_notices",
            ]
        },
    }
]

DATABASES = {"default": env.database("DATABASE_URL", STATE_DIR / "postgres")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "patients.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "panel"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_RESET_TIMEOUT = 24 * 3600  # s, of the link that an administrator gives
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "lockout.html"

# Sites whose pages may hold Clarity's in a frame; then cookies travel into the frame as well.
FRAME_ANCESTORS = env.words("EHR_FRAME_ANCESTORS")
if FRAME_ANCESTORS:  # which X-Frame-Options cannot name: the policy below does
    MIDDLEWARE.remove("django.middleware.clickjacking.XFrameOptionsMiddleware")
SESSION_COOKIE_AGE = 10 * 3600  # one working day
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "None" if FRAME_ANCESTORS else "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_HTTPS else 0
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": FRAME_ANCESTORS or [NONE],
        "form-action": [SELF],
    }
}

LANGUAGE_CODE = "en"  # what is stored; each reader has their own
LANGUAGES = [("en", "English"), ("fr", "Français")]
CLINIC_LANGUAGE = env.choice("CLINIC_LANGUAGE", "en", dict(LANGUAGES))
LOCALE_PATHS = [BASE_DIR / "clarity_site" / "locale"]
TIME_ZONE = env.time_zone("CLINIC_TIME_ZONE", "America/Toronto")
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Clarity",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "DESCRIPTION": "What the pages show, for programs: the same rows, under the same permissions. "
    "People use it with the session of a log-in, and with the header X-CSRFToken where something "
    "is changed; devices push recordings with a token of their own. Probabilities and coverages "
    "are 0 to 1; what was not assessed is null. It supports a clinician’s judgement and never "
    "replaces it.",
    "ENUM_NAME_OVERRIDES": {
        "EpisodeKind": "patients.models.Episode.Kind",
        "AlertKind": "alerts.models.AlertKind",
        "AlertState": "alerts.models.AlertState",
        "UploadState": "patients.models.Upload.State",
        "Tier": "scoring.models.Tier",
        "AskedTier": "alerts.actions.RETIERS",
        "DrugClass": "patients.models.MedicationCourse.DrugClass",
        "DeviceKind": "patients.models.Device.Kind",
    },
}

CELERY_BROKER_URL = env.url(
    "CELERY_BROKER_URL", {"filesystem", "redis", "rediss", "amqp", "amqps"}, "filesystem://"
)
BROKER_DIR = STATE_DIR / "broker"
FILE_UPLOAD_HANDLERS = ["clarity_site.form_files.NoFormFiles"]
# History files wait here until they are read; it needs room for the largest, 4 GB.
UPLOAD_DIR = BASE_DIR / env.folder("CLARITY_UPLOAD_DIR", STATE_DIR / "uploads")

# The nightly run begins at this hour of the clinic's zone and should be done by the other.
NIGHTLY_HOUR = env.integer("NIGHTLY_HOUR", 3, 0, 23)
NIGHTLY_DONE_BY_HOUR = env.integer("NIGHTLY_DONE_BY_HOUR", 6, 0, 23)

EHR_BASE_URL = env.url("EHR_BASE_URL", {"http", "https"})
EHR_TOKEN_FILE = env.text("EHR_TOKEN_FILE")
EHR_RECIPIENT = env.text("EHR_RECIPIENT")
# Inside the EHR: docs/ehr-inside.md.
EHR_LAUNCH_CLIENT_ID = env.text("EHR_LAUNCH_CLIENT_ID")
EHR_LAUNCH_SIGNED = env.boolean("EHR_LAUNCH_SIGNED", False)
EHR_CARDS_FOR = env.choice("EHR_CARDS_FOR", "team", ("team", "chart"))
# SMART Backend Services, where the EHR gives tokens instead of one in a file.
EHR_CLIENT_ID = env.text("EHR_CLIENT_ID")
EHR_KEYS_DIR = BASE_DIR / env.folder("EHR_KEYS_DIR", STATE_DIR / "ehr_keys")
EHR_SCOPES = env.text("EHR_SCOPES")
EHR_TOKEN_URL = env.url("EHR_TOKEN_URL", {"http", "https"})
EHR_FOLDER = env.text("EHR_FOLDER")
EHR_REQUESTS_PER_SECOND = env.integer("EHR_REQUESTS_PER_SECOND", 100, 1, 1000)
EHR_PATIENT_SYSTEM = env.text("EHR_PATIENT_SYSTEM")
EHR_GROUP = env.text("EHR_GROUP")
EHR_READS_PER_MINUTE = env.integer("EHR_READS_PER_MINUTE", 300, 1, 60_000)

ADMINS = [("Operations", address) for address in env.words("OPS_EMAIL")]
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
EMAIL_HOST = env.text("EMAIL_HOST")
if EMAIL_HOST:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = logging_config(env.choice("LOG_LEVEL", "INFO", LEVELS))
# One line for each request, when it ends: one at its start would tell nothing more. Addresses are
# never logged, so they are not looked up either.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
