"""A fault as data, and how it is planted: by the syntax tree, so that formatting, moving and renaming do no harm."""

import ast
import copy
from dataclasses import dataclass

Bound = dict[str, ast.AST]


@dataclass(frozen=True)
class Fault:
    """What is wrong on purpose.

    what: the fault in words. file: below src/headstart. within: the qualified name of the function, method or class
    that holds it, "" for the module. old: an expression or statement that is there exactly once. new: what stands in
    its place, "" for nothing. Single capital letters in ``old`` stand for any expression, a letter for the same one
    wherever it is written; in ``new`` they are what they stood for. tests: files or node ids that should notice.
    survives: why no test can.
    """

    what: str
    file: str
    within: str
    old: str
    new: str
    tests: tuple[str, ...]
    survives: str = ""


class StaleError(Exception):
    """The code has moved on, so that the fault no longer applies."""


def plant(fault: Fault, source: str) -> str:
    """The source with the fault in it.

    Raises:
        StaleError: ``within`` is not there, ``old`` is not in it exactly once, or ``new`` is the same or wants more.
    """
    module = ast.parse(source)
    (pattern,), new = ast.parse(fault.old).body, ast.parse(fault.new).body
    if as_expression := isinstance(pattern, ast.Expr) and len(new) == 1 and isinstance(new[0], ast.Expr):
        pattern, new = pattern.value, [new[0].value]  # type: ignore[union-attr]
    planter = _Planter(pattern, new, as_expression)
    planter.visit(_found(module, fault.within))
    if planter.times != 1:
        raise StaleError(f"{fault.old!r} is {planter.times} times in {fault.within or 'the module'} of {fault.file}")
    if ast.dump(module) == ast.dump(ast.parse(source)):
        raise StaleError(f"{fault.new!r} is what {fault.file} says anyway")
    return ast.unparse(ast.fix_missing_locations(module))


def _found(module: ast.Module, within: str) -> ast.AST:
    place: ast.AST = module
    for name in filter(None, within.split(".")):
        kinds = (ast.FunctionDef, ast.ClassDef)
        found = [node for node in ast.walk(place) if isinstance(node, kinds) and node.name == name]
        if len(found) != 1:
            raise StaleError(f"{len(found)} definitions of {name} in {within}")
        place = found[0]
    return place


class _Planter(ast.NodeTransformer):
    """Puts ``new`` wherever the pattern is, and counts."""

    def __init__(self, pattern: ast.AST, new: list[ast.AST], as_expression: bool) -> None:
        self.pattern, self.new, self.as_expression, self.times = pattern, new, as_expression, 0

    def visit(self, node: ast.AST) -> ast.AST | list[ast.AST]:
        bound: Bound = {}
        if not _same(self.pattern, node, bound):
            return self.generic_visit(node)
        self.times += 1
        filled = [_Filler(bound).visit(copy.deepcopy(part)) for part in self.new]
        return filled[0] if self.as_expression else filled or [ast.Pass()]


class _Filler(ast.NodeTransformer):
    """Puts what a letter stood for in its place."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not _is_letter(node.id):
            return node
        if node.id not in self.bound:
            raise StaleError(f"{node.id} in what is new stands for nothing in what is old")
        return copy.deepcopy(self.bound[node.id])


def _same(pattern: object, node: object, bound: Bound) -> bool:
    """Whether a part of the tree is as the pattern says; fills in what its letters stand for."""
    if isinstance(pattern, ast.Name) and _is_letter(pattern.id) and isinstance(node, ast.expr):
        first = bound.setdefault(pattern.id, node)
        return _same(first, node, {}) if first is not node else True
    if type(pattern) is not type(node):
        return False
    if isinstance(pattern, ast.AST):
        fields = (name for name in pattern._fields if name not in ("ctx", "type_comment", "kind"))
        return all(_same(getattr(pattern, name, None), getattr(node, name, None), bound) for name in fields)
    if isinstance(pattern, list) and isinstance(node, list):
        return len(pattern) == len(node) and all(_same(a, b, bound) for a, b in zip(pattern, node, strict=True))
    return pattern == node


def _is_letter(name: str) -> bool:
    return len(name) == 1 and name.isupper()
