WITH facts AS (
  SELECT
    t.workspace_id AS workspace_id,
    t.week AS week,
    t.market AS market,
    t.channel AS channel,
    t.device AS device,
    t.sessions AS sessions,
    t.engaged_sessions AS engaged_sessions,
    t.product_views AS product_views,
    t.carts AS carts,
    t.cart_views AS cart_views,
    t.checkouts AS checkouts,
    t.payment_attempts AS payment_attempts,
    t.payments AS payments,
    CAST(NULL AS BIGINT) AS orders,
    CAST(NULL AS BIGINT) AS identified_orders,
    CAST(NULL AS BIGINT) AS first_orders,
    CAST(NULL AS BIGINT) AS priced_orders,
    CAST(NULL AS DECIMAL(18, 4)) AS net_base,
    CAST(NULL AS BIGINT) AS first_priced_orders,
    CAST(NULL AS DECIMAL(18, 4)) AS first_net_base,
    CAST(NULL AS BIGINT) AS costed_orders,
    CAST(NULL AS DECIMAL(18, 4)) AS costed_net_base,
    CAST(NULL AS DECIMAL(18, 4)) AS contribution_base,
    CAST(CASE WHEN t.device = 'mobile' THEN t.sessions ELSE NULL END AS BIGINT) AS mobile_sessions,
    CAST(CASE WHEN t.device = 'mobile' THEN t.payments ELSE NULL END AS BIGINT) AS mobile_payments,
    CAST(CASE WHEN t.device = 'desktop' THEN t.sessions ELSE NULL END AS BIGINT) AS desktop_sessions,
    CAST(CASE WHEN t.device = 'desktop' THEN t.payments ELSE NULL END AS BIGINT) AS desktop_payments,
    CAST(NULL AS BIGINT) AS discount_orders,
    CAST(NULL AS DECIMAL(18, 4)) AS discount_gross_base,
    CAST(NULL AS DECIMAL(18, 4)) AS discount_base,
    CAST(NULL AS DECIMAL(18, 4)) AS first_discount_base,
    CAST(NULL AS BIGINT) AS unit_orders,
    CAST(NULL AS BIGINT) AS units,
    CAST(NULL AS BIGINT) AS basket_orders,
    CAST(NULL AS BIGINT) AS multi_orders
  FROM facts_traffic AS t
  WHERE
    t.workspace_id = :workspace AND t.week BETWEEN :first AND :last
  UNION ALL
  SELECT
    s.workspace_id AS workspace_id,
    s.week AS week,
    s.market AS market,
    s.channel AS channel,
    s.device AS device,
    CAST(s.sessions AS BIGINT) AS sessions,
    CAST(s.engaged_sessions AS BIGINT) AS engaged_sessions,
    CAST(s.product_views AS BIGINT) AS product_views,
    CAST(s.carts AS BIGINT) AS carts,
    CAST(s.cart_views AS BIGINT) AS cart_views,
    CAST(s.checkouts AS BIGINT) AS checkouts,
    CAST(s.payment_attempts AS BIGINT) AS payment_attempts,
    CAST(s.payments AS BIGINT) AS payments,
    CAST(NULL AS BIGINT) AS orders,
    CAST(NULL AS BIGINT) AS identified_orders,
    CAST(NULL AS BIGINT) AS first_orders,
    CAST(NULL AS BIGINT) AS priced_orders,
    CAST(NULL AS DECIMAL(18, 4)) AS net_base,
    CAST(NULL AS BIGINT) AS first_priced_orders,
    CAST(NULL AS DECIMAL(18, 4)) AS first_net_base,
    CAST(NULL AS BIGINT) AS costed_orders,
    CAST(NULL AS DECIMAL(18, 4)) AS costed_net_base,
    CAST(NULL AS DECIMAL(18, 4)) AS contribution_base,
    CAST(CASE WHEN s.device = 'mobile' THEN s.sessions ELSE NULL END AS BIGINT) AS mobile_sessions,
    CAST(CASE WHEN s.device = 'mobile' THEN s.payments ELSE NULL END AS BIGINT) AS mobile_payments,
    CAST(CASE WHEN s.device = 'desktop' THEN s.sessions ELSE NULL END AS BIGINT) AS desktop_sessions,
    CAST(CASE WHEN s.device = 'desktop' THEN s.payments ELSE NULL END AS BIGINT) AS desktop_payments,
    CAST(NULL AS BIGINT) AS discount_orders,
    CAST(NULL AS DECIMAL(18, 4)) AS discount_gross_base,
    CAST(NULL AS DECIMAL(18, 4)) AS discount_base,
    CAST(NULL AS DECIMAL(18, 4)) AS first_discount_base,
    CAST(NULL AS BIGINT) AS unit_orders,
    CAST(NULL AS BIGINT) AS units,
    CAST(NULL AS BIGINT) AS basket_orders,
    CAST(NULL AS BIGINT) AS multi_orders
  FROM facts_session AS s
  WHERE
    s.workspace_id = :workspace AND s.week BETWEEN :first AND :last
  UNION ALL
  SELECT
    o.workspace_id AS workspace_id,
    o.week AS week,
    o.market AS market,
    o.channel AS channel,
    o.device AS device,
    CAST(NULL AS BIGINT) AS sessions,
    CAST(NULL AS BIGINT) AS engaged_sessions,
    CAST(NULL AS BIGINT) AS product_views,
    CAST(NULL AS BIGINT) AS carts,
    CAST(NULL AS BIGINT) AS cart_views,
    CAST(NULL AS BIGINT) AS checkouts,
    CAST(NULL AS BIGINT) AS payment_attempts,
    CAST(NULL AS BIGINT) AS payments,
    CAST(1 AS BIGINT) AS orders,
    CAST(CASE WHEN o.customer = '' THEN 0 ELSE 1 END AS BIGINT) AS identified_orders,
    CAST(CASE WHEN o.customer = '' THEN NULL WHEN f.order_id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS first_orders,
    CAST(CASE WHEN o.net_base IS NULL THEN 0 ELSE 1 END AS BIGINT) AS priced_orders,
    o.net_base AS net_base,
    CAST(CASE
      WHEN o.customer = ''
      THEN NULL
      WHEN f.order_id IS NULL OR o.net_base IS NULL
      THEN 0
      ELSE 1
    END AS BIGINT) AS first_priced_orders,
    CASE WHEN f.order_id IS NULL THEN NULL ELSE o.net_base END AS first_net_base,
    CAST(CASE WHEN o.contribution_base IS NULL THEN 0 ELSE 1 END AS BIGINT) AS costed_orders,
    CASE WHEN o.contribution_base IS NULL THEN NULL ELSE o.net_base END AS costed_net_base,
    o.contribution_base AS contribution_base,
    CAST(NULL AS BIGINT) AS mobile_sessions,
    CAST(NULL AS BIGINT) AS mobile_payments,
    CAST(NULL AS BIGINT) AS desktop_sessions,
    CAST(NULL AS BIGINT) AS desktop_payments,
    CAST(CASE
      WHEN o.gross IS NULL OR o.discount IS NULL OR o.fx_rate IS NULL
      THEN 0
      ELSE 1
    END AS BIGINT) AS discount_orders,
    CASE
      WHEN o.gross IS NULL OR o.discount IS NULL OR o.fx_rate IS NULL
      THEN NULL
      ELSE CAST(o.gross * o.fx_rate AS DECIMAL(18, 4))
    END AS discount_gross_base,
    CASE
      WHEN o.gross IS NULL OR o.discount IS NULL OR o.fx_rate IS NULL
      THEN NULL
      ELSE CAST(o.discount * o.fx_rate AS DECIMAL(18, 4))
    END AS discount_base,
    CASE
      WHEN f.order_id IS NULL
      THEN NULL
      ELSE CAST(o.discount * o.fx_rate AS DECIMAL(18, 4))
    END AS first_discount_base,
    CAST(CASE WHEN o.units IS NULL AND l.units IS NULL THEN 0 ELSE 1 END AS BIGINT) AS unit_orders,
    CAST(CASE WHEN o.units IS NULL THEN l.units ELSE o.units END AS BIGINT) AS units,
    CAST(CASE WHEN l.products IS NULL AND o.units IS NULL THEN 0 ELSE 1 END AS BIGINT) AS basket_orders,
    CAST(CASE
      WHEN l.products > 1
      THEN 1
      WHEN l.products = 1
      THEN 0
      WHEN o.units > 1
      THEN 1
      WHEN o.units >= 0
      THEN 0
      ELSE NULL
    END AS BIGINT) AS multi_orders
  FROM facts_order AS o
  LEFT JOIN facts_firstorder AS f
    ON f.workspace_id = o.workspace_id AND f.customer = o.customer AND f.order_id = o.id
  LEFT JOIN (
    SELECT
      b.id AS order_id,
      COUNT(DISTINCT i.sku) AS products,
      CAST(SUM(i.quantity) AS BIGINT) AS units
    FROM facts_order AS b
    INNER JOIN facts_orderline AS i
      ON i.workspace_id = b.workspace_id
      AND i.order_ref = b.external_id
      AND i.source_id = b.source_id
    WHERE
      b.workspace_id = :workspace
      AND b.week BETWEEN :first AND :last
      AND b.counts
      AND i.workspace_id = :workspace
    GROUP BY
      b.id
  ) AS l
    ON l.order_id = o.id
  WHERE
    o.workspace_id = :workspace AND o.week BETWEEN :first AND :last AND o.counts
)
SELECT
  facts.workspace_id AS workspace_id,
  facts.week AS week,
  facts.market AS market,
  facts.channel AS channel,
  facts.device AS device,
  CAST(SUM(facts.sessions) AS BIGINT) AS sessions,
  CAST(SUM(facts.engaged_sessions) AS BIGINT) AS engaged_sessions,
  CAST(SUM(facts.product_views) AS BIGINT) AS product_views,
  CAST(SUM(facts.carts) AS BIGINT) AS carts,
  CAST(SUM(facts.cart_views) AS BIGINT) AS cart_views,
  CAST(SUM(facts.checkouts) AS BIGINT) AS checkouts,
  CAST(SUM(facts.payment_attempts) AS BIGINT) AS payment_attempts,
  CAST(SUM(facts.payments) AS BIGINT) AS payments,
  CAST(SUM(facts.orders) AS BIGINT) AS orders,
  CAST(SUM(facts.identified_orders) AS BIGINT) AS identified_orders,
  CAST(SUM(facts.first_orders) AS BIGINT) AS first_orders,
  CAST(SUM(facts.priced_orders) AS BIGINT) AS priced_orders,
  CAST(SUM(facts.net_base) AS DECIMAL(24, 4)) AS net_base,
  CAST(SUM(CAST(facts.net_base * facts.net_base AS DECIMAL(30, 4))) AS DECIMAL(38, 4)) AS net_squares,
  CAST(SUM(facts.first_priced_orders) AS BIGINT) AS first_priced_orders,
  CAST(SUM(facts.first_net_base) AS DECIMAL(24, 4)) AS first_net_base,
  CAST(SUM(CAST(facts.first_net_base * facts.first_net_base AS DECIMAL(30, 4))) AS DECIMAL(38, 4)) AS first_net_squares,
  CAST(SUM(facts.costed_orders) AS BIGINT) AS costed_orders,
  CAST(SUM(facts.costed_net_base) AS DECIMAL(24, 4)) AS costed_net_base,
  CAST(SUM(facts.contribution_base) AS DECIMAL(24, 4)) AS contribution_base,
  CAST(SUM(facts.mobile_sessions) AS BIGINT) AS mobile_sessions,
  CAST(SUM(facts.mobile_payments) AS BIGINT) AS mobile_payments,
  CAST(SUM(facts.desktop_sessions) AS BIGINT) AS desktop_sessions,
  CAST(SUM(facts.desktop_payments) AS BIGINT) AS desktop_payments,
  CAST(SUM(facts.discount_orders) AS BIGINT) AS discount_orders,
  CAST(SUM(facts.discount_gross_base) AS DECIMAL(24, 4)) AS discount_gross_base,
  CAST(SUM(facts.discount_base) AS DECIMAL(24, 4)) AS discount_base,
  CAST(SUM(CAST(facts.discount_gross_base * facts.discount_gross_base AS DECIMAL(30, 4))) AS DECIMAL(38, 4)) AS discount_gross_squares,
  CAST(SUM(CAST(facts.discount_base * facts.discount_base AS DECIMAL(30, 4))) AS DECIMAL(38, 4)) AS discount_squares,
  CAST(SUM(CAST(facts.discount_gross_base * facts.discount_base AS DECIMAL(30, 4))) AS DECIMAL(38, 4)) AS discount_products,
  CAST(SUM(facts.first_discount_base) AS DECIMAL(24, 4)) AS first_discount_base,
  CAST(SUM(facts.unit_orders) AS BIGINT) AS unit_orders,
  CAST(SUM(facts.units) AS BIGINT) AS units,
  CAST(SUM(facts.units * facts.units) AS BIGINT) AS unit_squares,
  CAST(SUM(facts.basket_orders) AS BIGINT) AS basket_orders,
  CAST(SUM(facts.multi_orders) AS BIGINT) AS multi_orders
FROM facts
GROUP BY
  facts.workspace_id,
  facts.week,
  facts.market,
  facts.channel,
  facts.device
