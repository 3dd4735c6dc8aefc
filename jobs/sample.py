"""The sample recording: a narration over music, made from nothing but what stands in this file.

A voice track, a background track and a video of exactly the same length, and the truth about where
every line starts and ends, so that tests can measure against it. Made twice, it is the same twice.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from jobs.pipeline import ffmpeg, trim
from jobs.pipeline.ports import Voice
from jobs.pipeline.timeline import SAMPLE_RATE

TITLE = "A small city"
NARRATOR = "en-US"
PACE = 0.9  # of the voice's own, which is quicker than narrators are
# Every line and the silence after it, in seconds. Plain sentences, because the base translator is
# plain; one passage without air, because real speech has some.
NARRATION = (
    ("Good morning, friends.", 0.6),
    ("My name is Anna, and this is my city.", 1.6),
    ("It is a small city with white houses and narrow streets.", 0.6),
    ("The old bridge has three hundred years.", 1.8),
    (
        "The farmers bring cheese, honey, apples and flowers, the bakers prepare warm bread, "
        "and the musicians play old songs in the square.",
        0.25,
    ),
    ("The families speak about the harvest, and the children eat chocolate.", 2.0),
    ("From the tower you can see the mountains, the river and the sea.", 0.6),
    ("A small train crosses the mountains every day.", 0.5),
    ("It is a slow train, but the journey is beautiful.", 1.6),
    ("In the winter, the city is quiet.", 0.6),
    ("I hope to see you soon.", 0.6),
    ("Thank you very much.", 1.0),
)
LEAD = 1.0  # seconds of music before the first word
# A whole number of AAC frames (1024 samples) and of pictures (1/25 s): no track has to be padded.
GRID = 15_360

FRAMES_PER_SECOND = 25
# Dusk turning slowly; what is not given here, the filter draws by lot.
PICTURE = {
    "size": "160x90",
    "seed": 1,
    "speed": 0.02,
    "nb_colors": 3,
    "c0": "0x1b2a49",
    "c1": "0x3f6f8f",
    "c2": "0xe0a458",
    "x0": 0,
    "y0": 0,
    "x1": 160,
    "y1": 90,
}
WIDTH, HEIGHT = 640, 360  # enlarged, because the filter costs more than the encoder
X264 = {"vcodec": "libx264", "pix_fmt": "yuv420p", "crf": 26, "preset": "ultrafast", "g": 50}
AAC = {"acodec": "aac", "audio_bitrate": "160k"}
REPEATABLE = {"fflags": "+bitexact", "flags": "+bitexact", "threads": 1}

CHORD_SECONDS = 4.0
CHORDS = (  # MIDI notes: C major 7, A minor 7, F major 7, G 6
    (48, 55, 64, 71),
    (45, 52, 60, 67),
    (41, 53, 57, 64),
    (43, 50, 59, 64),
)
MELODY = (76, 74, 72, 67, 69, 72, 74, 71)
MUSIC_RMS = 10 ** (-27 / 20)
FADE_SECONDS = 1.5

Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """Where one line of the narration really is, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Sample:
    """The files of the sample.

    truth is JSON: language, voice, samples, lines, and the checksums of what it was made by and of
    the other files.
    """

    voice: Path
    background: Path
    talk: Path
    truth: Path


