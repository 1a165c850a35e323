from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0005_zones_in_words'),
    ]

    operations = [
        migrations.AddField(
            model_name='recordingday',
            name='walks',
            field=models.BinaryField(help_text='Steps as told: patients.domain.walks', null=True),
        ),
    ]
