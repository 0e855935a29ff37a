WITH facts AS (
  SELECT
    p.workspace_id AS workspace_id,
    p.order_week AS week,
    p.market AS market,
    p.method AS method,
    CAST(1 AS BIGINT) AS payments,
    p.amount_base AS amount_base,
    CAST(NULL AS BIGINT) AS placed_orders,
    CAST(NULL AS BIGINT) AS paid_orders
  FROM facts_payment AS p
  WHERE
    p.workspace_id = :workspace AND p.order_week BETWEEN :first AND :last
  UNION ALL
  SELECT
    o.workspace_id AS workspace_id,
    o.week AS week,
    o.market AS market,
    o.payment_method AS method,
    CAST(NULL AS BIGINT) AS payments,
    CAST(NULL AS DECIMAL(18, 4)) AS amount_base,
    CAST(1 AS BIGINT) AS placed_orders,
    CAST(CASE WHEN o.counts THEN 1 ELSE 0 END AS BIGINT) AS paid_orders
  FROM facts_order AS o
  WHERE
    o.workspace_id = :workspace
    AND o.week BETWEEN :first AND :last
    AND o.payment_method <> ''
    AND (
      o.counts OR o.state = 'unpaid'
    )
)
SELECT
  facts.workspace_id AS workspace_id,
  facts.week AS week,
  facts.market AS market,
  facts.method AS method,
  CAST(SUM(facts.payments) AS BIGINT) AS payments,
  CAST(SUM(facts.amount_base) AS DECIMAL(24, 4)) AS amount_base,
  CAST(SUM(facts.placed_orders) AS BIGINT) AS placed_orders,
  CAST(SUM(facts.paid_orders) AS BIGINT) AS paid_orders
FROM facts
GROUP BY
  facts.workspace_id,
  facts.week,
  facts.market,
  facts.method
