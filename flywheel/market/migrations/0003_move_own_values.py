"""Values entered by hand become records of their own, whose changes are kept; until now they were facts of a source."""

from django.db import migrations

MOVE = """
INSERT INTO market_ownvalue (workspace_id, version, changed_at, market, indicator, period, value, origin)
SELECT f.workspace_id, 1, now(), left(f.market, 60), left(f.indicator, 200), left(f.period, 8), f.value, left(f.origin, 200)
FROM facts_marketindicator AS f JOIN facts_source AS s ON s.id = f.source_id
WHERE s.slug = 'by-hand' AND f.batch_id IS NULL
ON CONFLICT DO NOTHING
"""
DROP = """
DELETE FROM facts_marketindicator AS f USING facts_source AS s
WHERE s.id = f.source_id AND s.slug = 'by-hand' AND f.batch_id IS NULL
"""
DROP_HEALTH = """
DELETE FROM facts_sourcehealth AS h USING facts_source AS s WHERE s.id = h.source_id AND {unused}
"""
DROP_SOURCE = "DELETE FROM facts_source AS s WHERE {unused}"
UNUSED = """s.slug = 'by-hand' AND NOT EXISTS (SELECT FROM intake_batch AS b WHERE b.source_id = s.id)
AND NOT EXISTS (SELECT FROM intake_feed AS f WHERE f.source_id = s.id)
AND NOT EXISTS (SELECT FROM intake_mapping AS m WHERE m.source_id = s.id)"""  # no file ever came under that name
SOURCE_BACK = """
INSERT INTO facts_source (workspace_id, slug, name, owner_team, contact, note, created_at)
SELECT DISTINCT workspace_id, 'by-hand', 'Entered by hand', '', '', '', now() FROM market_ownvalue
ON CONFLICT (workspace_id, slug) DO NOTHING
"""
FACTS_BACK = """
INSERT INTO facts_marketindicator (workspace_id, source_id, external_id, market, indicator, period, value, origin)
SELECT v.workspace_id, s.id, v.market || '|' || v.indicator || '|' || v.period, v.market, v.indicator, v.period,
       v.value, v.origin
FROM market_ownvalue AS v JOIN facts_source AS s ON s.workspace_id = v.workspace_id AND s.slug = 'by-hand'
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("market", "0002_own_values"),
        ("facts", "0013_campaign_holdout"),
        ("intake", "0009_kept_answers"),
    ]

    operations = [
        migrations.RunSQL(
            [MOVE, DROP, DROP_HEALTH.format(unused=UNUSED), DROP_SOURCE.format(unused=UNUSED)],
            [SOURCE_BACK, FACTS_BACK, "DELETE FROM market_ownvalue", "DELETE FROM market_change WHERE record = 'ownvalue'"],
        )
    ]
