"""The recipe: how a recording becomes a dub.

Read this file first. One function per step, each from frozen values to frozen values; `dub_file`
calls them in order for the command line, and the worker calls the same ones step by step, with a
`Desk` that keeps what was bought, shows how far it is, and says when to stop.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from jobs.pipeline import analysis, captions, hear, listen, manifest, receipt, segment, subtitles
from jobs.pipeline import export as exporting
from jobs.pipeline import ingest as ingesting
from jobs.pipeline import mix as mixing
from jobs.pipeline import speak as speaking
from jobs.pipeline import translate as translating
from jobs.pipeline.cast import cast, known
from jobs.pipeline.languages import find, tag
from jobs.pipeline.parallel import both
from jobs.pipeline.ports import Desk, Tone, Transcriber, Translator, Voice, VoiceInfo
from jobs.pipeline.probe import Limits, probe
from jobs.pipeline.program import Stop
from jobs.pipeline.receipt import Receipt
from jobs.pipeline.reword import shorter_wording
from jobs.pipeline.studio import take_key
from jobs.pipeline.timeline import Dub, Mix, Segment, Source, Stems, Transcript, Translation


@dataclass(frozen=True, slots=True)
class Route:
    """The engines that make one language."""

    translator: Translator
    voice: Voice
    voices: tuple[VoiceInfo, ...]


class Routes(Protocol):
    """Finds the engines that make a language."""

    def __call__(
        self, source: str | None, target: str, speech: str = "", translation: str = ""
    ) -> Route:
        """The engines from one language (None: not known yet) to another.

        `speech` and `translation` name who is to speak and to translate, "" for whoever is first.
        Raises a PipelineError that says why there are none.
        """


@dataclass(frozen=True, slots=True)
class Options:
    """What a customer may choose.

    loudness is LUFS, None for "as loud as the source". keep_original_db is how far the one mixed
    track goes down under speech (dB, negative), None for silence. voices: speaker to voice id.
    By the index of their segment: line_voices are voices for single lines, obeyed where the engine
    has them; the lines of `kept` stay as they were recorded, those of `muted` aren't spoken at all.
    terms: words of the recording, and how they are to be said. fuller: whether a line that leaves
    much silence may be worded anew. usual_voices are those that speakers had before, voices are
    wanted now. captions: SRT or VTT in the language of the dub, "" for none; what they say is not
    translated.
    Nobody chooses may_be_silent: whether a line stays silent at which an engine fails for now. Else
    all of `dub` fails, to be tried again later.
    """

    loudness: float | None = -14.0
    keep_original_db: float | None = -20.0
    voices: Mapping[int, str] = field(default_factory=dict)
    usual_voices: Mapping[int, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)
    tone: Tone = Tone.NEUTRAL
    fuller: bool = True
    wav: bool = False
    line_voices: Mapping[int, str] = field(default_factory=dict)
    kept: frozenset[int] = frozenset()
    muted: frozenset[int] = frozenset()
    captions: str = ""
    may_be_silent: bool = True


@dataclass(frozen=True, slots=True)
class Deliverables:
    """One language, finished: files by kind, and what was measured on them."""

    files: Mapping[str, Path]
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Engines:
    """Everything that hears, translates and speaks.

    hearing listens to the dub again; None: nobody does.
    """

    transcriber: Transcriber
    route: Routes
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
    with analysis.Listener(stems.speech, stop=desk.stop) as listener:
        recognition, edges = both(
            lambda: listen.once(transcriber, stems.speech, hint=hint, desk=desk),
            listener.edges,
        )
        pitches = listener.pitches(segment.turns(recognition))
    transcript = replace(segment.segments(recognition, edges), pitches=pitches)
    desk.progress("transcribe", 1, 1)
    return transcript


def translate(
    transcript: Transcript, *, route: Route, target: str, options: Options, desk: Desk
) -> Translation:
    """Say every line in another language, within the time that it has.

    Where the customer brought captions in that language, they are what is said.
    """
    return translating.translate(
        transcript,
        route.translator,
        target=target,
        desk=desk,
        terms=options.terms,
        tone=options.tone,
        given=subtitles.texts(options.captions, transcript, language=target),
        parallel=route.translator.engine.at_once,
    )


def translate_again(
    transcript: Transcript,
    only: Collection[int],
    *,
    route: Route,
    target: str,
    options: Options,
    desk: Desk,
) -> Mapping[int, str | None]:
    """Say lines anew whose original was corrected, by segment index; empty where that failed."""
    return translating.translate_lines(
        transcript,
        route.translator,
        target=target,
        desk=desk,
        only=only,
        terms=options.terms,
        tone=options.tone,
        parallel=route.translator.engine.at_once,
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
    return speaking.speak(
        transcript,
        translation,
        voice=route.voice,
        translator=route.translator,
        cast=voices_of(transcript, route=route, options=options),
        line_voices=known(options.line_voices, route.voices),
        unspoken=options.kept | options.muted,
        samples=stems.samples,
        desk=desk,
        folder=folder,
        terms=options.terms,
        tone=options.tone,
        fuller=options.fuller,
        may_be_silent=options.may_be_silent,
        parallel=route.voice.engine.at_once,
    )


def voices_of(transcript: Transcript, *, route: Route, options: Options) -> dict[int, str]:
    """The id of the voice that `dub` gives each speaker."""
    return cast(
        {part.speaker for part in transcript.segments},
        route.voices,
        chosen=options.voices,
        usual=options.usual_voices,
        pitches=transcript.pitches,
    )


def line_voice(segment: Segment, transcript: Transcript, *, route: Route, options: Options) -> str:
    """The id of the voice that `dub` gives a line of this transcript."""
    chosen = known(options.line_voices, route.voices).get(segment.index)
    return chosen or voices_of(transcript, route=route, options=options)[segment.speaker]


def preview_key(text: str, *, route: Route, target: str, voice: str) -> str:
    """What a desk remembers this text by, spoken in this voice."""
    return take_key(route.voice.engine, text, language=target, who=voice)


def preview(text: str, *, route: Route, target: str, voice: str, desk: Desk) -> bytes:
    """Speak one line, as a WAV file that `dub` begins with where it comes to the same text."""
    return speaking.speak_line(text, voice=route.voice, language=target, who=voice, desk=desk)


def shorten(
    transcript: Transcript,
    *,
    index: int,
    text: str,
    spoken: float,
    duration: float,
    route: Route,
    target: str,
    options: Options,
    desk: Desk,
) -> str:
    """A shorter wording for one line that takes `spoken` seconds to say, "" where there is none."""
    task = translating.Task(
        route.translator, transcript.language, target, desk, options.terms, options.tone
    )
    return shorter_wording(
        task, transcript, index=index, text=text, spoken=spoken, duration=duration
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
        stop=desk.stop,
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
    Where it fails, the dub is finished all the same, and its receipt says that nobody listened.
    """
    desk.progress("export", 0, 3)
    cues = captions.cues(spoken, language=spoken.language)
    files = exporting.encode(mixed, spoken, folder=folder, wav=options.wav, stop=desk.stop)
    files |= captions.write(cues, folder)
    if source.picture:
        tracks = [language_track(spoken.language, files)]
        files["video"] = mux(
            source, tracks, original=transcript.language, folder=folder, stop=desk.stop
        )
    desk.progress("export", 1, 3)
    heard = hear.again(spoken, hearing, folder, desk=desk) if hearing else None
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


def mux(
    source: Source,
    tracks: Sequence[exporting.Track],
    *,
    original: str,
    folder: Path,
    stop: Stop | None = None,
) -> Path:
    """One video: the picture as it was, the original sound, and every track given.

    `original` is the language of the original sound, BCP 47.
    """
    return exporting.mux(source, tracks, original=tag(original), out=folder / "video", stop=stop)


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
        translation = translate(transcript, route=route, target=target, options=options, desk=desk)
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
        video = mux(source, tracks, original=transcript.language, folder=folder, stop=desk.stop)
    return Dubbed(transcript, languages, video)
