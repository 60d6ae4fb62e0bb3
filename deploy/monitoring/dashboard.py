"""Writes `grafana-dashboard.json` with Grafana's own types for Python: what Grafana imports is well formed.

python deploy/monitoring/dashboard.py
"""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

FILE = Path(__file__).with_name("grafana-dashboard.json")
SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
MATCHED = 'usual_identity_recognitions_total{outcome="matched"}'
QUANTILES = (0.5, 0.95, 0.99)


def query(expression: str, legend: str = "") -> prometheus.Dataquery:
    """One line of a panel."""
    return prometheus.Dataquery().expr(expression).legend_format(legend).datasource(SOURCE)


def number(title: str, expression: str, unit: str = "short") -> stat.Panel:
    """A panel with one number."""
    panel = stat.Panel().title(title).unit(unit).datasource(SOURCE).height(4).span(4)
    return panel.with_target(query(expression))


def lines(title: str, targets: dict[str, str], unit: str, explained: str = "") -> timeseries.Panel:
    """A panel with a line for each expression, by its legend."""
    panel = timeseries.Panel().title(title).description(explained).unit(unit).datasource(SOURCE).height(8).span(12)
    panel.legend(common.VizLegendOptions().show_legend(True))
    for legend, expression in targets.items():
        panel.with_target(query(expression, legend))
    return panel


def quantiles(histogram: str, label: str) -> dict[str, str]:
    """The usual quantiles of a histogram by a label."""
    return {
        f"{{{{{label}}}}} {share:.0%}": (
            f"histogram_quantile({share}, sum by (le, {label}) (rate({histogram}_bucket[5m])))"
        )
        for share in QUANTILES
    }


def built() -> dashboard.Dashboard:
    """The dashboard: people first, then times, then promises."""
    board = dashboard.Dashboard("Usual").uid("usual").tags(["usual"]).refresh("30s").time("now-6h", "now")
    board.with_variable(dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus"))
    for panel in (
        number("Visits a minute", "60 * sum(rate(usual_identity_recognitions_total[5m]))"),
        number(
            "Recognised",
            f"sum(rate({MATCHED}[1h])) / sum(rate(usual_identity_recognitions_total[1h]))",
            "percentunit",
        ),
        number(
            "Said “not me”",
            f"sum(increase(usual_identity_not_me_total[1d])) / sum(increase({MATCHED}[1d]))",
            "percentunit",
        ),
        number("Suggestions a minute", "60 * sum(rate(usual_suggestions_total[5m]))"),
        number("Erasures overdue", "max(usual_identity_erasures_overdue)"),
        number("Trainings today", "sum(increase(usual_trainings_total[1d]))"),
        lines(
            "Decisions of the matcher",
            {"{{outcome}}": "sum by (outcome) (rate(usual_identity_recognitions_total[5m]))"},
            "reqps",
        ),
        lines(
            "Faces that could not be used",
            {"{{hint}}": "sum by (hint) (rate(usual_identity_refusals_total[5m]))"},
            "reqps",
            "By the hint that the person was given.",
        ),
        lines("Time of each stage of a press", quantiles("usual_identity_seconds", "stage"), "s"),
        lines("Time to suggest", quantiles("usual_suggestion_seconds", "scene"), "s"),
        lines(
            "Suggestions that are a fallback",
            {"{{fallback}}": 'sum by (fallback) (rate(usual_suggestions_total{fallback!=""}[5m]))'},
            "reqps",
        ),
        lines(
            "Opt-outs by the way they took",
            {"{{way}}": "sum by (way) (increase(usual_identity_erasures_total[1h]))"},
            "short",
        ),
    ):
        board.with_panel(panel)
    return board


def text() -> str:
    """The file's content."""
    return (
        json.dumps(json.loads(JSONEncoder(sort_keys=True).encode(built().build())), indent=2, sort_keys=True)
        + "\n"
    )


if __name__ == "__main__":
    FILE.write_text(text())
