"""The outbox learns to take back and to send results; the EHR's setting becomes its connection."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def sent_as_requests(apps: Any, schema_editor: Any) -> None:
    """Before, the only way was a CommunicationRequest."""
    tried = apps.get_model("alerts", "OutboxMessage").objects.exclude(attempts=0)
    tried.update(sent_as="CommunicationRequest", tried_at=models.F("created_at"))
    apps.get_model("alerts", "EhrConnection").objects.get_or_create(pk=1)


class Migration(migrations.Migration):

    dependencies = [("alerts", "0009_zone_of_reader")]

    operations = [
        migrations.RenameModel("EhrSetting", "EhrConnection"),
        migrations.RemoveIndex(
            model_name='outboxmessage',
            name='messages_due',
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='base_url',
            field=models.CharField(blank=True, help_text='Whose metadata was read.', max_length=300),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='failing_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='failures',
            field=models.PositiveIntegerField(default=0, help_text='In a row.'),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='last_failure',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='next_request_at',
            field=models.DateTimeField(help_text='By the rate limit.', null=True),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='override',
            field=models.CharField(blank=True, choices=[('CommunicationRequest', 'CommunicationRequest'), ('Communication', 'Communication'), ('folder', 'Files in a folder')], max_length=24),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='read_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='rest_until',
            field=models.DateTimeField(help_text='Nothing is sent before.', null=True),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='results',
            field=models.JSONField(default=list, help_text='What of a score it takes.'),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='searchable',
            field=models.BooleanField(default=True, help_text="By a message's identifier."),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='software',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='target',
            field=models.CharField(blank=True, help_text='The way that was chosen.', max_length=24),
        ),
        migrations.AddField(
            model_name='ehrconnection',
            name='why',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='closed_as',
            field=models.CharField(blank=True, help_text='The status to which it was set in the EHR afterwards.', max_length=12),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='kind',
            field=models.PositiveSmallIntegerField(choices=[(0, 'Alert'), (1, 'Taking back'), (2, 'Scores')], default=0),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='sent_as',
            field=models.CharField(blank=True, help_text='The way it was last sent by.', max_length=24),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='tried_at',
            field=models.DateTimeField(help_text='Since then the EHR may have it.', null=True),
        ),
        migrations.AlterField(
            model_name='outboxmessage',
            name='resource',
            field=models.JSONField(help_text='What is told, as FHIR R4; empty until it is known.'),
        ),
        migrations.AlterField(
            model_name='outboxmessage',
            name='transition',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='alerts.alerttransition'),
        ),
        migrations.AddIndex(
            model_name='outboxmessage',
            index=models.Index(condition=models.Q(('state__in', ['pending', 'sending', 'held'])), fields=['kind', 'next_attempt_at'], name='messages_due'),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.UniqueConstraint(fields=('transition', 'kind'), name='one_message_of_a_kind'),
        ),
        migrations.RunPython(sent_as_requests, migrations.RunPython.noop),
    ]
