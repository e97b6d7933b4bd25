from __future__ import annotations

import subprocess
import sys
import types
import warnings
from importlib import metadata

import pytest

from paramscale.core.estimator import Estimators, estimator
from paramscale.core.quantity import Quantity
from paramscale.core.registry import Registry
from paramscale.errors import PluginWarning, RegistrationError, UnknownNameError


class FakeEntry:
    """An entry point that gives what it is told to, or raises it."""

    value = "somewhere:thing"

    def __init__(self, name, thing):
        self.name, self.thing = name, thing

    def load(self):
        if isinstance(self.thing, Exception):
            raise self.thing
        return self.thing


@pytest.fixture
def entries(monkeypatch):
    found = []
    monkeypatch.setattr(metadata, "entry_points", lambda group: found)
    return found


def test_a_name_is_taken_once():
    registry = Registry("colour")
    registry.add("red", 1)
    with pytest.raises(RegistrationError, match="a colour is already called 'red'"):
        registry.add("red", 2)
    assert dict(registry) == {"red": 1}


def test_the_wrong_type_is_refused():
    with pytest.raises(RegistrationError, match="colour 'red' is a int, not a str"):
        Registry("colour", holds=str).add("red", 1)
    with pytest.raises(RegistrationError, match="needs a name"):
        Registry("colour").add("", 1)


def test_an_unknown_name_proposes_near_ones():
    registry = Registry("colour")
    registry.add("red", 1)
    with pytest.raises(UnknownNameError, match="no colour is called 'redd'; did you mean 'red'"):
        registry["redd"]
    assert isinstance(UnknownNameError("a", "b", []), KeyError)


def test_users_cannot_assign():
    with pytest.raises(TypeError):
        Registry("colour")["red"] = 1


def test_built_ins_load_at_the_first_look_up_and_once():
    calls = []
    registry = Registry("colour", built_in=lambda: calls.append(1) or {"red": 1})
    assert calls == []
    assert registry["red"] == 1
    assert len(registry) == 1
    assert calls == [1]


def test_a_loader_may_look_things_up():
    registry = Registry("colour")
    registry.built_in(lambda: {"red": "blue" in registry})
    assert registry["red"] is False


def test_plugins_are_read_at_a_miss_or_listing(entries):
    registry = Registry("colour", built_in=lambda: {"red": 1}, group="test.colours")
    entries.append(FakeEntry("mauve", 2))
    assert registry["red"] == 1
    assert dict(registry.names_so_far()) == {"red": 1}
    assert registry["mauve"] == 2
    assert list(registry) == ["red", "mauve"]


def test_a_broken_plugin_warns_and_the_rest_works(entries):
    registry = Registry("colour", built_in=lambda: {"red": 1}, group="test.colours", holds=int)
    entries += [
        FakeEntry("broken", ImportError("no module named glue")),
        FakeEntry("wrong", "text"),
        FakeEntry("red", 7),
        FakeEntry("module", types.ModuleType("m")),
        FakeEntry("mauve", 2),
    ]
    with pytest.warns(PluginWarning) as met:
        assert registry["mauve"] == 2
    texts = [str(each.message) for each in met]
    assert len(texts) == 3
    assert "plugin 'broken' (somewhere:thing) of 'test.colours'" in texts[0]
    assert "no module named glue" in texts[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dict(registry) == {"red": 1, "mauve": 2}


def test_plugins_that_bring_estimators(entries):
    """A function that its decorator has registered, and an object that describes itself."""
    world = Estimators(group="test.estimators")

    class Law:
        """A law from elsewhere."""

        gives, source, name, kind = Quantity("wait_s", "Waiting"), "Else 2020", "else2020", "law"

        def __call__(self):
            return 1.0

    def patience():
        """A function."""
        return 2.0

    estimator(gives="wait_s" if "wait_s" in world.vocabulary else Quantity("wait_s", "Waiting"),
              source="s", into=world)(patience)  # fmt: skip
    entries += [FakeEntry("law", Law()), FakeEntry("f", patience), FakeEntry("junk", 3)]
    with pytest.warns(PluginWarning, match="'junk' is a int"):
        assert [each.name for each in world.of("wait_s")] == ["patience", "else2020"]
    assert world.of("wait_s")[1].kind == "law"


def test_heavy_modules_are_not_imported():
    """`import paramscale.core` must stay cheap; a fresh interpreter is asked."""
    code = (
        "import sys, paramscale.analysis.estimate;"
        "print([m for m in ('pandas', 'xarray', 'scipy', 'html', 'difflib', 'importlib.metadata')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_built_in_vocabulary_is_there_for_whoever_registers_first():
    """A plugin imports the decorator alone, names a quantity and a spec by text, and is served."""
    code = (
        "from paramscale.core.estimator import estimator, Estimators\n"
        "from paramscale.core.domain import Domain\n"
        "def mine(parameters):\n"
        "    'Mine.'\n"
        "    return parameters\n"
        "domain = Domain({'training.tokens': (1, 2)})\n"
        "estimator(gives='loss_nats', source='s', domain=domain)(mine)\n"
        "import paramscale as ps\n"
        "run = ps.TrainingSpec(tokens=1)\n"
        "use = {'loss_nats': 'mine'}\n"
        "e = ps.estimate(parameters=7.0, training=run, quantities='loss_nats', use=use)\n"
        "print(e['loss_nats'].estimator)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "mine"
