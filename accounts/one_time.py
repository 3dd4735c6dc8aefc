"""One-time codes from an app (RFC 6238): what staff show beside their password."""

import base64
import hashlib
import time

import pyotp
import qrcode
import qrcode.image.svg
from cryptography.fernet import Fernet
from django.conf import settings
from django.utils import timezone

from accounts.models import OneTimeCodes, User

ISSUER = "Dubber"
SECONDS = 30
DRIFT = 1
"""How many half minutes the person's clock may be off."""


def is_set_up(user: User) -> bool:
    """Say whether the person's app has shown a right code before."""
    return OneTimeCodes.objects.filter(user=user, confirmed_at__isnull=False).exists()


def begin(user: User) -> str:
    """A secret for the person's app, the same until it is confirmed. Raises ValueError after."""
    codes, made = OneTimeCodes.objects.get_or_create(
        user=user, defaults={"secret": _cipher().encrypt(pyotp.random_base32().encode()).decode()}
    )
    if codes.confirmed_at is not None and not made:
        raise ValueError("the secret is never shown again")
    return _secret(codes)


def address_of(user: User, secret: str) -> str:
    """What the QR code says to the app."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)


def picture_of(address: str) -> str:
    """The QR code as an SVG element."""
    image = qrcode.make(address, image_factory=qrcode.image.svg.SvgPathImage, box_size=12)
    return str(image.to_string(encoding="unicode"))


def accept(user: User, code: str) -> bool:
    """Say whether the code is right and new. It is used up then; the first one confirms the app."""
    codes = OneTimeCodes.objects.filter(user=user).first()
    if codes is None:
        return False
    step = _step_of(_secret(codes), code.replace(" ", ""))
    if step is None:
        return False
    fresh = OneTimeCodes.objects.filter(user=user, last_step__lt=step)
    return bool(fresh.update(last_step=step, confirmed_at=codes.confirmed_at or timezone.now()))


def _step_of(secret: str, code: str) -> int | None:
    """The half minute that a code belongs to, if it is near."""
    now = int(time.time()) // SECONDS
    app = pyotp.TOTP(secret)
    for step in range(now - DRIFT, now + DRIFT + 1):
        if pyotp.utils.strings_equal(code, app.generate_otp(step)):
            return step
    return None


def _secret(codes: OneTimeCodes) -> str:
    return _cipher().decrypt(codes.secret.encode()).decode()


def _cipher() -> Fernet:
    key = hashlib.sha256(b"one-time codes " + settings.TOKEN_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
