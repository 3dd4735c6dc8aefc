"""What the pipeline's failures are called over HTTP."""

from typing import Any

import pytest

from jobs import refusals
from jobs.pipeline.errors import FAILURES, PipelineError
from jobs.refusals import BUSY, refusal

MEDIA: dict[str, dict[str, Any]] = {
    "NOT_MEDIA": {"formats": "wav"},
    "EMPTY_FILE": {},
    "TRUNCATED": {},
    "NO_AUDIO": {},
    "NO_SPEECH": {},
    "TOO_LONG": {"actual": "4 min", "limit": "3 min"},
    "TOO_SHORT": {},
    "TOO_MANY_STREAMS": {"actual": 33, "limit": 32},
    "PICTURE_TOO_LARGE": {"actual": 2, "limit": 1},
    "ENCRYPTED": {},
    "CORRUPT_AUDIO": {},
    "DURATION_MISMATCH": {"voice": "1 s", "background": "3 s"},
    "LENGTH_CHANGED": {"actual": "1 s", "claimed": "3 s"},
    "UPLOAD_CHANGED": {},
    "PAIR_UNAVAILABLE": {"source": "Hindi", "target": "Thai", "reason": "no voice"},
}


@pytest.mark.parametrize("code", sorted(MEDIA))
def test_what_is_wrong_with_a_file_is_a_400_with_the_code_in_lower_case(code: str) -> None:
    error = PipelineError(code, **MEDIA[code])

    told = refusal(error)

    assert (told.code, told.message, told.status) == (code.lower(), str(error), 400)


@pytest.mark.parametrize("code", sorted(BUSY))
def test_what_works_again_soon_says_when_to_come_back(code: str) -> None:
    told = refusal(PipelineError(code))

    assert (told.code, told.status) == ("service_busy", 503)
    assert told.details == {"retry_after": 5, "reason": code.lower()}
    assert "by ourselves" not in told.message


def test_a_failure_is_told_in_the_language_of_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    spanish = {FAILURES["TOO_LARGE"].sentence: "{actual}, no {limit}."}
    monkeypatch.setattr(refusals, "_", spanish.__getitem__)

    told = refusal(PipelineError("TOO_LARGE", actual="3 GB", limit="2 GB"))

    assert (told.message, told.status) == ("3 GB, no 2 GB.", 413)
