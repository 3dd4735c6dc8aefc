"""Environment variables are read by type, and a wrong one stops the start with one sentence."""

from datetime import date
from pathlib import Path

import pytest

from dubber.env import Environment, WrongSetting, read_file

HERE = Path("/srv/dubber")


def environment(**values: str) -> Environment:
    return Environment(values)


@pytest.mark.parametrize("name", ["DEBUG", "DUBBER_DEBUG"])
def test_a_bare_name_may_carry_the_prefix(name: str) -> None:
    env = environment(**{name: "yes"})

    value = env.flag("DEBUG", help="")

    assert value is True


def test_a_prefixed_name_is_read_only_with_its_prefix() -> None:
    env = environment(BIND="0.0.0.0:1")

    value = env.text("DUBBER_BIND", "127.0.0.1:8000", help="")

    assert value == "127.0.0.1:8000"


def test_both_names_with_the_same_value_are_accepted() -> None:
    env = environment(SECRET_KEY="one", DUBBER_SECRET_KEY="one")

    value = env.text("SECRET_KEY", help="")

    assert value == "one"


def test_both_names_with_different_values_stop_the_start() -> None:
    env = environment(SECRET_KEY="one", DUBBER_SECRET_KEY="two")

    with pytest.raises(WrongSetting, match="DUBBER_SECRET_KEY and SECRET_KEY differ"):
        env.text("SECRET_KEY", help="")


@pytest.mark.parametrize(
    "value",
    ["nonsense", "ftp://host", "http://", "https://[::1", "http://a host", "http://host:99999"],
)
def test_what_no_library_can_reach_is_no_address(value: str) -> None:
    env = environment(OPENAI_BASE_URL=value)

    with pytest.raises(WrongSetting, match="OPENAI_BASE_URL must be an http"):
        env.url("OPENAI_BASE_URL", help="")


def test_an_empty_value_counts_as_none() -> None:
    env = environment(SECRET_KEY="one", DUBBER_SECRET_KEY=" ")

    value = env.text("SECRET_KEY", "default", help="")

    assert value == "one"


def test_a_missing_required_value_says_what_to_do() -> None:
    env = environment()

    with pytest.raises(WrongSetting, match=r"^SECRET_KEY is missing: run make setup\.$"):
        env.required("SECRET_KEY", help="", remedy="run make setup")


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        ("flag", "maybe", "true or false"),
        ("integer", "3.5", "whole number"),
        ("integer", "-1", "at least 0"),
        ("seconds", "soon", "number of seconds"),
        ("seconds", "0", "more than 0"),
        ("seconds", "nan", "more than 0"),
        ("url", "localhost:8000", "http://"),
        ("url", "https://", "http://"),
        ("address", "8000", "an address and a port"),
        ("address", "127.0.0.1:99999", "an address and a port"),
    ],
)
def test_a_wrong_value_is_one_sentence(reader: str, value: str, expected: str) -> None:
    env = environment(DUBBER_X=value)
    defaults = {"flag": False, "integer": 1, "seconds": 1.0, "url": "", "address": "127.0.0.1:1"}

    with pytest.raises(WrongSetting, match=expected) as caught:
        getattr(env, reader)("DUBBER_X", defaults[reader], help="")

    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_choice_names_what_may_be_chosen() -> None:
    env = environment(DUBBER_LOG="xml")

    with pytest.raises(WrongSetting, match="one of json, text, not 'xml'"):
        env.choice("DUBBER_LOG", "text", ["json", "text"], help="")


def test_values_are_read_by_type() -> None:
    env = environment(
        DUBBER_N="7", DUBBER_S="1.5", DUBBER_L="a, b,,c", DUBBER_P="var/x", DUBBER_A="[::1]:80"
    )

    values = (
        env.integer("DUBBER_N", 1, help=""),
        env.seconds("DUBBER_S", 1, help=""),
        env.list("DUBBER_L", help=""),
        env.path("DUBBER_P", "", base=HERE, help=""),
        env.address("DUBBER_A", "127.0.0.1:1", help=""),
    )

    assert values == (7, 1.5, ["a", "b", "c"], HERE / "var/x", ("::1", 80))


def test_sqlite_waits_for_its_turn_to_write() -> None:
    env = environment()

    database = env.database("DATABASE_URL", "sqlite:///var/x.sqlite3", base=HERE, help="")

    assert database["NAME"] == HERE / "var/x.sqlite3"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["timeout"] == 20


