import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0003_uploads'),
    ]

    operations = [
        migrations.AddField(
            model_name='recordingpart',
            name='rejected_a_day',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.PositiveIntegerField(), default=list, size=None),
        ),
    ]
