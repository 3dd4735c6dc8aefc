"""What a written line is made of: its length, its script, its clauses, its tidy form."""

import re
from collections.abc import Iterator

from jobs.pipeline.segment import ends_clause, ends_sentence

# How long the same content is in each language, against English.
SIZE = {
    "en": 1.0,
    "es": 1.22,
    "pt": 1.20,
    "fr": 1.20,
    "de": 1.20,
    "it": 1.18,
    "ru": 1.15,
    "ar": 1.25,
    "hi": 1.15,
    "ja": 0.45,
    "ko": 0.55,
    "zh": 0.40,
}
SHORTEST, LONGEST = 0.2, 4.0  # share of the usual length that a translation may have
SLACK = 14  # characters more: "Oh." may become a whole exclamation
OWN_SCRIPT = 0.4  # share of letters; the others may be names
LEFT = 0.85  # share of words in common at which a line was not translated

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3005\u3007"
_KANA = "\u3041-\u30ff\uff66-\uff9f"
_SCRIPTS = {
    "ja": re.compile(f"[{_HAN}{_KANA}]"),
    "zh": re.compile(f"[{_HAN}]"),
    "ko": re.compile("[\uac00-\ud7af\u1100-\u11ff\u3130-\u318f]"),
    "ru": re.compile("[\u0400-\u04ff]"),
    "ar": re.compile("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]"),
    "hi": re.compile("[\u0900-\u097f]"),
}
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_ONLY_KANA = re.compile(f"[{_KANA}]")
_WORD = re.compile(r"[^\W\d_]+")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff]")
_SHOUTED = re.compile(r"\b[^\W\d_a-z]{2,}\b")
_SHOUTED_START = re.compile(r"^\W*(?:EL|LA|LOS|LAS|UN|UNA|AL|DEL)(?= )")
_SPACE_BEFORE = re.compile(r"\s+([,.…)\]}”’»]|[;:!?](?!\w))")
_SPACE_BEFORE_FRENCH = re.compile(r"\s+([,.…)\]}’])")
_SPACE_AFTER = re.compile(r"([¿¡(\[{“])\s+")
_WIDE = f"{_HAN}{_KANA}、。！？「」『』（），：；"
_SPACE_AMONG_WIDE = re.compile(rf"(?<=[{_WIDE}])\s+(?=[{_WIDE}])")
_SENTENCE = re.compile(r"[^.!?…]*[.!?…]+[\"'”’»)\]]*\s*|[^.!?…]+$")
_QUOTES = (('"', '"'), ("“", "”"), ("«", "»"), ("'", "'"), ("「", "」"))
_CHUNK = re.compile(rf"[^\s{_HAN}{_KANA}]+\s*|[{_HAN}{_KANA}][^\w\s]*\s*|\s+")


def base(language: str) -> str:
    """The language without its region: pt for pt-BR."""
    return language.replace("_", "-").split("-")[0].lower()


def usual_length(text: str, *, source: str, target: str) -> float:
    """Characters that a translation of `text` usually has."""
    return len(text) * SIZE.get(base(target), 1.0) / SIZE.get(base(source), 1.0)


def usable(text: str, original: str, *, source: str, target: str) -> bool:
    """Say whether `text` can be what `original` says in the target language."""
    if not any(character.isalnum() for character in text):
        return False
    usual = usual_length(original, source=source, target=target)
    if not usual * SHORTEST - 1 <= len(text) <= usual * LONGEST + SLACK:
        return False
    if base(source) == base(target):
        return True
    return in_script(text, original, target) and not _left_as_it_was(text, original)


def in_script(text: str, original: str, target: str) -> bool:
    """Say whether `text` is written as the target language is. Names alone may stay as they are."""
    language = base(target)
    letters = [character for character in text if character.isalpha()]
    own = _SCRIPTS.get(language, _LATIN)
    share = sum(bool(own.match(letter)) for letter in letters) / max(1, len(letters))
    if share < OWN_SCRIPT and letters and not _is_name(original):
        return False
    kana = sum(bool(_ONLY_KANA.match(letter)) for letter in letters)
    if language == "zh":
        return kana <= len(letters) // 10
    return language != "ja" or kana > 0 or len(letters) < 12


def _is_name(text: str) -> bool:
    """Up to three words, none in lower case: "Clara Ruiz", "iPhone 15", "OK"."""
    words = text.split()
    return len(words) <= 3 and all(not word.islower() for word in words)


