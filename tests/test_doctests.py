"""The examples in the docstrings of the pure code are run."""

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

import alerts.domain
import patients.domain
import scoring.domain

MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (patients.domain, scoring.domain, alerts.domain)
    for module in iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_module_hold(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples_in_each_package() -> None:
    for package in ("patients.domain", "scoring.domain", "alerts.domain"):
        modules = [import_module(name) for name in MODULES if name.startswith(package)]
        assert sum(doctest.testmod(module).attempted for module in modules) > 0, package
