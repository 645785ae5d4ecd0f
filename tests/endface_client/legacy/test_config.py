"""What ``OmniConfig`` takes, and where endface's own settings come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from endface.errors import ConfigurationError
from endface_client.legacy import OmniConfig
from endface_client.legacy._config import EndfaceSettings
from endface_client.testing import FakeServer


def test_the_seven_fields_have_the_pipelines_defaults() -> None:
    """They can be read and set as the pipeline does."""
    config = OmniConfig(min_defect_size=5)

    assert (config.knowledge_base_path, config.min_defect_size, config.max_defect_size) == (None, 5, 5000)
    assert config.severity_thresholds == {
        "CRITICAL": 0.9, "HIGH": 0.7, "MEDIUM": 0.5, "LOW": 0.3, "NEGLIGIBLE": 0.1,
    }  # fmt: skip
    assert (config.confidence_threshold, config.anomaly_threshold_multiplier) == (0.3, 2.5)
    assert config.enable_visualization is True
    assert OmniConfig("kb.json").knowledge_base_path == "kb.json"
    assert OmniConfig().severity_thresholds is not OmniConfig().severity_thresholds


def test_unknown_keywords_are_taken() -> None:
    """Generations of the pipeline differ in their fields; each may be given, and none names limits or a server."""
    config = OmniConfig(min_defect_area_px=5, pixels_per_micron=1.0, generate_json_report=True, max_defect_size=9)

    assert config.max_defect_size == 9
    assert config.ignored == {"min_defect_area_px": 5, "pixels_per_micron": 1.0, "generate_json_report": True}
    settings = EndfaceSettings.of(config, {})
    assert (settings, settings.profile, settings.server) == (EndfaceSettings(), "", "")


def test_keywords_go_before_the_environment() -> None:
    """Each setting has a variable and a keyword of the same name."""
    variables = {
        "ENDFACE_SERVER": "line-3:8001",
        "ENDFACE_PROFILE": "mm-pc",
        "ENDFACE_PROFILES": "plant",
        "ENDFACE_ENGINE": "opencv",
        "ENDFACE_CLADDING_UM": "140",
        "ENDFACE_UM_PER_PX": "",
        "ENDFACE_DEADLINE_S": "2.5",
        "HOME": "/",
    }
    settings = EndfaceSettings.of(OmniConfig(endface_profile="sm-apc", endface_deadline_s=9), variables)

    assert settings == EndfaceSettings("line-3:8001", "sm-apc", Path("plant"), "opencv", 140.0, None, deadline_s=9.0)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("endface_um_per_px", "wide"),
        ("endface_cladding_um", -1),
        ("endface_deadline_s", 0),
        ("endface_deadline_s", "nan"),
        ("endface_deadline_s", [1]),
        ("endface_sever", "line-3:8001"),
    ],
)
def test_wrong_settings_are_told(keyword: str, value: Any) -> None:
    """A number that is none and a misspelt keyword are errors that name it."""
    with pytest.raises(ConfigurationError, match=rf"(?i){keyword}"):
        EndfaceSettings.of(OmniConfig(**{keyword: value}), {})


def test_a_server_may_ask_for_certificates(run: Any, encrypted: FakeServer, shown: dict[str, str]) -> None:
    """The variables are those of the commands; without them nothing is inspected, and the face fails."""
    settings = {f"endface_tls_{name.replace('-', '_')}": value for name, value in shown.items()}
    asked = {"endface_server": encrypted.address, "endface_profile": "mm-pc", "endface_deadline_s": 1}

    assert run.analyze(OmniConfig(**asked))["error_code"] == "server_unavailable"
    assert run.analyze(OmniConfig(**asked | settings))["success"] is True
