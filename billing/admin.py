"""Credits and the ledger, for staff to read. Only `billing.ledger` writes them."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from billing.models import CreditTransaction, UserCredits


class ReadOnly:
    """Refuses every change in the admin."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """No."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No."""
        return False


@admin.register(UserCredits)
class UserCreditsAdmin(ReadOnly, admin.ModelAdmin[UserCredits]):
    """What people have."""

    list_display = ("user", "balance", "owed", "plan", "updated_at")
    list_filter = ("plan",)
    list_select_related = ("user",)
    search_fields = ("user__email",)


@admin.register(CreditTransaction)
class CreditTransactionAdmin(ReadOnly, admin.ModelAdmin[CreditTransaction]):
    """The ledger, newest first."""

    list_display = (
        "id",
        "created_at",
        "user",
        "kind",
        "amount",
        "balance_after",
        "reference",
        "by",
    )
    list_filter = ("kind", "created_at")
    list_select_related = ("user", "by")
    search_fields = ("user__email", "reference")
