"""What a run ran on, for its record and for `rrgraph --version`."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from rrgraph import __version__
from rrgraph.util.plugins import plugin_packages

__all__ = ["describe_environment", "processors"]

_PACKAGES = ("torch", "torch-geometric", "numpy", "pandas", "pymatgen", "networkx", "optuna", "scikit-learn")


def describe_environment() -> dict[str, str]:
    """Return versions of rrgraph, Python, the core packages and those that extend rrgraph, system and processors.

    `threads` are those that add up sums: with another number of them the last digits differ, and in the end what a seed
    gives.
    """
    described = {
        "rrgraph": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(processors()),
        "threads": str(torch.get_num_threads()),
    }
    for package in _PACKAGES:
        try:
            described[package] = version(package)
        except PackageNotFoundError:
            described[package] = "not installed"
    return described | plugin_packages()


def processors() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
