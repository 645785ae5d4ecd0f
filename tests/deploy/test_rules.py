"""The alerts of Prometheus: promtool reads them, runs their own tests, and the page explains each."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from endface.telemetry.metrics import FAMILIES

Rule = dict[str, Any]
Promtool = Callable[..., str]


@pytest.fixture(scope="module")
def rules_folder(project: Path) -> Path:
    """The folder with the rules and, below, their tests."""
    return project / "deploy" / "prometheus" / "rules"


@pytest.fixture(scope="module")
def rules(rules_folder: Path) -> list[Rule]:
    """All rules in their order."""
    groups = yaml.safe_load((rules_folder / "endface.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def alerts(rules: list[Rule]) -> list[Rule]:
    """Those that call somebody."""
    return [rule for rule in rules if "alert" in rule]


def test_prometheus_takes_the_rules(promtool: Promtool, rules_folder: Path) -> None:
    """Every expression, label and template can be read."""
    promtool(rules_folder, "check", "rules", "endface.yml")


def test_alerts_fire_when_they_should_and_only_then(promtool: Promtool, rules_folder: Path) -> None:
    """The rules' own tests pass: series made by hand, and what they set off."""
    tests = sorted(path.name for path in (rules_folder / "tests").glob("*.yml"))

    assert promtool(rules_folder / "tests", "test", "rules", *tests).count("SUCCESS") == len(tests)


def test_every_alert_has_its_tests(rules_folder: Path, alerts: list[Rule]) -> None:
    """Each is seen to fire, and each is seen not to."""
    texts = [path.read_text(encoding="utf-8") for path in (rules_folder / "tests").glob("*.yml")]
    fires = {name for text in texts for name in re.findall(r'expr: ALERTS{alertname="(\w+)"', text)}
    stays = {name for text in texts for name in re.findall(r"alertname: (\w+) }", text)}

    assert fires == stays == {alert["alert"] for alert in alerts}


def test_alerts_say_what_is_wrong(alerts: list[Rule]) -> None:
    """Each has a severity and a sentence."""
    for alert in alerts:
        assert alert["labels"]["severity"] in ("critical", "warning"), alert["alert"]
        assert alert["annotations"]["summary"].endswith("."), alert["alert"]


def test_page_explains_every_alert(project: Path, alerts: list[Rule]) -> None:
    """Its table has a row for each, in the same order, with a cause and a cure."""
    page = (project / "docs" / "observability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(Endface\w+)` \| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)

    assert [name for name, *_ in rows] == [alert["alert"] for alert in alerts]


def test_every_metric_in_a_rule_exists(rules: list[Rule]) -> None:
    """Names of our own metrics in the expressions are names that the code exports."""
    exported = {name for family in FAMILIES for name in family.series}
    used = {name for rule in rules for name in re.findall(r"\bendface_\w+", rule["expr"])}

    assert used <= exported
