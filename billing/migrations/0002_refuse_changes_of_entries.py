"""PostgreSQL itself refuses to change or delete a ledger entry.

SQLite keeps the models' refusal only: its triggers vanish with every later change of the table, and
would stop the test runner from emptying it.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

REFUSE = """
CREATE FUNCTION billing_entry_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a ledger entry is never changed or deleted' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER billing_entry_is_final BEFORE UPDATE OR DELETE ON billing_credittransaction
    FOR EACH ROW EXECUTE FUNCTION billing_entry_is_final();
"""
ALLOW = """
DROP TRIGGER billing_entry_is_final ON billing_credittransaction;
DROP FUNCTION billing_entry_is_final();
"""


def refuse(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(REFUSE)


def allow(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ALLOW)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_credits_and_ledger")]

    operations = [migrations.RunPython(refuse, allow)]
