"""Where benchmarks/mutants.py breaks a module, and which lines tell that a test has run that place."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray", reason="needs the extra `mutation`")

from benchmarks.mutant_sites import change, mutants, statement_lines

SOURCE = """\
from __future__ import annotations
from typing import TYPE_CHECKING, cast, overload
if TYPE_CHECKING:
    LIMIT = 1
Answer = int | str
KNOWN = {1} | {2}
def f(a: int | None, b: int = 3) -> int | None:
    if a == b:
        return cast("int | None",
                    a - 4)
    return b
@overload
def g(a: int) -> int: return a * 5
"""


def test_what_only_a_type_checker_sees_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(SOURCE)
    lines = {m.line for m in mutants(tmp_path, tmp_path / "m.py")}
    assert lines == {6, 7, 8, 10}
    seventh = {m.operator for m in mutants(tmp_path, tmp_path / "m.py") if m.line == 7}
    assert seventh == {"core/NumberReplacer"}, "the default, and no annotation"


def test_a_mutant_is_one_change(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(SOURCE)
    found = [
        m for m in mutants(tmp_path, tmp_path / "m.py") if m.operator == "core/ReplaceBinaryOperator_Sub_Mul"
    ]
    (one,) = found
    assert change(SOURCE, one.text(SOURCE)) == "a - 4) → a * 4)"
    assert one.is_python(SOURCE)


@pytest.mark.parametrize(
    ("line", "lines"), [(6, None), (7, None), (8, [8]), (9, [9, 10]), (10, [9, 10]), (11, [11])]
)
def test_a_place_is_run_with_its_statement(line: int, lines: list[int] | None) -> None:
    found = statement_lines(SOURCE, line)
    assert (None if found is None else list(found)) == lines
