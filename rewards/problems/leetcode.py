"""LeetCodeDataset: `test`, source that defines `check(candidate)`, and `entry_point`, such as `Solution().twoSum`.

    {"test": "def check(candidate):\\n    assert candidate(nums = [3, 3], target = 6) == [0, 1]\\n",
     "entry_point": "Solution().twoSum", "starter_code": "class Solution:\\n    def twoSum(self, nums, target):\\n",
     "input_output": [{"input": "nums = [3, 3], target = 6", "output": "[0, 1]"}]}

What the set's prompt imports for every answer stands before the program, with the nodes of linked lists and trees and
what makes them: inputs are built in the program's process. Outputs are not built there, for the program would then be
handed what it is compared with: `is_same_list(candidate(...), list_node([1, 2]))` is read as a comparison of the values
that the tester finds node by node.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ..errors import DatasetError
from .asserts import parse_test, read_check
from .calls import SOLUTION_PREAMBLE, function_name
from .contents import Contents
from .fields import text_of

_PREAMBLE = f"""{SOLUTION_PREAMBLE}
inf = float("inf")


class ListNode:
    def __init__(self, val=0, next=None):
        self.val, self.next = val, next


class TreeNode:
    def __init__(self, val=0, left=None, right=None):
        self.val, self.left, self.right = val, left, right


def list_node(values):
    head = None
    for value in reversed(values):
        node = ListNode(value)
        node.next, head = head, node
    return head


def tree_node(values):
    nodes = [None if value is None else TreeNode(value) for value in values]
    children = iter(nodes[1:])
    for node in nodes:
        if node is not None:
            node.left, node.right = next(children, None), next(children, None)
    return nodes[0] if nodes else None


"""
_VALUES = """\
def _list_values(node):
    values = []
    while node is not None and len(values) < 100_000:
        values.append(node.val)
        node = node.next
    return values


def _tree_values(root):
    values, nodes = [], [root]
    while nodes and len(values) < 100_000:
        node = nodes.pop(0)
        values.append(None if node is None else node.val)
        nodes += [] if node is None else [node.left, node.right]
    return _trimmed(values)


def _trimmed(values):
    values = list(values)
    while values and values[-1] is None:
        values.pop()
    return values


"""
_SAME = {"is_same_list": ("list_node", "_list_values"), "is_same_tree": ("tree_node", "_tree_values")}


def read_leetcode(row: Mapping[str, Any]) -> Contents:
    """Read the columns `test` and `entry_point`."""
    name = function_name(row["entry_point"], None, "column 'entry_point'")
    test = text_of(row["test"], "column 'test'")
    if not test.strip():
        return Contents((), entry_point="Solution")
    if any(same in test for same in _SAME):
        test = _VALUES + ast.unparse(_ByValues().visit(parse_test(test)))
    return Contents(read_check(test, name), entry_point=name.partition("(")[0], code_prompt=_PREAMBLE)


def asks_a_method(row: Mapping[str, Any]) -> bool:
    """Say whether the entry point is a method; HumanEval's is a function."""
    return isinstance(row["entry_point"], str) and "()." in row["entry_point"]


class _ByValues(ast.NodeTransformer):
    """Writes a comparison of values where two linked lists or trees are compared."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node:
            case ast.Call(func=ast.Name(id=same), args=[found, wanted], keywords=[]) if same in _SAME:
                return _compared(same, found, wanted)
        self.generic_visit(node)
        return node


def _compared(same: str, found: ast.expr, wanted: ast.expr) -> ast.expr:
    maker, values = _SAME[same]
    match wanted:
        case ast.Call(func=ast.Name(id=made), args=[listed], keywords=[]) if made == maker:
            right: ast.expr = ast.Call(ast.Name("_trimmed", ast.Load()), [listed], [])
        case ast.Constant(value=None):
            right = ast.List([], ast.Load())
        case _:
            raise DatasetError(f"column 'test': {same}() with something else than {maker}() as its second argument")
    return ast.Compare(ast.Call(ast.Name(values, ast.Load()), [found], []), [ast.Eq()], [right])
