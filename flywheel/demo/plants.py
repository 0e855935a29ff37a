"""What is planted, as relative factors on any grid of days and segments."""

import numpy as np

from flywheel.demo.calendar import Calendar
from flywheel.demo.world import Plant, World

FILTERS = ("market", "channel", "device", "carrier", "method")


def factor(world: World, calendar: Calendar, driver: str, day: np.ndarray, **codes: np.ndarray) -> np.ndarray:
    """The product of all plants of `driver`, float64, in the broadcast shape of `day` and `codes`.

    `codes`: segment name (market, channel, device, carrier, method) -> array of codes. A plant that filters on a
    segment which is not given here counts as not there: callers give every segment the driver can be planted in.
    """
    shape = np.broadcast_shapes(day.shape, *(values.shape for values in codes.values()))
    result = np.ones(shape)
    for plant in world.plants:
        if plant.driver == driver:
            result *= np.where(_matches(plant, codes), strength(plant, calendar)[day], 1.0)
    return result


def _matches(plant: Plant, codes: dict[str, np.ndarray]) -> np.ndarray:
    matches = np.array(True)
    for name in FILTERS:
        if wanted := getattr(plant, name):
            matches = matches & (codes[name] == wanted if name in codes else np.array(False))
    return matches


def strength(plant: Plant, calendar: Calendar) -> np.ndarray:
    """The factor of `plant` on each day of the calendar, where it applies; shape (days,)."""
    if plant.shape == "always":
        return np.full(calendar.days, plant.size)
    onset = onset_day(plant, calendar)
    day = np.arange(calendar.days)
    if plant.shape == "sudden":
        return np.where(day >= onset, plant.size, 1.0)
    progress = np.clip((day - onset + 1) / (7 * plant.ramp_weeks), 0, 1)
    return 1 + (plant.size - 1) * progress


def onset_day(plant: Plant, calendar: Calendar) -> int:
    """The first day of the plant's onset week."""
    week = plant.onset_week if plant.onset_week >= 0 else calendar.weeks + plant.onset_week
    return 7 * week
