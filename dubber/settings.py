"""The only settings: one long list, because a second file would be a second place to look.

Each variable is read here, once; `python -m dubber.env` lists them with their help.
"""

import hashlib
import hmac
import ipaddress
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext

from dubber.env import Environment, WrongSetting
from dubber.logs import LogKind, logging_settings, role_of

django_stubs_ext.monkeypatch()  # lets ModelAdmin[Job] and its like run, not only type-check

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment.load(BASE_DIR / (os.environ.get("DUBBER_ENV_FILE") or ".env"))


# -- Who and where -----------------------------------------------------------------------------

SECRET_KEY = env.required(
    "SECRET_KEY",
    help="Signs whatever has no key of its own. 50 or more random characters.",
    remedy="run make setup, or set it to 50 or more random characters",
)
DEBUG = env.flag("DEBUG", help="Development only: error pages with source code.")
DEMO_EMAIL = "dev@localhost"
DEV_TOKEN = env.flag(
    "DUBBER_DEV_TOKEN", help="Development only: the API accepts the bearer token dev-token."
)
BIND_HOST, BIND_PORT = env.address(
    "DUBBER_BIND", "127.0.0.1:8000", help="Address and port that the site listens on."
)
SITE_URL = env.url(
    "DUBBER_SITE_URL",
    "http://localhost:8000",
    help="The site's address as people type it. Absolute links are made from it.",
)
ENV_FILE = env.text("DUBBER_ENV_FILE", ".env", help="The file that holds these variables.")
PROXY_SAYS_HTTPS = env.flag(
    "DUBBER_PROXY_SAYS_HTTPS",
    help="A proxy in front ends TLS and always sets X-Forwarded-Proto itself.",
)


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def key(purpose: str) -> str:
    """Return a key of its own for one purpose, which does not give SECRET_KEY away."""
    return hmac.new(SECRET_KEY.encode(), f"dubber {purpose}".encode(), hashlib.sha256).hexdigest()


if (DEBUG or DEV_TOKEN) and not is_loopback(BIND_HOST):
    raise WrongSetting(
        "DEBUG and DUBBER_DEV_TOKEN are for this machine only: "
        f"set DUBBER_BIND to 127.0.0.1:{BIND_PORT}, or turn both off."
    )

QUEUE_KEY = env.text(
    "DUBBER_QUEUE_KEY", help="Signs queued messages. Derived from SECRET_KEY when empty."
) or key("queue")
TOKEN_KEY = env.text(
    "DUBBER_TOKEN_KEY", help="Signs access tokens. Derived from SECRET_KEY when empty."
) or key("token")
LINK_KEY = env.text(
    "DUBBER_LINK_KEY", help="Signs upload and download links. Derived from SECRET_KEY when empty."
) or key("link")
PERSON_KEY = env.text(
    "DUBBER_PERSON_KEY",
    help="Hashes who had a Starter pack. Derived from SECRET_KEY when empty.",
) or key("person")

CORS_ALLOWED_ORIGINS = env.list(
    "CORS_ORIGINS",
    "http://localhost:3000",
    help="Web front ends on other origins that may use the API.",
)
TRUSTED_PROXIES = env.integer(
    "DUBBER_TRUSTED_PROXIES",
    0,
    help="How many proxies in front add to X-Forwarded-For; none is believed when 0.",
)

_site = urlsplit(SITE_URL)
HTTPS = _site.scheme == "https"
ALLOWED_HOSTS = env.list(
    "DUBBER_ALLOWED_HOSTS", help="Host names to answer to. The host of DUBBER_SITE_URL when empty."
) or [str(_site.hostname), *(["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])]
CSRF_TRUSTED_ORIGINS = [f"{_site.scheme}://{_site.netloc}"]

try:
    VERSION = version("dubber")
except PackageNotFoundError:  # run from a checkout that is not installed
    VERSION = "0.1.0"


# -- Django ------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "dubber",
    "accounts.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "django_htmx",
    "django_q",
    "djstripe",
    "storages",
    "accounts",
    "billing",
    "jobs",
]
MIDDLEWARE = [
    "dubber.middleware.RequestId",
    "dubber.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "dubber.middleware.ApiPaths",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "dubber.middleware.SmallBodies",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dubber.middleware.PageLimits",
    "dubber.middleware.SignedOut",
    "accounts.middleware.VerifiedPages",
    "accounts.middleware.LocalTimes",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dubber.error_pages.ErrorPages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "dubber.urls"
WSGI_APPLICATION = "dubber.wsgi.application"
APPEND_SLASH = False  # every API path answers in both forms by itself
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
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
            ],
        },
    },
]

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

