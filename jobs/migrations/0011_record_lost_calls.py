from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0010_find_jobs_to_tell_of"),
    ]

    operations = [
        migrations.AddField(
            model_name="vendorcall",
            name="key",
            field=models.UUIDField(editable=False, null=True, unique=True),
        ),
        migrations.AlterField(
            model_name="jobevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("job_created", "Job created"),
                    ("job_ended", "Job ended"),
                    ("language_complete", "Language complete"),
                    ("language_failed", "Language failed"),
                    ("language_cancelled", "Language cancelled"),
                    ("language_retried", "Language tried again"),
                    ("rendering_asked", "Changed lines asked for"),
                    ("rendering_failed", "Changed lines failed"),
                    ("step_begun", "Step begun"),
                    ("step_done", "Step done"),
                    ("step_put_off", "Step put off"),
                    ("step_failed", "Step failed"),
                    ("calls_lost", "Calls to vendors lost"),
                ],
                max_length=24,
            ),
        ),
    ]
