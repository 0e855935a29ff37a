"""The editor of a scoring model: what it is about, its dimensions with indicators and bounds, and its weights."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django import forms
from django.forms import BaseFormSet, BoundField, formset_factory
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engines import scoring
from flywheel.accounts.models import Workspace
from flywheel.market import economies, indicators, screening
from flywheel.market.models import ScoringModel
from flywheel.market.spec import (
    DIMENSIONS,
    MOST_DIMENSIONS,
    MOST_INDICATORS,
    Dimension,
    Indicator,
    Method,
    Spec,
)

DIRECTIONS = (("up", gettext_lazy("Higher is better")), ("down", gettext_lazy("Lower is better")))
SCALES = (("linear", gettext_lazy("Linear")), ("log", gettext_lazy("Logarithmic")))
MOST_MARKETS = 250
SAATY = 9  # the strongest judgement of the scale
HUGE = 1e15
LONGEST_KEY = 40


class HeadForm(forms.Form):
    """What a model is called, which markets it is about, and what is asked of a score."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    markets = forms.CharField(
        label=gettext_lazy("Markets"),
        required=False,
        max_length=20_000,
        help_text=gettext_lazy(
            "One to a line: names or codes of two letters. A market more or less changes no other’s score."
        ),
        widget=forms.Textarea(attrs={"rows": 10}),
    )
    top = forms.IntegerField(
        label=gettext_lazy("How many lead the list"),
        min_value=1,
        max_value=50,
        help_text=gettext_lazy(
            "The stability of a rank is the share of varied weights under which a market stays among these."
        ),
    )
    min_coverage = forms.IntegerField(
        label=gettext_lazy("Least known weight, %"),
        min_value=1,
        max_value=100,
        help_text=gettext_lazy(
            "Of a market that is known in less, no score is given. Above it, the weight of what is not known goes to "
            "what is."
        ),
    )
    min_score = forms.IntegerField(
        label=gettext_lazy("Score that passes the first gate"),
        min_value=0,
        max_value=100,
        help_text=gettext_lazy("Out of 100; the roadmap asks for it."),
    )
    method = forms.ChoiceField(label=gettext_lazy("Weights"), choices=Method.choices, widget=forms.RadioSelect)
    again = forms.BooleanField(label=gettext_lazy("Work the entropy weights out again"), required=False)
    confirmed = forms.BooleanField(
        label=gettext_lazy("Use these judgements although they contradict each other"), required=False
    )

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean_markets(self) -> tuple[str, ...]:
        """The codes behind the lines."""
        lines = [line.strip() for line in self.cleaned_data["markets"].splitlines() if line.strip()]
        if len(lines) > MOST_MARKETS:
            raise forms.ValidationError(_("At most %(n)s markets."), params={"n": MOST_MARKETS})
        typed = economies.typed(self.workspace)
        codes, problems = [], []
        for line in lines:
            try:
                codes.append(typed.code(line))
            except forms.ValidationError as problem:
                problems.append(problem)
        if problems:
            raise forms.ValidationError(problems[:10])
        return tuple(dict.fromkeys(codes))


class DimensionForm(forms.Form):
    """A dimension: its name and its weight by hand. `indicator`: the first one of a dimension that is added."""

    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=LONGEST_KEY)
    name = forms.CharField(label=gettext_lazy("Dimension"), max_length=60, required=False)
    weight = forms.FloatField(label=gettext_lazy("Weight by hand"), min_value=0, max_value=1e6, required=False)


