"""What every offline engine is worth in every language: `python -m tests.bench.languages`.

Our own sentences are translated, spoken, and heard again by Whisper base, whose own errors are in
the figures. Prints the tables of docs/languages.md, and with --texts what was translated.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from jobs.pipeline.hear import CHARACTERS, line_errors
from jobs.pipeline.languages import LANGUAGES
from jobs.pipeline.ports import Line, Tone, Translator, Voice
from jobs.pipeline.timeline import PlacedLine
from jobs.providers.apertium import Apertium
from jobs.providers.faster_whisper import FasterWhisper
from jobs.providers.kokoro import Kokoro
from jobs.providers.pico import Pico
from jobs.providers.qwen import Qwen
from jobs.providers.qwen_prompts import TRANSLATED
from tests.bench.sentences import SENTENCES

RATE = 16_000
PAUSE = 1.5  # seconds between two sentences
AUDIBLE = 0.01
SHORTER = 0.9  # of its length: what counts as a shorter wording

Texts = Mapping[int, str]
Way = tuple[str, Voice, Texts]  # the translator's name, an engine that speaks, what it shall say


@dataclass(frozen=True, slots=True)
class Sound:
    """One voice's sentences, placed one after the other, and the seconds that it took."""

    lines: tuple[PlacedLine, ...]
    samples: NDArray[np.float32]
    spoken: float
    took: float

    @property
    def pace(self) -> float:
        """Characters a second."""
        return sum(len(line.text) for line in self.lines) / self.spoken


def translated(translator: Translator, target: str) -> tuple[Texts, float]:
    """The sentences in `target`, and the seconds that one took."""
    lines = [Line(number, text, 4.0) for number, text in enumerate(SENTENCES)]
    began = time.monotonic()
    texts = asked(translator, lines, target)
    return texts, (time.monotonic() - began) / len(lines)


def asked(translator: Translator, lines: Sequence[Line], target: str) -> Texts:
    """What a translator makes of the lines."""
    return translator.translate(
        lines, source="en", target=target, context=(), terms={}, tone=Tone.NEUTRAL
    )


def shortened(translator: Translator, texts: Texts, target: str) -> Texts:
    """Those sentences for which the translator knows a clearly shorter wording."""
    lines = [
        Line(number, SENTENCES[number], 2.0, earlier=text, spoken=3.0)
        for number, text in texts.items()
    ]
    answers = asked(translator, lines, target)
    return {
        number: text
        for number, text in answers.items()
        if len(text) <= SHORTER * len(texts[number])
    }


def spoken(voice: Voice, voice_id: str, texts: Texts, target: str) -> Sound:
    """The texts as that voice says them, after a first line that only starts the engine."""
    voice.speak(next(iter(texts.values())), language=target, voice=voice_id)
    silence = np.zeros(round(PAUSE * RATE), np.float32)
    track, lines, total, took, place = [silence], [], 0.0, 0.0, PAUSE
    for number, text in texts.items():
        began = time.monotonic()
        speech = voice.speak(text, language=target, voice=voice_id)
        took += time.monotonic() - began
        heard = np.flatnonzero(np.abs(speech.samples) > AUDIBLE)
        sound = soxr.resample(speech.samples[heard[0] : heard[-1]], speech.sample_rate, RATE)
        seconds = sound.size / RATE
        lines.append(placed(number, place, place + seconds, text, voice_id))
        track += [sound, silence]
        total, place = total + seconds, place + seconds + PAUSE
    return Sound(tuple(lines), np.concatenate(track), total, took)


def placed(number: int, start: float, end: float, text: str, voice: str) -> PlacedLine:
    """A sentence where it stands in the track."""
    return PlacedLine(
        number, start, end, text, speaker=0, voice=voice, speed=1.0, borrowed=0, early=0, late=0
    )


def measure(
    ways: Sequence[Way], target: str, ears: FasterWhisper, folder: Path, *, every: bool
) -> Iterator[str]:
    """One row for each voice: how it was understood. Of an engine the first one, unless `every`."""
    for name, voice, texts in ways:
        able = [one for one in voice.engine.voices if one.language.partition("-")[0] == target]
        for one in able if every else able[:1]:
            sound = spoken(voice, one.id, texts, target)
            file = folder / "speech.flac"
            soundfile.write(file, sound.samples, RATE)
            heard = ears.transcribe(file, language=target)
            errors = line_errors(sound.lines, heard, target).values()
            counted = "characters" if target in CHARACTERS else "words"
            yield (
                f"| {LANGUAGES[target].name} | {name} | {voice.engine.name} {one.id} "
                f"| {median(errors):.1%} | {sum(errors) / len(errors):.1%} {counted} "
                f"| {sound.pace:.1f} | {sound.took / sound.spoken:.2f} |"
            )


def tell(line: str) -> None:
    """Print at once: some rows take a minute."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def translations(
    target: str, qwen: Qwen, options: argparse.Namespace
) -> Iterator[tuple[str, Texts]]:
    """What every translator that knows the language makes of the sentences, with its name."""
    if target == "en":
        yield "none", dict(enumerate(SENTENCES))
    for translator in (qwen, Apertium()):
        tried = TRANSLATED if isinstance(translator, Qwen) else {"es"}
        if target not in tried:
            continue
        texts, seconds = translated(translator, target)
        tell(f"{translator.engine.name}, {target}: {seconds:.1f} s a sentence")
        for text in texts.values() if options.texts else ():
            tell(f"  {text}")
        if options.shorter and translator.rewords:
            short = shortened(translator, texts, target)
            tell(f"{len(short)} of {len(texts)} clearly shorter when asked")
            for text in short.values() if options.texts else ():
                tell(f"  {text}")
        yield translator.engine.name, texts


def main() -> None:
    """Measure the languages asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", default=list(LANGUAGES), help="codes, as in es fr")
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--texts", action="store_true", help="print the translations, too")
    parser.add_argument("--shorter", action="store_true", help="ask for shorter wordings, too")
    parser.add_argument("--silent", action="store_true", help="only translate")
    parser.add_argument("--voices", action="store_true", help="every voice, not one of an engine")
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        qwen, kokoro = Qwen(options.models, slots=folder), Kokoro(options.models, slots=folder)
        pico, ears = Pico(), FasterWhisper(options.models, slots=folder)
        for target in options.languages:
            every = list(translations(target, qwen, options))
            ways = [
                (translator, voice, said)
                for translator, said in every
                for voice in (() if options.silent else (kokoro, pico))
            ]
            for row in measure(ways, target, ears, folder, every=options.voices):
                tell(row)
        kokoro.close()
        pico.close()


if __name__ == "__main__":
    main()
