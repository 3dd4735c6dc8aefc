"""The rows of dubbing: work, files, texts, and the record of what happened."""

from jobs.models.files import Artifact, Download, Take, Upload
from jobs.models.record import JobEvent, RecordIsFinal, VendorCall
from jobs.models.texts import Line, Segment
from jobs.models.vendors import VendorHealth, VendorPlace
from jobs.models.work import DubbingJob, LanguageTask, Step, new_public_id

__all__ = [
    "Artifact",
    "Download",
    "DubbingJob",
    "JobEvent",
    "LanguageTask",
    "Line",
    "RecordIsFinal",
    "Segment",
    "Step",
    "Take",
    "Upload",
    "VendorCall",
    "VendorHealth",
    "VendorPlace",
    "new_public_id",
]
