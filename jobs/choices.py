"""What somebody chose for a dub that they prepare: as they typed it, right or wrong."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

MAIN_SPEAKER = "0"
"""The speaker whose voice can be chosen before anybody was heard."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything but the files. glossary holds pairs: a term, and what is said for it.

    variants and voices are by language, and may name languages that are not chosen (any more).
    """

    languages: tuple[str, ...] = ()
    variants: Mapping[str, str] = field(default_factory=dict)
    voices: Mapping[str, str] = field(default_factory=dict)
    source_language: str = ""
    title: str = ""
    tone: str = ""
    glossary: tuple[tuple[str, str], ...] = ()
    review: bool = False
    same_loudness: bool = False
    mute_original: bool = False
    wav: bool = False

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        rows = tuple((term, said) for term, said in stored.get("glossary", ()))
        lists = {"languages": tuple(stored.get("languages", ())), "glossary": rows}
        return cls(**{**stored, **lists})

    def to_json(self) -> dict[str, Any]:
        """As a row keeps it."""
        return asdict(self)

    def options(self) -> dict[str, Any]:
        """The options of the job, in the API's words; what wasn't chosen isn't in them."""
        chosen: dict[str, Any] = {
            "variants": self._of_languages(self.variants),
            "voices": {
                code: {MAIN_SPEAKER: voice}
                for code, voice in self._of_languages(self.voices).items()
            },
            "glossary": [
                {"source": term, "target": said or None}
                for term, said in self.glossary
                if term or said
            ],
            "tone": self.tone,
            "review": self.review,
            "wav": self.wav,
            "loudness": "source" if self.same_loudness else "",
        }
        chosen = {name: value for name, value in chosen.items() if value}
        return chosen | ({"keep_original_db": None} if self.mute_original else {})

    def _of_languages(self, by_language: Mapping[str, str]) -> dict[str, str]:
        return {code: one for code, one in by_language.items() if one and code in self.languages}
