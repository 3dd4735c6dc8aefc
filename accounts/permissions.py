"""What an account must have shown before the API does something for it."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from dubber.errors import PermissionRefused


class IsVerified(BasePermission):
    """Lets in who is signed in with a verified e-mail address: the default of the API."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Say whether somebody is signed in. Raises PermissionRefused email_unverified."""
        user = request.user
        if not user.is_authenticated:
            return False
        if not user.is_verified:
            raise PermissionRefused(
                "Verify your e-mail address first: follow the link that we sent you.",
                code="email_unverified",
            )
        return True
