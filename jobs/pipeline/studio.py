"""One language's voices at work: each take is spoken once, tidied and kept."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jobs.pipeline import trim, wording
from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Desk, Engine, Voice
from jobs.pipeline.timeline import SAMPLE_RATE, Segment, Take
from jobs.pipeline.translate import key

CHUNK_PAUSE = 0.15  # seconds between parts of a text too long for the engine


def take_key(engine: Engine, text: str, *, language: str, who: str, rate: float = 1.0) -> str:
    """What the desk remembers a spoken text by."""
    return key("speech", engine.name, engine.model, who, language, text, round(rate, 3))


class Soundless(ProviderFailed):
    """An engine said nothing to a text."""


@dataclass(frozen=True, slots=True)
class Studio:
    """One language's engine and voices, and where takes are kept."""

    voice: Voice
    language: str
    cast: Mapping[int, str]
    line_voices: Mapping[int, str]
    desk: Desk
    folder: Path

    def voice_of(self, segment: Segment) -> str:
        """Who speaks a segment."""
        return self.line_voices.get(segment.index) or self.cast[segment.speaker]

    def take(self, segment: Segment, text: str, rate: float = 1.0) -> Take:
        """Speak a text in the segment's voice. Raises ProviderFailed."""
        spoken = self.spoken(text, self.voice_of(segment), rate)
        sound = trim.trimmed(trim.levelled(trim.from_wav(spoken)))
        return self.keep(segment, text, sound)

    def spoken(self, text: str, who: str, rate: float = 1.0) -> bytes:
        """What the engine makes of a text, as a WAV file. Raises ProviderFailed."""
        self.desk.stop()
        name = take_key(self.voice.engine, text, language=self.language, who=who, rate=rate)
        return self.desk.remember(name, lambda: trim.wav(self._sound(text, who, rate)))

    def keep(self, segment: Segment, text: str, sound: trim.Sound) -> Take:
        """Write a sound as a take of the segment."""
        content = trim.wav(sound)
        digest = hashlib.sha256(content).hexdigest()[:12]
        clip = self.folder / f"take-{segment.index:05}-{digest}.wav"
        clip.write_bytes(content)
        return Take(segment.index, text, clip, sound.size / SAMPLE_RATE)

    def silence(self, segment: Segment, text: str) -> Take:
        """A line that nobody could speak; its clip is never read."""
        return Take(segment.index, text, self.folder / "silence", 0.0)

    def _sound(self, text: str, voice: str, rate: float) -> trim.Sound:
        parts = [
            self._part(part, voice, rate)
            for part in wording.chunks(text, self.voice.engine.longest_text)
        ]
        if len(parts) > 1:
            parts = [trim.trimmed(trim.levelled(part)) for part in parts]
        return trim.joined(parts, CHUNK_PAUSE)

    def _part(self, text: str, voice: str, rate: float) -> trim.Sound:
        """What the engine makes of a text; when it fails or says nothing, it is asked once more.

        A server isn't: whoever places its calls has tried them again already.
        """
        try:
            return self._once(text, voice, rate)
        except ProviderFailed as failed:
            if failed.code != "ENGINE_FAILED" or self.voice.engine.is_server:
                raise
        return self._once(text, voice, rate)

    def _once(self, text: str, voice: str, rate: float) -> trim.Sound:
        speech = self.voice.speak(text, language=self.language, voice=voice, rate=rate)
        sound = trim.at_48k(speech)
        if trim.is_silent(sound):
            name = self.voice.engine.name
            raise Soundless("ENGINE_FAILED", engine=name, detail="no sound came back")
        return sound
