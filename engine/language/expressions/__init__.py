"""Templates and conditions: a small total language over JSON values. No calls into Python, no attributes, nothing that loops.

Grammar::

    template   =  text with {{ path }}, {{ path | default(literal) }} or ${path} in it
    path       =  name { "." segment | "[" index "]" | '["' key '"]' }
    condition  =  or-expression of not, and, comparisons, parentheses
    comparison =  operand [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in" | "contains") operand ]
    operand    =  literal | list | path | "{{ path }}" | "range(n)" | "len(x)" | "(" condition ")"

A string that is one template gives the native value. In a longer text objects and arrays are written as JSON, null as nothing,
booleans as ``true`` and ``false``. Text inside the quotes of a condition may hold templates too.
"""

from engine.language.expressions.conditions import Condition, parse_condition, parse_expression
from engine.language.expressions.errors import EvaluationError, ExpressionError, ExpressionSyntaxError, UndefinedName
from engine.language.expressions.names import MapNames, Names, Overlay
from engine.language.expressions.nodes import is_true
from engine.language.expressions.templates import Template, as_text, parse_template
from engine.language.expressions.values import Value, compile_value

__all__ = [
    "Condition",
    "EvaluationError",
    "ExpressionError",
    "ExpressionSyntaxError",
    "MapNames",
    "Names",
    "Overlay",
    "Template",
    "UndefinedName",
    "Value",
    "as_text",
    "compile_value",
    "is_true",
    "parse_condition",
    "parse_expression",
    "parse_template",
]
