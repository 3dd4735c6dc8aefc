"""Speech with Kokoro-82M, in a child process: offline, with a woman and a man in most languages.

Sources: https://huggingface.co/hexgrad/Kokoro-82M (voices and their languages) and
kokoro-onnx 0.6.1, `Kokoro.create`. What it is worth in which language is in docs/languages.md.
"""

import base64
import threading
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Engine, Speech, VoiceInfo
from jobs.pipeline.process import Child, heavy
from jobs.pipeline.weights import KOKORO, require

SAMPLE_RATE = 24_000
SECONDS_A_LINE = 300.0  # it speaks a minute in 40 s; a busy machine takes longer
MEMORY = 3 * 1024**3  # bytes of address space; it uses 0.6 GB
IDLE = 15.0  # seconds without a line after which its process ends
AUDIBLE = 328  # of 32768, -40 dBFS: what stays below it is the silence around nothing

VOICES = (
    VoiceInfo("af_heart", "Heart", "en-US", "female"),
    VoiceInfo("am_michael", "Michael", "en-US", "male"),
    VoiceInfo("ef_dora", "Dora", "es-ES", "female"),
    VoiceInfo("em_alex", "Alex", "es-ES", "male"),
    VoiceInfo("ff_siwis", "Siwis", "fr-FR", "female"),
    VoiceInfo("if_sara", "Sara", "it-IT", "female"),
    VoiceInfo("im_nicola", "Nicola", "it-IT", "male"),
    VoiceInfo("pf_dora", "Dora", "pt-BR", "female"),
    VoiceInfo("pm_alex", "Alex", "pt-BR", "male"),
    VoiceInfo("jf_alpha", "Alpha", "ja-JP", "female"),
    VoiceInfo("jm_kumo", "Kumo", "ja-JP", "male"),
    VoiceInfo("zf_xiaoxiao", "Xiaoxiao", "zh-CN", "female"),
    VoiceInfo("zm_yunxi", "Yunxi", "zh-CN", "male"),
)
LANGUAGE = {voice.id: voice.language for voice in VOICES}


def installed(models: Path) -> bool:
    """Are the libraries and the model here? Answered without loading them."""
    there = all((models / KOKORO.folder / file.name).is_file() for file in KOKORO.files)
    return there and all(find_spec(name) is not None for name in ("kokoro_onnx", "misaki"))


class Kokoro:
    """Speaks seven languages; one child for all threads, ended when nothing is said for a while."""

    engine = Engine(
        name="Kokoro",
        model="Kokoro-82M int8",
        quality="draft",
        voices=VOICES,
        longest_text=1000,
    )
    rates: tuple[float, float] | None = None  # asked for 1.25 it speaks at 1.13

    def __init__(self, models: Path, *, slots: Path, idle: float = IDLE) -> None:
        """Start nothing: the child starts with the first line.

        models is the folder of all models; slots where the machine's places for heavy children
        are. A line holds one of them; between lines the place is free, though the child waits.
        """
        self.models = models
        self.slots = slots
        self.idle = idle
        self._turn = threading.Lock()
        self._ending: threading.Timer | None = None
        self._child = Child(
            "jobs.providers.kokoro_child",
            deadline=SECONDS_A_LINE,
            memory=MEMORY,
            engine=self.engine.name,
        )

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        """Speak `text`; `voice` decides the language.

        Raises ProviderFailed, ENGINE_REFUSED where the voice can't say anything of it,
        MODEL_MISSING and MODEL_CORRUPT.
        """
        del language, rate
        folder = require(KOKORO, self.models)
        question = {
            "model": str(folder / KOKORO.files[0].name),
            "voices": str(folder / KOKORO.files[1].name),
            "text": text,
            "voice": voice,
            "language": LANGUAGE.get(voice, ""),
        }
        with self._turn, heavy(self.slots):
            self._keep()
            answer = self._child.ask(question)
            self._end_when_idle()
        sound = np.frombuffer(base64.b64decode(answer["pcm"]), np.dtype("<i2"))
        if not sound.size or np.abs(sound.astype(np.int32)).max() < AUDIBLE:
            raise ProviderFailed("ENGINE_REFUSED", engine=self.engine.name)
        return Speech(sound.astype(np.float32) / np.float32(32768), SAMPLE_RATE)

    def close(self) -> None:
        """End the child."""
        self._keep()
        self._child.close()

    def _keep(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _end_when_idle(self) -> None:
        # Should it fire while the next line starts, that line waits for it and starts a new child.
        self._ending = threading.Timer(self.idle, self._child.close)
        self._ending.daemon = True
        self._ending.start()