class IndicatorForm(forms.Form):
    """An indicator of a dimension, with its bounds."""

    dimension = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)
    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)
    low = forms.FloatField(label=gettext_lazy("Lower bound"), min_value=-HUGE, max_value=HUGE)
    high = forms.FloatField(label=gettext_lazy("Upper bound"), min_value=-HUGE, max_value=HUGE)
    direction = forms.ChoiceField(label=gettext_lazy("Direction"), choices=DIRECTIONS)
    scale = forms.ChoiceField(label=gettext_lazy("Scale"), choices=SCALES)
    own_first = forms.BooleanField(label=gettext_lazy("Own value first"), required=False)

    @property
    def cells(self) -> list[BoundField]:
        """The fields of its row."""
        return [self[name] for name in ("low", "high", "direction", "scale", "own_first", "DELETE")]

    @property
    def label(self) -> str:
        """The indicator's name."""
        return indicators.label_of(str(self.initial.get("key", "")))

    def clean(self) -> dict[str, Any]:
        """Bounds in their order, above zero on a logarithmic scale."""
        data = super().clean() or {}
        low, high = data.get("low"), data.get("high")
        if low is not None and high is not None and not low < high:
            self.add_error("high", _("The upper bound must be above the lower one."))
        elif low is not None and low <= 0 and data.get("scale") == "log":
            self.add_error("low", _("On a logarithmic scale the lower bound must be above zero."))
        return data


class AddForm(forms.Form):
    """An indicator to add: one that is known, or a name of your own; to a dimension, or to a new one."""

    add_dimension = forms.CharField(
        label=gettext_lazy("Dimension, or the name of a new one"), max_length=60, required=False
    )
    add_indicator = forms.CharField(
        label=gettext_lazy("Indicator, or a name of your own"), max_length=200, required=False
    )

    def clean(self) -> dict[str, Any]:
        """Both or none."""
        data = super().clean() or {}
        given = [name for name in ("add_dimension", "add_indicator") if data.get(name)]
        if len(given) == 1:
            missing = "add_dimension" if given == ["add_indicator"] else "add_indicator"
            self.add_error(missing, _("Name both the dimension and the indicator."))
        return data


def pair_choices() -> list[tuple[str, str]]:
    """Saaty's scale in both directions."""
    first = [(str(n), _("the first, %(n)s times") % {"n": n}) for n in range(SAATY, 1, -1)]
    second = [(f"1/{n}", _("the second, %(n)s times") % {"n": n}) for n in range(2, SAATY + 1)]
    return [*first, ("1", _("both the same")), *second]


