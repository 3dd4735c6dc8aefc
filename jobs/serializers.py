"""What the API of jobs takes and gives, field by field.

Whatever isn't named here is not read. What the fields mean for the business is for the services.
"""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.models.glossary import LONGEST_TERM
from jobs.pipeline.ports import Tone

STATUSES = ("pending", "uploading", "processing", "generating", "finalizing", "complete", "error")
STAGES = (
    "queued",
    "stt",
    "translating",
    "dubbing",
    "mixing",
    "exporting",
    "complete",
    "failed",
    "cancelled",
)
ROLES = ("voice", "background")


class Form(serializers.Serializer[Any]):
    """Something that is sent to us."""


class Codes(serializers.ListField):
    """Codes of languages."""

    child = serializers.CharField(max_length=20)

    def __init__(self, **options: Any) -> None:
        """Take between one and ten."""
        super().__init__(min_length=1, max_length=10, **options)


class OfEachRole(Form):
    """A text for each file."""

    voice = serializers.CharField(max_length=100, required=False, allow_null=True)
    background = serializers.CharField(max_length=100, required=False, allow_null=True)


class SizeOfEachRole(Form):
    """The bytes of each file."""

    voice = serializers.IntegerField(min_value=1, max_value=2**53, required=False, allow_null=True)
    background = serializers.IntegerField(
        min_value=1, max_value=2**53, required=False, allow_null=True
    )


class UploadUrlsForm(Form):
    """Which files shall be sent."""

    languages = Codes()
    voice_track_name = serializers.CharField(max_length=1000)
    background_track_name = serializers.CharField(
        max_length=1000, required=False, allow_null=True, allow_blank=True
    )
    content_types = OfEachRole(required=False, allow_null=True)
    sizes = SizeOfEachRole(required=False, allow_null=True)


class UploadUrls(Form):
    """Where they go."""

    voice_track = serializers.URLField()
    background_track = serializers.URLField(required=False)


class UploadUrlsAnswer(Form):
    """The job to be, and where its files go."""

    job_id = serializers.CharField()
    upload_urls = UploadUrls()
    voice_track_path = serializers.CharField()
    background_track_path = serializers.CharField(required=False)


class OptionTerm(Form):
    """A word of the recording, and how it is to be said: null leaves it as it is."""

    source = serializers.CharField(max_length=LONGEST_TERM)  # type: ignore[assignment]
    target = serializers.CharField(max_length=LONGEST_TERM, allow_null=True)
    language = serializers.CharField(
        required=False, allow_null=True, help_text="For this language only."
    )


class Options(Form):
    """What may be chosen for a job; whatever is left out is as it always is."""

    # These only describe what may be sent. options.checked reads it: it knows the job's languages.

    review = serializers.BooleanField(
        required=False, allow_null=True, help_text="Wait for `start` once the recording is heard."
    )
    variants = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text='Which variant of a language, such as `{"es": "es-MX"}`; see `/api/languages`.',
    )
    voices = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField(max_length=100)),
        required=False,
        allow_null=True,
        help_text="Who speaks for a speaker, counted from 0, such as "
        '`{"es": {"0": "aura-2-celeste-es"}}`; see `/api/languages`.',
    )
    tone = serializers.ChoiceField([str(tone) for tone in Tone], required=False, allow_null=True)
    glossary = OptionTerm(many=True, required=False, allow_null=True)
    loudness = serializers.ChoiceField(
        ["-14", "source"],
        required=False,
        allow_null=True,
        help_text="In LUFS (a string), or as loud as the original. -14 if left out.",
    )
    keep_original_db = serializers.ChoiceField(
        [-20],
        required=False,
        allow_null=True,
        help_text="How loud the original voice stays under the dub, where no background was sent; "
        "null takes it away. -20 if left out.",
    )
    wav = serializers.BooleanField(
        required=False, allow_null=True, help_text="Make WAV files at once, not when asked for."
    )
    transcript_srt = serializers.CharField(
        required=False, allow_null=True, help_text="Captions that say what was said."
    )
    translations_srt = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text="Captions that say what is to be said, by language.",
    )
    speech = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text='Which engine speaks a language, such as `{"ja": "polly"}`.',
    )
    translation = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text='Who translates into a language, such as `{"ja": "openai"}`.',
    )


@extend_schema_field(Options)
class OptionsField(serializers.DictField):
    """What was chosen, as it was sent."""


