WITH brought AS (
  SELECT
    f.order_id AS first_order,
    CASE WHEN o.id = f.order_id THEN 0 ELSE 1 END AS is_repeat,
    CASE
      WHEN o.id = f.order_id
      THEN 0
      WHEN o.order_date <= f.due_30
      THEN 30
      WHEN o.order_date <= f.due_60
      THEN 60
      WHEN o.order_date <= f.due_90
      THEN 90
      WHEN o.order_date <= f.due_180
      THEN 180
      ELSE 365
    END AS age,
    CASE WHEN o.id = f.order_id THEN NULL ELSE o.net_base END AS repeat_net,
    o.contribution_base AS contribution,
    CASE
      WHEN o.id = f.order_id AND o.promised_date IS NOT NULL AND o.delivered_date IS NOT NULL
      THEN 1
      ELSE 0
    END AS promised,
    CASE WHEN o.id = f.order_id AND o.delivered_date > o.promised_date THEN 1 ELSE 0 END AS late,
    CASE WHEN o.id = f.order_id AND t.answered > 0 THEN 1 ELSE 0 END AS answered,
    CASE WHEN o.id = f.order_id AND t.slow > 0 THEN 1 ELSE 0 END AS slow
  FROM facts_firstorder AS f
  INNER JOIN facts_order AS o
    ON o.workspace_id = f.workspace_id
    AND o.customer = f.customer
    AND o.order_date <= f.due_365
  LEFT JOIN (
    SELECT
      k.order_id AS order_id,
      COUNT(*) AS answered,
      SUM(CASE WHEN k.reply_minutes > 1440 THEN 1 ELSE 0 END) AS slow
    FROM facts_ticket AS k
    WHERE
      k.workspace_id = $workspace
      AND k.order_week BETWEEN $first AND $last
      AND k.first_reply_at IS NOT NULL
      AND (
        k.proactive IS NULL OR NOT k.proactive
      )
    GROUP BY
      k.order_id
  ) AS t
    ON t.order_id = f.order_id
  WHERE
    f.workspace_id = $workspace
    AND f.week BETWEEN $first AND $last
    AND o.workspace_id = $workspace
    AND o.week >= $first
    AND o.counts
  UNION ALL
  SELECT
    f.order_id AS first_order,
    0 AS is_repeat,
    CASE
      WHEN o.id = f.order_id AND r.refund_date <= f.order_date
      THEN 0
      WHEN o.order_date <= f.due_30 AND r.refund_date <= f.due_30
      THEN 30
      WHEN o.order_date <= f.due_60 AND r.refund_date <= f.due_60
      THEN 60
      WHEN o.order_date <= f.due_90 AND r.refund_date <= f.due_90
      THEN 90
      WHEN o.order_date <= f.due_180 AND r.refund_date <= f.due_180
      THEN 180
      ELSE 365
    END AS age,
    CAST(NULL AS DECIMAL(18, 4)) AS repeat_net,
    CAST(-r.amount_base AS DECIMAL(18, 4)) AS contribution,
    0 AS promised,
    0 AS late,
    0 AS answered,
    0 AS slow
  FROM facts_firstorder AS f
  INNER JOIN facts_order AS o
    ON o.workspace_id = f.workspace_id
    AND o.customer = f.customer
    AND o.order_date <= f.due_365
  INNER JOIN facts_refund AS r
    ON r.workspace_id = o.workspace_id
    AND r.order_ref = o.external_id
    AND r.order_id = o.id
  WHERE
    f.workspace_id = $workspace
    AND f.week BETWEEN $first AND $last
    AND o.workspace_id = $workspace
    AND o.week >= $first
    AND o.counts
    AND r.workspace_id = $workspace
    AND r.refund_date <= f.due_365
), customers AS (
  SELECT
    b.first_order AS first_order,
    SUM(CASE WHEN b.age <= 90 THEN b.is_repeat ELSE 0 END) AS repeat_orders_90,
    SUM(b.is_repeat) AS repeat_orders_365,
    COUNT(b.repeat_net) AS repeat_priced_365,
    SUM(b.repeat_net) AS repeat_net_365,
    SUM(CAST(b.repeat_net * b.repeat_net AS DECIMAL(30, 4))) AS repeat_net_squares_365,
    SUM(CASE WHEN b.age = 0 THEN b.contribution ELSE NULL END) AS contribution_first,
    SUM(CASE WHEN b.age <= 30 THEN b.contribution ELSE NULL END) AS contribution_30,
    SUM(CASE WHEN b.age <= 60 THEN b.contribution ELSE NULL END) AS contribution_60,
    SUM(CASE WHEN b.age <= 90 THEN b.contribution ELSE NULL END) AS contribution_90,
    SUM(CASE WHEN b.age <= 180 THEN b.contribution ELSE NULL END) AS contribution_180,
    SUM(CASE WHEN b.contribution IS NULL THEN 1 ELSE 0 END) AS unknown_365,
    CAST(SUM(b.contribution) AS DECIMAL(18, 4)) AS contribution_365,
    SUM(b.promised) AS promised,
    SUM(b.late) AS late,
    SUM(b.answered) AS answered,
    SUM(b.slow) AS slow
  FROM brought AS b
  GROUP BY
    b.first_order
)
SELECT
  f.workspace_id AS workspace_id,
  f.week AS week,
  f.market AS market,
  f.channel AS channel,
  COUNT(*) AS customers,
  CAST(SUM(CASE WHEN f.second_date <= f.due_30 THEN 1 ELSE 0 END) AS BIGINT) AS repeaters_30,
  CAST(SUM(CASE WHEN f.second_date <= f.due_60 THEN 1 ELSE 0 END) AS BIGINT) AS repeaters_60,
  CAST(SUM(CASE WHEN f.second_date <= f.due_90 THEN 1 ELSE 0 END) AS BIGINT) AS repeaters_90,
  CAST(SUM(CASE WHEN f.second_date <= f.due_180 THEN 1 ELSE 0 END) AS BIGINT) AS repeaters_180,
  CAST(SUM(c.repeat_orders_90) AS BIGINT) AS repeat_orders_90,
  CAST(SUM(c.repeat_orders_365) AS BIGINT) AS repeat_orders_365,
  CAST(SUM(c.repeat_priced_365) AS BIGINT) AS repeat_priced_365,
  CAST(SUM(c.repeat_net_365) AS DECIMAL(24, 4)) AS repeat_net_365,
  CAST(SUM(c.repeat_net_squares_365) AS DECIMAL(38, 4)) AS repeat_net_squares_365,
  CAST(SUM(CASE WHEN c.unknown_365 = 0 THEN 1 ELSE 0 END) AS BIGINT) AS costed_customers_365,
  CAST(SUM(CASE WHEN c.unknown_365 = 0 THEN c.contribution_first ELSE NULL END) AS DECIMAL(24, 4)) AS contribution_first,
  CAST(SUM(CASE WHEN c.unknown_365 = 0 THEN c.contribution_30 ELSE NULL END) AS DECIMAL(24, 4)) AS contribution_30,
  CAST(SUM(CASE WHEN c.unknown_365 = 0 THEN c.contribution_60 ELSE NULL END) AS DECIMAL(24, 4)) AS contribution_60,
  CAST(SUM(CASE WHEN c.unknown_365 = 0 THEN c.contribution_90 ELSE NULL END) AS DECIMAL(24, 4)) AS contribution_90,
  CAST(SUM(CASE WHEN c.unknown_365 = 0 THEN c.contribution_180 ELSE NULL END) AS DECIMAL(24, 4)) AS contribution_180,
  CAST(SUM(CASE WHEN c.unknown_365 = 0 THEN c.contribution_365 ELSE NULL END) AS DECIMAL(24, 4)) AS contribution_365,
  CAST(SUM(
    CASE
      WHEN c.unknown_365 = 0
      THEN CAST(c.contribution_365 * c.contribution_365 AS DECIMAL(30, 4))
      ELSE NULL
    END
  ) AS DECIMAL(38, 4)) AS contribution_squares_365,
  CAST(SUM(CASE WHEN c.promised > 0 THEN 1 ELSE NULL END) AS BIGINT) AS promised_customers,
  CAST(SUM(CASE WHEN c.promised > 0 THEN c.repeat_orders_90 ELSE NULL END) AS BIGINT) AS promised_repeat_orders_90,
  CAST(SUM(CASE WHEN c.late > 0 THEN 1 ELSE NULL END) AS BIGINT) AS late_customers,
  CAST(SUM(CASE WHEN c.late > 0 THEN c.repeat_orders_90 ELSE NULL END) AS BIGINT) AS late_repeat_orders_90,
  CAST(SUM(CASE WHEN c.answered > 0 THEN 1 ELSE NULL END) AS BIGINT) AS answered_customers,
  CAST(SUM(CASE WHEN c.answered > 0 THEN c.repeat_orders_90 ELSE NULL END) AS BIGINT) AS answered_repeat_orders_90,
  CAST(SUM(CASE WHEN c.slow > 0 THEN 1 ELSE NULL END) AS BIGINT) AS slow_customers,
  CAST(SUM(CASE WHEN c.slow > 0 THEN c.repeat_orders_90 ELSE NULL END) AS BIGINT) AS slow_repeat_orders_90
FROM customers AS c
INNER JOIN facts_firstorder AS f
  ON f.order_id = c.first_order
  AND f.workspace_id = $workspace
  AND f.week BETWEEN $first AND $last
GROUP BY
  f.workspace_id,
  f.week,
  f.market,
  f.channel