class PairsForm(forms.Form):
    """Which of two dimensions matters more, for each pair."""

    def __init__(self, spec: Spec, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keys = pairs_of(spec.keys)
        names = {d.key: d.label for d in spec.dimensions}
        for first, second in self.keys:
            self.fields[f"{first}|{second}"] = forms.ChoiceField(
                label=_("%(first)s or %(second)s") % {"first": names[first], "second": names[second]},
                choices=pair_choices(),
                required=False,
                initial=_written(spec.pairs.get(f"{first}|{second}", 1.0)),
            )

    def values(self) -> dict[str, float]:
        """Judgements by pair; where both are the same, and where nothing was said, there is none."""
        said = {name: self.cleaned_data.get(name) or "1" for name in self.fields}
        return {name: _read(text) for name, text in said.items() if text != "1"}


def pairs_of(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Every two dimensions, as they stand above the diagonal of the matrix, row by row."""
    listed = list(keys)
    return [(a, b) for at, a in enumerate(listed) for b in listed[at + 1 :]]


def _written(value: float) -> str:
    return str(round(value)) if value >= 1 else f"1/{round(1 / value)}"


def _read(text: str) -> float:
    return 1 / float(text[2:]) if text.startswith("1/") else float(text)


def _rows(form: type[forms.Form], most: int) -> type[BaseFormSet]:
    """As many rows as a model may have; of a larger number that was posted no row is made."""
    return formset_factory(form, extra=0, can_delete=True, max_num=most, absolute_max=most, validate_max=True)


Rows = _rows(DimensionForm, MOST_DIMENSIONS)
IndicatorRows = _rows(IndicatorForm, MOST_INDICATORS)


class Editor:
    """All forms of a model's page as one; `posted` is what a person sent."""

    def __init__(self, workspace: Workspace, model: ScoringModel, posted: QueryDict | None = None) -> None:
        self.workspace, self.model, self.posted = workspace, model, posted
        self.old = Spec.of(model.document)
        self.problem = ""
        self.head = HeadForm(workspace, posted, initial=self._head())
        self.dimensions = Rows(posted, initial=self._dimensions(), prefix="d")
        self.indicators = IndicatorRows(posted, initial=self._indicators(), prefix="i")
        self.add = AddForm(posted)
        for name, known in (("add_dimension", "dimensions-known"), ("add_indicator", "indicators")):
            self.add.fields[name].widget.attrs |= {"list": known, "autocomplete": "off"}
        self.pairs = PairsForm(self.old, posted)

    def _head(self) -> dict[str, Any]:
        typed = economies.typed(self.workspace)
        return {
            "version": self.model.version,
            "name": self.model.name,
            "markets": "\n".join(map(typed.name, self.old.markets)),
            "top": self.old.top,
            "min_coverage": round(100 * self.old.min_coverage),
            "min_score": round(100 * self.old.min_score),
            "method": self.old.method,
            "confirmed": self.old.confirmed,
        }

    def _dimensions(self) -> list[dict[str, Any]]:
        weights = self.old.weights
        return [{"key": d.key, "name": d.label, "weight": round(weights[d.key], 4)} for d in self.old.dimensions]

    def _indicators(self) -> list[dict[str, Any]]:
        return [
            {
                "dimension": d.key,
                "key": i.key,
                "low": f"{i.low:.15g}",
                "high": f"{i.high:.15g}",
                "direction": "down" if i.is_cost else "up",
                "scale": "log" if i.is_log else "linear",
                "own_first": i.own_first,
            }
            for d in self.old.dimensions
            for i in d.indicators
        ]

    @property
    def groups(self) -> list[dict[str, Any]]:
        """Each dimension's form with those of its indicators."""
        by_key: dict[str, list[Any]] = {}
        for form in self.indicators.forms:
            by_key.setdefault(str(form["dimension"].value()), []).append(form)
        return [{"form": f, "indicators": by_key.get(str(f["key"].value()), [])} for f in self.dimensions.forms]

    @property
    def shows_pairs(self) -> bool:
        """Whether the judgements are what the weights come from."""
        return str(self.head["method"].value()) == Method.AHP

    @property
    def consistency(self) -> scoring.Pairwise | None:
        """Of the judgements as saved; None where the weights come from elsewhere."""
        return _pairwise(self.old) if self.old.method == Method.AHP else None

    @property
    def forms(self) -> tuple[forms.Form | BaseFormSet, ...]:
        """Everything that must be right before anything is saved."""
        return (self.head, self.dimensions, self.indicators, self.add, self.pairs)

    def is_valid(self) -> bool:
        """Whether every field is right and the whole makes a model; else `problem` or the fields say what is wrong."""
        if self.posted is None or {form.is_valid() for form in self.forms} != {
            True
        }:  # all, so that all say what is wrong
            return False
        try:
            return self.spec is not None
        except forms.ValidationError as problem:
            self.problem = " ".join(problem.messages)
            return False

    @cached_property
    def spec(self) -> Spec:
        """The model as it was entered; raises forms.ValidationError, in words, when its parts do not fit."""
        head = self.head.cleaned_data
        dimensions = self._entered()
        spec = replace(
            self.old,
            dimensions=dimensions,
            markets=head["markets"],
            top=head["top"],
            min_coverage=head["min_coverage"] / 100,
            min_score=head["min_score"] / 100,
            method=head["method"],
            confirmed=head["confirmed"],
            pairs=self.pairs.values(),
        )
        return self._weighed(spec)

    def _entered(self) -> tuple[Dimension, ...]:
        """The dimensions that are left, with the indicators that are left, and what was added."""
        found: dict[str, list[Indicator]] = {}
        names: dict[str, str] = {}
        for form in self.dimensions.forms:
            if not form.cleaned_data.get("DELETE"):
                key, name = form.cleaned_data["key"], form.cleaned_data["name"].strip()
                found[key] = []
                names[key] = "" if name == str(DIMENSIONS.get(key, "")) else name
        for row in self.indicators.forms:
            data = row.cleaned_data
            if not data.get("DELETE") and data["dimension"] in found:
                found[data["dimension"]].append(_indicator(data))
        self._added(found, names)
        self._check(found)
        return tuple(Dimension(key, tuple(own), names[key]) for key, own in found.items())

    def _added(self, found: dict[str, list[Indicator]], names: dict[str, str]) -> None:
        name, typed = (self.add.cleaned_data.get(field, "").strip() for field in ("add_dimension", "add_indicator"))
        if not name:
            return
        labels = {d.label.casefold(): d.key for d in self.old.dimensions if d.key in found}
        labels |= {str(label).casefold(): key for key, label in DIMENSIONS.items()}
        key = labels.get(name.casefold()) or _own_key(name, found)
        known = {indicators.label_of(k).casefold(): k for k in indicators.INDICATORS}
        found.setdefault(key, []).append(Indicator.first(known.get(typed.casefold(), typed)))
        names.setdefault(key, "" if key in DIMENSIONS else name)

    def _check(self, found: dict[str, list[Indicator]]) -> None:
        if not found:
            raise forms.ValidationError(_("A model needs at least one dimension."))
        empty = [key for key, own in found.items() if not own]
        if empty:
            names = {d.key: d.label for d in self.old.dimensions}
            raise forms.ValidationError(
                _("“%(name)s” has no indicator left: add one, or delete the dimension."),
                params={"name": names.get(empty[0], empty[0])},
            )
        keys = [indicator.key for own in found.values() for indicator in own]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise forms.ValidationError(
                _("“%(name)s” is in the model twice."), params={"name": indicators.label_of(twice)}
            )
        if len(found) > MOST_DIMENSIONS or len(keys) > MOST_INDICATORS:
            raise forms.ValidationError(
                _("At most %(n)s dimensions and %(m)s indicators."), params={"n": MOST_DIMENSIONS, "m": MOST_INDICATORS}
            )

    def _weighed(self, spec: Spec) -> Spec:
        """The model with its weights by the method that was chosen."""
        if spec.method == Method.ENTROPY:
            same = self.old.method == Method.ENTROPY and spec.dimensions == self.old.dimensions
            if same and not self.head.cleaned_data["again"]:
                return replace(spec, weights=self.old.weights)
            return replace(screening.weighed_by_entropy(self.workspace, spec), ratio=None)
        spec = replace(spec, weighed_on="", weighed_markets=0, ratio=None)
        if spec.method == Method.AHP:
            return self._judged(spec)
        if spec.method == Method.HAND:
            return replace(spec, weights=self._by_hand(spec))
        return replace(spec, weights={key: 1 / len(spec.keys) for key in spec.keys})

    def _by_hand(self, spec: Spec) -> dict[str, float]:
        entered = {form.cleaned_data["key"]: form.cleaned_data.get("weight") or 0.0 for form in self.dimensions.forms}
        total = sum(entered.get(key, 0.0) for key in spec.keys)
        if total <= 0:
            raise forms.ValidationError(_("At least one weight must be above zero."))
        return {key: entered.get(key, 0.0) / total for key in spec.keys}

    def _judged(self, spec: Spec) -> Spec:
        found = _pairwise(spec)
        if not found.is_consistent and not spec.confirmed:
            raise forms.ValidationError(
                _(
                    "The judgements contradict each other: their consistency ratio is %(ratio)s, and below %(limit)s "
                    "is asked for. Look at them again, or confirm that you want to use them."
                ),
                params={"ratio": f"{found.ratio:.2f}", "limit": f"{scoring.CONSISTENT:.1f}"},
            )
        weights = dict(zip(spec.keys, found.weights.tolist(), strict=True))
        return replace(spec, weights=weights, ratio=found.ratio)


def _own_key(name: str, taken: Iterable[str]) -> str:
    """The key of a new dimension: its name, told apart from one that begins alike."""
    key, known = f"own:{name}", set(taken)
    keys = (key[:LONGEST_KEY], *(f"{key[: LONGEST_KEY - 3]}:{n}" for n in range(2, MOST_DIMENSIONS + 2)))
    return next(key for key in keys if key not in known)


def _pairwise(spec: Spec) -> scoring.Pairwise:
    upper = [spec.pairs.get(f"{a}|{b}", 1.0) for a, b in pairs_of(spec.keys)]
    return scoring.ahp(scoring.reciprocal(upper, len(spec.keys)))


def _indicator(data: dict[str, Any]) -> Indicator:
    return Indicator(
        data["key"], data["low"], data["high"], data["direction"] == "down", data["scale"] == "log", data["own_first"]
    )
