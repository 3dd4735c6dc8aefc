"""What the API of money takes and gives. Whatever else a body holds is ignored."""

import math
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from billing.models import CreditTransaction, Purchase
from billing.plans import MOST_LANGUAGES, PLANS
from billing.prices import CLASSES

LONGEST_SECONDS = 24 * 3600.0
"""A recording that nobody may ask a price for any more, whatever the plan."""


class Seconds(serializers.FloatField):
    """The length of a recording: a number of seconds, more than none."""

    def __init__(self, **options: Any) -> None:
        """Bound it."""
        super().__init__(min_value=0.1, max_value=LONGEST_SECONDS, **options)

    def to_internal_value(self, data: Any) -> float:
        """Read it; what isn't a finite number is refused."""
        if isinstance(data, bool):
            self.fail("invalid")
        seconds = super().to_internal_value(data)
        if not math.isfinite(seconds):
            self.fail("invalid")
        return float(seconds)


class PricedLanguage(serializers.CharField):
    """One of the twelve languages, or a variant of one (es-MX): its code."""

    def to_internal_value(self, data: Any) -> str:
        """Read it."""
        code = super().to_internal_value(data).partition("-")[0].lower()
        if code not in CLASSES:
            raise serializers.ValidationError(_("There is no such language."))
        return str(code)


class JobCostForm(serializers.Serializer[object]):
    """A recording to be priced."""

    languages = serializers.ListField(
        child=PricedLanguage(max_length=20), min_length=1, max_length=MOST_LANGUAGES
    )
    duration = Seconds()

    def validate_languages(self, languages: list[str]) -> list[str]:
        """Refuse a language that is listed twice."""
        if len(set(languages)) != len(languages):
            raise serializers.ValidationError(_("A language is listed twice."))
        return languages


class AffordForm(JobCostForm):
    """The same as a query: the languages stand between commas."""

    def to_internal_value(self, data: Any) -> Any:
        """Read a query."""
        told = ",".join(map(str, data.getlist("languages")))  # named twice, it means both
        languages = [code.strip() for code in told.split(",") if code.strip()]
        return super().to_internal_value({"languages": languages, "duration": data.get("duration")})


class PlanForm(serializers.Serializer[object]):
    """The plan to get."""

    plan = serializers.ChoiceField(list(PLANS))


class AmountForm(serializers.Serializer[object]):
    """The price of a plan in cents."""

    amount = serializers.IntegerField(min_value=1, max_value=1_000_000)


class ConfirmForm(serializers.Serializer[object]):
    """A payment to look at."""

    payment_intent_id = serializers.RegexField(r"^pi_\w+$", max_length=255)


class PageForm(serializers.Serializer[object]):
    """Which part of a list."""

    limit = serializers.IntegerField(min_value=1, max_value=100, default=50)
    offset = serializers.IntegerField(min_value=0, max_value=1_000_000, default=0)


class PaymentIntentAnswer(serializers.Serializer[object]):
    """What the client's payment form needs; both empty for what is free."""

    client_secret = serializers.CharField(allow_null=True)
    payment_intent_id = serializers.CharField(allow_null=True)
    amount = serializers.IntegerField(help_text="In cents.")


class ConfirmAnswer(serializers.Serializer[object]):
    """What became of a payment. message says what to do when no credits came."""

    success = serializers.BooleanField()
    credits_added = serializers.IntegerField()
    new_balance = serializers.IntegerField()
    message = serializers.CharField(allow_blank=True)


class CreditsAnswer(serializers.Serializer[object]):
    """What a person can spend."""

    balance = serializers.IntegerField()
    user_id = serializers.CharField()


class LanguageCost(serializers.Serializer[object]):
    """The price of one language."""

    duration = serializers.FloatField(source="seconds")
    rate_per_second = serializers.FloatField()
    multiplier = serializers.FloatField()
    cost = serializers.IntegerField(source="credits")
    classification = serializers.CharField()


class CostAnswer(serializers.Serializer[object]):
    """The price of a job, language by language, and the bonus if all are delivered."""

    estimated_cost = serializers.IntegerField()
    languages = serializers.ListField(child=serializers.CharField())
    duration = serializers.FloatField()
    breakdown = serializers.DictField(child=LanguageCost())
    bonus = serializers.IntegerField()


class AffordAnswer(serializers.Serializer[object]):
    """Whether a job could be paid now."""

    can_afford = serializers.BooleanField()
    current_balance = serializers.IntegerField()
    estimated_cost = serializers.IntegerField()
    shortfall = serializers.IntegerField()
    cost_breakdown = serializers.DictField(child=LanguageCost())


class LimitsAnswer(serializers.Serializer[object]):
    """What a job of a plan may be."""

    longest_seconds = serializers.SerializerMethodField()
    largest_bytes = serializers.IntegerField()
    languages = serializers.IntegerField()
    kept_hours = serializers.SerializerMethodField()
    api_keys = serializers.BooleanField()
    premium_voices = serializers.BooleanField()

    def get_longest_seconds(self, limits: Any) -> int:
        """The longest recording."""
        return int(limits.longest_ms // 1000)

    def get_kept_hours(self, limits: Any) -> int:
        """How long files stay."""
        return int(limits.kept.total_seconds() // 3600)


class PlanAnswer(serializers.Serializer[object]):
    """One plan."""

    id = serializers.CharField()
    name = serializers.CharField()
    credits = serializers.IntegerField()
    price_cents = serializers.IntegerField()
    currency = serializers.CharField()
    limits = LimitsAnswer()


class PlansAnswer(serializers.Serializer[object]):
    """Every plan."""

    plans = PlanAnswer(many=True)
    description = serializers.CharField()


class EntryAnswer(serializers.ModelSerializer[CreditTransaction]):
    """One entry of the ledger; its payment's id comes from the context."""

    id = serializers.CharField()
    transaction_type = serializers.ChoiceField(CreditTransaction.Kind.choices, source="kind")
    stripe_payment_intent_id = serializers.SerializerMethodField()

    class Meta:
        model = CreditTransaction
        fields = (
            "id",
            "amount",
            "transaction_type",
            "description",
            "created_at",
            "stripe_payment_intent_id",
        )

    def get_stripe_payment_intent_id(self, entry: CreditTransaction) -> str | None:
        """The payment that brought it."""
        payments: dict[str, str] = self.context.get("payments", {})
        return payments.get(entry.reference)


class PaymentAnswer(serializers.ModelSerializer[Purchase]):
    """One purchase as the web front end lists it; amount is in cents."""

    id = serializers.CharField()
    amount = serializers.IntegerField(source="amount_cents")
    description = serializers.SerializerMethodField()

    class Meta:
        model = Purchase
        fields = ("id", "amount", "currency", "status", "created_at", "description")

    def get_description(self, purchase: Purchase) -> str:
        """What was bought."""
        return f"{PLANS[purchase.plan].name}: {purchase.credits} credits"
