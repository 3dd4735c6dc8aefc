"""The process in which Whisper listens: the model is loaded once, and its memory ends with it."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import soundfile
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment, TranscriptionInfo
from faster_whisper.vad import get_speech_timestamps
from numpy.typing import NDArray

from jobs.pipeline.process import serve

SAMPLE_RATE = 16_000
LOOK_BACK = 60  # seconds before the end of a window in which a quiet place is looked for
QUIET = 8_000  # samples of that place
THREADS = 2
# It writes Chinese in either script as it likes; told a sentence in the simplified one (“what
# follows is in Mandarin”), it stays with that.
SCRIPT = {"zh": "以下是普通话的句子。"}
# Pauses are cut out before listening. With the library's own values (2000 and 400 ms) words after a
# pause seem to start up to half a second early; with these, a tenth at most.
PAUSES = {"min_silence_duration_ms": 300, "speech_pad_ms": 150}


@cache
def load(folder: str) -> WhisperModel:
    """The model in `folder`, in eight-bit integers on the processor."""
    return WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=THREADS)


def listen(question: dict[str, Any]) -> dict[str, Any]:
    """What is said in one window of a file, and the sample at which the next window starts."""
    sound, following = read_window(question["speech"], question["start"], question["window"])
    language = question["language"]
    utterances: list[dict[str, Any]] = []
    # Asked for the language of silence, the library fails; so silence never gets so far.
    if get_speech_timestamps(sound):
        segments, detected = start(question, sound, language)
        if language is None and detected.language in SCRIPT:
            # Nothing is decoded before `segments` are asked for, so that this costs little.
            segments, detected = start(question, sound, detected.language)
        offset = question["start"] / SAMPLE_RATE
        utterances = [heard(segment, offset) for segment in segments]
        if utterances:
            language = detected.language
    return {"utterances": utterances, "language": language, "next": following}


def start(
    question: dict[str, Any], sound: NDArray[np.float32], language: str | None
) -> tuple[Iterable[Segment], TranscriptionInfo]:
    """What will be heard as it is asked for, and the language of it."""
    segments, detected = load(question["model"]).transcribe(
        sound,
        language=language,
        language_detection_segments=4,
        beam_size=question["beam"],
        vad_filter=True,
        vad_parameters=PAUSES,
        word_timestamps=True,
        # One misheard sentence would otherwise be repeated to the end of the window.
        condition_on_previous_text=False,
        hotwords=SCRIPT.get(language or ""),
    )
    return segments, detected


def heard(segment: Segment, offset: float) -> dict[str, Any]:
    """One segment on the timeline of the whole file."""
    return {
        "start": round(segment.start + offset, 3),
        "end": round(segment.end + offset, 3),
        "text": segment.text.strip(),
        "words": [
            {
                "start": round(float(word.start) + offset, 3),
                "end": round(float(word.end) + offset, 3),
                "text": word.word.strip(),
                "probability": round(float(word.probability), 3),
            }
            for word in segment.words or ()
        ],
    }


def read_window(path: str, start: int, seconds: float) -> tuple[NDArray[np.float32], int | None]:
    """Samples from `start` to the quietest place before `seconds` are over, and where that is.

    The place is None when the file ends first.
    """
    with soundfile.SoundFile(path) as file:
        file.seek(start)
        sound = file.read(round(seconds * SAMPLE_RATE), dtype="float32")
        if file.tell() >= file.frames:
            return sound, None
    length = quietest(sound)
    return sound[:length], start + length


def quietest(sound: NDArray[np.float32]) -> int:
    """The middle of the quietest half second in the last minute of `sound`, in samples."""
    first = max(0, sound.size - LOOK_BACK * SAMPLE_RATE)
    power = np.square(sound[first:], dtype=np.float64)
    summed = np.concatenate(([0.0], np.cumsum(power)))
    energy = summed[QUIET:] - summed[:-QUIET]
    return first + int(np.argmin(energy)) + QUIET // 2


if __name__ == "__main__":
    serve(listen)
