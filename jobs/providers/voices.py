"""The voices of the vendors, and what they cost, without loading any vendor's library.

Sources, read on 2026-11-22: https://developers.deepgram.com/docs/tts-models (the names are those of
deepgram-sdk 7.17.0) and https://docs.aws.amazon.com/polly/latest/dg/available-voices.html. Voices
are listed in the order in which speakers are given them, women and men in turn.
"""

from collections.abc import Iterator
from datetime import date

from jobs.pipeline.ports import Price, VoiceInfo

GENDERS = {"f": "female", "m": "male"}

# https://deepgram.com/pricing, pay as you go, as quoted on 2026-08-01.
DEEPGRAM_READ = date(2026, 8, 1)
# https://aws.amazon.com/polly/pricing, as quoted on 2026-10-07.
POLLY_READ = date(2026, 10, 7)

NOVA_PRICES = (  # per second: 0.0077 $, 0.0092 $ and 0.0020 $ a minute
    Price("seconds, language known", 7700 / 60, DEEPGRAM_READ),
    Price("seconds, any language", 9200 / 60, DEEPGRAM_READ),
    Price("seconds, speakers told apart", 2000 / 60, DEEPGRAM_READ),
)
AURA_PRICES = (Price("characters", 30.0, DEEPGRAM_READ),)  # 0.030 $ a thousand
POLLY_PRICES = (  # 16 $ and 4 $ a million
    Price("neural characters", 16.0, POLLY_READ),
    Price("standard characters", 4.0, POLLY_READ),
)

AURA_PACED = (  # those that obey `speed`
    ("en-US", "thalia:f apollo:m andromeda:f arcas:m helena:f aries:m asteria:f atlas:m"),
    ("en-US", "athena:f hermes:m aurora:f jupiter:m callista:f mars:m cora:f neptune:m"),
    ("en-US", "cordelia:f odysseus:m delia:f orion:m electra:f orpheus:m harmonia:f pluto:m"),
    ("en-US", "hera:f saturn:m iris:f zeus:m janus:f juno:f luna:f minerva:f ophelia:f"),
    ("en-US", "phoebe:f selene:f vesta:f"),
    ("en-GB", "pandora:f draco:m"),
    ("en-AU", "theia:f hyperion:m"),
    ("en-PH", "amalthea:f"),
    ("es-CO", "celeste:f"),  # then who sounds like her: one dub shall not mix Bogotá and Madrid
    ("es-MX", "javier:m estrella:f sirio:m olivia:f luciano:m valerio:m"),
    ("es-419", "selena:f aquila:m"),
    ("es-AR", "antonia:f"),
    ("es-CO", "gloria:f"),
    ("es-ES", "carina:f nestor:m diana:f alvaro:m agustina:f silvia:f"),
)
AURA_UNPACED = (
    ("fr-FR", "agathe:f hector:m"),
    ("de-DE", "viktoria:f julius:m elara:f fabian:m aurelia:f lara:f kara:f"),
    ("it-IT", "livia:f dionisio:m melia:f elio:m maia:f flavio:m cinzia:f cesare:m demetra:f"),
    ("ja-JP", "izanami:f fujin:m uzume:f ebisu:m ama:f"),
)

POLLY_NEURAL = (
    ("pt-BR", "Camila:f Thiago:m Vitoria:f"),
    ("pt-PT", "Ines:f"),
    ("zh-CN", "Zhiyu:f"),
    ("ko-KR", "Seoyeon:f"),
    ("ar-AE", "Hala:f Zayd:m"),
    ("hi-IN", "Kajal:f"),
    ("en-US", "Joanna:f Matthew:m Ruth:f Stephen:m"),
    ("en-GB", "Amy:f Brian:m Emma:f Arthur:m"),
    ("es-ES", "Lucia:f Sergio:m"),
    ("es-MX", "Mia:f Andres:m"),
    ("es-US", "Lupe:f Pedro:m"),
    ("fr-FR", "Lea:f Remi:m"),
    ("fr-CA", "Gabrielle:f Liam:m"),
    ("de-DE", "Vicki:f Daniel:m"),
    ("it-IT", "Bianca:f Adriano:m"),
    ("ja-JP", "Kazuha:f Takumi:m Tomoko:f"),
)
POLLY_STANDARD = (("ru-RU", "Tatyana:f Maxim:m"),)  # it has no neural Russian


def _listed(rows: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str, str]]:
    """Language, name and gender of every voice."""
    for language, names in rows:
        for name, _, gender in (entry.partition(":") for entry in names.split()):
            yield language, name, GENDERS[gender]


def _aura(rows: tuple[tuple[str, str], ...]) -> tuple[VoiceInfo, ...]:
    return tuple(
        VoiceInfo(
            f"aura-2-{name}-{language.partition('-')[0]}", name.capitalize(), language, gender
        )
        for language, name, gender in _listed(rows)
    )


def _polly(rows: tuple[tuple[str, str], ...]) -> tuple[VoiceInfo, ...]:
    return tuple(
        VoiceInfo(name, name, language, gender) for language, name, gender in _listed(rows)
    )


AURA_PACED_VOICES = _aura(AURA_PACED)
AURA_UNPACED_VOICES = _aura(AURA_UNPACED)
POLLY_NEURAL_VOICES = _polly(POLLY_NEURAL)
POLLY_VOICES = (*POLLY_NEURAL_VOICES, *_polly(POLLY_STANDARD))