SUPABASE_URL = env.url(
    "SUPABASE_URL", help="Supabase project whose users may sign in with its access tokens."
)
SUPABASE_JWT_SECRET = env.text(
    "SUPABASE_JWT_SECRET", help="The project's legacy secret; its HS256 tokens need it."
)
SUPABASE_SERVICE_KEY = env.text(
    "SUPABASE_SERVICE_KEY", help="A key of the project, to ask it about a signed-in user."
)

MAIL_SERVER = env.mail_server(
    "DUBBER_SMTP_URL",
    help="smtp://user:password@host:587 (STARTTLS) or smtps://…:465. "
    "Empty: mail goes to the console and to var/mail.",
)
DEFAULT_FROM_EMAIL = env.text(
    "DUBBER_MAIL_FROM", f"Dubber <no-reply@{_site.hostname}>", help="Sender of our mail."
)
CONTACT_EMAIL = env.text(
    "DUBBER_CONTACT_EMAIL",
    help="Who reads what people write on the contact page. Nobody, and the page says so, when "
    "empty; in development such mail goes where all mail goes.",
) or (DEMO_EMAIL if DEBUG else "")
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if MAIL_SERVER.host
    else "accounts.mail_backend.EmailBackend"
)
EMAIL_HOST, EMAIL_PORT = MAIL_SERVER.host, MAIL_SERVER.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL_SERVER.user, MAIL_SERVER.password
EMAIL_USE_SSL, EMAIL_USE_TLS = MAIL_SERVER.tls, MAIL_SERVER.starttls
EMAIL_TIMEOUT = 10
EMAIL_FILE_PATH = BASE_DIR / "var" / "mail"


# -- The API -----------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # The bearer class comes first: it is the one that makes the answer to nobody a 401.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.IsVerified"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "URL_FORMAT_OVERRIDE": None,  # ?format= is the format of a download
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "dubber.api_errors.error_response",
}
RATE_LIMITS = {
    name: env.integer(f"DUBBER_RATE_{name.upper()}", most, least=1, help=told)
    for name, most, told in (
        ("auth", 10, "Calls to sign-in addresses a minute, by user or address."),
        ("upload", 20, "Requests for upload addresses a minute and user."),
        ("jobs", 50, "Calls under /api/jobs a minute and user."),
        ("health", 100, "Health checks a minute and address."),
        ("api", 1000, "Other calls an hour and user."),
        ("pages", 120, "Forms sent from pages a minute, by user or address."),
        ("strangers", 200, "Calls without a valid credential an hour and address."),
    )
}
CORS_ALLOW_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
CORS_ALLOW_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "If-Match",
    "Range",
    "Content-Range",
]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Retry-After",
    "Location",
    "Accept-Ranges",
    "Content-Range",
    "Content-Disposition",
    "X-Total-Count",
    "X-Request-ID",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
]
SPECTACULAR_SETTINGS = {
    "TITLE": "Dubber",
    "DESCRIPTION": "Versions of a recorded video that speak other languages.",
    "VERSION": VERSION,
    "SERVERS": [{"url": SITE_URL}],
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {"ReadyStatusEnum": ["ready"]},  # several answers have it
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "dubber.openapi.add_errors",
        "dubber.openapi.add_examples",
    ],
}


# -- Over the wire -----------------------------------------------------------------------------

SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXY_SAYS_HTTPS else None
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "dubber.middleware.old_form"
X_FRAME_OPTIONS = "DENY"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-XSS-Protection": "1; mode=block",
    "Referrer-Policy": SECURE_REFERRER_POLICY,
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; media-src 'self' blob:; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
}
# Swagger UI and Redoc write styles as they go, and Redoc searches in a worker of its own.
DOCS_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Preloading binds a whole domain for years: the owner of the domain decides, not a default.
SILENCED_SYSTEM_CHECKS = ["security.W021"]


# -- Database and files ------------------------------------------------------------------------

