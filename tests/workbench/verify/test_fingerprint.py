"""What a fingerprint covers, and what does not change it."""

from __future__ import annotations

import pytest

from minimand.workbench.verify.fingerprint import fingerprint, imported_modules, meaning_of

SOURCE = '''"""Module."""

import math  # for tau


class Wave:
    """A wave."""

    size = 1
    """Its size."""

    def value(self, x):
        """Its value."""
        return "# no comment", math.sin(x)
'''


def test_comments_docstrings_and_blank_lines_mean_nothing():
    bare = 'import math\nclass Wave:\n    size = 1\n    def value(self, x):\n        return "# no comment", math.sin(x)'
    assert meaning_of(SOURCE) == meaning_of(bare) == bare


@pytest.mark.parametrize(
    ("old", "new"), [("size = 1", "size = 2"), ("# no", "# a"), ("sin", "cos"), ("(self, x)", "(self, y)")]
)
def test_code_and_texts_mean_something(old, new):
    assert meaning_of(SOURCE.replace(old, new)) != meaning_of(SOURCE)


def test_text_beside_an_umlaut_is_cut_in_the_right_place():
    source = 'def f():\n    """Größe."""; x = "ü"  # ö\n    return x\n'
    assert meaning_of(source) == 'def f():\n    ...; x = "ü"\n    return x'


def test_imports_are_followed_through_lazy_names_functions_and_relative_ones(tree):
    tree.write("tasks/near.py", "from . import numbers\n")
    tree.write(
        "losses/noisy/gce.py",
        f"from minimand.losses import GCELoss\nfrom {tree.package}.tasks import near\n"
        "def later():\n    import minimand.training.networks\n",
    )
    found = imported_modules(f"{tree.package}.losses.noisy.gce")
    expected = {
        "minimand.losses.noisy.gce",
        "minimand.contracts.loss",
        "minimand.contracts.rows",
        "minimand.training.networks",
        f"{tree.package}.tasks.near",
        f"{tree.package}.tasks.numbers",
    }
    assert expected <= set(found)
    assert "minimand.losses.imbalance.focal" not in found
    assert not [name for name in found if name.partition(".")[0] not in ("minimand", tree.package)]


def test_fingerprint_depends_on_a_module_far_away(tree):
    tree.write("tasks/near.py", "from . import numbers\n")
    tree.write("losses/noisy/gce.py", f"from {tree.package}.tasks.near import numbers\n")
    before = fingerprint(f"{tree.package}.losses.noisy.gce")
    tree.write("tasks/numbers.py", "shift = 0.0  # the same\n")
    assert fingerprint(f"{tree.package}.losses.noisy.gce") == before
    tree.write("tasks/numbers.py", "shift = 0.5\n")
    assert fingerprint(f"{tree.package}.losses.noisy.gce") != before
