"""Translation from English with Qwen2.5-Coder-1.5B-Instruct, offline, in a child process.

Sources: https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF and xllamacpp 2026.10.11549,
`Server.handle_chat_completions`. What it is worth in which language is in docs/languages.md.
"""

import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from jobs.pipeline.ports import Engine, Line, Tone
from jobs.pipeline.process import Child, heavy
from jobs.pipeline.weights import QWEN, require
from jobs.providers.qwen_prompts import conversation

TARGETS = ("es", "fr", "pt", "zh")  # in which at least half of what was measured came out right
SECONDS = 240.0  # to load 1.1 GB from a slow disk and to translate one line on a busy machine
MEMORY = 4 * 1024**3  # bytes of address space; it uses 1.9 GB
LEAST_TOKENS, TOKENS_A_WORD = 40, 3
LONGEST = 2000  # characters of a line, so that the whole conversation is within its context
LOOP = re.compile(r"(.{2,}?)\1{3,}", re.DOTALL)  # the same four times in a row
NO_TERMS: Mapping[str, str] = MappingProxyType({})


def installed(models: Path) -> bool:
    """Are the library and the model here? Answered without loading either."""
    there = (models / QWEN.folder / QWEN.files[0].name).is_file()
    return there and find_spec("xllamacpp") is not None


class Qwen:
    """Translates line by line. Its process ends with each batch: it takes 1.9 GB."""

    engine = Engine(
        name="Qwen",
        model="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
        quality="draft",
        pairs=tuple(("en", target) for target in TARGETS),
        longest_text=LONGEST,
    )
    rewords = True
    expands = False  # it invents what wasn't said

    def __init__(self, models: Path, *, slots: Path) -> None:
        """Load nothing yet.

        models is the folder of all models; slots where the machine's places for heavy children are.
        """
        self.models = models
        self.slots = slots

    def translate(
        self,
        lines: Sequence[Line],
        *,
        source: str,
        target: str,
        context: Sequence[str],
        terms: Mapping[str, str] = NO_TERMS,
        tone: Tone = Tone.NEUTRAL,
    ) -> dict[int, str]:
        """Say each line in `target`; unfinished ones and those that go in circles are missing.

        Raises ProviderFailed, MODEL_MISSING and MODEL_CORRUPT.
        """
        del source, context, terms, tone  # more to read than one line confuses it
        model = require(QWEN, self.models) / QWEN.files[0].name
        said = {}
        with heavy(self.slots), self._child() as child:
            for line in lines:
                if len(line.text) > LONGEST:
                    continue
                answer = child.ask(
                    {
                        "model": str(model),
                        "messages": conversation(line, target),
                        "max_tokens": LEAST_TOKENS + TOKENS_A_WORD * len(line.text.split()),
                    }
                )
                text = " ".join(answer["text"].split())
                if answer["whole"] and text and not in_circles(text, line.text):
                    said[line.id] = text
        return said

    def _child(self) -> Child:
        return Child(
            "jobs.providers.qwen_child",
            deadline=SECONDS,
            memory=MEMORY,
            engine=self.engine.name,
        )


def in_circles(text: str, original: str) -> bool:
    """Say whether `text` repeats itself as nobody does, and as `original` doesn't."""
    return bool(LOOP.search(text)) and not LOOP.search(original)
