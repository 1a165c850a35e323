"""Whether the EHR lets a request be changed, so that a closing is not asked where it does not."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("alerts", '0016_cards_of_one_ehr')]

    operations = [
        migrations.AddField(
            model_name='ehrconnection',
            name='updates',
            field=models.BooleanField(default=True, help_text='A request that it has can be changed.'),
        ),
    ]
