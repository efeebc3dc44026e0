"""Settings: typed, from the environment and .env, and every problem at once."""

from pathlib import Path

import pytest

from kaksha.core.settings import SettingsError, load, read_env_file

_NO_FILE = Path("/nonexistent")


def test_nothing_set_is_enough(tmp_path: Path) -> None:
    settings = load({"KAKSHA_HOME": str(tmp_path)}, _NO_FILE)
    assert (settings.port, settings.api_base_url, settings.embedded) == (8000, "http://localhost:8000", True)
    assert settings.worker == "inline"
    assert not settings.secure


def test_empty_means_unset(tmp_path: Path) -> None:
    settings = load({"KAKSHA_HOME": str(tmp_path), "WORKER": "", "PORT": " ", "DATABASE_URL": ""}, _NO_FILE)
    assert (settings.worker, settings.port, settings.database_url) == ("inline", 8000, None)


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    given = {
        "KAKSHA_HOME": str(tmp_path),
        "PORT": "99999",
        "WORKER": "sometimes",
        "API_BASE_URL": "app.example.in/path",
        "DATABASE_OWNER_URL": "mysql://x",
        "KAKSHA_SECRET_KEY": "short",
    }
    with pytest.raises(SettingsError) as caught:
        load(given, _NO_FILE)
    named = {problem.partition(":")[0] for problem in caught.value.problems}
    assert named == {"PORT", "WORKER", "API_BASE_URL", "DATABASE_OWNER_URL", "KAKSHA_SECRET_KEY"}
    assert not (tmp_path / "secret-key").exists()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        "# ours\nexport PORT=9001\nLOG_LEVEL='debug'\nAPI_BASE_URL=\"https://app.example.in/\"\n\nnonsense\n"
    )
    assert read_env_file(file) == {"PORT": "9001", "LOG_LEVEL": "debug", "API_BASE_URL": "https://app.example.in/"}
    settings = load({"KAKSHA_HOME": str(tmp_path), "PORT": "9002"}, file)
    assert (settings.port, settings.log_level, settings.api_base_url) == (9002, "debug", "https://app.example.in")
    assert settings.secure


def test_the_secret_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first = load({"KAKSHA_HOME": str(tmp_path)}, _NO_FILE).secret_key
    assert load({"KAKSHA_HOME": str(tmp_path)}, _NO_FILE).secret_key == first
    assert len(first) >= 32
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_is_refused_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("x")
    with pytest.raises(SettingsError, match="damaged"):
        load({"KAKSHA_HOME": str(tmp_path)}, _NO_FILE)
