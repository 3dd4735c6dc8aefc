"""Money for staff: everything can be read; what can be done goes through services."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import services
from billing.confirmations import Gift, MoneyBack, Reason, confirmed, exported
from billing.models import CreditTransaction, Dispute, Purchase, PurchaseRefund, UserCredits
from billing.purchases import release_from_quarantine
from billing.refunds import refund_purchase, refundable

if TYPE_CHECKING:
    from accounts.models import User

ENTRY_COLUMNS = (
    "id", "created_at", "user", "kind", "amount", "balance_after", "reference", "description",
    "reason", "by",
)  # fmt: skip
PURCHASE_COLUMNS = (
    "id", "created_at", "paid_at", "user", "plan", "status", "doubt", "currency", "amount_cents",
    "credits", "returned_cents", "returned_credits", "stripe_payment_intent_id",
)  # fmt: skip


class ReadOnly:
    """Refuses every change in the admin."""

    def has_add_permission(self, *_arguments: Any) -> bool:
        """No."""
        return False

    def has_change_permission(self, *_arguments: Any) -> bool:
        """No."""
        return False

    def has_delete_permission(self, *_arguments: Any) -> bool:
        """No."""
        return False


@admin.register(UserCredits)
class UserCreditsAdmin(ReadOnly, admin.ModelAdmin[UserCredits]):
    """What people have."""

    list_display = ("user", "balance", "owed", "plan", "frozen", "closed_at", "updated_at")
    list_filter = ("plan",)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    actions = ("grant", "hold", "release")

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may give credits and put accounts on hold."""
        return _staff(request).has_perm("billing.change_usercredits")

    @admin.action(description=gettext_lazy("Give credits"), permissions=["manage"])
    def grant(self, request: HttpRequest, rows: QuerySet[UserCredits]) -> HttpResponse | None:
        """Give credits to the chosen people."""
        return confirmed(
            self,
            request,
            rows.select_related("user"),
            action="grant",
            question=_("Give credits to these people?"),
            form=Gift,
            work=lambda row, told: services.grant_credits(
                row.user,
                credits=told["credits"],
                reason=told["reason"],
                by=_staff(request),
                reference=f"gift:{told['once']}:{row.user_id}",
            ),
        )

    @admin.action(description=gettext_lazy("Put on hold"), permissions=["manage"])
    def hold(self, request: HttpRequest, rows: QuerySet[UserCredits]) -> HttpResponse | None:
        """Let the chosen people start no job."""
        return confirmed(
            self,
            request,
            rows.select_related("user"),
            action="hold",
            question=_("Let these people start no new job? What runs goes on."),
            form=Reason,
            work=lambda row, told: services.freeze(
                row.user, reason=told["reason"], by=_staff(request)
            ),
        )

    @admin.action(description=gettext_lazy("Release from hold"), permissions=["manage"])
    def release(self, request: HttpRequest, rows: QuerySet[UserCredits]) -> HttpResponse | None:
        """Let the chosen people start jobs again."""
        return confirmed(
            self,
            request,
            rows.select_related("user"),
            action="release",
            question=_("Let these people start jobs again?"),
            work=lambda row, _told: services.unfreeze(row.user, by=_staff(request)),
        )


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
    actions = ("export",)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may take the books along."""
        return _staff(request).has_perm("billing.change_usercredits")

    @admin.action(description=gettext_lazy("Export as a table (CSV)"), permissions=["manage"])
    def export(self, request: HttpRequest, rows: QuerySet[CreditTransaction]) -> HttpResponseBase:
        """Send the chosen entries as a table."""
        return exported(self, request, rows, name="entries", columns=ENTRY_COLUMNS)


class RefundInline(ReadOnly, admin.TabularInline[PurchaseRefund, Purchase]):
    """What went back of a purchase."""

    model = PurchaseRefund
    extra = 0
    fields = ("created_at", "status", "cents", "credits", "reason", "by", "stripe_refund_id")
    readonly_fields = fields


class DisputeInline(ReadOnly, admin.TabularInline[Dispute, Purchase]):
    """What a bank said of a purchase."""

    model = Dispute
    extra = 0
    fields = ("stripe_dispute_id", "status", "cents", "credits", "created_at")
    readonly_fields = fields


@admin.register(Purchase)
class PurchaseAdmin(ReadOnly, admin.ModelAdmin[Purchase]):
    """What people bought, and the way to refund it."""

    list_display = (
        "created_at",
        "user",
        "plan",
        "status",
        "doubt",
        "amount_cents",
        "returned_cents",
        "stripe_payment_intent_id",
    )
    list_filter = ("status", "plan", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "stripe_payment_intent_id", "checkout_session_id", "id")
    readonly_fields = ("unspent",)
    inlines = (RefundInline, DisputeInline)
    actions = ("refund", "credit", "export")

    @admin.display(description=gettext_lazy("credits that can be refunded"))
    def unspent(self, purchase: Purchase) -> int:
        """How many credits of it staff may refund."""
        return refundable(purchase)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may refund and release purchases."""
        return _staff(request).has_perm("billing.change_purchase")

    @admin.action(description=gettext_lazy("Refund what is unspent"), permissions=["manage"])
    def refund(self, request: HttpRequest, rows: QuerySet[Purchase]) -> HttpResponse | None:
        """Send back the money of unspent credits."""
        return confirmed(
            self,
            request,
            rows.select_related("user"),
            action="refund",
            question=_("Send the money of the unspent credits of these purchases back?"),
            form=MoneyBack,
            work=lambda row, told: refund_purchase(
                row, credits=told["credits"], reason=told["reason"], by=_staff(request)
            ),
        )

    @admin.action(description=gettext_lazy("Credit after all"), permissions=["manage"])
    def credit(self, request: HttpRequest, rows: QuerySet[Purchase]) -> HttpResponse | None:
        """Credit quarantined payments that turned out to be right."""
        return confirmed(
            self,
            request,
            rows.select_related("user"),
            action="credit",
            question=_("Credit these quarantined payments? Look at each in Stripe first."),
            work=lambda row, _told: release_from_quarantine(row, by=_staff(request)),
        )

    @admin.action(description=gettext_lazy("Export as a table (CSV)"), permissions=["manage"])
    def export(self, request: HttpRequest, rows: QuerySet[Purchase]) -> HttpResponseBase:
        """Send the chosen purchases as a table."""
        return exported(self, request, rows, name="purchases", columns=PURCHASE_COLUMNS)


def _staff(request: HttpRequest) -> "User":
    return cast("User", request.user)