def make_sample(folder: Path, *, narrator: Voice) -> Sample:
    """Write voice.wav, background.wav, talk.mp4 and voice.json into `folder`, if they aren't there.

    `narrator` must have the voice NARRATOR. Raises ProviderFailed and MEDIA_TOOL.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sample = Sample(
        voice=folder / "voice.wav",
        background=folder / "background.wav",
        talk=folder / "talk.mp4",
        truth=folder / "voice.json",
    )
    if is_made(sample):
        return sample
    speech, lines = narrate(narrator)
    bed = music(speech.size)
    soundfile.write(sample.voice, speech, SAMPLE_RATE, subtype="PCM_16")
    soundfile.write(sample.background, bed, SAMPLE_RATE, subtype="PCM_16")
    film(speech[:, np.newaxis] + bed, sample.talk)
    truth = {
        "language": "en",
        "voice": NARRATOR,
        "samples": speech.size,
        "lines": [asdict(line) for line in lines],
        "made_by": _checksum(Path(__file__)),
        "files": {path.name: _checksum(path) for path in _tracks(sample)},
    }
    sample.truth.write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    return sample


def is_made(sample: Sample) -> bool:
    """Say whether all files are there and right, and made as this file makes them."""
    try:
        truth = json.loads(sample.truth.read_text(encoding="utf-8"))
        files = {path.name: _checksum(path) for path in _tracks(sample)}
    except (OSError, ValueError):
        return False
    return isinstance(truth, dict) and (truth.get("made_by"), truth.get("files")) == (
        _checksum(Path(__file__)),
        files,
    )


def narrate(narrator: Voice) -> tuple[Sound, tuple[SpokenLine, ...]]:
    """The narration as 48 kHz mono, and where its lines are. Its length is a multiple of GRID."""
    pieces = [_silence(LEAD)]
    lines = []
    position = pieces[0].size
    for text, pause in NARRATION:
        spoken = narrator.speak(text, language="en", voice=NARRATOR, rate=PACE)
        clip = trim.trimmed(trim.levelled(trim.at_48k(spoken)))
        lines.append(
            SpokenLine(text, position / SAMPLE_RATE, round((position + clip.size) / SAMPLE_RATE, 6))
        )
        pieces += [clip, _silence(pause)]
        position += clip.size + pieces[-1].size
    pieces.append(np.zeros(-position % GRID, np.float32))
    return np.concatenate(pieces), tuple(lines)


def music(samples: int) -> Sound:
    """A quiet bed of chords with a few notes over it: 48 kHz stereo of so many samples."""
    bed = np.zeros((samples, 2), np.float64)
    step = round(CHORD_SECONDS * SAMPLE_RATE)
    for number, start in enumerate(range(0, samples, step)):
        chord = CHORDS[number % len(CHORDS)]
        for place, note in enumerate(chord):
            # Chords ring into each other; their notes stand side by side.
            _add(bed, start, _tone(note, CHORD_SECONDS * 1.5, attack=0.8), pan=place / 3)
        for half in (0, 1):
            note = MELODY[(2 * number + half) % len(MELODY)]
            begin = start + round((0.5 + half) * step / 2)
            _add(bed, begin, 0.6 * _tone(note, 2.5, attack=0.02), pan=0.3 + 0.4 * half)
    fade = np.clip(np.arange(samples) / (FADE_SECONDS * SAMPLE_RATE), 0.0, 1.0)
    bed *= (fade * fade[::-1])[:, np.newaxis]
    gain = MUSIC_RMS / float(np.sqrt(np.mean(bed * bed)))
    return np.asarray(bed * gain, np.float32)


def film(sound: Sound, out: Path) -> None:
    """A video of drifting colours with `sound` (48 kHz stereo): H.264 and AAC in MP4."""
    seconds = len(sound) / SAMPLE_RATE
    mixed = out.with_suffix(".mixed.wav")
    soundfile.write(mixed, sound, SAMPLE_RATE, subtype="PCM_16")
    try:
        picture = ffmpeg.generated("gradients", rate=FRAMES_PER_SECOND, **PICTURE)
        end = ffmpeg.output(
            ffmpeg.join([picture["v"]], "scale", WIDTH, HEIGHT),
            ffmpeg.source(mixed)["a"],
            out=out,
            t=seconds,
            movflags="+faststart",
            metadata=f"title={TITLE}",
            **X264,
            **AAC,
            **REPEATABLE,
        )
        ffmpeg.run(end, seconds=seconds, outputs=[out])
    finally:
        mixed.unlink()


def _tracks(sample: Sample) -> tuple[Path, ...]:
    return sample.voice, sample.background, sample.talk


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def _tone(note: int, seconds: float, *, attack: float) -> NDArray[np.float64]:
    """One soft note: a few partials, a slow rise and a long fall."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    frequency = 440.0 * 2 ** ((note - 69) / 12)
    wave = sum(
        np.sin(2 * np.pi * frequency * partial * times) / partial**2 for partial in (1, 2, 3)
    )
    rise = np.clip(times / attack, 0.0, 1.0)
    fall = np.clip((seconds - times) / (seconds - attack), 0.0, 1.0) ** 2
    return np.asarray(wave * rise * fall, np.float64)


def _add(bed: NDArray[np.float64], start: int, tone: NDArray[np.float64], *, pan: float) -> None:
    """Lay a tone into the bed, in place; pan goes from 0 (left) to 1 (right)."""
    part = tone[: max(0, len(bed) - start)]
    sides = np.sqrt([1 - pan, pan])
    bed[start : start + part.size] += part[:, np.newaxis] * sides
