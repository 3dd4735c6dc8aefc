"""What the pages of money ask for."""

import hashlib
import uuid

from django import forms

from accounts.models import User
from billing.plans import PLANS, Plan

PRICED = [(plan.id, plan.name) for plan in PLANS.values() if plan.price_cents]


class BuyForm(forms.Form):
    """A pack to buy. once makes two clicks on one button one purchase."""

    plan = forms.ChoiceField(choices=PRICED)
    once = forms.UUIDField(initial=uuid.uuid4)

    @property
    def chosen(self) -> Plan:
        """The pack."""
        return PLANS[self.cleaned_data["plan"]]

    def reference(self, user: User, back: str) -> str:
        """What makes this click that one purchase."""
        parts = (str(user.pk), str(self.cleaned_data["once"]), self.chosen.id, back)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
