"""Every error code and setting is documented, and the pages under docs/ say what the code says."""

from kaksha.core.settings import Settings
from tests.contracts import documents
from tests.contracts.committed import compare
from tests.contracts.source import ROOT
from tests.contracts.test_guide import setting_names


def test_committed_errors_page() -> None:
    assert len(documents.our_errors()) >= 18, "saw hardly any error"
    compare(ROOT / "docs" / "errors.md", documents.errors_page())


def test_a_code_means_one_thing() -> None:
    """One status a code, in capitals; two classes share a code only with the same status."""
    statuses: dict[str, set[int]] = {}
    for error in documents.our_errors():
        statuses.setdefault(error.code, set()).add(error.status)
        assert error.code == error.code.upper(), f"{error.__name__}: {error.code}"
        assert error.text, f"{error.__name__} says nothing to people"
    mixed = {code: found for code, found in statuses.items() if len(found) > 1}
    assert mixed.keys() <= {"VALIDATION_ERROR"}, f"a code has one status: {mixed}"


def test_every_error_says_its_own_code() -> None:
    """A new class names its own code: callers branch on it. (Subclasses for one place may keep their parent's.)"""
    silent = [
        error.__qualname__
        for error in documents.our_errors()
        if error.__base__ is not None and "code" not in error.__dict__ and error.__name__ not in _SHARE
    ]
    assert not silent, f"give it a code, or name it in _SHARE with a reason: {silent}"


_SHARE = {
    "Internal": "is AppError's own code",
    "FieldConflict": "names fields as Invalid does, with 409",
}


def test_every_setting_is_documented() -> None:
    assert len(Settings.__struct_fields__) >= 14
    missing = documents.undocumented_settings()
    assert not missing, f"the docstring under each field of Settings says what it is and names its variable: {missing}"
    unknown = sorted(set(setting_names()) ^ set(documents.settings()))
    assert not unknown, f"read but not documented, or documented but not read: {unknown}"


def test_committed_settings_page() -> None:
    compare(ROOT / "docs" / "operating" / "settings.md", documents.settings_page())
