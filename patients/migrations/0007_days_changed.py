from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0006_walks'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='resolvedday',
            index=models.Index(fields=['patient', 'updated_at'], name='days_changed'),
        ),
        migrations.AddIndex(
            model_name='sleepepisode',
            index=models.Index(fields=['patient', 'end'], name='sleep_by_end'),
        ),
    ]
