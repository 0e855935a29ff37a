"""Economies by their two letters: which may be screened, and what they are called."""

from flywheel.accounts.models import Workspace
from flywheel.diagnosis.market_names import Typed, own_codes
from flywheel.market import indicators


def known_codes(workspace: Workspace) -> list[str]:
    """The markets that may be screened: those of the workspace and every economy of the table, sorted."""
    return sorted({*own_codes(workspace), *indicators.economies()})


def typed(workspace: Workspace) -> Typed:
    """Reads what a person types as one of them."""
    return Typed(workspace, known_codes(workspace))
