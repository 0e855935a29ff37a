"""The journey's measures of some weeks: stages of the sources that count them alike, orders of all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from engines.conversion import STAGES, common_stages
from flywheel.accounts.models import Workspace
from flywheel.measures import frames

Span = tuple[date | None, date]
KEYS = ("week", "market", "channel", "device")
SOLD = ("orders", "priced_orders", "net_base", "net_squares")
MEASURES = (*STAGES, *SOLD)


@dataclass(frozen=True, eq=False)
class Journey:
    """A row per week, market, channel and device: its stages where it tells all of `stages`, else none; its orders.

    `left_out`: sessions of the rows that do not tell them all, which would make shares that no source has.
    """

    frame: pd.DataFrame
    stages: np.ndarray  # a mask of STAGES
    left_out: float

    def sums(self, by: tuple[str, ...] = (), keep: np.ndarray | None = None) -> list[dict[str, Any]]:
        """Stage counts and order values, a row (its keys and sums) for each group of those to `keep`; NaN not known."""
        frame = self.frame if keep is None else self.frame.loc[keep]
        if not by:
            return [{str(name): float(total) for name, total in frame[[*MEASURES]].sum(min_count=1).items()}]
        grouped = frame.groupby([*by])[[*MEASURES]].sum(min_count=1).reset_index()
        return [{str(name): value for name, value in row.items()} for row in grouped.to_dict("records")]


def journey(workspace: Workspace, span: Span, where: Mapping[str, str], stages: np.ndarray | None = None) -> Journey:
    """The journey of a span, by the stages given (those of the period it is set against) or its own."""
    frame = frames.conversion(workspace, KEYS, *span, where)[[*KEYS, *MEASURES]]
    counts = frame[[*STAGES]].to_numpy()
    known, sessions = ~np.isnan(counts), np.nan_to_num(counts[:, 0])
    taken = common_stages(known, sessions) if stages is None else stages
    told = (known | ~taken).all(axis=1) & taken.any()
    frame[[*STAGES]] = np.where(told[:, None] & taken, counts, np.nan)
    return Journey(frame, taken, float(sessions[~told].sum()))
