"""Users in the admin."""

from typing import ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.forms import Field

from accounts.models import User


class UserCreationForm(AdminUserCreationForm[User]):
    """Asks for an e-mail address where Django asks for a user name."""

    class Meta:
        model = User
        fields = ("email",)


class UserForm(UserChangeForm[User]):
    """Shows an e-mail address where Django shows a user name."""

    class Meta:
        model = User
        fields = "__all__"
        field_classes: ClassVar[dict[str, type[Field]]] = {}


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    """Find a person, let them in or keep them out."""

    form = UserForm
    add_form = UserCreationForm
    ordering = ("-created_at",)
    list_display = ("email", "is_active", "is_staff", "created_at", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email",)
    readonly_fields = ("created_at", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "password", "created_at", "last_login")}),
        (
            "Rights",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "usable_password", "password1", "password2"),
            },
        ),
    )
