from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import pytest

from endface.errors import RepositoryError, ServerStartError
from endface.health.reload import reload

from .conftest import Line


class Control:
    """Told to reload, does what the test says."""

    def __init__(self, do: Callable[[str], object]) -> None:
        self._do = do

    def reload(self, model: str, timeout_s: float) -> None:
        """Do it."""
        assert timeout_s > 10
        self._do(model)


def test_load_that_gets_nowhere_is_given_up(line: Line) -> None:
    """Long before its own time is over: clients give up after ten seconds."""
    end, looks = threading.Event(), itertools.count()
    control = Control(lambda _model: end.wait())

    with pytest.raises(ServerStartError, match="does nothing while it should load 'segment'"):
        reload(control, line, "segment", lambda: float(next(looks)))
    end.set()


def test_answer_of_triton_is_handed_on(line: Line) -> None:
    """Its refusal, too."""
    asked: list[str] = []
    reload(Control(asked.append), line, "segment")
    assert asked == ["segment"]

    def refuse(_model: str) -> None:
        raise RepositoryError("no such model")

    with pytest.raises(RepositoryError, match="no such model"):
        reload(Control(refuse), line, "segment")