def _left_as_it_was(text: str, original: str) -> bool:
    words, before = _words(text), _words(original)
    if len(before) < 4 or not words:
        return False
    same = sum(word in set(before) for word in words) / len(words)
    return same >= LEFT and len(words) >= len(before) / 2


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def tidy(text: str, *, target: str, source_text: str = "") -> str:
    """The text as a careful writer leaves it: spaces, capitals, and inverted marks in Spanish."""
    language = base(target)
    text = " ".join(_CONTROL.sub(" ", text).split())
    text = _unquoted(text, source_text)
    before = _SPACE_BEFORE_FRENCH if language == "fr" else _SPACE_BEFORE
    text = _SPACE_AFTER.sub(r"\1", before.sub(r"\1", text))
    if language in {"ja", "zh"}:
        text = _SPACE_AMONG_WIDE.sub("", text)
    sentences = _SENTENCE.findall(text) if language not in {"ja", "zh"} else [text]
    if language == "es":
        sentences = [_inverted(sentence) for sentence in sentences]
    if not _SHOUTED.search(source_text):
        sentences = [_SHOUTED_START.sub(_quiet, sentence) for sentence in sentences]
    return "".join(_capitals(sentences, source_text)).strip()


def _quiet(start: re.Match[str]) -> str:
    """The first word of a sentence, which some translators write in capitals as a whole."""
    return start[0].lower()


def _unquoted(text: str, source_text: str) -> str:
    """Without quotation marks around the whole, which translators like to add."""
    for opening, closing in _QUOTES:
        inside = text[1:-1]
        wrapped = len(text) > 2 and text[0] == opening and text[-1] == closing
        if wrapped and opening not in inside and not source_text.startswith(opening):
            return inside.strip()
    return text


def _inverted(sentence: str) -> str:
    """The Spanish sentence with the mark that opens a question or an exclamation."""
    closing = sentence.rstrip(" \"'”’»)]")[-1:]
    opening = {"?": "¿", "!": "¡"}.get(closing, "")
    if not opening or opening in sentence:
        return sentence
    at = len(sentence) - len(sentence.lstrip(" \"'“‘«([-–—"))
    return sentence[:at] + opening + sentence[at:]


def _capitals(sentences: list[str], source_text: str) -> Iterator[str]:
    """Every sentence with its capital; the first one only where the source has one too."""
    starts = not source_text[:1].islower()
    for sentence in sentences:
        first = next((at for at, letter in enumerate(sentence) if letter.isalnum()), None)
        if starts and first is not None:
            yield sentence[:first] + sentence[first].upper() + sentence[first + 1 :]
        else:
            yield sentence
        starts = ends_sentence(sentence) and "…" not in sentence and "..." not in sentence


def together(parts: list[str], language: str) -> str:
    """The parts one after the other, as the language is written: with spaces or without."""
    text = " ".join(parts)
    return _SPACE_AMONG_WIDE.sub("", text) if base(language) in {"ja", "zh"} else text


def pieces(text: str) -> list[str]:
    """The smallest parts at which a text may be divided: words, or single Chinese characters."""
    return _CHUNK.findall(text)


def clauses(text: str) -> list[str]:
    """The text cut after every clause; put together again they are the text."""
    parts: list[str] = []
    for piece in pieces(text):
        if parts and not ends_clause(parts[-1]):
            parts[-1] += piece
        else:
            parts.append(piece)
    return parts


def closed(text: str) -> str:
    """The text with a full stop in place of the comma that it ends with."""
    text = text.rstrip()
    if ends_sentence(text):
        return text
    stop = "。" if re.search(f"[{_WIDE}]$", text) else "."
    return text.rstrip(" ,;:、，；：،؛—–-") + stop


def chunks(text: str, longest: int) -> list[str]:
    """The text in few parts of at most `longest` characters, cut at clauses, else at words."""
    parts: list[str] = []
    for piece in _fine_enough(text, longest):
        if parts and len((parts[-1] + piece).strip()) <= longest:
            parts[-1] += piece
        else:
            parts.append(piece)
    return [part.strip() for part in parts if part.strip()]


def _fine_enough(text: str, longest: int) -> Iterator[str]:
    for clause in clauses(text):
        if len(clause.strip()) <= longest:
            yield clause
            continue
        for word in pieces(clause):
            for first in range(0, len(word), longest):
                yield word[first : first + longest]
