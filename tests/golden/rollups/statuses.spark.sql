SELECT
  o.workspace_id AS workspace_id,
  o.week AS week,
  o.market AS market,
  o.status AS status,
  o.state AS state,
  COUNT(*) AS orders
FROM facts_order AS o
WHERE
  o.workspace_id = :workspace AND o.week BETWEEN :first AND :last
GROUP BY
  o.workspace_id,
  o.week,
  o.market,
  o.status,
  o.state