DATABASES = {
    "default": env.database(
        "DATABASE_URL",
        "sqlite:///var/dubber.sqlite3",
        base=BASE_DIR,
        help="sqlite:///file or postgresql://user:password@host:port/name.",
    )
}

STORAGE = env.choice(
    "DUBBER_STORAGE", "files", ["files", "s3"], help="Where uploads and results are kept."
)
STORAGE_ROOT = env.path(
    "DUBBER_STORAGE_ROOT", "var/storage", base=BASE_DIR, help="Folder for DUBBER_STORAGE=files."
)
UPLOAD_PATIENCE = env.seconds(
    "DUBBER_UPLOAD_PATIENCE",
    30,
    help="A file that comes in at less than 10 KB/s over so many seconds is cut off.",
)
AWS_STORAGE_BUCKET_NAME = env.text(
    "AWS_STORAGE_BUCKET_NAME", "yt-dubber-uploads", help="Bucket for DUBBER_STORAGE=s3."
)
AWS_S3_ENDPOINT_URL = env.url(
    "AWS_S3_ENDPOINT_URL", help="Address of an S3-compatible service; empty for Amazon's own."
)
AWS_S3_REGION_NAME = env.text("AWS_S3_REGION_NAME", help="Region of the bucket.")
AWS_ACCESS_KEY_ID = env.text(
    "AWS_ACCESS_KEY_ID", help="Access key; empty where the machine's role gives access."
)
AWS_SECRET_ACCESS_KEY = env.text("AWS_SECRET_ACCESS_KEY", help="Secret of the access key.")


def default_storage() -> dict[str, Any]:
    """Describe where files go. A key means one object: writing it again replaces it."""
    if STORAGE == "files":
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": STORAGE_ROOT, "allow_overwrite": True},
        }
    from botocore.config import Config  # noqa: PLC0415 (half a second that only S3 needs)

    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": AWS_STORAGE_BUCKET_NAME,
            "endpoint_url": AWS_S3_ENDPOINT_URL or None,
            "region_name": AWS_S3_REGION_NAME or None,
            "access_key": AWS_ACCESS_KEY_ID or None,
            "secret_key": AWS_SECRET_ACCESS_KEY or None,
            "file_overwrite": True,
            "client_config": Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if AWS_S3_ENDPOINT_URL else "auto"},
                # Newer boto3 adds checksums to uploads, which others than Amazon refuse.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        },
    }


def storage_origins() -> str:
    """Name the servers that browsers send files to and play them from; none but ours for files."""
    if STORAGE == "files":
        return ""
    if AWS_S3_ENDPOINT_URL:
        return "{0.scheme}://{0.netloc}".format(urlsplit(AWS_S3_ENDPOINT_URL))
    hosts = ["s3", f"s3.{AWS_S3_REGION_NAME}"] if AWS_S3_REGION_NAME else ["s3"]
    return " ".join(f"https://{AWS_STORAGE_BUCKET_NAME}.{host}.amazonaws.com" for host in hosts)


for _use in ("media-src 'self' blob:", "connect-src 'self'"):
    _policy = SECURITY_HEADERS["Content-Security-Policy"]
    SECURITY_HEADERS["Content-Security-Policy"] = _policy.replace(
        _use, f"{_use} {storage_origins()}".rstrip()
    )

