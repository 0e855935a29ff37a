WITH facts AS (
  SELECT
    o.workspace_id AS workspace_id,
    o.delivered_week AS week,
    o.market AS market,
    o.channel AS channel,
    o.carrier AS carrier,
    CAST(1 AS BIGINT) AS followed_deliveries,
    CAST(CASE WHEN r.order_id IS NULL THEN NULL ELSE 1 END AS BIGINT) AS reviewed_deliveries,
    CAST(CASE WHEN o.state = 'returned' THEN 1 ELSE NULL END AS BIGINT) AS returned_deliveries,
    CAST(NULL AS BIGINT) AS followed_orders,
    CAST(NULL AS BIGINT) AS contacted_orders,
    CAST(NULL AS BIGINT) AS followed_customers,
    CAST(NULL AS BIGINT) AS contacted_customers,
    CAST(NULL AS BIGINT) AS answered_tickets,
    CAST(NULL AS DECIMAL(18, 4)) AS reply_minutes,
    CAST(NULL AS BIGINT) AS campaign_sent,
    CAST(NULL AS BIGINT) AS campaign_opened,
    CAST(NULL AS BIGINT) AS campaign_clicked,
    CAST(NULL AS BIGINT) AS campaign_ordered,
    CAST(NULL AS BIGINT) AS campaign_order_sent
  FROM facts_order AS o
  LEFT JOIN (
    SELECT
      v.order_id AS order_id,
      COUNT(*) AS reviews
    FROM facts_order AS d
    INNER JOIN facts_review AS v
      ON v.workspace_id = d.workspace_id
      AND v.order_ref = d.external_id
      AND v.order_id = d.id
    WHERE
      d.workspace_id = $workspace
      AND d.delivered_week BETWEEN $first AND $last
      AND v.workspace_id = $workspace
    GROUP BY
      v.order_id
  ) AS r
    ON r.order_id = o.id
  WHERE
    o.workspace_id = $workspace
    AND o.delivered_week BETWEEN $first AND $last
    AND o.counts
    AND o.delivered_at IS NOT NULL
  UNION ALL
  SELECT
    o.workspace_id AS workspace_id,
    o.week AS week,
    o.market AS market,
    o.channel AS channel,
    o.carrier AS carrier,
    CAST(NULL AS BIGINT) AS followed_deliveries,
    CAST(NULL AS BIGINT) AS reviewed_deliveries,
    CAST(NULL AS BIGINT) AS returned_deliveries,
    CAST(1 AS BIGINT) AS followed_orders,
    CAST(CASE WHEN t.order_id IS NULL THEN NULL ELSE 1 END AS BIGINT) AS contacted_orders,
    CAST(CASE WHEN f.order_id IS NULL THEN NULL ELSE 1 END AS BIGINT) AS followed_customers,
    CAST(CASE WHEN f.order_id IS NULL OR t.order_id IS NULL THEN NULL ELSE 1 END AS BIGINT) AS contacted_customers,
    CAST(NULL AS BIGINT) AS answered_tickets,
    CAST(NULL AS DECIMAL(18, 4)) AS reply_minutes,
    CAST(NULL AS BIGINT) AS campaign_sent,
    CAST(NULL AS BIGINT) AS campaign_opened,
    CAST(NULL AS BIGINT) AS campaign_clicked,
    CAST(NULL AS BIGINT) AS campaign_ordered,
    CAST(NULL AS BIGINT) AS campaign_order_sent
  FROM facts_order AS o
  LEFT JOIN facts_firstorder AS f
    ON f.workspace_id = o.workspace_id AND f.customer = o.customer AND f.order_id = o.id
  LEFT JOIN (
    SELECT
      k.order_id AS order_id,
      COUNT(*) AS tickets
    FROM facts_ticket AS k
    WHERE
      k.workspace_id = $workspace
      AND k.order_week BETWEEN $first AND $last
      AND k.days_after_order >= 0
      AND k.days_after_order <= 14
    GROUP BY
      k.order_id
  ) AS t
    ON t.order_id = o.id
  WHERE
    o.workspace_id = $workspace AND o.week BETWEEN $first AND $last AND o.counts
  UNION ALL
  SELECT
    t.workspace_id AS workspace_id,
    t.week AS week,
    t.market AS market,
    t.channel AS channel,
    t.carrier AS carrier,
    CAST(NULL AS BIGINT) AS followed_deliveries,
    CAST(NULL AS BIGINT) AS reviewed_deliveries,
    CAST(NULL AS BIGINT) AS returned_deliveries,
    CAST(NULL AS BIGINT) AS followed_orders,
    CAST(NULL AS BIGINT) AS contacted_orders,
    CAST(NULL AS BIGINT) AS followed_customers,
    CAST(NULL AS BIGINT) AS contacted_customers,
    CAST(1 AS BIGINT) AS answered_tickets,
    t.reply_minutes AS reply_minutes,
    CAST(NULL AS BIGINT) AS campaign_sent,
    CAST(NULL AS BIGINT) AS campaign_opened,
    CAST(NULL AS BIGINT) AS campaign_clicked,
    CAST(NULL AS BIGINT) AS campaign_ordered,
    CAST(NULL AS BIGINT) AS campaign_order_sent
  FROM facts_ticket AS t
  WHERE
    t.workspace_id = $workspace
    AND t.week BETWEEN $first AND $last
    AND t.first_reply_at IS NOT NULL
    AND (
      t.proactive IS NULL OR NOT t.proactive
    )
  UNION ALL
  SELECT
    m.workspace_id AS workspace_id,
    m.week AS week,
    m.market AS market,
    m.channel AS channel,
    '' AS carrier,
    CAST(NULL AS BIGINT) AS followed_deliveries,
    CAST(NULL AS BIGINT) AS reviewed_deliveries,
    CAST(NULL AS BIGINT) AS returned_deliveries,
    CAST(NULL AS BIGINT) AS followed_orders,
    CAST(NULL AS BIGINT) AS contacted_orders,
    CAST(NULL AS BIGINT) AS followed_customers,
    CAST(NULL AS BIGINT) AS contacted_customers,
    CAST(NULL AS BIGINT) AS answered_tickets,
    CAST(NULL AS DECIMAL(18, 4)) AS reply_minutes,
    m.sent AS campaign_sent,
    m.opened AS campaign_opened,
    m.clicked AS campaign_clicked,
    CASE WHEN m.sent IS NULL THEN NULL ELSE m.ordered END AS campaign_ordered,
    CASE WHEN m.ordered IS NULL THEN NULL ELSE m.sent END AS campaign_order_sent
  FROM facts_customercampaign AS m
  WHERE
    m.workspace_id = $workspace AND m.week BETWEEN $first AND $last
)
SELECT
  facts.workspace_id AS workspace_id,
  facts.week AS week,
  facts.market AS market,
  facts.channel AS channel,
  facts.carrier AS carrier,
  CAST(SUM(facts.followed_deliveries) AS BIGINT) AS followed_deliveries,
  CAST(SUM(facts.reviewed_deliveries) AS BIGINT) AS reviewed_deliveries,
  CAST(SUM(facts.returned_deliveries) AS BIGINT) AS returned_deliveries,
  CAST(SUM(facts.followed_orders) AS BIGINT) AS followed_orders,
  CAST(SUM(facts.contacted_orders) AS BIGINT) AS contacted_orders,
  CAST(SUM(facts.followed_customers) AS BIGINT) AS followed_customers,
  CAST(SUM(facts.contacted_customers) AS BIGINT) AS contacted_customers,
  CAST(SUM(facts.answered_tickets) AS BIGINT) AS answered_tickets,
  CAST(SUM(facts.reply_minutes) AS DECIMAL(24, 4)) AS reply_minutes,
  CAST(SUM(facts.campaign_sent) AS BIGINT) AS campaign_sent,
  CAST(SUM(facts.campaign_opened) AS BIGINT) AS campaign_opened,
  CAST(SUM(facts.campaign_clicked) AS BIGINT) AS campaign_clicked,
  CAST(SUM(facts.campaign_ordered) AS BIGINT) AS campaign_ordered,
  CAST(SUM(facts.campaign_order_sent) AS BIGINT) AS campaign_order_sent
FROM facts
GROUP BY
  facts.workspace_id,
  facts.week,
  facts.market,
  facts.channel,
  facts.carrier
