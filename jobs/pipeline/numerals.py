"""Numbers as words, so that "25" and "veinticinco" count as the same when a dub is heard again.

Spelled for English, Spanish, French, German, Italian, Portuguese, Japanese and Chinese; in other
languages digits stay digits. The spelling is for comparing, so that hyphens are left out.
"""

from collections.abc import Callable, Mapping

_LARGEST = 999_999_999


def _row(words: str) -> list[str]:
    return words.split()


_EN = _row(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_EN_TENS = _row("_ _ twenty thirty forty fifty sixty seventy eighty ninety")
_ES = _row(
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro "
    "veinticinco veintiséis veintisiete veintiocho veintinueve"
)
_ES_TENS = _row("_ _ _ treinta cuarenta cincuenta sesenta setenta ochenta noventa")
_ES_HUNDREDS = _row(
    "_ ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos "
    "novecientos"
)
_FR = _row(
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize "
    "dix_sept dix_huit dix_neuf"
)
_FR_TENS = _row("_ _ vingt trente quarante cinquante soixante soixante quatre_vingt quatre_vingt")
_DE = _row(
    "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn "
    "sechzehn siebzehn achtzehn neunzehn"
)
_DE_TENS = _row("_ _ zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig")
_IT = _row(
    "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici "
    "quindici sedici diciassette diciotto diciannove"
)
_IT_TENS = _row("_ _ venti trenta quaranta cinquanta sessanta settanta ottanta novanta")
_PT = _row(
    "zero um dois três quatro cinco seis sete oito nove dez onze doze treze quatorze quinze "
    "dezesseis dezessete dezoito dezenove"
)
_PT_TENS = _row("_ _ vinte trinta quarenta cinquenta sessenta setenta oitenta noventa")
_PT_HUNDREDS = _row(
    "_ cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos"
)
_HAN = "〇一二三四五六七八九"


def _english(number: int) -> str:
    if number < 20:
        return _EN[number]
    if number < 100:
        return _joined(_EN_TENS[number // 10], " ", _EN, number % 10)
    return _joined(f"{_EN[number // 100]} hundred", " ", _english, number % 100)


def _spanish(number: int) -> str:
    if number < 30:
        return _ES[number]
    if number < 100:
        return _joined(_ES_TENS[number // 10], " y ", _ES, number % 10)
    if number == 100:
        return "cien"
    return _joined(_ES_HUNDREDS[number // 100], " ", _spanish, number % 100)


def _french(number: int) -> str:
    if number < 20:
        return _FR[number].replace("_", " ")
    if number < 100:
        tens, rest = divmod(number, 10)
        if tens in {7, 9}:
            rest += 10
        link = " et " if rest in {1, 11} and tens < 8 else " "
        if number == 80:
            return "quatre vingts"
        return _joined(_FR_TENS[tens].replace("_", " "), link, _french, rest)
    hundreds, rest = divmod(number, 100)
    if hundreds == 1:
        return _joined("cent", " ", _french, rest)
    return _joined(f"{_FR[hundreds]} cent" + ("s" if rest == 0 else ""), " ", _french, rest)


def _german(number: int) -> str:
    if number < 20:
        return _DE[number]
    if number < 100:
        tens, rest = divmod(number, 10)
        return (_DE[rest] + "und" if rest else "") + _DE_TENS[tens]
    return _joined(f"{_DE[number // 100]}hundert", "", _german, number % 100)


def _italian(number: int) -> str:
    if number < 20:
        return _IT[number]
    if number < 100:
        tens, rest = divmod(number, 10)
        # Before a vowel the tens lose theirs: ventuno, trentotto.
        stem = _IT_TENS[tens][:-1] if rest in {1, 8} else _IT_TENS[tens]
        return _joined(stem, "", _IT, rest)
    hundreds, rest = divmod(number, 100)
    return _joined(("" if hundreds == 1 else _IT[hundreds]) + "cento", "", _italian, rest)


def _portuguese(number: int) -> str:
    if number < 20:
        return _PT[number]
    if number < 100:
        return _joined(_PT_TENS[number // 10], " e ", _PT, number % 10)
    if number == 100:
        return "cem"
    return _joined(_PT_HUNDREDS[number // 100], " e ", _portuguese, number % 100)


def _han(number: int) -> str:
    text = ""
    for unit, sign in ((1000, "千"), (100, "百"), (10, "十")):
        count, number = divmod(number, unit)
        if count:
            text += ("" if count == 1 else _HAN[count]) + sign
    return text + (_HAN[number] if number else "") or _HAN[0]


def _joined(head: str, link: str, tail: Callable[[int], str] | list[str], rest: int) -> str:
    if rest == 0:
        return head
    return head + link + (tail(rest) if callable(tail) else tail[rest])


# Per language: numbers below a thousand, one thousand, the word for thousands, for one and for more
# millions, and what stands between the parts.
_Spelling = tuple[Callable[[int], str], str, str, str, str, str]
_SPELLINGS: Mapping[str, _Spelling] = {
    "en": (_english, "one thousand", " thousand", "one million", " million", " "),
    "es": (_spanish, "mil", " mil", "un millón", " millones", " "),
    "fr": (_french, "mille", " mille", "un million", " millions", " "),
    "de": (_german, "eintausend", "tausend", "eine million ", " millionen ", ""),
    "it": (_italian, "mille", "mila", "un milione ", " milioni ", ""),
    "pt": (_portuguese, "mil", " mil", "um milhão", " milhões", " "),
}


def spell(number: int, language: str) -> str | None:
    """`number` in the words of a language (ISO 639-1), None where we can't spell it."""
    if language in {"ja", "zh"}:
        return _spell_han(number) if number <= _LARGEST else None
    spelling = _SPELLINGS.get(language)
    if spelling is None or number > _LARGEST:
        return None
    below, thousand, thousands, million, millions, link = spelling
    millions_count, rest = divmod(number, 1_000_000)
    thousands_count, rest = divmod(rest, 1000)
    parts = []
    if millions_count:
        parts.append(million if millions_count == 1 else below(millions_count) + millions)
    if thousands_count:
        parts.append(thousand if thousands_count == 1 else below(thousands_count) + thousands)
    if rest or not parts:
        parts.append("eins" if language == "de" and number == 1 else below(rest))
    return link.join(parts).strip()


def _spell_han(number: int) -> str:
    hundred_millions, rest = divmod(number, 100_000_000)
    ten_thousands, rest = divmod(rest, 10_000)
    text = _han(hundred_millions) + "億" if hundred_millions else ""
    text += _han(ten_thousands) + "万" if ten_thousands else ""
    return text + (_han(rest) if rest or not text else "")
