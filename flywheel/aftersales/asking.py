"""What a page of the room is asked for, and what was loaded for it: once, however many tables read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np

from engines import cohorts as engine
from flywheel.accounts.models import Workspace
from flywheel.diagnosis.engine_pages import COHORT_MONTHS, Choice, Loaded, load
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import fact_frames, frames


@dataclass
class Ask:
    """A workspace, the choice of market and weeks, and what else is in the address."""

    workspace: Workspace
    choice: Choice
    query: Mapping[str, str]

    @cached_property
    def loaded(self) -> Loaded:
        """The weekly measures."""
        return load(self.workspace, self.choice)

    @cached_property
    def names(self) -> Mapping[str, Mapping[str, str]]:
        """The names of places: dimension -> code -> name."""
        return place_names(self.workspace)

    @cached_property
    def channel(self) -> str:
        """The channel of the first order that the address names; '' for all."""
        code = self.query.get("channel", "")
        return code if code in frames.channel_kinds(self.workspace) else ""

    @property
    def where(self) -> dict[str, str]:
        """Market and channel as a filter of what is about customers."""
        return {**self.choice.where, **({"channel": self.channel} if self.channel else {})}

    @property
    def as_of(self) -> np.datetime64:
        """The last day of the chosen week."""
        return np.datetime64(self.choice.week + timedelta(days=6), "D")

    @cached_property
    def cohorts(self) -> engine.Retention | None:
        """The cohort table up to the chosen week; None without customers."""
        frame = frames.cohort_months(self.workspace, ("cohort", "month"), where=self.where)
        frame = frame.loc[frame["month"].to_numpy() <= self.as_of]
        return None if frame.empty else engine.retention(frame, self.as_of)

    @cached_property
    def growth(self) -> tuple[engine.GrowthMonth, ...]:
        """Growth accounting of the newest months, the running one included."""
        if self.cohorts is None:
            return ()
        start = self.as_of.astype("datetime64[M]") - (COHORT_MONTHS - 1)
        first = max(start, np.datetime64(self.cohorts.cohorts[0], "M"))
        days = [day.astype("datetime64[D]").item() for day in (first, self.as_of)]
        frame = fact_frames.growth_months(self.workspace, days[0], days[1], self.where)
        return engine.growth(frame, first, self.as_of)
