"""Speech with SVOX Pico, in a child process: small, quick and offline.

Source: py-nanotts 0.1.1 (its `__init__.py` and `_nanotts.c`); the voices are inside the package.
They have no names of their own but their language and country.
"""

import base64
import re
from importlib.util import find_spec

import numpy as np

from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Engine, Speech, VoiceInfo
from jobs.pipeline.process import Child

SAMPLE_RATE = 16_000
SECONDS_A_LINE = 30.0  # it speaks a minute in half a second; a hanging one is ended
MEMORY = 512 * 1024**2  # bytes of address space
AUDIBLE = 328  # of 32768, -40 dBFS: what stays below it is the silence around nothing
LONGEST_WORD = 60  # letters; it never comes back from a word of 400
MARKUP = re.compile(r"[<>\[\]{}\\^|*_~#`]+|[\x00-\x1f\x7f]+")  # tags to it, or spoken by name
WORD = re.compile(rf"\S{{{LONGEST_WORD}}}(?=\S)")

VOICES = (
    VoiceInfo("en-US", "Pico, American", "en-US", "female"),
    VoiceInfo("en-GB", "Pico, British", "en-GB", "female"),
    VoiceInfo("es-ES", "Pico, Spanish", "es-ES", "female"),
    VoiceInfo("fr-FR", "Pico, French", "fr-FR", "female"),
    VoiceInfo("de-DE", "Pico, German", "de-DE", "female"),
    VoiceInfo("it-IT", "Pico, Italian", "it-IT", "female"),
)


def installed() -> bool:
    """Is the package with the voices here? Answered without loading it."""
    return find_spec("py_nanotts") is not None


class Pico:
    """Speaks English, Spanish, French, German and Italian; one child for all threads."""

    engine = Engine(
        name="Pico",
        model="SVOX Pico 1.0",
        quality="draft",
        voices=VOICES,
        longest_text=1000,
    )
    rates: tuple[float, float] | None = (0.5, 2.0)

    def __init__(self) -> None:
        """Start nothing: the child starts with the first line."""
        self._child = Child(
            "jobs.providers.pico_child",
            deadline=SECONDS_A_LINE,
            memory=MEMORY,
            engine=self.engine.name,
        )

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        """Speak `text`; `voice` decides the language.

        Raises ProviderFailed, ENGINE_REFUSED where the voice can't say anything of it.
        """
        answer = self._child.ask({"text": plain(text), "voice": voice, "rate": rate})
        sound = np.frombuffer(base64.b64decode(answer["pcm"]), np.dtype("<i2"))
        if not sound.size or np.abs(sound.astype(np.int32)).max() < AUDIBLE:
            raise ProviderFailed("ENGINE_REFUSED", engine=self.engine.name)
        return Speech(sound.astype(np.float32) / np.float32(32768), SAMPLE_RATE)

    def close(self) -> None:
        """End the child."""
        self._child.close()


def plain(text: str) -> str:
    """`text` without what Pico takes for markup, and with no word too long for it."""
    return " ".join(WORD.sub(r"\g<0> ", MARKUP.sub(" ", text)).split())
