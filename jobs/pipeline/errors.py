"""Everything that can go wrong in a dub, in one table.

A `PipelineError` carries a stable code; the table gives its sentence and whether trying again can
help. Whether anybody does, and did so in vain, is for who shows the sentence to add.
"""

from dataclasses import dataclass


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
        "This isn't a video or sound file that we can read. Use one of {formats}.",
        recording=True,
    ),
    "EMPTY_FILE": Failure(
        "The file is empty. Choose another one.",
        recording=True,
    ),
    "TRUNCATED": Failure(
        "The file is cut off: its end is missing. Export or upload it again.",
        recording=True,
    ),
    "NO_AUDIO": Failure(
        "The file has no sound track, so there is nothing to dub.",
        recording=True,
    ),
    "NO_SPEECH": Failure(
        "We heard no speech in the sound track, so there is nothing to dub.",
        recording=True,
    ),
    "TOO_LONG": Failure(
        "The file is {actual} long; the limit is {limit}. Cut it into parts.",
        recording=True,
    ),
    "TOO_SHORT": Failure(
        "The file is shorter than one second. Choose a longer one.",
        recording=True,
    ),
    "TOO_LARGE": Failure(
        "The file is {actual}; the limit is {limit}. Compress it or cut it into parts.",
        recording=True,
    ),
    "TOO_MANY_STREAMS": Failure(
        "The file holds {actual} streams; the limit is {limit}. Export a simpler one.",
        recording=True,
    ),
    "PICTURE_TOO_LARGE": Failure(
        "The picture is {actual} pixels; the limit is {limit}. Export a smaller one.",
        recording=True,
    ),
    "ENCRYPTED": Failure(
        "The file is encrypted, so we can't read it. Export it without protection.",
        recording=True,
    ),
    "CORRUPT_AUDIO": Failure(
        "The sound track is damaged and can't be decoded. Export the file again.",
        recording=True,
    ),
    "DURATION_MISMATCH": Failure(
        "Voice ({voice}) and background ({background}) differ by more than one second. "
        "Export both at the same length.",
        recording=True,
    ),
    "LENGTH_CHANGED": Failure(
        "The sound is {actual} long, not {claimed} as the file says. Start again for a new quote.",
        recording=True,
    ),
    "UPLOAD_CHANGED": Failure(
        "The uploaded file changed after the dub was started. Start a new dub.",
        recording=True,
    ),
    "PAIR_UNAVAILABLE": Failure("{source} to {target} isn't available: {reason}."),
    "LANGUAGE_UNKNOWN": Failure("{code} isn't a language that we know. Known: {known}."),
    "LANGUAGE_UNAVAILABLE": Failure("{language} isn't available here: {reason}."),
    "LANGUAGE_TWICE": Failure("{language} is listed twice. List every language once."),
    "MODEL_MISSING": Failure("The {model} model isn't installed. Run: {command}."),
    "MODEL_CORRUPT": Failure("The {model} model is damaged (wrong checksum). Run: {command}."),
    "ENGINE_FAILED": Failure("The {engine} engine failed.", again=True),
    "ENGINE_REFUSED": Failure("The {engine} engine refused this text or sound."),
    "VENDOR_BUSY": Failure("{engine} is busy.", again=True),
    "VENDOR_ACCOUNT": Failure(
        "{engine} needs attention from our staff. Nothing more is charged.",
        again=True,
    ),
    "MEDIA_TOOL": Failure("Working on the sound failed.", again=True),
    "OUT_OF_TIME": Failure("This step took too long and was ended.", again=True),
    "NO_SPACE": Failure("There isn't enough disk space to work.", again=True),
    "NOT_CAPTIONS": Failure(
        "These captions can't be read (line {line}). Send SubRip (.srt) or WebVTT (.vtt)."
    ),
    "STORAGE_AWAY": Failure("Our storage can't be reached.", again=True),
    "CANNOT_READ": Failure("{path} can't be read. Check the path and its permissions."),
    "CANNOT_WRITE": Failure("{path} can't be written. Check the path and its permissions."),
    "OUTPUT_EXISTS": Failure(
        "{path} is already there. Choose another folder with --out, or use --force."
    ),
    "STEP_DIED": Failure(
        "This part failed three times without a reason we can see. Our staff was told."
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