def test_a_postgresql_address_is_taken_apart() -> None:
    env = environment(DATABASE_URL="postgresql://ana:p%40ss@db:5433/dubber?sslmode=require")

    database = env.database("DATABASE_URL", "", base=HERE, help="")

    assert {name: database[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
        "NAME": "dubber",
        "USER": "ana",
        "PASSWORD": "p@ss",
        "HOST": "db",
        "PORT": "5433",
    }
    assert database["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize("value", ["mysql://ana:hunter22@db/x", "postgresql://ana:hunter22@db:x/y"])
def test_a_wrong_database_address_never_shows_its_password(value: str) -> None:
    env = environment(DATABASE_URL=value)

    with pytest.raises(WrongSetting, match="DATABASE_URL must be") as caught:
        env.database("DATABASE_URL", "", base=HERE, help="")

    assert "hunter22" not in str(caught.value)


def test_a_file_of_variables_is_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# comment\n\nDEBUG=true\nexport NAME = 'a = b'\n#OFF=1\n")

    values = read_file(file)

    assert values == {"DEBUG": "true", "NAME": "a = b"}


def test_a_broken_line_of_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DEBUG=true\nnonsense\n")

    with pytest.raises(WrongSetting, match=r"Line 2 of \.env must read NAME=value\."):
        read_file(file)


def test_real_variables_win_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("DUBBER_X=file\n")
    monkeypatch.setenv("DUBBER_X", "real")

    value = Environment.load(file).text("DUBBER_X", help="")

    assert value == "real"


def test_a_variable_is_declared_once() -> None:
    env = environment()
    env.text("DUBBER_X", help="")

    with pytest.raises(ValueError, match="declared twice"):
        env.text("DUBBER_X", help="")


def test_the_example_lists_every_variable_with_its_help_and_default() -> None:
    env = environment(DUBBER_X="7")
    env.integer("DUBBER_X", 5, help="How many.")
    env.text("Y", help="Why.")

    example = env.example()

    assert example == "# How many.\n#DUBBER_X=5\n\n# Why.\n#Y=\n"


def read_routes(routes: str) -> dict[str, str]:
    env = Environment({"DUBBER_ROUTES": routes})
    return env.pairs("DUBBER_ROUTES", keys=["ja", "fr"], choices=["deepgram", "polly"], help="x")


def test_pairs_are_read() -> None:
    assert read_routes("ja=polly, fr=deepgram") == {"ja": "polly", "fr": "deepgram"}


@pytest.mark.parametrize("routes", ["ja=nobody", "xx=polly", "polly", "=polly", "ja=polly,,fr="])
def test_wrong_pairs_stop_the_start(routes: str) -> None:
    with pytest.raises(WrongSetting, match="DUBBER_ROUTES must be pairs"):
        read_routes(routes)


NAMES = ["deepgram-speech", "polly-neural"]


def test_prices_have_a_name_and_a_day() -> None:
    env = Environment(
        {"DUBBER_PRICES": "deepgram-speech=27@2026-11-20, polly-neural=0.5@2026-01-02"}
    )

    assert env.prices("DUBBER_PRICES", choices=NAMES, help="x") == {
        "deepgram-speech": (27.0, date(2026, 11, 20)),
        "polly-neural": (0.5, date(2026, 1, 2)),
    }


@pytest.mark.parametrize(
    "value",
    [
        "deepgram-speech=27",
        "deepgram-speech=27@yesterday",
        "deepgram-speech=cheap@2026-11-20",
        "deepgram-speech=-1@2026-11-20",
        "deepgram-speech=inf@2026-11-20",
        "deepgram-speech=nan@2026-11-20",
        "somebody=27@2026-11-20",
    ],
)
def test_what_is_no_price_stops_the_start(value: str) -> None:
    env = Environment({"DUBBER_PRICES": value})

    with pytest.raises(WrongSetting, match="DUBBER_PRICES"):
        env.prices("DUBBER_PRICES", choices=NAMES, help="x")


def test_counts_have_a_name() -> None:
    env = Environment({"DUBBER_PLACES": "deepgram-speech=45, polly-neural=1"})

    found = env.counts("DUBBER_PLACES", choices=NAMES, help="x")

    assert found == {"deepgram-speech": 45, "polly-neural": 1}


@pytest.mark.parametrize(
    "value",
    ["deepgram-speech", "deepgram-speech=0", "deepgram-speech=-1", "a=1", "polly-neural=2.5"],
)
def test_what_is_no_count_stops_the_start(value: str) -> None:
    env = Environment({"DUBBER_PLACES": value})

    with pytest.raises(WrongSetting, match="DUBBER_PLACES"):
        env.counts("DUBBER_PLACES", choices=NAMES, help="x")