class JobForm(Form):
    """Which dub is wanted. Addresses and lengths are hints: we know our own."""

    job_id = serializers.CharField(max_length=40)
    voice_track_uploaded = serializers.BooleanField()
    background_track_uploaded = serializers.BooleanField(
        required=False, default=False, allow_null=True
    )
    languages = Codes()
    voice_track_url = serializers.CharField(
        max_length=4000, required=False, allow_null=True, allow_blank=True
    )
    background_track_url = serializers.CharField(
        max_length=4000, required=False, allow_null=True, allow_blank=True
    )
    voice_track_duration = serializers.FloatField(required=False, allow_null=True)
    background_track_duration = serializers.FloatField(required=False, allow_null=True)
    source_language = serializers.CharField(
        max_length=20, required=False, allow_null=True, allow_blank=True
    )
    title = serializers.CharField(
        max_length=1000, required=False, allow_null=True, allow_blank=True
    )
    options = OptionsField(required=False, allow_null=True)


class JobAnswer(Form):
    """The job that was made."""

    jobId = serializers.CharField()
    job_id = serializers.CharField()
    credit_cost = serializers.IntegerField()


class LanguagesForm(Form):
    """Languages to add."""

    languages = Codes()


class ListQuery(Form):
    """Which jobs to list."""

    limit = serializers.IntegerField(min_value=1, max_value=100, default=10)
    offset = serializers.IntegerField(min_value=0, max_value=2**31, default=0)
    status = serializers.ChoiceField(STATUSES, required=False)


class PageQuery(Form):
    """Which part of a list."""

    limit = serializers.IntegerField(min_value=1, max_value=100, default=50)
    offset = serializers.IntegerField(min_value=0, max_value=2**31, default=0)


class DownloadQuery(Form):
    """Which file is wanted."""

    lang = serializers.CharField(max_length=20)
    type = serializers.ChoiceField(
        ["full", "voice", "captions", "vtt", "video", "transcript", "manifest", "bundle"],
        default="full",
    )
    format = serializers.ChoiceField(["mp3", "m4a", "wav"], required=False)


class LinkAnswer(Form):
    """A link that can be used once, and until when it can be."""

    url = serializers.URLField()
    expires_at = serializers.DateTimeField(allow_null=True)


class JobLanguage(Form):
    """One language of a job."""

    languageCode = serializers.CharField()
    languageName = serializers.CharField()
    flag = serializers.CharField()
    status = serializers.ChoiceField([one for one in STATUSES if one != "uploading"])
    stage = serializers.ChoiceField(STAGES)
    progress = serializers.IntegerField(min_value=0, max_value=100)
    message = serializers.CharField()
    estimatedTimeRemaining = serializers.IntegerField(allow_null=True)
    fileSize = serializers.IntegerField(allow_null=True)
    downloadUrl = serializers.URLField(allow_null=True)
    error = serializers.CharField(allow_null=True)


class Links(Form):
    """The links of a complete language."""

    voice = serializers.URLField()
    full = serializers.URLField()
    captions = serializers.URLField(required=False)


class Job(Form):
    """A job with all of its languages."""

    id = serializers.CharField()
    status = serializers.ChoiceField(STATUSES)
    progress = serializers.IntegerField(min_value=0, max_value=100)
    message = serializers.CharField()
    languages = JobLanguage(many=True)
    totalLanguages = serializers.IntegerField()
    completedLanguages = serializers.IntegerField()
    startedAt = serializers.DateTimeField(allow_null=True)
    estimatedCompletion = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    title = serializers.CharField()
    voice_track_duration = serializers.FloatField()
    target_languages = serializers.ListField(child=serializers.CharField())
    background_track_uploaded = serializers.BooleanField()
    credit_cost = serializers.IntegerField()
    credits_refunded = serializers.IntegerField()
    download_urls = serializers.DictField(child=Links())


class OfferedVoice(Form):
    """A voice that can be chosen."""

    id = serializers.CharField()
    name = serializers.CharField()
    gender = serializers.CharField()
    premium = serializers.BooleanField()


class OfferedLanguage(Form):
    """A language that a dub can be in."""

    code = serializers.CharField()
    name = serializers.CharField()
    flag = serializers.CharField()
    classification = serializers.ChoiceField(["common", "uncommon", "rare"])
    multiplier = serializers.FloatField()
    quality = serializers.ChoiceField(["studio", "draft"])
    available = serializers.BooleanField()
    variants = serializers.ListField(child=serializers.CharField())
    voices = OfferedVoice(many=True)


class DownloadEntry(Form):
    """One download of the past."""

    id = serializers.CharField()
    job_id = serializers.CharField()
    job_title = serializers.CharField()
    language_code = serializers.CharField()
    language_name = serializers.CharField()
    file_type = serializers.CharField()
    file_name = serializers.CharField()
    file_size = serializers.IntegerField()
    downloaded_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    is_expired = serializers.BooleanField()
    download_url = serializers.URLField(allow_null=True)
