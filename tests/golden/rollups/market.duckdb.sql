SELECT
  s.workspace_id AS workspace_id,
  s.week AS week,
  s.market AS market,
  s.channel AS channel,
  s.campaign AS campaign,
  CAST(SUM(s.cost_base) AS DECIMAL(24, 4)) AS cost_base,
  CAST(SUM(s.impressions) AS BIGINT) AS impressions,
  CAST(SUM(s.clicks) AS BIGINT) AS clicks,
  CAST(SUM(CASE WHEN s.clicks IS NULL THEN NULL ELSE s.impressions END) AS BIGINT) AS ctr_impressions,
  CAST(SUM(CASE WHEN s.impressions IS NULL THEN NULL ELSE s.clicks END) AS BIGINT) AS ctr_clicks,
  CAST(SUM(CASE WHEN s.clicks IS NULL THEN NULL ELSE s.cost_base END) AS DECIMAL(24, 4)) AS cpc_cost_base,
  CAST(SUM(CASE WHEN s.cost_base IS NULL THEN NULL ELSE s.clicks END) AS BIGINT) AS cpc_clicks
FROM facts_spend AS s
WHERE
  s.workspace_id = $workspace AND s.week BETWEEN $first AND $last
GROUP BY
  s.workspace_id,
  s.week,
  s.market,
  s.channel,
  s.campaign
