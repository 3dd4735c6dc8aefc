"""Speech with SVOX Pico, in a child process: small, quick and offline.

Source: py-nanotts 0.1.1 (its `__init__.py` and `_nanotts.c`); the voices are inside the package.
They have no names of their own but their language and country.
"""

import base64
import re
from importlib.util import find_spec

import numpy as np

from jobs.pipeline.errors import PipelineError, ProviderFailed
from jobs.pipeline.ports import Engine, Speech, VoiceInfo
from jobs.pipeline.process import Child

SAMPLE_RATE = 16_000
SECONDS_A_LINE = 30.0  # it speaks a minute in half a second; a hanging one is ended
MEMORY = 512 * 1024**2  # bytes of address space
AUDIBLE = 328  # of 32768, -40 dBFS: what stays below it is the silence around nothing
LONGEST_WORD = 60  # letters; it never comes back from a word of 400
MARKUP = re.compile(r"[<>\[\]{}\\^|*_~#`]+|[\x00-\x1f\x7f]+")  # tags to it, or spoken by name
LONGEST_NUMBER = 20  # digits; it fails at 50
NUMBER = re.compile(rf"\d{{{LONGEST_NUMBER}}}(?=\d)")
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

    def __init__(self, *, repeatable: bool = False) -> None:
        """Start nothing: the child starts with the first line.

        A line sounds a little different after other lines; repeatable gives each line a new child.
        """
        self._repeatable = repeatable
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
        try:
            answer = self._child.ask({"text": plain(text), "voice": voice, "rate": rate})
        except PipelineError as error:
            if error.code != "OUT_OF_TIME":
                raise
            # It will hang again: other than a busy vendor, it does the same with the same text.
            raise ProviderFailed("ENGINE_REFUSED", engine=self.engine.name) from error
        finally:
            if self._repeatable:
                self._child.close()
        sound = np.frombuffer(base64.b64decode(answer["pcm"]), np.dtype("<i2"))
        if not sound.size or np.abs(sound.astype(np.int32)).max() < AUDIBLE:
            raise ProviderFailed("ENGINE_REFUSED", engine=self.engine.name)
        return Speech(sound.astype(np.float32) / np.float32(32768), SAMPLE_RATE)

    def close(self) -> None:
        """End the child."""
        self._child.close()


def plain(text: str) -> str:
    """`text` without what Pico takes for markup, and with no word too long for it."""
    words = NUMBER.sub(r"\g<0> ", MARKUP.sub(" ", text))
    return " ".join(WORD.sub(r"\g<0> ", words).split())
