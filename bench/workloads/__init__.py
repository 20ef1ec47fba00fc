"""The workloads: each a file with ``run(system, sizes) -> Result``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bench.results import Result
from bench.sizes import Sizes
from bench.systems.base import System
from bench.workloads import (
    w1_one_step,
    w2_ten_steps,
    w3_fan_out,
    w4_idle,
    w5_wake_up,
    w6_backlog,
    w7_submit,
    w8_history,
    w9_fairness,
    w10_tenants,
    w11_dsl,
    w12_web,
    w13_soak,
)

registry: Mapping[str, Callable[[System, Sizes], Result]] = MappingProxyType(
    {
        "W1": w1_one_step.run,
        "W2": w2_ten_steps.run,
        "W3": w3_fan_out.run,
        "W4": w4_idle.run,
        "W5": w5_wake_up.run,
        "W6": w6_backlog.run,
        "W7": w7_submit.run,
        "W8": w8_history.run,
        "W9": w9_fairness.run,
        "W10": w10_tenants.run,
        "W11": w11_dsl.run,
        "W12": w12_web.run,
        "W13": w13_soak.run,
    }
)
