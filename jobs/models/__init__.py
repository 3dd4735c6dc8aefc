"""The rows of dubbing: work, files, texts, and the record of what happened."""

from jobs.models.drafts import Draft
from jobs.models.files import Artifact, Download, Take, Upload
from jobs.models.glossary import GlossaryEntry
from jobs.models.record import JobEvent, RecordIsFinal, VendorCall
from jobs.models.texts import Line, Preview, Segment, Shortening
from jobs.models.vendors import VendorHealth, VendorPlace
from jobs.models.work import DubbingJob, LanguageTask, Step, new_public_id

__all__ = [
    "Artifact",
    "Download",
    "Draft",
    "DubbingJob",
    "GlossaryEntry",
    "JobEvent",
    "LanguageTask",
    "Line",
    "Preview",
    "RecordIsFinal",
    "Segment",
    "Shortening",
    "Step",
    "Take",
    "Upload",
    "VendorCall",
    "VendorHealth",
    "VendorPlace",
    "new_public_id",
]
