"""Errors whose sentence a person may read.

What stops a step of a dub is in `jobs.pipeline.errors` instead.
"""


class UserError(Exception):
    """A request that can't be granted.

    `code` is stable, `message` says what to do, `details` are JSON values. The message never holds
    a path, a query, a key or a traceback.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **details: object) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.details = details
        super().__init__(message)


class NotFound(UserError):
    """There is no such thing, or it is somebody else's: both are told the same."""

    def __init__(self, what: str, *, code: str = "not_found", **details: object) -> None:
        super().__init__(code, f"We can't find this {what}.", status=404, **details)


class Conflict(UserError):
    """The row is no longer in the state that the request counted on."""

    def __init__(
        self,
        message: str = "This has changed in the meantime. Reload and try again.",
        *,
        code: str = "conflict",
        **details: object,
    ) -> None:
        super().__init__(code, message, status=409, **details)


class PermissionRefused(UserError):
    """The person is known, but may not do this."""

    def __init__(
        self,
        message: str = "You may not do this.",
        *,
        code: str = "permission_denied",
        **details: object,
    ) -> None:
        super().__init__(code, message, status=403, **details)
