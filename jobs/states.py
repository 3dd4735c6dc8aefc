"""Every status that a job, a language and a step can have, and every move between them."""

from collections.abc import Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobStatus(models.TextChoices):
    """Where a job stands. What the API says is derived from it and from its languages."""

    PENDING = "pending", _("Pending")
    PROCESSING = "processing", _("Processing")
    COMPLETE = "complete", _("Complete")
    ERROR = "error", _("Error")
    CANCELLED = "cancelled", _("Cancelled")


class Stage(models.TextChoices):
    """Where one language of a job stands."""

    QUEUED = "queued", _("Queued")
    STT = "stt", _("Listening")
    TRANSLATING = "translating", _("Translating")
    DUBBING = "dubbing", _("Dubbing")
    MIXING = "mixing", _("Mixing")
    EXPORTING = "exporting", _("Exporting")
    COMPLETE = "complete", _("Complete")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class StepStatus(models.TextChoices):
    """Where one step stands. `waiting` is for the step before it, `ready` for a worker."""

    WAITING = "waiting", _("Waiting")
    READY = "ready", _("Ready")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class StepKind(models.TextChoices):
    """What a step does. The first two are done once for a job, the others for each language.

    The last four are done for a finished language when somebody asks for them.
    """

    INGEST = "ingest", _("Decode")
    TRANSCRIBE = "transcribe", _("Transcribe")
    TRANSLATE = "translate", _("Translate")
    DUB = "dub", _("Dub")
    MIX = "mix", _("Mix")
    EXPORT = "export", _("Export")
    WAV = "wav", _("Write WAV")
    BUNDLE = "bundle", _("Pack")
    PREVIEW = "preview", _("Speak one line")
    SHORTEN = "shorten", _("Word one line shorter")


JOB_KINDS = (StepKind.INGEST, StepKind.TRANSCRIBE)
LANGUAGE_KINDS = (StepKind.TRANSLATE, StepKind.DUB, StepKind.MIX, StepKind.EXPORT)
OF_ONE_LINE = (StepKind.PREVIEW, StepKind.SHORTEN)
ON_DEMAND = (StepKind.WAV, StepKind.BUNDLE, *OF_ONE_LINE)

BEFORE: Mapping[StepKind, StepKind | None] = {
    StepKind.INGEST: None,
    StepKind.TRANSCRIBE: StepKind.INGEST,
    StepKind.TRANSLATE: StepKind.TRANSCRIBE,
    StepKind.DUB: StepKind.TRANSLATE,
    StepKind.MIX: StepKind.DUB,
    StepKind.EXPORT: StepKind.MIX,
}
"""What must be done before a step of each kind is ready. What is made on demand only waits until
its language is complete, which it also is after a rendering of changed lines was given up."""

STAGE_OF: Mapping[StepKind, Stage] = {
    StepKind.INGEST: Stage.STT,
    StepKind.TRANSCRIBE: Stage.STT,
    StepKind.TRANSLATE: Stage.TRANSLATING,
    StepKind.DUB: Stage.DUBBING,
    StepKind.MIX: Stage.MIXING,
    StepKind.EXPORT: Stage.EXPORTING,
}
"""The stage that a language is in while a step of each kind runs."""

JOB_NEXT: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.PENDING: frozenset({JobStatus.PROCESSING, JobStatus.ERROR, JobStatus.CANCELLED}),
    JobStatus.PROCESSING: frozenset({JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELLED}),
    # A failed language may be tried again after its job ended.
    JobStatus.COMPLETE: frozenset({JobStatus.PROCESSING}),
    JobStatus.ERROR: frozenset({JobStatus.PROCESSING}),
    JobStatus.CANCELLED: frozenset({JobStatus.PROCESSING}),
}

# Complete from anywhere is a rendering of changed lines that was given up: its files are there.
_ENDS = frozenset({Stage.FAILED, Stage.CANCELLED, Stage.COMPLETE})
STAGE_NEXT: Mapping[Stage, frozenset[Stage]] = {
    Stage.QUEUED: frozenset({Stage.STT, Stage.TRANSLATING, Stage.DUBBING, Stage.MIXING})
    | {Stage.EXPORTING}
    | _ENDS,
    Stage.STT: _ENDS | {Stage.TRANSLATING},
    Stage.TRANSLATING: _ENDS | {Stage.DUBBING},
    Stage.DUBBING: _ENDS | {Stage.MIXING},
    Stage.MIXING: _ENDS | {Stage.EXPORTING},
    Stage.EXPORTING: _ENDS,
    # Queued again is a rendering of changed lines.
    Stage.COMPLETE: frozenset({Stage.QUEUED}),
    Stage.FAILED: frozenset({Stage.QUEUED}),
    Stage.CANCELLED: frozenset(),
}

STEP_NEXT: Mapping[StepStatus, frozenset[StepStatus]] = {
    StepStatus.WAITING: frozenset({StepStatus.READY, StepStatus.CANCELLED}),
    StepStatus.READY: frozenset({StepStatus.RUNNING, StepStatus.CANCELLED}),
    # Running again is another worker's claim after the lease ran out; ready again is a put-off.
    StepStatus.RUNNING: frozenset(
        {StepStatus.RUNNING, StepStatus.READY, StepStatus.DONE, StepStatus.FAILED}
    )
    | {StepStatus.CANCELLED},
    # Waiting again is a language that is tried again, or something that is asked for again.
    StepStatus.DONE: frozenset({StepStatus.WAITING}),
    StepStatus.FAILED: frozenset({StepStatus.WAITING}),
    StepStatus.CANCELLED: frozenset({StepStatus.WAITING}),
}

ENDED = frozenset({Stage.COMPLETE, Stage.FAILED, Stage.CANCELLED})
"""The stages in which nothing more happens to a language by itself."""

SPOKEN = frozenset({Stage.DUBBING, Stage.MIXING, Stage.EXPORTING})
"""The stages past the start of speech, whose work can't be used for anybody else."""

MOST_PREVIEWS_OF_LINE, MOST_PREVIEWS_OF_JOB = 3, 60
"""How often a line is spoken before it is paid for, and how many such previews a job may have."""

MOST_SHORTENINGS_OF_LINE, MOST_SHORTENINGS_OF_JOB = 3, 60
"""The same for asking a translator for a shorter wording."""

OPEN = frozenset({StepStatus.WAITING, StepStatus.READY, StepStatus.RUNNING})
"""The statuses of a step that is still to be done."""
