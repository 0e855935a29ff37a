"""Where competitors' offers lie on two attributes, where buyers are, and which places are asked for but empty.

Both axes are cut into cells. An offer counts in the cells around it by a Gaussian kernel, once as an offer (supply)
and once by its reviews (demand): reviews are what buyers leave behind, and the only demand that is seen from outside.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.results import EngineInputError, Unavailable

Floats = npt.NDArray[np.float64]

CELLS = 5  # to a side: offers are scored in steps, and few are known
BANDWIDTH = 1.0  # of the kernel, in cells: an offer is felt next door, hardly beyond
MIN_OFFERS = 5  # below it a map is a handful of points
MIN_REVIEWED = 0.5  # of the offers must tell their reviews, or demand is that of the few that do
MIN_GAP = 0.001  # of all demand: less is rounding
MARGIN = 0.05  # of the range, around the outermost points


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the map: position and edges, its shares of demand and supply (0-1), and how many offers lie in it."""

    column: int
    row: int
    x: tuple[float, float]
    y: tuple[float, float]
    demand: float
    supply: float
    offers: int

    @property
    def gap(self) -> float:
        """Demand beyond supply, in shares of the whole map."""
        return self.demand - self.supply


@dataclass(frozen=True, slots=True)
class Map:
    """The cells, row by row from the bottom left; and those that are asked for and empty, the emptiest first."""

    x_edges: Floats
    y_edges: Floats
    cells: tuple[Cell, ...]
    openings: tuple[Cell, ...]


def position(x: Floats, y: Floats, reviews: Floats, cells: int = CELLS) -> Map | Unavailable:
    """The map of offers at (x, y) with their number of reviews (NaN: not known).

    Openings are cells without an offer in which demand is above supply, by the difference, largest first.
    Raises EngineInputError when the columns differ in length or reviews are negative.
    """
    if not len(x) == len(y) == len(reviews) or np.nanmin(reviews, initial=0.0) < 0:
        raise EngineInputError("offers need x, y and reviews of zero or more")
    placed = np.isfinite(x) & np.isfinite(y)
    x, y, reviews = x[placed], y[placed], reviews[placed]
    if len(x) < MIN_OFFERS:
        return Unavailable("too_few_offers", float(len(x)), float(MIN_OFFERS))
    told = ~np.isnan(reviews)
    if told.mean() < MIN_REVIEWED or reviews[told].sum() <= 0:
        return Unavailable("no_demand_data", float(told.sum()), float(np.ceil(len(x) * MIN_REVIEWED)))
    x_edges, y_edges = _edges(x, cells), _edges(y, cells)
    placed_cells = _cells(x, y, np.where(told, reviews, 0.0), x_edges, y_edges)
    open_cells = [cell for cell in placed_cells if not cell.offers and cell.gap > MIN_GAP]
    return Map(x_edges, y_edges, placed_cells, tuple(sorted(open_cells, key=lambda cell: -cell.gap)))


def _edges(values: Floats, cells: int) -> Floats:
    low, high = float(values.min()), float(values.max())
    margin = (high - low) * MARGIN or max(abs(high), 1.0) * MARGIN
    return np.linspace(low - margin, high + margin, cells + 1)


def _cells(x: Floats, y: Floats, reviews: Floats, x_edges: Floats, y_edges: Floats) -> tuple[Cell, ...]:
    supply = _density(x, y, np.ones(len(x)), x_edges, y_edges)
    demand = _density(x, y, reviews, x_edges, y_edges)
    counts, _x, _y = np.histogram2d(y, x, bins=(y_edges, x_edges))
    return tuple(
        Cell(
            column,
            row,
            (float(x_edges[column]), float(x_edges[column + 1])),
            (float(y_edges[row]), float(y_edges[row + 1])),
            float(demand[row, column]),
            float(supply[row, column]),
            int(counts[row, column]),
        )
        for row in range(len(y_edges) - 1)
        for column in range(len(x_edges) - 1)
    )


def _density(x: Floats, y: Floats, weights: Floats, x_edges: Floats, y_edges: Floats) -> Floats:
    """Shares by cell (rows × columns, they sum to 1); each point spreads its whole weight over the map."""
    across, up = _kernel(x, x_edges), _kernel(y, y_edges)
    spread: Floats = np.einsum("p,pr,pc->rc", weights, up, across)
    return np.asarray(spread / spread.sum(), dtype=np.float64)


def _kernel(values: Floats, edges: Floats) -> Floats:
    """Of each point (rows) how much falls in each cell (columns); rows sum to 1."""
    width, centres = edges[1] - edges[0], (edges[:-1] + edges[1:]) / 2
    felt = np.exp(-0.5 * ((values[:, None] - centres[None, :]) / (width * BANDWIDTH)) ** 2)
    return np.asarray(felt / felt.sum(axis=1, keepdims=True), dtype=np.float64)
