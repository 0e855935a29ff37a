-- Customers by month, market and channel of their first order, active in each later month (their own included).
-- Unlike the other roll-ups, :first and :last are months of the first order (their first days), both included.
WITH active AS (
    SELECT
        f.workspace_id AS workspace_id,
        f.month AS cohort,
        o.month AS month,
        f.market AS market,
        f.channel AS channel,
        f.customer AS customer,
        COUNT(*) AS orders,
        SUM(o.net_base) AS net_base
    FROM facts_firstorder AS f
    INNER JOIN facts_order AS o
        ON o.workspace_id = f.workspace_id AND o.customer = f.customer
    WHERE
        f.workspace_id = :workspace AND f.month BETWEEN :first AND :last
        AND o.workspace_id = :workspace AND o.month >= :first AND o.counts
    GROUP BY f.workspace_id, f.month, o.month, f.market, f.channel, f.customer
)
SELECT
    a.workspace_id AS workspace_id,
    a.cohort AS cohort,
    a.month AS month,
    a.market AS market,
    a.channel AS channel,
    COUNT(*) AS customers,
    CAST(SUM(a.orders) AS BIGINT) AS orders,
    CAST(SUM(a.net_base) AS DECIMAL(24, 4)) AS net_base
FROM active AS a
GROUP BY a.workspace_id, a.cohort, a.month, a.market, a.channel
