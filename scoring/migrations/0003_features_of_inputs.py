from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scoring', '0002_jobs_by_day'),
    ]

    operations = [
        migrations.AddField(
            model_name='dailyfeatures',
            name='inputs_digest',
            field=models.CharField(blank=True, help_text='Of all it is made from.', max_length=32, default=''),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='dailyfeatures',
            name='version',
            field=models.PositiveSmallIntegerField(default=1, help_text="Of the features' definitions."),
        ),
    ]
