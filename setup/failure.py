"""The one way in which set-up fails: a sentence that says what to do."""

from pathlib import Path

_NO_SPACE = "No space left on device"
_NO_NETWORK = (
    "Temporary failure in name resolution",
    "Name or service not known",
    "Failed to establish a new connection",
    "Network is unreachable",
    "Connection refused",
    "Connection timed out",
    "Temporary failure resolving",
    "Could not connect",
    "Could not resolve",
)
_WRONG_HASH = "DO NOT MATCH THE HASHES"


class SetupFailed(Exception):
    """Set-up can't go on. The message is one sentence that says what to do."""


def failed(what: str, log: Path) -> SetupFailed:
    """Make a sentence of the failure of `what` ("Installing the wheels"), by what its log says."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    if _NO_SPACE in text:
        return SetupFailed(f"{what} ran out of disk space: free some, then run the same again.")
    if "a password is required" in text:
        return SetupFailed(f"{what} needs your password: run “sudo -v” here, then the same again.")
    if _WRONG_HASH in text:
        return SetupFailed(
            f"{what} met a file with a wrong checksum, so nothing of it was kept: "
            f"check where your packages come from (see {log}), then run the same again."
        )
    if any(sign in text for sign in _NO_NETWORK):
        return SetupFailed(
            f"{what} found no network: connect, or check the proxy or package source "
            f"that you set (see {log}), then run the same again."
        )
    return SetupFailed(
        f"{what} failed: see the end of {log}, put it right, then run the same again."
    )
