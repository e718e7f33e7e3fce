"""A moment at which one delivery is tried again by itself, so that it does not hold up those behind it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial")]

    operations = [
        migrations.AddField(
            "delivery",
            "retry_at",
            models.DateTimeField(
                editable=False,
                help_text="When it is tried again by itself, while later events go on; null in the line.",
                null=True,
            ),
        ),
    ]
