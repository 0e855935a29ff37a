SELECT
  o.workspace_id AS workspace_id,
  o.delivered_week AS week,
  o.market AS market,
  o.carrier AS carrier,
  'delivery' AS what,
  o.delivery_bucket AS bucket,
  COUNT(*) AS facts
FROM facts_order AS o
WHERE
  o.workspace_id = $workspace
  AND o.delivered_week BETWEEN $first AND $last
  AND o.counts
  AND o.delivered_at IS NOT NULL
GROUP BY
  o.workspace_id,
  o.delivered_week,
  o.market,
  o.carrier,
  o.delivery_bucket
UNION ALL
SELECT
  t.workspace_id AS workspace_id,
  t.week AS week,
  t.market AS market,
  '' AS carrier,
  'reply' AS what,
  t.reply_bucket AS bucket,
  COUNT(*) AS facts
FROM facts_ticket AS t
WHERE
  t.workspace_id = $workspace
  AND t.week BETWEEN $first AND $last
  AND t.first_reply_at IS NOT NULL
  AND (
    t.proactive IS NULL OR NOT t.proactive
  )
GROUP BY
  t.workspace_id,
  t.week,
  t.market,
  t.reply_bucket
