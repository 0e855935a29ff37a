"""Hold-outs of the demo's mailings: some of those who did not get one were left out by chance, to be compared with.

Drawn with a generator of its own, so that the mailings do not depend on it.
"""

import numpy as np
import pandas as pd

EVERY = 2  # weeks from one mailing with a hold-out to the next
HELD_OUT = 0.12  # of the messages sent
WITHOUT = 0.0026  # who order without a message


def with_holdouts(campaigns: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The campaigns with the columns held_out and held_out_ordered; empty where everybody got the message."""
    rng = np.random.Generator(np.random.PCG64([seed, 5]))
    week = campaigns["campaign_id"].str.removeprefix("M").astype(int).to_numpy()
    held = np.round(campaigns["sent"].to_numpy(dtype=np.float64) * HELD_OUT).astype(np.int64)
    ordered = rng.binomial(held, WITHOUT)
    everybody = week % EVERY != 0
    return campaigns.assign(
        held_out=pd.arrays.IntegerArray(held, everybody), held_out_ordered=pd.arrays.IntegerArray(ordered, everybody)
    )
