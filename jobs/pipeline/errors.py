"""Everything that can go wrong in a dub, in one table.

A `PipelineError` carries a stable code; the table gives its sentence and whether trying again can
help. Whether anybody does, and did so in vain, is for who shows the sentence to add.
"""

from dataclasses import dataclass


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for translators, by the name that their tools look for."""
    return sentence


@dataclass(frozen=True, slots=True)
class Failure:
    """One row of the table. sentence may have {fields} that the error fills in.

    recording says that it lies in what was sent: only another recording helps.
    """

    sentence: str
    again: bool = False
    recording: bool = False


FAILURES: dict[str, Failure] = {
    "NOT_MEDIA": Failure(
        gettext_noop("This isn't a video or sound file that we can read. Use one of {formats}."),
        recording=True,
    ),
    "EMPTY_FILE": Failure(
        gettext_noop("The file is empty. Choose another one."),
        recording=True,
    ),
    "TRUNCATED": Failure(
        gettext_noop("The file is cut off: its end is missing. Export or upload it again."),
        recording=True,
    ),
    "NO_AUDIO": Failure(
        gettext_noop("The file has no sound track, so there is nothing to dub."),
        recording=True,
    ),
    "NO_SPEECH": Failure(
        gettext_noop("We heard no speech in the sound track, so there is nothing to dub."),
        recording=True,
    ),
    "TOO_LONG": Failure(
        gettext_noop("The file is {actual} long; the limit is {limit}. Cut it into parts."),
        recording=True,
    ),
    "TOO_SHORT": Failure(
        gettext_noop("The file is shorter than one second. Choose a longer one."),
        recording=True,
    ),
    "TOO_LARGE": Failure(
        gettext_noop(
            "The file is {actual}; the limit is {limit}. Compress it or cut it into parts."
        ),
        recording=True,
    ),
    "TOO_MANY_STREAMS": Failure(
        gettext_noop(
            "The file holds {actual} streams; the limit is {limit}. Export a simpler one."
        ),
        recording=True,
    ),
    "PICTURE_TOO_LARGE": Failure(
        gettext_noop("The picture is {actual} pixels; the limit is {limit}. Export a smaller one."),
        recording=True,
    ),
    "ENCRYPTED": Failure(
        gettext_noop("The file is encrypted, so we can't read it. Export it without protection."),
        recording=True,
    ),
    "CORRUPT_AUDIO": Failure(
        gettext_noop("The sound track is damaged and can't be decoded. Export the file again."),
        recording=True,
    ),
    "DURATION_MISMATCH": Failure(
        gettext_noop(
            "Voice ({voice}) and background ({background}) differ by more than one second. "
            "Export both at the same length."
        ),
        recording=True,
    ),
    "LENGTH_CHANGED": Failure(
        gettext_noop(
            "The sound is {actual} long, not {claimed} as the file says. "
            "Start again for a new quote."
        ),
        recording=True,
    ),
    "UPLOAD_CHANGED": Failure(
        gettext_noop("The uploaded file changed after the dub was started. Start a new dub."),
        recording=True,
    ),
    "PAIR_UNAVAILABLE": Failure(gettext_noop("{source} to {target} isn't available: {reason}.")),
    "LANGUAGE_UNKNOWN": Failure(
        gettext_noop("{code} isn't a language that we know. Known: {known}.")
    ),
    "LANGUAGE_UNAVAILABLE": Failure(gettext_noop("{language} isn't available here: {reason}.")),
    "LANGUAGE_TWICE": Failure(
        gettext_noop("{language} is listed twice. List every language once.")
    ),
    "MODEL_MISSING": Failure(gettext_noop("The {model} model isn't installed. Run: {command}.")),
    "MODEL_CORRUPT": Failure(
        gettext_noop("The {model} model is damaged (wrong checksum). Run: {command}.")
    ),
    "ENGINE_FAILED": Failure(gettext_noop("The {engine} engine failed."), again=True),
    "ENGINE_REFUSED": Failure(gettext_noop("The {engine} engine refused this text or sound.")),
    "VENDOR_BUSY": Failure(gettext_noop("{engine} is busy."), again=True),
    "VENDOR_ACCOUNT": Failure(
        gettext_noop("{engine} needs attention from our staff. Nothing more is charged."),
        again=True,
    ),
    "MEDIA_TOOL": Failure(gettext_noop("Working on the sound failed."), again=True),
    "OUT_OF_TIME": Failure(gettext_noop("This step took too long and was ended."), again=True),
    "NO_SPACE": Failure(gettext_noop("There isn't enough disk space to work."), again=True),
    "NOT_CAPTIONS": Failure(
        gettext_noop(
            "These captions can't be read (line {line}). Send SubRip (.srt) or WebVTT (.vtt)."
        )
    ),
    "STORAGE_AWAY": Failure(gettext_noop("Our storage can't be reached."), again=True),
    "CANNOT_READ": Failure(
        gettext_noop("{path} can't be read. Check the path and its permissions.")
    ),
    "CANNOT_WRITE": Failure(
        gettext_noop("{path} can't be written. Check the path and its permissions.")
    ),
    "OUTPUT_EXISTS": Failure(
        gettext_noop("{path} is already there. Choose another folder with --out, or use --force.")
    ),
    "STEP_DIED": Failure(
        gettext_noop(
            "This part failed three times without a reason we can see. Our staff was told."
        )
    ),
}


class PipelineError(Exception):
    """Something that stops a step.

    `code` is a key of FAILURES; `fields` fill its sentence, which never holds customers' words.
    `detail` is for logs only and never shown.
    """

    def __init__(
        self, code: str, /, *, detail: str = "", after: float | None = None, **fields: object
    ) -> None:
        self.code = code
        self.failure = FAILURES[code]
        self.detail = detail
        self.fields = fields
        self.after = after  # seconds until trying again makes sense, where the other side said so
        super().__init__(self.failure.sentence.format(**fields))

    @property
    def again(self) -> bool:
        """Whether trying again can help."""
        return self.failure.again


class ProviderFailed(PipelineError):
    """An engine or vendor failed; its code is one of the ENGINE_ or VENDOR_ rows."""


class Stopped(Exception):
    """The work is no longer wanted (cancelled, overtaken by another worker, or interrupted)."""
