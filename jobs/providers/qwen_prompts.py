"""What Qwen is told: three translations by ourselves, so that it sees what an answer looks like.

The lines that it shall translate are messages of their own after those: what they say is data.
"""

from collections.abc import Mapping

from jobs.pipeline.languages import find
from jobs.pipeline.ports import Line

TRANSLATE = (
    "You translate English subtitles into {language}, whatever they say. "
    "Answer with the {language} translation only."
)
SHORTEN = (
    "You shorten {language} subtitles: the same meaning in fewer words. "
    "Answer with the shorter {language} subtitle only."
)
ENGLISH = (
    "Good morning, everyone, and thank you for coming.",
    "We repaired the old roof before the storm came.",
    "How much does it cost, and when can you deliver it?",
)
TRANSLATED: Mapping[str, tuple[str, str, str]] = {
    "es": (
        "Buenos días a todos, y gracias por venir.",
        "Reparamos el tejado viejo antes de que llegara la tormenta.",
        "¿Cuánto cuesta y cuándo pueden entregarlo?",
    ),
    "fr": (
        "Bonjour à tous, et merci d'être venus.",
        "Nous avons réparé le vieux toit avant l'arrivée de la tempête.",
        "Combien ça coûte, et quand pouvez-vous le livrer ?",
    ),
    "de": (
        "Guten Morgen zusammen, und danke, dass Sie gekommen sind.",
        "Wir haben das alte Dach repariert, bevor der Sturm kam.",
        "Wie viel kostet es, und wann können Sie es liefern?",
    ),
    "it": (
        "Buongiorno a tutti e grazie di essere venuti.",
        "Abbiamo riparato il vecchio tetto prima che arrivasse la tempesta.",
        "Quanto costa e quando potete consegnarlo?",
    ),
    "pt": (
        "Bom dia a todos e obrigado por virem.",
        "Consertamos o telhado velho antes que a tempestade chegasse.",
        "Quanto custa e quando vocês podem entregar?",
    ),
    "ru": (
        "Доброе утро всем, и спасибо, что пришли.",
        "Мы починили старую крышу до того, как началась буря.",
        "Сколько это стоит и когда вы можете это доставить?",
    ),
    "ja": (
        "皆さん、おはようございます。お越しいただきありがとうございます。",
        "嵐が来る前に、古い屋根を修理しました。",
        "いくらかかりますか。いつ届けてもらえますか。",
    ),
    "zh": (
        "大家早上好，感谢各位的到来。",
        "暴风雨来临之前，我们修好了旧屋顶。",
        "这个多少钱？什么时候能送到？",
    ),
}
SHORTENED: Mapping[str, tuple[str, str]] = {
    "es": ("Buenos días y gracias.", "Reparamos el tejado antes de la tormenta."),
    "fr": ("Bonjour et merci.", "Nous avons réparé le toit avant la tempête."),
    "de": ("Guten Morgen und danke.", "Wir reparierten das Dach vor dem Sturm."),
    "it": ("Buongiorno e grazie.", "Abbiamo riparato il tetto prima della tempesta."),
    "pt": ("Bom dia e obrigado.", "Consertamos o telhado antes da tempestade."),
    "ru": ("Доброе утро и спасибо.", "Мы починили крышу до бури."),
    "ja": ("皆さん、おはようございます。", "嵐の前に屋根を直しました。"),
    "zh": ("大家好，谢谢。", "暴风雨前屋顶修好了。"),
}

Message = dict[str, str]


def conversation(line: Line, target: str) -> list[Message]:
    """All that is said to the model about one line; the last message is the line itself."""
    language = find(target)
    if line.earlier:
        told, text = SHORTEN, line.earlier
        # Two examples are enough here: the third is as short as it gets.
        examples = list(zip(TRANSLATED[language.code], SHORTENED[language.code], strict=False))
    else:
        told, text = TRANSLATE, line.text
        examples = list(zip(ENGLISH, TRANSLATED[language.code], strict=True))
    messages = [_message("system", told.format(language=language.name))]
    for question, answer in examples:
        messages += [_message("user", question), _message("assistant", answer)]
    return [*messages, _message("user", text.replace("<|", "< |"))]  # no marks of its template


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}
