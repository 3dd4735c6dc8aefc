from typing import Any

from django.db import migrations
from django.db.models import F


def trust(apps: Any, schema_editor: Any) -> None:
    """Until now only staff made accounts: their addresses need no proof."""
    apps.get_model("accounts", "User").objects.filter(email_verified_at=None).update(
        email_verified_at=F("created_at")
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_profiles_sessions_and_keys")]

    operations = [migrations.RunPython(trust, migrations.RunPython.noop, elidable=True)]
