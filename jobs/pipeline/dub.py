"""The recipe: how a recording becomes a dub.

Read this file first. One function per step, each from frozen values to frozen values; `dub_file`
calls them in order for the command line, and the worker calls the same ones step by step, with a
`Desk` that keeps what was bought, shows how far it is, and says when to stop.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs.pipeline import analysis, captions, hear, manifest, receipt, segment
from jobs.pipeline import export as exporting
from jobs.pipeline import ingest as ingesting
from jobs.pipeline import mix as mixing
from jobs.pipeline import speak as speaking
from jobs.pipeline import translate as translating
from jobs.pipeline.cast import cast
from jobs.pipeline.languages import find, tag
from jobs.pipeline.ports import Desk, Transcriber, Translator, Voice, VoiceInfo
from jobs.pipeline.probe import Limits, probe
from jobs.pipeline.receipt import Receipt
from jobs.pipeline.timeline import Dub, Mix, Source, Stems, Transcript, Translation


@dataclass(frozen=True, slots=True)
class Route:
    """The engines that make one language."""

    translator: Translator
    voice: Voice
    voices: tuple[VoiceInfo, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """What a customer may choose.

    loudness is LUFS, None for "as loud as the source". keep_original_db is how far the one mixed
    track goes down under speech (dB, negative), None for silence. voices: speaker to voice id.
    By the index of their segment: line_voices are voices for single lines; the lines of `kept` stay
    as they were recorded, those of `muted` are not spoken at all.
    """

    loudness: float | None = -14.0
    keep_original_db: float | None = -20.0
    voices: Mapping[int, str] = field(default_factory=dict)
    wav: bool = False
    line_voices: Mapping[int, str] = field(default_factory=dict)
    kept: frozenset[int] = frozenset()
    muted: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Deliverables:
    """One language, finished: files by kind, and what was measured on them."""

    files: Mapping[str, Path]
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Engines:
    """Everything that hears, translates and speaks.

    route gives the engines from one language (None: not known yet) to another, or raises a
    PipelineError that says why there are none. hearing listens to the dub again; None: nobody does.
    """

    transcriber: Transcriber
    route: Callable[[str | None, str], Route]
    hearing: Transcriber | None = None


@dataclass(frozen=True, slots=True)
class Dubbed:
    """A whole recording, dubbed: every language, and one video that holds them all."""

    transcript: Transcript
    languages: Mapping[str, Deliverables]
    video: Path | None


def ingest(
    voice: Path, background: Path | None, *, limits: Limits, folder: Path, desk: Desk
) -> tuple[Source, Stems]:
    """Look at what was uploaded and decode its sound, once."""
    desk.progress("ingest", 0, 1)
    source = probe(voice, limits=limits)
    music = probe(background, limits=limits) if background else None
    stems = ingesting.ingest(source, music, folder, stop=desk.stop)
    desk.progress("ingest", 1, 1)
    return source, stems


def transcribe(
    stems: Stems, *, transcriber: Transcriber, hint: str | None, desk: Desk
) -> Transcript:
    """Hear what is said, and cut it into lines where the voice really starts and stops."""
    desk.progress("transcribe", 0, 1)
    recognition = transcriber.transcribe(stems.speech, language=hint)
    desk.stop()
    transcript = segment.segments(recognition, analysis.speech_edges(stems.speech))
    desk.progress("transcribe", 1, 1)
    return transcript


def translate(transcript: Transcript, *, route: Route, target: str, desk: Desk) -> Translation:
    """Say every line in another language, within the time that it has."""
    return translating.translate(transcript, route.translator, target=target, desk=desk)


def translate_again(
    transcript: Transcript, only: Collection[int], *, route: Route, target: str, desk: Desk
) -> Mapping[int, str]:
    """Say some lines anew whose original was corrected, by segment index; "" where that failed."""
    return translating.translate_lines(
        transcript, route.translator, target=target, desk=desk, only=only
    )


def dub(
    stems: Stems,
    transcript: Transcript,
    translation: Translation,
    *,
    route: Route,
    options: Options,
    desk: Desk,
    folder: Path,
) -> Dub:
    """Speak every line, measure it, make it fit, and place it."""
    speakers = {part.speaker for part in transcript.segments}
    return speaking.speak(
        transcript,
        translation,
        voice=route.voice,
        translator=route.translator,
        cast=cast(speakers, route.voices, chosen=options.voices),
        line_voices=options.line_voices,
        unspoken=options.kept | options.muted,
        samples=stems.samples,
        desk=desk,
        folder=folder,
    )


def mix(
    stems: Stems, transcript: Transcript, spoken: Dub, *, options: Options, desk: Desk, folder: Path
) -> Mix:
    """Put the dubbed voice where the original was, over the background."""
    desk.progress("mix", 0, 1)
    mixed = mixing.mix(
        stems,
        spoken,
        transcript,
        target_lufs=options.loudness,
        keep_original_db=options.keep_original_db,
        kept=options.kept,
        folder=folder,
    )
    desk.progress("mix", 1, 1)
    return mixed


def export(
    source: Source,
    stems: Stems,
    transcript: Transcript,
    spoken: Dub,
    mixed: Mix,
    *,
    route: Route,
    options: Options,
    hearing: Transcriber | None,
    desk: Desk,
    folder: Path,
) -> Deliverables:
    """Write what the customer downloads, and measure it.

    `hearing` is the recognizer that listens to the dub again, None where that is switched off.
    """
    desk.progress("export", 0, 3)
    cues = captions.cues(spoken, language=spoken.language)
    files = exporting.encode(mixed, spoken, folder=folder, wav=options.wav)
    files |= captions.write(cues, folder)
    if source.picture:
        tracks = [language_track(spoken.language, files)]
        files["video"] = mux(source, tracks, original=transcript.language, folder=folder)
    desk.progress("export", 1, 3)
    heard = hear.again(spoken, hearing, folder) if hearing else None
    desk.progress("export", 2, 3)
    measured = receipt.measure(transcript, spoken, mixed, cues, files, stems.samples, heard)
    engines = {"translation": route.translator.engine, "speech": route.voice.engine}
    files |= manifest.write(
        source,
        stems,
        transcript,
        spoken,
        mixed.loudness,
        files,
        measured,
        engines=engines,
        folder=folder,
    )
    desk.progress("export", 3, 3)
    return Deliverables(files, measured)


def mux(source: Source, tracks: Sequence[exporting.Track], *, original: str, folder: Path) -> Path:
    """One video: the picture as it was, the original sound, and every track given.

    `original` is the language of the original sound, BCP 47.
    """
    return exporting.mux(source, tracks, original=tag(original), out=folder / "video")


def language_track(language: str, files: Mapping[str, Path]) -> exporting.Track:
    """The sound and the captions of one language, as they go into a video."""
    return exporting.Track(
        language=tag(language),
        title=find(language).name,
        sound=files["full_m4a"],
        captions=files["srt"],
    )


def dub_file(
    voice: Path,
    background: Path | None,
    *,
    targets: Sequence[str],
    hint: str | None,
    engines: Engines,
    options: Options,
    limits: Limits,
    folder: Path,
    desk: Desk,
) -> Dubbed:
    """Dub one recording into every language of `targets`, without queue or rows.

    `hint` is the language spoken, None to detect it. Everything is written below `folder`. Raises
    PipelineError before any work when a language can't be made here.
    """
    for target in targets:
        engines.route(hint, target)
    source, stems = ingest(voice, background, limits=limits, folder=folder, desk=desk)
    transcript = transcribe(stems, transcriber=engines.transcriber, hint=hint, desk=desk)
    routes = {target: engines.route(transcript.language, target) for target in targets}
    languages = {}
    for target, route in routes.items():
        own = folder / target
        own.mkdir()
        translation = translate(transcript, route=route, target=target, desk=desk)
        spoken = dub(
            stems, transcript, translation, route=route, options=options, desk=desk, folder=own
        )
        mixed = mix(stems, transcript, spoken, options=options, desk=desk, folder=own)
        languages[target] = export(
            source,
            stems,
            transcript,
            spoken,
            mixed,
            route=route,
            options=options,
            hearing=engines.hearing,
            desk=desk,
            folder=own,
        )
    video = None
    if source.picture:
        tracks = [language_track(target, made.files) for target, made in languages.items()]
        video = mux(source, tracks, original=transcript.language, folder=folder)
    return Dubbed(transcript, languages, video)
