"""What a batch changed, as it was: the SQL by which it is kept in `facts.Change` for the undo."""

KEEP_TOUCHED = """
INSERT INTO facts_change (workspace_id, batch_id, table_name, fact_id, before, before_batch)
SELECT %(workspace)s, %(batch)s, '{table}', id, before, (before ->> 'batch_id')::bigint
FROM facts_touched
WHERE before IS NOT NULL AND (before ->> 'batch_id')::bigint IS DISTINCT FROM %(batch)s::bigint
ON CONFLICT (batch_id, table_name, fact_id) DO NOTHING
"""
# A record that the batch brought itself needs no keeping; of one that is moved twice the first keeping holds.
BEFORE = """CASE WHEN %(batch)s::bigint IS NOT NULL AND old.batch_id IS DISTINCT FROM %(batch)s::bigint
        THEN to_jsonb(old.*) END AS before"""
KEEP = """
INSERT INTO facts_change (workspace_id, batch_id, table_name, fact_id, before, before_batch)
    SELECT %(workspace)s, %(batch)s, {table}, id, before, (before ->> 'batch_id')::bigint
    FROM {changed} WHERE before IS NOT NULL ON CONFLICT (batch_id, table_name, fact_id) DO NOTHING"""