STORAGES = {
    "default": default_storage(),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
STATIC_URL = "/static/"
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = DEBUG  # without collectstatic in development
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []

SCRATCH = env.path(
    "DUBBER_SCRATCH",
    "var/scratch",
    base=BASE_DIR,
    help="Working space of steps; may be emptied at any time.",
)
MODELS = env.path(
    "DUBBER_MODELS", "var/models", base=BASE_DIR, help="Folder of the offline models."
)
FULL_SET = env.flag(
    "DUBBER_FULL_SET",
    True,
    help="Use the larger offline models where they are installed: better, and slower.",
)


# -- Work --------------------------------------------------------------------------------------

LEASE_SECONDS = env.seconds(
    "DUBBER_LEASE_SECONDS",
    60,
    help="A step whose worker is silent for so long is given to another.",
)
WORKERS = env.integer(
    "DUBBER_WORKERS",
    4,
    least=1,
    help="Steps that one worker machine runs at once: its processors, and two that wait for "
    "vendors.",
)
ADMINS = [
    ("Staff", address)
    for address in env.list(
        "DUBBER_STAFF_MAIL", help="Addresses told when a vendor's account needs attention."
    )
]
HEAR_AGAIN = env.choice(
    "DUBBER_HEAR_AGAIN",
    "off",
    ["off", "local", "vendor"],
    help="Recognize every finished dub again and report its word error.",
)

# Only jobs/queue.py uses it, as a doorbell. Each value answers a measured failure of the library:
# failing messages come back unless acknowledged, a `retry` shorter than the work runs it twice, a
# reached `timeout` leaves child processes behind, prefetched messages are stuck with their worker,
# kept results cost two thirds of the speed. The name is also the salt of its signatures: under
# another name queued messages are thrown away.
Q_CLUSTER = {
    "name": "dubber",
    "orm": "default",
    "workers": WORKERS,
    "bulk": 1,
    "queue_limit": 1,
    "max_attempts": 1,
    "ack_failures": True,
    "timeout": 24 * 3600,
    "retry": 7 * 24 * 3600,
    "save_limit": -1,
    "catch_up": False,
    "poll": 0.2,
    "label": "Queue",
}


# -- Engines and vendors -----------------------------------------------------------------------

DEEPGRAM_API_KEY = env.text(
    "DEEPGRAM_API_KEY", help="Key for Deepgram, which then hears every recording and speaks."
)
DEEPGRAM_BASE_URL = env.url(
    "DEEPGRAM_BASE_URL", "https://api.deepgram.com", help="Where Deepgram is reached."
)
RECOGNITION_MODEL = env.text(
    "DUBBER_RECOGNITION_MODEL", "nova-3", help="Deepgram's model that hears recordings."
)
if HEAR_AGAIN == "vendor" and not DEEPGRAM_API_KEY:
    raise WrongSetting("DUBBER_HEAR_AGAIN=vendor needs DEEPGRAM_API_KEY.")

OPENAI_BASE_URL = env.url(
    "OPENAI_BASE_URL", help="Any OpenAI-compatible server; empty for OpenAI's own."
)
OPENAI_API_KEY = env.text(
    "OPENAI_API_KEY", help="Key for that server; none where it asks for none."
)
TRANSLATION_MODEL = env.text(
    "DUBBER_TRANSLATION_MODEL", "gpt-6-luna", help="Model that translates on that server."
)
TRANSLATION_API = env.choice(
    "DUBBER_TRANSLATION_API",
    "auto",
    ["auto", "responses", "chat"],
    help="How that server is asked: OpenAI's own by responses, all others by chat. Set responses "
    "where OPENAI_BASE_URL is only another way to OpenAI.",
)
if TRANSLATION_API == "chat" and not OPENAI_BASE_URL:
    raise WrongSetting("DUBBER_TRANSLATION_API=chat needs OPENAI_BASE_URL: OpenAI has responses.")
DUBBED_LANGUAGES = ["en", "es", "fr", "de", "ja", "zh", "ko", "pt", "it", "ru", "ar", "hi"]
TRANSLATION_ENGINES = ["openai", "qwen", "apertium"]
TRANSLATION_ROUTES = env.pairs(
    "DUBBER_TRANSLATION_ROUTES",
    keys=DUBBED_LANGUAGES,
    choices=TRANSLATION_ENGINES,
    help="Who translates into a language before all others that can, for example zh=qwen.",
)
SPEECH_MODEL = env.text(
    "DUBBER_SPEECH_MODEL",
    help="Model that speaks on that server, for example tts-1; nothing speaks there when empty.",
)

POLLY = env.flag(
    "DUBBER_POLLY",
    help="Amazon Polly speaks the languages that Deepgram doesn't. Off unless said, because the "
    "same AWS keys may be for storage only.",
)
POLLY_REGION = env.text("DUBBER_POLLY_REGION", "us-east-1", help="Region of Amazon Polly.")
POLLY_ACCESS_KEY_ID = env.text(
    "DUBBER_POLLY_ACCESS_KEY_ID",
    help="Access key for Polly; AWS_ACCESS_KEY_ID, or the machine's role, when empty.",
)
POLLY_SECRET_ACCESS_KEY = env.text(
    "DUBBER_POLLY_SECRET_ACCESS_KEY", help="Secret of the access key for Polly."
)
AWS_ENDPOINT_URL_POLLY = env.url(
    "AWS_ENDPOINT_URL_POLLY", help="Address of Polly; empty for Amazon's own."
)
SPEECH_ENGINES = ["deepgram", "polly", "openai", "kokoro", "pico"]
SPEECH_ROUTES = env.pairs(
    "DUBBER_SPEECH_ROUTES",
    keys=DUBBED_LANGUAGES,
    choices=SPEECH_ENGINES,
    help="Who speaks a language before all others that can, for example ja=polly,en=openai.",
)

VENDOR_PRICES = env.prices(
    "DUBBER_VENDOR_PRICES",
    choices=[
        "deepgram-recognition",
        "deepgram-recognition-any",
        "deepgram-speakers",
        "deepgram-speech",
        "polly-neural",
        "polly-standard",
        "openai-input",
        "openai-output",
        "openai-speech",
    ],
    help="Vendors' prices where the built-in ones are out of date or yours are others: dollars a "
    "minute of sound, or a million characters or tokens, and the day you read them. For "
    "example deepgram-speech=27@2026-11-20,openai-input=0.2@2026-11-20.",
)

VENDOR_PLACES = env.counts(
    "DUBBER_VENDOR_PLACES",
    choices=[
        "deepgram-recognition",
        "deepgram-speech",
        "openai-translation",
        "openai-speech",
        "polly-speech",
        "own-server-translation",
        "own-server-speech",
    ],
    help="How many calls a vendor's account takes at once, over all machines, where that is other "
    "than what new accounts have. For example deepgram-speech=45,polly-speech=18.",
)

STRIPE_SECRET_KEY = env.text(
    "STRIPE_SECRET_KEY", help="Stripe's secret key; empty without payments."
)
STRIPE_PUBLIC_KEY = env.text("STRIPE_PUBLIC_KEY", help="Stripe's publishable key.")
STRIPE_LIVE_MODE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
STRIPE_API_BASE = env.url(
    "STRIPE_API_BASE", help="Tests and development only: another server in place of Stripe's own."
)
if STRIPE_API_BASE:
    STRIPE_API_HOST = STRIPE_API_BASE  # the name that dj-stripe reads, where there is one
# The pages from which Stripe's own page is reached: a form's way may end there too.
CHECKOUT_CONTENT_SECURITY_POLICY = SECURITY_HEADERS["Content-Security-Policy"].replace(
    "form-action 'self'",
    f"form-action 'self' {STRIPE_API_BASE or 'https://checkout.stripe.com'}",
)
STRIPE_API_VERSION = "2026-05-27.dahlia"  # pinned: what dj-stripe 2.11.0 was written for
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"


# -- The demo, and logs ------------------------------------------------------------------------
SAMPLE_DUB = env.path(
    "DUBBER_SAMPLE",
    "var/demo",
    base=BASE_DIR,
    help="Folder of the sample dub that the home page plays; manage.py demo makes it there.",
)
DEMO_PASSWORD = env.text(
    "DUBBER_DEMO_PASSWORD",
    help=f"Development only: password of {DEMO_EMAIL}, made up by make setup.",
)

LOG = env.choice("DUBBER_LOG", "text", ["json", "text", "files"], help="How to write logs.")
LOG_FOLDER = env.path(
    "DUBBER_LOG_FOLDER", "logs", base=BASE_DIR, help="Folder for DUBBER_LOG=files."
)
LOGGING = logging_settings(
    LogKind(LOG),
    folder=LOG_FOLDER,
    role=role_of(sys.argv),
    secrets=(
        SECRET_KEY,
        QUEUE_KEY,
        TOKEN_KEY,
        LINK_KEY,
        PERSON_KEY,
        AWS_SECRET_ACCESS_KEY,
        SUPABASE_JWT_SECRET,
        SUPABASE_SERVICE_KEY,
        MAIL_SERVER.password,
        OPENAI_API_KEY,
        DEEPGRAM_API_KEY,
        POLLY_SECRET_ACCESS_KEY,
        STRIPE_SECRET_KEY,
        DEMO_PASSWORD,
        str(DATABASES["default"].get("PASSWORD", "")),
    ),
)
