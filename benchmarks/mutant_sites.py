"""Which mutants cosmic-ray's operators can make of a module, without those that only a type checker sees.

A mutant is the module with one small change: `<` for `<=`, `and` for `or`, another number, no decorator.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from functools import cache
from pathlib import Path

from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names
from parso.tree import BaseNode, NodeOrLeaf

NEEDS_VARIABLES = frozenset({"core/VariableReplacer", "core/VariableInserter"})
"""Operators that have to be told a variable's name, so they make no mutants by themselves."""
TYPING_ONLY = frozenset({"abstractmethod", "final", "overload", "override", "runtime_checkable"})
"""Decorators that mypy enforces: the suite of tests is not the place where their loss shows."""
Position = tuple[int, int]
"""Line from 1, and column from 0."""


@dataclass(frozen=True)
class Mutant:
    """One change: the `occurrence`-th place of a module (counted from 0) where the operator can act."""

    path: str
    """The module, relative to the checkout."""
    operator: str
    occurrence: int
    line: int

    @property
    def room(self) -> str:
        return Path(self.path).parts[1]

    def text(self, source: str) -> str:
        """The module with the change.

        Raises:
            LookupError: the module has no such place.
        """
        changed = mutate_code(source, _operators()[self.operator], self.occurrence)
        if changed is None:
            raise LookupError(f"{self.path} has no place {self.occurrence} for {self.operator}.")
        return str(changed)

    def is_python(self, source: str) -> bool:
        """Whether the change leaves a program: cosmic-ray takes the `/` of parameters for division."""
        try:
            compile(self.text(source), self.path, "exec")
        except SyntaxError:
            return False
        return True


def change(before: str, after: str) -> str:
    """The first line that differs between two texts, as `before → after`."""
    lines = list(unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    old = [line[1:].strip() for line in lines if line[0] == "-" and line[1:].strip()]
    new = [line[1:].strip() for line in lines if line[0] == "+" and line[1:].strip()]
    return f"{old[0] if old else '(nothing)'} → {new[0] if new else '(removed)'}"


def mutants(root: Path, path: Path) -> list[Mutant]:
    """All mutants of the module at `path`, in the order of operators and places."""
    source = path.read_text(encoding="utf-8")
    skipped = Spans(typing_spans(ast.parse(source)))
    nodes = [n for n in _nodes(get_ast(source)) if n.type not in ("newline", "endmarker", "string")]
    found = []
    for name, operator in _operators().items():
        starts = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        found += [
            Mutant(path.relative_to(root).as_posix(), name, i, start[0])
            for i, start in enumerate(starts)
            if start not in skipped
        ]
    return found


@cache
def _operators() -> dict[str, Operator]:
    return {name: get_operator(name)() for name in operator_names() if name not in NEEDS_VARIABLES}


def _nodes(node: NodeOrLeaf) -> Iterator[NodeOrLeaf]:
    """In cosmic-ray's order, which is what an occurrence counts in."""
    yield node
    if isinstance(node, BaseNode):
        for child in node.children:
            yield from _nodes(child)


class Spans:
    """Ranges of positions; knows whether a position is in one of them."""

    def __init__(self, spans: list[tuple[Position, Position]]) -> None:
        self._spans = sorted(spans)

    def __contains__(self, position: Position) -> bool:
        # Ranges may hold one another, so all that begin before are looked at.
        before = bisect_right(self._spans, (position, (10**9, 0)))
        return any(position < end for _, end in self._spans[:before])


def typing_spans(tree: ast.Module) -> list[tuple[Position, Position]]:
    """Where annotations, aliases of types, protocols, overloads and the like begin and end."""
    return [span for node in ast.walk(tree) for part in _typing_parts(node) for span in [_span(part)]]


def _typing_parts(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.arg(annotation=ast.expr() as annotation) | ast.AnnAssign(annotation=annotation):
            return [annotation]
        case ast.FunctionDef(decorator_list=decorators, returns=returns):
            typing = [d for d in decorators if _name(d) in TYPING_ONLY]
            overloaded = any(_name(d) == "overload" for d in decorators)
            return [*typing, *filter(None, [returns]), *([node] if overloaded else [])]
        case ast.If(test=test) if _name(test) == "TYPE_CHECKING":
            return [test, *node.body]
        case ast.ClassDef(bases=bases) if any(_name(b) == "Protocol" for b in bases):
            return [node]
        case ast.Call(func=func) if _name(func) in ("TypeVar", "NewType", "ParamSpec"):
            return [node]
        case ast.Call(func=func, args=[first, *_]) if _name(func) == "cast":
            return [first]
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(op=ast.BitOr()) as value):
            # `Answer = Yes | No` is a type; `KNOWN = THESE | THOSE` is a set.
            return [value] if name.lstrip("_")[:1].isupper() and not name.isupper() else []
    return []


def _name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return _name(inner)
    return ""


def _span(node: ast.AST) -> tuple[Position, Position]:
    assert isinstance(node, ast.expr | ast.stmt)  # noqa: S101
    # A decorator begins with its @, one column before its expression.
    start = (node.lineno, max(node.col_offset - 1, 0))
    return start, (node.end_lineno or node.lineno, node.end_col_offset or 0)


def statement_lines(source: str, line: int) -> range | None:
    """The lines of the innermost statement at `line` if it is run by calls; None for what is run on import.

    Of a compound statement only the head counts: `if …:` without its body.
    """
    innermost: tuple[ast.stmt, bool] | None = None
    todo: list[tuple[ast.AST, bool]] = [(ast.parse(source), False)]
    while todo:
        node, called = todo.pop()
        if isinstance(node, ast.stmt) and _first(node) <= line <= (node.end_lineno or node.lineno):
            innermost = (node, called)
        inner = called or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        todo += [
            (child, inner)
            for child in ast.iter_child_nodes(node)
            if not hasattr(child, "lineno") or _first(child) <= line <= (child.end_lineno or child.lineno)
        ]
    if innermost is None or not innermost[1]:
        return None
    head = innermost[0]
    body = getattr(head, "body", None)
    last = body[0].lineno - 1 if isinstance(body, list) and body else (head.end_lineno or head.lineno)
    if line > last:  # `else:` and the like, which have no line of their own
        return range(line, line + 1)
    return range(head.lineno, max(last, head.lineno) + 1)


def _first(node: ast.AST) -> int:
    decorators = getattr(node, "decorator_list", [])
    return int(min([node.lineno, *(d.lineno for d in decorators)]))  # type: ignore[attr-defined]
