-- Payments by method, in their order's week and market: every payment whose order is in, whatever became of it.
-- Weeks :first to :last of the order, both included, of one workspace. A sum of amounts that nobody told is NULL.
SELECT
    p.workspace_id AS workspace_id,
    p.order_week AS week,
    p.market AS market,
    p.method AS method,
    COUNT(*) AS payments,
    CAST(SUM(p.amount_base) AS DECIMAL(24, 4)) AS amount_base
FROM facts_payment AS p
WHERE p.workspace_id = :workspace AND p.order_week BETWEEN :first AND :last
GROUP BY p.workspace_id, p.order_week, p.market, p.method
