"""What a page of the room is asked for, and what was loaded for it: once, however many tables read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from django.utils.translation import gettext as _

from engines import cohorts as engine
from flywheel.accounts.models import Workspace
from flywheel.aftersales.standing import Standing, of_counts
from flywheel.diagnosis.engine_pages import COHORT_MONTHS, Choice, Loaded, load
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import fact_frames, frames

ADVOCATES = 200  # shown and exported, those who brought most


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
        return asked_channel(self.workspace, self.query)

    @property
    def where(self) -> dict[str, str]:
        """Market and channel as a filter of what is about customers."""
        return {**self.choice.where, **({"channel": self.channel} if self.channel else {})}

    @property
    def as_of(self) -> np.datetime64:
        """The last day of the chosen week."""
        return np.datetime64(self.choice.week + timedelta(days=6), "D")

    @cached_property
    def standing(self) -> Standing:
        """How the counts stand."""
        return of_counts(self.workspace)

    def unless_uncounted(self, words: str) -> str:
        """Words about data that is missing, unless it has only not been counted yet."""
        return words if self.standing.is_kept else _("Not worked out yet.")

    @cached_property
    def cohorts(self) -> engine.Retention | None:
        """The cohort table up to the chosen week; None without customers."""
        frame = frames.cohort_months(self.workspace, ("cohort", "month"), where=self.where)
        frame = frame.loc[frame["month"].to_numpy() <= self.as_of]
        return None if frame.empty else engine.retention(frame, self.as_of)

    @cached_property
    def growth(self) -> tuple[engine.GrowthMonth, ...]:
        """Growth accounting of the newest months, the running one included."""
        if self.cohorts is None or not self.standing.is_kept:
            return ()
        start = self.as_of.astype("datetime64[M]") - (COHORT_MONTHS - 1)
        first = max(start, np.datetime64(self.cohorts.cohorts[0], "M"))
        days = [day.astype("datetime64[D]").item() for day in (first, self.as_of)]
        frame = fact_frames.growth_months(self.workspace, days[0], days[1], self.where)
        return engine.growth(frame, first, self.as_of)

    @cached_property
    def referrers(self) -> pd.DataFrame:
        """Who invited in the period, those who brought most first."""
        choice = self.choice
        return fact_frames.referrers(self.workspace, choice.first, choice.last, choice.where, ADVOCATES)


def asked_channel(workspace: Workspace, query: Mapping[str, str]) -> str:
    """The channel in an address; '' for all, and for what is none."""
    code = query.get("channel", "")
    return code if code in frames.channel_kinds(workspace) else ""
