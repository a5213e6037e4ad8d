"""A signal ends a command no matter where it lands."""

from __future__ import annotations

import signal
import sys
import time

import pytest

from seals_sim.cli.terminal import _interrupted_by_signals


class Finalized:
    def __init__(self, number):
        self.number = number

    def __del__(self):
        signal.raise_signal(self.number)
        for _ in range(1_000):  # the handler runs here, and its exception is dropped
            pass


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_that_lands_in_a_finalizer_is_not_lost(name):
    if not hasattr(signal, name):
        pytest.skip(f"no {name} here")

    def work():
        finalized = Finalized(getattr(signal, name))
        del finalized
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt), _interrupted_by_signals():
        work()


def test_other_errors_of_finalizers_are_told_as_ever(monkeypatch):
    class Broken:
        def __del__(self):
            raise ValueError("broken")

    told: list[sys.UnraisableHookArgs] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    with _interrupted_by_signals():
        broken = Broken()
        del broken
    assert [str(item.exc_value) for item in told] == ["broken"]
