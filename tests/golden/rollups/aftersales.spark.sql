WITH facts AS (
  SELECT
    o.workspace_id AS workspace_id,
    o.delivered_week AS week,
    o.market AS market,
    o.channel AS channel,
    o.carrier AS carrier,
    CAST(1 AS BIGINT) AS deliveries,
    o.delivery_days AS delivery_days,
    CAST(CASE WHEN o.promised_at IS NULL THEN 0 ELSE 1 END AS BIGINT) AS promised_deliveries,
    CAST(CASE
      WHEN o.promised_at IS NULL
      THEN NULL
      WHEN o.delivered_at > o.promised_at
      THEN 1
      ELSE 0
    END AS BIGINT) AS late_by_time,
    CAST(CASE
      WHEN o.promised_date IS NULL
      THEN NULL
      WHEN o.delivered_date > o.promised_date
      THEN 1
      ELSE 0
    END AS BIGINT) AS late_by_date,
    CAST(NULL AS BIGINT) AS reviews,
    CAST(NULL AS DECIMAL(3, 1)) AS rating,
    CAST(NULL AS BIGINT) AS tickets,
    CAST(NULL AS BIGINT) AS proactive_known,
    CAST(NULL AS BIGINT) AS proactive_tickets,
    CAST(NULL AS BIGINT) AS csat_ratings,
    CAST(NULL AS BIGINT) AS csat_good,
    CAST(NULL AS BIGINT) AS refunds,
    CAST(NULL AS DECIMAL(18, 4)) AS refund_base,
    CAST(NULL AS BIGINT) AS media_known,
    CAST(NULL AS BIGINT) AS media_reviews,
    CAST(NULL AS BIGINT) AS survey_answers,
    CAST(NULL AS BIGINT) AS promoters,
    CAST(NULL AS BIGINT) AS passives,
    CAST(NULL AS BIGINT) AS detractors,
    CAST(NULL AS BIGINT) AS invitations,
    CAST(NULL AS BIGINT) AS referred_first_orders
  FROM facts_order AS o
  WHERE
    o.workspace_id = :workspace
    AND o.delivered_week BETWEEN :first AND :last
    AND o.counts
    AND o.delivered_at IS NOT NULL
  UNION ALL
  SELECT
    r.workspace_id AS workspace_id,
    r.week AS week,
    r.market AS market,
    r.channel AS channel,
    r.carrier AS carrier,
    CAST(NULL AS BIGINT) AS deliveries,
    CAST(NULL AS DECIMAL(10, 4)) AS delivery_days,
    CAST(NULL AS BIGINT) AS promised_deliveries,
    CAST(NULL AS BIGINT) AS late_by_time,
    CAST(NULL AS BIGINT) AS late_by_date,
    CAST(1 AS BIGINT) AS reviews,
    r.rating AS rating,
    CAST(NULL AS BIGINT) AS tickets,
    CAST(NULL AS BIGINT) AS proactive_known,
    CAST(NULL AS BIGINT) AS proactive_tickets,
    CAST(NULL AS BIGINT) AS csat_ratings,
    CAST(NULL AS BIGINT) AS csat_good,
    CAST(NULL AS BIGINT) AS refunds,
    CAST(NULL AS DECIMAL(18, 4)) AS refund_base,
    CAST(CASE WHEN r.has_media IS NULL THEN 0 ELSE 1 END AS BIGINT) AS media_known,
    CAST(CASE WHEN r.has_media IS NULL THEN NULL WHEN r.has_media THEN 1 ELSE 0 END AS BIGINT) AS media_reviews,
    CAST(NULL AS BIGINT) AS survey_answers,
    CAST(NULL AS BIGINT) AS promoters,
    CAST(NULL AS BIGINT) AS passives,
    CAST(NULL AS BIGINT) AS detractors,
    CAST(NULL AS BIGINT) AS invitations,
    CAST(NULL AS BIGINT) AS referred_first_orders
  FROM facts_review AS r
  WHERE
    r.workspace_id = :workspace AND r.week BETWEEN :first AND :last
  UNION ALL
  SELECT
    t.workspace_id AS workspace_id,
    t.week AS week,
    t.market AS market,
    t.channel AS channel,
    t.carrier AS carrier,
    CAST(NULL AS BIGINT) AS deliveries,
    CAST(NULL AS DECIMAL(10, 4)) AS delivery_days,
    CAST(NULL AS BIGINT) AS promised_deliveries,
    CAST(NULL AS BIGINT) AS late_by_time,
    CAST(NULL AS BIGINT) AS late_by_date,
    CAST(NULL AS BIGINT) AS reviews,
    CAST(NULL AS DECIMAL(3, 1)) AS rating,
    CAST(1 AS BIGINT) AS tickets,
    CAST(CASE WHEN t.proactive IS NULL THEN 0 ELSE 1 END AS BIGINT) AS proactive_known,
    CAST(CASE WHEN t.proactive IS NULL THEN NULL WHEN t.proactive THEN 1 ELSE 0 END AS BIGINT) AS proactive_tickets,
    CAST(CASE WHEN t.csat IS NULL THEN 0 ELSE 1 END AS BIGINT) AS csat_ratings,
    CAST(CASE WHEN t.csat IS NULL THEN NULL WHEN t.csat >= 4 THEN 1 ELSE 0 END AS BIGINT) AS csat_good,
    CAST(NULL AS BIGINT) AS refunds,
    CAST(NULL AS DECIMAL(18, 4)) AS refund_base,
    CAST(NULL AS BIGINT) AS media_known,
    CAST(NULL AS BIGINT) AS media_reviews,
    CAST(NULL AS BIGINT) AS survey_answers,
    CAST(NULL AS BIGINT) AS promoters,
    CAST(NULL AS BIGINT) AS passives,
    CAST(NULL AS BIGINT) AS detractors,
    CAST(NULL AS BIGINT) AS invitations,
    CAST(NULL AS BIGINT) AS referred_first_orders
  FROM facts_ticket AS t
  WHERE
    t.workspace_id = :workspace AND t.week BETWEEN :first AND :last
  UNION ALL
  SELECT
    b.workspace_id AS workspace_id,
    b.week AS week,
    b.market AS market,
    b.channel AS channel,
    b.carrier AS carrier,
    CAST(NULL AS BIGINT) AS deliveries,
    CAST(NULL AS DECIMAL(10, 4)) AS delivery_days,
    CAST(NULL AS BIGINT) AS promised_deliveries,
    CAST(NULL AS BIGINT) AS late_by_time,
    CAST(NULL AS BIGINT) AS late_by_date,
    CAST(NULL AS BIGINT) AS reviews,
    CAST(NULL AS DECIMAL(3, 1)) AS rating,
    CAST(NULL AS BIGINT) AS tickets,
    CAST(NULL AS BIGINT) AS proactive_known,
    CAST(NULL AS BIGINT) AS proactive_tickets,
    CAST(NULL AS BIGINT) AS csat_ratings,
    CAST(NULL AS BIGINT) AS csat_good,
    CAST(1 AS BIGINT) AS refunds,
    b.amount_base AS refund_base,
    CAST(NULL AS BIGINT) AS media_known,
    CAST(NULL AS BIGINT) AS media_reviews,
    CAST(NULL AS BIGINT) AS survey_answers,
    CAST(NULL AS BIGINT) AS promoters,
    CAST(NULL AS BIGINT) AS passives,
    CAST(NULL AS BIGINT) AS detractors,
    CAST(NULL AS BIGINT) AS invitations,
    CAST(NULL AS BIGINT) AS referred_first_orders
  FROM facts_refund AS b
  WHERE
    b.workspace_id = :workspace AND b.week BETWEEN :first AND :last
  UNION ALL
  SELECT
    a.workspace_id AS workspace_id,
    a.week AS week,
    a.market AS market,
    a.channel AS channel,
    a.carrier AS carrier,
    CAST(NULL AS BIGINT) AS deliveries,
    CAST(NULL AS DECIMAL(10, 4)) AS delivery_days,
    CAST(NULL AS BIGINT) AS promised_deliveries,
    CAST(NULL AS BIGINT) AS late_by_time,
    CAST(NULL AS BIGINT) AS late_by_date,
    CAST(NULL AS BIGINT) AS reviews,
    CAST(NULL AS DECIMAL(3, 1)) AS rating,
    CAST(NULL AS BIGINT) AS tickets,
    CAST(NULL AS BIGINT) AS proactive_known,
    CAST(NULL AS BIGINT) AS proactive_tickets,
    CAST(NULL AS BIGINT) AS csat_ratings,
    CAST(NULL AS BIGINT) AS csat_good,
    CAST(NULL AS BIGINT) AS refunds,
    CAST(NULL AS DECIMAL(18, 4)) AS refund_base,
    CAST(NULL AS BIGINT) AS media_known,
    CAST(NULL AS BIGINT) AS media_reviews,
    CAST(1 AS BIGINT) AS survey_answers,
    CAST(CASE WHEN a.score >= 9 THEN 1 ELSE 0 END AS BIGINT) AS promoters,
    CAST(CASE WHEN a.score >= 7 AND a.score <= 8 THEN 1 ELSE 0 END AS BIGINT) AS passives,
    CAST(CASE WHEN a.score <= 6 THEN 1 ELSE 0 END AS BIGINT) AS detractors,
    CAST(NULL AS BIGINT) AS invitations,
    CAST(NULL AS BIGINT) AS referred_first_orders
  FROM facts_surveyanswer AS a
  WHERE
    a.workspace_id = :workspace AND a.week BETWEEN :first AND :last
  UNION ALL
  SELECT
    i.workspace_id AS workspace_id,
    i.week AS week,
    i.market AS market,
    i.channel AS channel,
    i.carrier AS carrier,
    CAST(NULL AS BIGINT) AS deliveries,
    CAST(NULL AS DECIMAL(10, 4)) AS delivery_days,
    CAST(NULL AS BIGINT) AS promised_deliveries,
    CAST(NULL AS BIGINT) AS late_by_time,
    CAST(NULL AS BIGINT) AS late_by_date,
    CAST(NULL AS BIGINT) AS reviews,
    CAST(NULL AS DECIMAL(3, 1)) AS rating,
    CAST(NULL AS BIGINT) AS tickets,
    CAST(NULL AS BIGINT) AS proactive_known,
    CAST(NULL AS BIGINT) AS proactive_tickets,
    CAST(NULL AS BIGINT) AS csat_ratings,
    CAST(NULL AS BIGINT) AS csat_good,
    CAST(NULL AS BIGINT) AS refunds,
    CAST(NULL AS DECIMAL(18, 4)) AS refund_base,
    CAST(NULL AS BIGINT) AS media_known,
    CAST(NULL AS BIGINT) AS media_reviews,
    CAST(NULL AS BIGINT) AS survey_answers,
    CAST(NULL AS BIGINT) AS promoters,
    CAST(NULL AS BIGINT) AS passives,
    CAST(NULL AS BIGINT) AS detractors,
    CAST(1 AS BIGINT) AS invitations,
    CAST(NULL AS BIGINT) AS referred_first_orders
  FROM facts_referral AS i
  WHERE
    i.workspace_id = :workspace AND i.week BETWEEN :first AND :last
  UNION ALL
  SELECT
    c.workspace_id AS workspace_id,
    c.week AS week,
    c.market AS market,
    c.channel AS channel,
    c.carrier AS carrier,
    CAST(NULL AS BIGINT) AS deliveries,
    CAST(NULL AS DECIMAL(10, 4)) AS delivery_days,
    CAST(NULL AS BIGINT) AS promised_deliveries,
    CAST(NULL AS BIGINT) AS late_by_time,
    CAST(NULL AS BIGINT) AS late_by_date,
    CAST(NULL AS BIGINT) AS reviews,
    CAST(NULL AS DECIMAL(3, 1)) AS rating,
    CAST(NULL AS BIGINT) AS tickets,
    CAST(NULL AS BIGINT) AS proactive_known,
    CAST(NULL AS BIGINT) AS proactive_tickets,
    CAST(NULL AS BIGINT) AS csat_ratings,
    CAST(NULL AS BIGINT) AS csat_good,
    CAST(NULL AS BIGINT) AS refunds,
    CAST(NULL AS DECIMAL(18, 4)) AS refund_base,
    CAST(NULL AS BIGINT) AS media_known,
    CAST(NULL AS BIGINT) AS media_reviews,
    CAST(NULL AS BIGINT) AS survey_answers,
    CAST(NULL AS BIGINT) AS promoters,
    CAST(NULL AS BIGINT) AS passives,
    CAST(NULL AS BIGINT) AS detractors,
    CAST(NULL AS BIGINT) AS invitations,
    CAST(CASE WHEN f.order_id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS referred_first_orders
  FROM facts_order AS c
  INNER JOIN (
    SELECT
      e.order_id AS order_id,
      COUNT(*) AS invitations
    FROM facts_referral AS e
    WHERE
      e.workspace_id = :workspace AND e.order_week BETWEEN :first AND :last
    GROUP BY
      e.order_id
  ) AS referred
    ON referred.order_id = c.id
  LEFT JOIN facts_firstorder AS f
    ON f.workspace_id = c.workspace_id AND f.customer = c.customer AND f.order_id = c.id
  WHERE
    c.workspace_id = :workspace AND c.week BETWEEN :first AND :last AND c.counts
)
SELECT
  facts.workspace_id AS workspace_id,
  facts.week AS week,
  facts.market AS market,
  facts.channel AS channel,
  facts.carrier AS carrier,
  CAST(SUM(facts.deliveries) AS BIGINT) AS deliveries,
  CAST(SUM(facts.delivery_days) AS DECIMAL(20, 4)) AS delivery_days,
  CAST(SUM(facts.promised_deliveries) AS BIGINT) AS promised_deliveries,
  CAST(SUM(facts.late_by_time) AS BIGINT) AS late_by_time,
  CAST(SUM(facts.late_by_date) AS BIGINT) AS late_by_date,
  CAST(SUM(facts.reviews) AS BIGINT) AS reviews,
  CAST(SUM(facts.rating) AS DECIMAL(20, 2)) AS rating_sum,
  CAST(SUM(CAST(facts.rating * facts.rating AS DECIMAL(10, 4))) AS DECIMAL(24, 4)) AS rating_squares,
  CAST(SUM(facts.tickets) AS BIGINT) AS tickets,
  CAST(SUM(facts.proactive_known) AS BIGINT) AS proactive_known,
  CAST(SUM(facts.proactive_tickets) AS BIGINT) AS proactive_tickets,
  CAST(SUM(facts.csat_ratings) AS BIGINT) AS csat_ratings,
  CAST(SUM(facts.csat_good) AS BIGINT) AS csat_good,
  CAST(SUM(facts.refunds) AS BIGINT) AS refunds,
  CAST(SUM(facts.refund_base) AS DECIMAL(24, 4)) AS refund_base,
  CAST(SUM(facts.media_known) AS BIGINT) AS media_known,
  CAST(SUM(facts.media_reviews) AS BIGINT) AS media_reviews,
  CAST(SUM(facts.survey_answers) AS BIGINT) AS survey_answers,
  CAST(SUM(facts.promoters) AS BIGINT) AS promoters,
  CAST(SUM(facts.passives) AS BIGINT) AS passives,
  CAST(SUM(facts.detractors) AS BIGINT) AS detractors,
  CAST(SUM(facts.invitations) AS BIGINT) AS invitations,
  CAST(SUM(facts.referred_first_orders) AS BIGINT) AS referred_first_orders
FROM facts
GROUP BY
  facts.workspace_id,
  facts.week,
  facts.market,
  facts.channel,
  facts.carrier
