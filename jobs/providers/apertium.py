"""Translation from English to Spanish with Apertium, run as a program: the gist, by rules, offline.

Source: Debian's apertium 3.8.3 and apertium-eng-spa, man page apertium(1); the stream format is
described at https://wiki.apertium.org/wiki/Apertium_stream_format.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.pipeline import process
from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Engine, Line, Tone

PAIR = "eng-spa"
SECONDS = 60.0  # to start and to stop
SECONDS_A_LINE = 0.2  # it takes a hundredth of this
MEMORY = 1024**3  # bytes of address space, for each program of its pipe
RESERVED = re.compile(r"[\[\]{}^$/\\@<>]")
# "[3]", the translation, "[]": blanks in brackets pass through untouched.
ANSWER = re.compile(r"\[(?P<id>\d+)\](?P<text>.*)\[\]", re.DOTALL)
ENDS = tuple(".?!…")


def installed() -> bool:
    """Are the program and its English-Spanish data here? Answered without running it."""
    program = shutil.which("apertium")
    if program is None:
        return False
    return (Path(program).parent.parent / f"share/apertium/modes/{PAIR}.mode").is_file()


class Apertium:
    """Translates a batch in one run. It can't reword: its rules know one wording."""

    engine = Engine(name="Apertium", model=PAIR, quality="draft", pairs=(("en", "es"),))
    rewords = False
    expands = False

    def translate(
        self,
        lines: Sequence[Line],
        *,
        source: str,
        target: str,
        context: Sequence[str],
        terms: Mapping[str, str],
        tone: Tone = Tone.NEUTRAL,
    ) -> dict[int, str]:
        """Say each line in Spanish; what it makes nothing of is missing.

        Raises ProviderFailed.
        """
        # It has one pair, one line at a time, and its own words.
        del source, target, context, terms, tone
        found = self._run(lines)
        left = [line for line in lines if line.id not in found]
        if left and len(left) < len(lines):
            found |= self._run(left)  # a line that broke its pipe took those behind it along
        if lines and not found:
            raise ProviderFailed("ENGINE_FAILED", engine=self.engine.name, detail="no answer")
        return {id_: text for id_, text in found.items() if text}

    def _run(self, lines: Sequence[Line]) -> dict[int, str]:
        # Lines are parted by NUL, at which every program of the pipe flushes (-z): nothing of one
        # line can reach into another. -u leaves unknown words unmarked.
        finished = process.run(
            ["apertium", "-u", "-z", "-f", "none", PAIR],
            deadline=SECONDS + SECONDS_A_LINE * len(lines),
            memory=MEMORY,
            stdin=b"".join(encoded(line).encode() + b"\0" for line in lines),
        )
        if finished.code != 0:
            detail = finished.stderr.decode(errors="replace")
            raise ProviderFailed("ENGINE_FAILED", engine=self.engine.name, detail=detail)
        answers = finished.stdout.decode(errors="replace").split("\0")
        asked = {line.id: line for line in lines}
        found = {}
        for answer in answers:
            known = ANSWER.fullmatch(answer.strip())
            if known and int(known["id"]) in asked:
                line = asked[int(known["id"])]
                found[line.id] = decoded(known["text"], line.text)
        return found


def encoded(line: Line) -> str:
    """A line in Apertium's stream format: its text is data, whatever signs are in it.

    A full stop is added where the line has none, because its rules look for the end of a sentence.
    """
    text = " ".join(line.text.replace("’", "'").replace("\0", " ").split())
    stop = "" if text.endswith(ENDS) else "."
    return f"[{line.id}]{RESERVED.sub(_escape, text)}{stop}[]"


def decoded(answer: str, text: str) -> str:
    """The words of an answer, without the full stop that `encoded` added to `text`."""
    plain = re.sub(r"\\(.)", r"\1", answer, flags=re.DOTALL).strip()
    if not text.rstrip().endswith(ENDS):
        plain = plain.removesuffix(".").rstrip()
    return plain


def _escape(sign: re.Match[str]) -> str:
    return "\\" + sign[0]
