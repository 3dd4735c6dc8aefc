"""The mix: the dubbed voice where the original voice was, over what was behind it.

Everything is made block by block, so that three hours need no more memory than three minutes.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from jobs.pipeline import duck, loudness
from jobs.pipeline.duck import Envelope, Span
from jobs.pipeline.program import Stop
from jobs.pipeline.timeline import SAMPLE_RATE, Dub, Mix, Stems, Transcript

BLOCK = SAMPLE_RATE  # samples made at a time
FRAME = SAMPLE_RATE // 20  # samples over which a level is taken
QUIET = 1e-5  # mean square (-50 dBFS) under which a frame isn't speech
BELOW = 0.03  # share of the mean (-15 dB) under which a frame is a pause within speech
MOST_VOICE_GAIN = 18.0  # dB, up or down
# A recognizer's edges aren't exact, and a clipped syllable of the original would stick out.
MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class Layers:
    """What is summed: `under` (stereo) times its envelope, and `voice` (mono) times one gain.

    kept is the original voice with the envelope that opens where it stays, where it isn't in under.
    """

    under: Path
    envelope: Envelope
    voice: Path
    voice_gain: float
    samples: int
    kept: tuple[Path, Envelope] | None = None

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The sum as stereo blocks, `samples` samples in all."""
        with ExitStack() as files:
            under = files.enter_context(soundfile.SoundFile(self.under))
            voice = files.enter_context(soundfile.SoundFile(self.voice))
            original = files.enter_context(soundfile.SoundFile(self.kept[0])) if self.kept else None
            for first in range(0, self.samples, BLOCK):
                count = min(BLOCK, self.samples - first)
                low = read(under, count)
                low *= self.envelope.gain(first, count)[:, np.newaxis]
                low += read(voice, count) * np.float32(self.voice_gain)
                if original is not None and self.kept:
                    low += read(original, count) * self.kept[1].gain(first, count)[:, np.newaxis]
                yield low


def mix(
    stems: Stems,
    dub: Dub,
    transcript: Transcript,
    *,
    target_lufs: float | None,
    keep_original_db: float | None,
    folder: Path,
    kept: Collection[int] = (),
    stop: Stop | None = None,
) -> Mix:
    """Mix one language into `folder`/full.flac.

    target_lufs None is "as loud as the source". keep_original_db says how far the one mixed track
    goes down under speech (None: silent there); it is kept outside speech. The segments of `kept`
    stay as they were recorded. Raises MEDIA_TOOL, OUT_OF_TIME.
    """
    layers = arrange(stems, dub, transcript, keep_original_db=keep_original_db, kept=kept)
    if target_lufs is None:
        source = partial(original, stems)
        measured = loudness.measure(source, seconds=stems.duration, folder=folder, stop=stop)
        target_lufs = measured.integrated
    full = folder / "full.flac"
    reached = loudness.write(
        layers.blocks, full, target=target_lufs, seconds=stems.duration, stop=stop
    )
    return Mix(full=full, loudness=reached)


def arrange(
    stems: Stems,
    dub: Dub,
    transcript: Transcript,
    *,
    keep_original_db: float | None,
    kept: Collection[int] = (),
) -> Layers:
    """Decide what lies under the dubbed voice, how far it goes down, and how loud the voice is."""
    lines = [(line.start, line.end) for line in dub.lines if line.segment not in kept]
    said = [(part.start, part.end) for part in transcript.segments if part.index not in kept]
    stays = [(part.start, part.end) for part in transcript.segments if part.index in kept]
    original = None
    if stems.background is not None:
        under, envelope = stems.background, duck.envelope([*lines, *stays])
        if stays:
            original = (stems.voice, duck.opening(stays, until=stems.duration))
    else:
        depth = duck.MUTED if keep_original_db is None else abs(keep_original_db)
        wider = [(start - MARGIN, end + MARGIN) for start, end in said]
        under = stems.voice
        envelope = duck.envelope(duck.without([*lines, *wider], stays), depth=depth)
    gain = _voice_gain(stems, dub, said, lines)
    return Layers(under, envelope, dub.voice, gain, stems.samples, original)


def original(stems: Stems) -> Iterator[NDArray[np.float32]]:
    """The source's own full sound as stereo blocks."""
    with ExitStack() as files:
        paths = [path for path in (stems.voice, stems.background) if path is not None]
        sounds = [files.enter_context(soundfile.SoundFile(path)) for path in paths]
        for first in range(0, stems.samples, BLOCK):
            count = min(BLOCK, stems.samples - first)
            yield np.sum([read(sound, count) for sound in sounds], axis=0, dtype=np.float32)


def active_level(sound: Path, spans: Sequence[Span]) -> float | None:
    """RMS level in dBFS of the speech in `spans`, without its pauses; None where there is none."""
    whole = duck.joined(spans, hold=0.0)
    starts = np.array([start for start, _ in whole])
    ends = np.array([end for _, end in whole])
    powers = [np.zeros(0, np.float32)]
    with soundfile.SoundFile(sound) as file:
        for first in range(0, file.frames, BLOCK):
            power = _frame_powers(file.read(BLOCK, dtype="float32", always_2d=True))
            middles = (first + FRAME * (np.arange(len(power)) + 0.5)) / SAMPLE_RATE
            before = np.searchsorted(starts, middles, side="right") - 1
            spoken = (before >= 0) & (middles < ends[before]) if len(whole) else middles < 0
            powers.append(power[spoken & (power > QUIET)])
    heard = np.concatenate(powers)
    if not len(heard):
        return None
    speech = heard[heard > BELOW * heard.mean()]
    return float(10 * np.log10(speech.mean()))


def read(sound: soundfile.SoundFile, count: int) -> NDArray[np.float32]:
    """The next `count` samples, (count, channels), with silence where the file has ended."""
    block: NDArray[np.float32] = sound.read(count, dtype="float32", always_2d=True, fill_value=0.0)
    return block


def _frame_powers(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean square of every whole frame, over all channels."""
    whole = block[: len(block) // FRAME * FRAME]
    powers: NDArray[np.float32] = np.square(whole).reshape(-1, FRAME * block.shape[1]).mean(axis=1)
    return powers


def _voice_gain(stems: Stems, dub: Dub, said: Sequence[Span], lines: Sequence[Span]) -> float:
    """The factor that brings the dubbed voice to the level of the original one."""
    wanted, has = active_level(stems.voice, said), active_level(dub.voice, lines)
    if wanted is None or has is None:
        return 1.0
    gain = max(-MOST_VOICE_GAIN, min(MOST_VOICE_GAIN, wanted - has))
    return float(10 ** (gain / 20))
