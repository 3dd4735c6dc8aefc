from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0009_claim_mails_for_a_time")]
    operations = [
        migrations.AddIndex(
            model_name="dubbingjob",
            index=models.Index(
                fields=["finished_at"],
                condition=models.Q(("told_at", None)),
                name="job_to_tell_of",
            ),
        ),
    ]
