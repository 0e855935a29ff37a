"""What jobs and their steps are called on the page."""

from django.utils.translation import gettext_lazy as _

KINDS = {
    "import": _("Import a file"),
    "check": _("Check a file"),
    "undo": _("Undo a file"),
    "feed": _("Read a table"),
    "roll": _("Sum up the changed weeks"),
    "diagnose": _("Find the weakest link"),
    "conversion_analyses": _("Look into journeys, orders and customers"),
    "aftersales_counts": _("Count customers, deliveries and tickets"),
    "ltv": _("Work out lifetime values"),
    "check_sources": _("Check the sources"),
    "demo": _("Build the demo business"),
}
STEPS = {
    "fetching": _("Reading the table"),
    "reading": _("Reading the file"),
    "parsing": _("Reading the file"),
    "checking": _("Checking every row"),
    "storing": _("Storing"),
    "undoing": _("Putting back what was there before"),
    "upkeep": _("Bringing related facts up to date"),
    "inspecting": _("Looking at what arrived"),
    "generating": _("Making up the business"),
    "rolling": _("Summing up weeks"),
    "counting": _("Counting customers, deliveries and tickets"),
    "reading_customers": _("Reading customers' histories"),
    "fitting_customers": _("Fitting markets and channels"),
    "diagnosing": _("Diagnosing weeks"),
    "looking_into": _("Looking into journeys, orders and customers"),
}
