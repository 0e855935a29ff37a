"""LTV of a million customers in one process: fit and score, against `lifetimes` fitting the same summary.

    .venv/bin/python -m bench.ltv --customers 1000000 --lifetimes /path/to/folder/with/lifetimes

`--lifetimes` names a folder that holds the packages lifetimes, autograd and dill; without it ours is measured alone.
Each runs in a process of its own, on one thread; prints seconds (the best of `--rounds`), the ratio and the peak
memory; the bars are 30 times and 500 MB.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

DAYS, YEAR = 3 * 365, 365.0
RATIO_BAR, MEMORY_BAR_MB = 30, 500


def write_summary(path: Path, customers: int) -> None:
    """Customers of three years in days: repeat orders, last, age, mean value."""
    from engines.ltv import OrderModel, ValueModel
    from tests.shops import shop

    rng = np.random.default_rng(7)
    orders = OrderModel("bg", 0.6, 70.0, 0.8, 2.5)
    sold = shop(rng, customers, orders, ValueModel(6, 4, 45), span=DAYS).customers
    day = np.where(sold.x > 0, np.clip(np.floor(sold.t_x), 1, None), 0)
    np.savez(path, x=sold.x.astype(np.int32), t_x=day.astype(np.int32), T=np.ceil(sold.T).astype(np.int32),
             mean=sold.mean_value)  # fmt: skip


def ours(path: Path, rounds: int) -> dict[str, object]:
    """Fit and score with `engines.ltv`."""
    from engines import lifetime, ltv
    from engines.results import Unavailable

    loaded = np.load(path)
    x, t_x, T, mean = (loaded[name].astype(np.float64) for name in ("x", "t_x", "T", "mean"))
    best, parameters, expected = float("inf"), [0.0], 0.0
    for _round in range(rounds):
        began = time.perf_counter()
        found = ltv.histories(x, t_x, T)
        marks = [time.perf_counter()]
        orders = ltv.fit_orders(found)
        marks.append(time.perf_counter())
        values = ltv.fit_values(x, mean)
        marks.append(time.perf_counter())
        if isinstance(orders, Unavailable) or isinstance(values, Unavailable):
            raise SystemExit(f"no fit: {orders}, {values}")
        scored = lifetime.scores(orders, values, found, lifetime.Customers(x, t_x, T, mean), YEAR)
        marks.append(time.perf_counter())
        best = min(best, marks[-1] - began)
        parameters, expected = [*np.exp(orders.logs), *np.exp(values.logs)], float(scored.orders.sum())
    steps = dict(zip(("compress", "fit orders", "fit values", "score"), np.diff([began, *marks]).round(3), strict=True))
    return {"seconds": best, "steps": steps, "parameters": parameters, "expected orders": expected}


def theirs(path: Path, rounds: int) -> dict[str, object]:
    """Fit alone with `lifetimes`; both of its fitters."""
    from lifetimes import BetaGeoFitter, GammaGammaFitter  # type: ignore[import-not-found]

    loaded = np.load(path)
    x, t_x, T, mean = (loaded[name].astype(np.float64) for name in ("x", "t_x", "T", "mean"))
    again = x > 0
    began = time.perf_counter()
    orders = BetaGeoFitter(penalizer_coef=0.0).fit(x, t_x, T)
    middle = time.perf_counter()
    values = GammaGammaFitter(penalizer_coef=0.0).fit(x[again], mean[again])
    ended = time.perf_counter()
    parameters = [float(v) for v in (*orders.params_[["r", "alpha", "a", "b"]], *values.params_[["p", "q", "v"]])]
    return {"seconds": ended - began, "steps": {"fit orders": middle - began, "fit values": ended - middle},
            "parameters": parameters}  # fmt: skip


def measured(which: str, path: Path, rounds: int, extra: str = "") -> dict[str, object]:
    """What `which` says of itself in a process of its own."""
    place = os.pathsep.join([str(Path.cwd()), extra])
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
    command = [sys.executable, "-m", "bench.ltv", "--only", which, str(path), "--rounds", str(rounds)]
    out = subprocess.run(command, env=os.environ | threads | {"PYTHONPATH": place}, check=True, stdout=subprocess.PIPE)
    return dict(json.loads(out.stdout))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lifetimes", default="")
    parser.add_argument("--only", nargs=2, metavar=("WHICH", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        found = {"ours": ours, "theirs": theirs}[options.only[0]](Path(options.only[1]), options.rounds)
        found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found, default=float))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "summary.npz"
        write_summary(path, options.customers)
        runs = {"ours": measured("ours", path, options.rounds)}
        if options.lifetimes:
            runs["theirs"] = measured("theirs", path, 1, options.lifetimes)
    _report(options.customers, runs)


def _report(customers: int, runs: dict[str, dict[str, object]]) -> None:
    print(f"{customers:,} customers")
    for name, run in runs.items():
        what = {"ours": "fit and score", "theirs": "lifetimes, fit alone"}[name]
        print(f"{what:22} {run['seconds']:8.3f} s  peak {run['peak_mb']:6.0f} MB  {run['steps']}")
        print(f"{'':22} {np.array(run['parameters']).round(4).tolist()}")
    print(f"memory: {runs['ours']['peak_mb']:.0f} MB (bar {MEMORY_BAR_MB} MB)")
    if "theirs" in runs:
        ratio = float(runs["theirs"]["seconds"]) / float(runs["ours"]["seconds"])  # type: ignore[arg-type]
        print(f"ratio: {ratio:.1f} times (bar {RATIO_BAR} times)")


if __name__ == "__main__":
    main()
