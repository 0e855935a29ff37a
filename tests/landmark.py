"""Who is watched after a late or punctual first delivery, told date by date: what the counts are held against."""

from typing import Any

import numpy as np

from engines.aftersales import WINDOW_DAYS


def from_the_promise(promised: Any, delivered: Any, second: Any) -> tuple[Any, Any, Any]:
    """Of customers' dates (datetime64[D], NaT where there was no second order): watched, late, came back in time."""
    watched = ~(second <= promised)
    return watched, delivered > promised, watched & (second <= promised + np.timedelta64(WINDOW_DAYS, "D"))
