"""A feature has only the files it needs, under the names of DESIGN, and none outgrows about 300 lines."""

from tests.contracts.committed import HERE, UPDATING
from tests.contracts.source import FEATURE_FILES, OWN_LISTS, PACKAGE, ROOT, features, packages

_ROOT_FILES = frozenset({"__init__", "main", "worker", "cli"})
_MOST_LINES = 300
_LONG = HERE / "pending" / "long_files.txt"


def test_features_have_only_the_names_of_the_design() -> None:
    assert len(features()) >= 2, "saw no features"
    wrong = [
        path.relative_to(ROOT).as_posix()
        for package in packages()
        for path in sorted(PACKAGE.joinpath(package).rglob("*.py"))
        if path.parent != PACKAGE / package or path.stem not in OWN_LISTS.get(package, FEATURE_FILES)
    ]
    wrong += [f"kaksha/{path.name}" for path in PACKAGE.glob("*.py") if path.stem not in _ROOT_FILES]
    assert not wrong, f"{wrong}: a feature has {sorted(FEATURE_FILES)} and pages/ only (core and sandbox: OWN_LISTS)"


def test_folders_hold_only_pages_and_static_files() -> None:
    allowed = {"pages", "static", "__pycache__"}
    wrong = [
        folder.relative_to(ROOT).as_posix()
        for folder in PACKAGE.glob("*/*")
        if folder.is_dir()
        and (folder.name not in allowed or (folder.name == "static" and folder.parent.name != "core"))
    ]
    orphans = [folder.name for folder in PACKAGE.glob("*/") if folder.name not in ("__pycache__", *packages())]
    assert not wrong, f"{wrong}: a feature's only folder is pages/"
    assert not orphans, f"{orphans}: a package has an __init__.py that says what it is"


def test_every_feature_says_what_it_is() -> None:
    silent = [name for name in packages() if len((PACKAGE / name / "__init__.py").read_text("utf-8").strip()) < 60]
    assert not silent, f"{silent}: __init__.py is one paragraph: what it is and which rules it guards"


def test_owed_long_files() -> None:
    """`pending/long_files.txt` names each longer file with its length, which may only fall."""
    paths = [*PACKAGE.rglob("*.py"), *(ROOT / "sdk" / "kaksha_client").rglob("*.py")]
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in paths
        if "_sync" not in path.parts
    }
    assert len(lengths) >= 40, "saw hardly any file"
    long = {name: lines for name, lines in lengths.items() if lines > _MOST_LINES}
    kept = dict(_entry(line) for line in _LONG.read_text("utf-8").splitlines()) if _LONG.is_file() else {}
    if UPDATING:
        kept = {name: min(lines, kept.get(name, lines)) for name, lines in long.items() if name in kept or not kept}
        _LONG.write_text("".join(f"{name} {lines}\n" for name, lines in sorted(kept.items())))
    grown = {name: lines for name, lines in long.items() if lines > kept.get(name, 0)}
    assert not grown, f"{grown}: above {_MOST_LINES} lines (or its entry in {_LONG.name}): make it two features"
    short = sorted(set(kept) - set(long))
    assert not short, f"{short} are short now: take them off {_LONG.relative_to(ROOT)}"


def _entry(line: str) -> tuple[str, int]:
    name, lines = line.rsplit(" ", 1)
    return name, int(lines)
