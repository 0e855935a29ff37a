"""The KPIs: what an entry is (`entry`), how its shape is computed (`shapes`), and the entries, one file per engine.

`engines.kpi` puts them together.
"""
