"""How the peers translate: word for word, by a rule that tests can repeat.

The result is nonsense in real words of the language, so that script and length are right.
"""

import re
from zlib import crc32

WORDS = {
    "en": "the house stands near water where people often meet friends",
    "es": "la casa queda cerca del agua donde todos hablan juntos siempre",
    "fr": "la maison reste près des arbres où les gens parlent toujours",
    "de": "das Haus steht nahe beim Wasser wo alle Leute gerne reden",
    "it": "la casa resta vicino al mare dove tutti parlano insieme sempre",
    "pt": "a casa fica perto do mar onde todos falam juntos sempre",
    "ru": "дом стоит рядом у воды где люди часто говорят вместе",
    "ar": "البيت قريب من الماء حيث الناس يتكلمون معا دائما",
    "hi": "घर पानी के पास है जहाँ लोग अक्सर बात करते",
    "ja": "いえ は みず の そば で ひと が はなす",
    "ko": "집은 물가 근처 에서 사람들 이 자주 말한다",
    "zh": "房子 在 水 边 人们 常 常 说 话",
}
JOINED = frozenset({"ja", "zh"})
_TOKEN = re.compile(r"(\w[\w'’-]*)")
_END = re.compile(r"[.!?…]+$")


def translated(text: str, target: str, *, least: int = 0, most: int | None = None) -> str:
    """The text in `target`: each word becomes one of that language, cut to `most` characters.

    Where that is under `least` characters, its words are said again.
    """
    language = target.partition("-")[0]
    words = WORDS[language].split()
    between = "" if language in JOINED else " "
    chosen = [words[crc32(word.lower().encode()) % len(words)] for word in _TOKEN.findall(text)]
    end = _END.search(text.strip())
    mark = end[0] if end else "."
    while chosen and len(between.join(chosen) + mark) < least:
        chosen += chosen[: 1 + len(chosen) // 4]
    while len(chosen) > 1 and most is not None and len(between.join(chosen) + mark) > most:
        chosen.pop()
    sentence = between.join(chosen) + mark
    return sentence[:1].upper() + sentence[1:]
