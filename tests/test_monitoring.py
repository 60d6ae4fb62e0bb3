"""The files for Prometheus and Grafana: well formed, and about metrics that exist."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from app import create_app
from deploy.monitoring import dashboard
from plumbing.serving.metrics import exposition
from plumbing.settings import Config
from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "monitoring"
NAMES = re.compile(r"\busual_[a-z_]+")


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None and os.environ.get("USUAL_NOTHING_SKIPPED"):
        pytest.fail("promtool is not installed, and nothing may be skipped here")
    if found is None:
        pytest.skip("promtool is not installed")
    return found


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all samples that a server can give."""
    app = create_app(Config(home=tmp_path_factory.mktemp("home")))
    registry: CollectorRegistry = app.extensions["usual_open"][-1].registry
    found = set()
    for family in text_string_to_metric_families(exposition(registry).decode()):
        ends = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        found |= {family.name + end for end in ends}
    for part in app.extensions["usual_open"]:
        part.close()
    return found


def test_the_rules_and_the_settings_pass_promtool(promtool: str, tmp_path: Path) -> None:
    for name in ("prometheus.yml", "alerts.yml"):
        text = (FOLDER / name).read_text().replace("/etc/prometheus/usual.key", str(tmp_path / "usual.key"))
        (tmp_path / name).write_text(text)
    (tmp_path / "usual.key").write_text("a key")
    checked = subprocess.run(
        [promtool, "check", "config", str(tmp_path / "prometheus.yml")], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_alerts_fire_when_they_should(promtool: str) -> None:
    tested = subprocess.run(
        [promtool, "test", "rules", "alerts_test.yml"], cwd=FOLDER, capture_output=True, text=True
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("file", ["alerts.yml", "grafana-dashboard.json"])
def test_every_metric_that_is_named_exists(file: str, names: set[str]) -> None:
    assert set(NAMES.findall((FOLDER / file).read_text())) <= names


def test_the_dashboard_is_what_grafanas_own_types_say() -> None:
    kept = (FOLDER / "grafana-dashboard.json").read_text()

    assert kept == dashboard.text()
    assert len(Dashboard.from_json(json.loads(kept)).panels or []) >= 12


def test_the_handbook_names_every_alert() -> None:
    alerts = re.findall(r"alert: (\w+)", (FOLDER / "alerts.yml").read_text())

    assert alerts
    assert all(f"| {alert} |" in (FOLDER / "README.md").read_text() for alert in alerts)
