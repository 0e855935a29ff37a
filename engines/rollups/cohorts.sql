-- Customers by the week, market and channel of their first order, and what they did within N days of it.
-- Weeks :first to :last of the first order, both included, of one workspace. Only counted orders; the first order
-- is not a repeat. Contribution is summed over customers all of whose orders within 365 days have a known one.
WITH customers AS (
    SELECT
        f.workspace_id AS workspace_id,
        f.week AS week,
        f.market AS market,
        f.channel AS channel,
        f.customer AS customer,
        f.second_date AS second_date,
        f.due_30 AS due_30,
        f.due_60 AS due_60,
        f.due_90 AS due_90,
        f.due_180 AS due_180,
        SUM(CASE WHEN o.id <> f.order_id AND o.order_date <= f.due_90 THEN 1 ELSE 0 END) AS repeat_orders_90,
        SUM(CASE WHEN o.id <> f.order_id THEN 1 ELSE 0 END) AS repeat_orders_365,
        SUM(CASE WHEN o.id <> f.order_id AND o.net_base IS NOT NULL THEN 1 ELSE 0 END) AS repeat_priced_365,
        SUM(CASE WHEN o.id <> f.order_id THEN o.net_base ELSE NULL END) AS repeat_net_365,
        SUM(
            CASE WHEN o.id <> f.order_id THEN CAST(o.net_base * o.net_base AS DECIMAL(30, 4)) ELSE NULL END
        ) AS repeat_net_squares_365,
        SUM(CASE WHEN o.id = f.order_id THEN o.contribution_base ELSE NULL END) AS contribution_first,
        SUM(CASE WHEN o.order_date <= f.due_30 THEN o.contribution_base ELSE NULL END) AS contribution_30,
        SUM(CASE WHEN o.order_date <= f.due_60 THEN o.contribution_base ELSE NULL END) AS contribution_60,
        SUM(CASE WHEN o.order_date <= f.due_90 THEN o.contribution_base ELSE NULL END) AS contribution_90,
        SUM(CASE WHEN o.order_date <= f.due_180 THEN o.contribution_base ELSE NULL END) AS contribution_180,
        SUM(CASE WHEN o.contribution_base IS NULL THEN 1 ELSE 0 END) AS uncosted_orders_365,
        CAST(SUM(o.contribution_base) AS DECIMAL(18, 4)) AS contribution_365
    FROM facts_firstorder AS f
    INNER JOIN facts_order AS o
        ON o.workspace_id = f.workspace_id AND o.customer = f.customer AND o.order_date <= f.due_365
    WHERE
        f.workspace_id = :workspace AND f.week BETWEEN :first AND :last
        AND o.workspace_id = :workspace AND o.week >= :first AND o.counts
    GROUP BY
        f.workspace_id, f.week, f.market, f.channel, f.customer,
        f.second_date, f.due_30, f.due_60, f.due_90, f.due_180
)
SELECT
    c.workspace_id AS workspace_id,
    c.week AS week,
    c.market AS market,
    c.channel AS channel,
    COUNT(*) AS customers,
    CAST(SUM(CASE WHEN c.second_date <= c.due_30 THEN 1 ELSE 0 END) AS BIGINT) AS repeaters_30,
    CAST(SUM(CASE WHEN c.second_date <= c.due_60 THEN 1 ELSE 0 END) AS BIGINT) AS repeaters_60,
    CAST(SUM(CASE WHEN c.second_date <= c.due_90 THEN 1 ELSE 0 END) AS BIGINT) AS repeaters_90,
    CAST(SUM(CASE WHEN c.second_date <= c.due_180 THEN 1 ELSE 0 END) AS BIGINT) AS repeaters_180,
    CAST(SUM(c.repeat_orders_90) AS BIGINT) AS repeat_orders_90,
    CAST(SUM(c.repeat_orders_365) AS BIGINT) AS repeat_orders_365,
    CAST(SUM(c.repeat_priced_365) AS BIGINT) AS repeat_priced_365,
    CAST(SUM(c.repeat_net_365) AS DECIMAL(24, 4)) AS repeat_net_365,
    CAST(SUM(c.repeat_net_squares_365) AS DECIMAL(38, 4)) AS repeat_net_squares_365,
    CAST(SUM(CASE WHEN c.uncosted_orders_365 = 0 THEN 1 ELSE 0 END) AS BIGINT) AS costed_customers_365,
    CAST(
        SUM(CASE WHEN c.uncosted_orders_365 = 0 THEN c.contribution_first ELSE NULL END) AS DECIMAL(24, 4)
    ) AS contribution_first,
    CAST(
        SUM(CASE WHEN c.uncosted_orders_365 = 0 THEN c.contribution_30 ELSE NULL END) AS DECIMAL(24, 4)
    ) AS contribution_30,
    CAST(
        SUM(CASE WHEN c.uncosted_orders_365 = 0 THEN c.contribution_60 ELSE NULL END) AS DECIMAL(24, 4)
    ) AS contribution_60,
    CAST(
        SUM(CASE WHEN c.uncosted_orders_365 = 0 THEN c.contribution_90 ELSE NULL END) AS DECIMAL(24, 4)
    ) AS contribution_90,
    CAST(
        SUM(CASE WHEN c.uncosted_orders_365 = 0 THEN c.contribution_180 ELSE NULL END) AS DECIMAL(24, 4)
    ) AS contribution_180,
    CAST(
        SUM(CASE WHEN c.uncosted_orders_365 = 0 THEN c.contribution_365 ELSE NULL END) AS DECIMAL(24, 4)
    ) AS contribution_365,
    CAST(
        SUM(
            CASE
                WHEN c.uncosted_orders_365 = 0 THEN CAST(c.contribution_365 * c.contribution_365 AS DECIMAL(30, 4))
                ELSE NULL
            END
        ) AS DECIMAL(38, 4)
    ) AS contribution_squares_365
FROM customers AS c
GROUP BY c.workspace_id, c.week, c.market, c.channel
