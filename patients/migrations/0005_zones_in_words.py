from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0004_rejected_days'),
    ]

    operations = [
        migrations.AlterField(
            model_name='recordingfile',
            name='zone',
            field=models.TextField(help_text='How naive stamps were read, as ZoneHistory.told says it.'),
        ),
    ]
