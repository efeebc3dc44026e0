"""SQL stands in `queries.py` only, is static, and begins with the institute; what crosses institutes is listed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.contracts.source import PACKAGE, ROOT, dotted, features, modules, strings, tree

_KINDS = "table|index|function|role|database|schema|policy|trigger|type|view|extension"
_STATEMENTS = (
    r"select\s[\s\S]*?\bfrom\b",
    r"select\s+[\w.]+\s*\(",
    r"select\s+[\d*$]",
    r"insert\s+into\s",
    r"update\s+[\w.\"]+\s+(?:\w+\s+)?set\b",
    r"delete\s+from\s",
    r"with\s+(?:recursive\s+)?\w+(?:\s*\([^)]*\))?\s+as\s+(?:not\s+)?(?:materialized\s+)?\(",
    rf"(?:create|alter|drop)\s+(?:\w+\s+)?(?:{_KINDS})\b",
    r"set\s+(?:local|session)\s",
    r"(?:truncate|grant|revoke|notify|listen|merge\s+into|lock\s+table)\s+[\w\"]+",
)
_SQL = re.compile(rf"\s*(?:--[^\n]*\n\s*)*(?:{'|'.join(_STATEMENTS)})", re.IGNORECASE)


def is_sql(text: str) -> bool:
    """Whether a string is a statement; `Select a batch from the list` begins like one, but as a sentence does."""
    return bool(_SQL.match(text)) and not re.match(r"\s*[A-Z][a-z]", text)


_CORE = frozenset(
    {"audit", "db", "health", "jobs", "guesses", "limits", "live", "migrate", "postgres", "repeats", "seal"}
)
"""The modules of core that may hold SQL: each keeps a table or a setting that belongs to no feature."""
_SANDBOX = frozenset({"queries", "demo_queries", "seeding"})
"""What plants, rolls and empties the demo and the benchmark's institutes, past the features' rules."""

_ACROSS = {
    "kaksha.accounts.queries.find_sign_ins",
    "kaksha.accounts.queries.find_institute",
    "kaksha.sessions.queries.changed_sessions",
    "kaksha.accounts.queries.sweep",
    "kaksha.deliveries.queries.institutes",
    "kaksha.files.queries.every_institute",
    "kaksha.weekly.queries.every_institute",
}
"""The queries without a tenant. They may only call functions of migrations/0007_lookups.sql."""

_BINDS = re.compile(r"\binstitute_id\s*=\s*\$1\b|\(\s*\$1,|\bselect\s+\$1,")
"""A filter by the institute, or a row that begins with it."""
_RUNS = frozenset({"fetch", "fetchrow", "fetchval", "execute", "executemany", "cursor", "prepare", "fetchmany"})


def queries() -> list[Path]:
    return [path for name in features() if (path := PACKAGE / name / "queries.py").is_file()]


def test_sql_stands_in_queries_only() -> None:
    allowed = {
        *queries(),
        *(PACKAGE / "core" / f"{name}.py" for name in _CORE),
        *(PACKAGE / "sandbox" / f"{name}.py" for name in _SANDBOX),
    }
    found = {path for path in modules() for _, text in strings(tree(path)) if is_sql(text)}
    assert len(found & set(queries())) >= 2, "recognised hardly any SQL: has its style changed?"
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {' '.join(text.split())[:70]}"
        for path in modules()
        if path not in allowed
        for line, text in strings(tree(path))
        if is_sql(text)
    ]
    assert not wrong, "SQL belongs into the feature's queries.py:\n" + "\n".join(wrong)


def test_sql_is_static() -> None:
    seen, wrong = 0, []
    for path in queries():
        constants = _constants(tree(path))
        for _, call in _calls(tree(path)):
            seen += 1
            given = call.args[0] if call.args else None
            fixed = isinstance(given, ast.Constant) and isinstance(given.value, str)
            if not fixed and not (isinstance(given, ast.Name) and given.id in constants):
                wrong.append(f"{path.relative_to(ROOT)}:{call.lineno}")
        # Nor may a piece of SQL be glued in beside the call.
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.JoinedStr | ast.BinOp) or _is_format(node):
                pieces = [piece.value for piece in ast.walk(node) if isinstance(piece, ast.Constant)]
                if any(isinstance(piece, str) and is_sql(piece) for piece in pieces):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert seen >= 15, "saw hardly any statement"
    assert not wrong, f"SQL is one string constant, filters as ($3::uuid is null or …): {sorted(set(wrong))}"


def test_the_institute_is_the_first_argument() -> None:
    seen, across, wrong = 0, set(), []
    for path in queries():
        for function, call in _calls(tree(path)):
            name = f"{dotted(path)}.{function.name}"
            said = [argument.arg for argument in function.args.args]
            if said[1:2] != ["institute_id"]:
                if not _reads_the_catalogue_only(_text(path, call)):
                    across.add(name)
                continue
            seen += 1
            if said[0] != "conn":
                wrong.append(f"{name}: its first parameter is conn")
            if not _binds_the_institute(call):
                wrong.append(
                    f"{name} (line {call.lineno}): $1 is institute_id, in the statement and among its arguments"
                )
    assert seen >= 15, "saw hardly any query"
    assert not wrong, "\n".join(wrong)
    assert across == _ACROSS, (
        f"without institute_id: {sorted(across - _ACROSS)}; gone: {sorted(_ACROSS - across)}. A query takes (conn, "
        "institute_id, …); a look-up across institutes is a decision (_ACROSS) and a function of 0007_lookups.sql"
    )


def test_what_crosses_institutes_calls_the_lookups_only() -> None:
    lookups = set(re.findall(r"create function (\w+)", (ROOT / "migrations/0007_lookups.sql").read_text("utf-8")))
    assert len(lookups) >= 5
    seen, wrong = 0, []
    for path in queries():
        for function, call in _calls(tree(path)):
            if f"{dotted(path)}.{function.name}" not in _ACROSS:
                continue
            seen += 1
            text = _text(path, call)
            reads = _tables(text)
            calls = set(re.findall(r"\b([a-z_]\w*)\s*\(", text)) - {"count", "coalesce"}
            if not calls or calls - lookups or reads - lookups:
                wrong.append(f"{dotted(path)}.{function.name}: {text}")
    assert seen >= len(_ACROSS)
    assert not wrong, "call functions of 0007_lookups.sql only:\n" + "\n".join(wrong)


def _tables(text: str) -> set[str]:
    """What a statement reads or writes, functions among it."""
    return set(re.findall(r"\b(?:from|join|into|update|only)\s+(?!select\b)([a-z_]\w*)", text))


def _reads_the_catalogue_only(text: str) -> bool:
    """PostgreSQL's own views hold nothing of any institute, and when constraints are checked is nobody's row."""
    return text.strip() == "set constraints all deferred" or (
        bool(_tables(text)) and all(name.startswith("pg_") for name in _tables(text))
    )


def _calls(module: ast.Module) -> Iterator[tuple[ast.AsyncFunctionDef | ast.FunctionDef, ast.Call]]:
    """(function, call) of every statement that is run."""
    for function in ast.walk(module):
        if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _RUNS:
                    yield function, node


def _constants(module: ast.Module) -> dict[str, str]:
    """The module's own names for a string constant."""
    return {
        target.id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _text(path: Path, call: ast.Call) -> str:
    given = call.args[0]
    if isinstance(given, ast.Name):
        return _constants(tree(path)).get(given.id, "")
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""


def _binds_the_institute(call: ast.Call) -> bool:
    """Whether the first value is the institute; of executemany, the first of each row."""
    first = call.args[1] if len(call.args) > 1 else None
    if isinstance(call.func, ast.Attribute) and call.func.attr == "executemany":
        row = first.elt if isinstance(first, ast.ListComp | ast.GeneratorExp) else None
        first = row.elts[0] if isinstance(row, ast.Tuple | ast.List) and row.elts else None
    statement = call.args[0]
    text = str(statement.value) if isinstance(statement, ast.Constant) else "$1"
    spoken = bool(_BINDS.search(text) if _tables(text) else "$1" in text)  # a lock reads no table
    return spoken and isinstance(first, ast.Name) and first.id == "institute_id"


def _is_format(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join")
