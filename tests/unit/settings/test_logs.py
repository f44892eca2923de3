"""Logs: JSON for machines, words for people, and no secret in either."""

import io
import logging
from pathlib import Path

import orjson
import pytest
import structlog

from mpsyncd.logs import HIDDEN, hidden, logging_to
from mpsyncd.model.errors import ConfigError
from mpsyncd.settings import LogSettings

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzaWQiOiJub2JvZHkifQ.c2lnbmF0dXJl"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_json_away_from_a_terminal_with_the_context() -> None:
    stream = io.StringIO()
    with logging_to(LogSettings(), stream=stream), structlog.contextvars.bound_contextvars(shop=3, stream="orders"):
        structlog.get_logger("mpsyncd.x").info("page_committed", rows=5)
        structlog.get_logger("mpsyncd.x").debug("not_wanted")
        logging.getLogger("library").warning("said %s", "this")
    first, second = _lines(stream)
    assert first.pop("timestamp")
    assert first == {"event": "page_committed", "rows": 5, "shop": 3, "stream": "orders", "level": "info", "logger": "mpsyncd.x"}
    assert (second["event"], second["level"], second["shop"]) == ("said this", "warning", 3)


def test_words_on_a_terminal_unless_asked_otherwise() -> None:
    terminal, asked = _Terminal(), _Terminal()
    with logging_to(LogSettings(), stream=terminal):
        structlog.get_logger().info("page_committed")
    with logging_to(LogSettings(format="json"), stream=asked):
        structlog.get_logger().info("page_committed")
    assert not terminal.getvalue().startswith("{")
    assert _lines(asked)[0]["event"] == "page_committed"


@pytest.mark.parametrize("style", ["json", "console"])
def test_what_looks_like_a_secret_is_hidden_everywhere(style: str) -> None:
    stream = io.StringIO()
    with logging_to(LogSettings.model_validate({"format": style}), stream=stream):
        log = structlog.get_logger()
        log.info("a", token="hush", nested={"api_key": "hush", "list": [f"Bearer {JWT}", ("hush@", "postgresql://u:hush@h/db")]})
        logging.getLogger("library").error("with %s", JWT)
        try:
            raise ValueError(f"Authorization: {JWT} of https://user:hush@proxy.example")
        except ValueError:
            log.exception("b")
    text = stream.getvalue()
    assert JWT not in text
    assert text.count("hush") == 1  # the harmless one
    assert HIDDEN in text


def test_an_access_token_is_hidden_even_cut_short() -> None:
    assert hidden("sent mps_0123456789ab_short by x") == f"sent {HIDDEN} by x"


@pytest.mark.parametrize(
    "text", ["page_committed", "0199b7a2-1a83-7f5e-9a1b-3d2c1b0a9f88", "wb.card_characteristics", "2026-11-21T04:28:56.748857Z", "a" * 64]
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert hidden(text) == text


def test_the_file_gets_json_and_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "mpsyncd.log"
    with logging_to(LogSettings(file=path, file_mb=1, file_count=2), stream=_Terminal()):
        log = structlog.get_logger()
        for _ in range(22):
            log.warning("long", text="x" * 100_000)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mpsyncd.log", "mpsyncd.log.1", "mpsyncd.log.2"]
    assert orjson.loads(path.read_bytes().splitlines()[-1])["event"] == "long"


def test_a_file_that_can_not_be_opened_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"missing/own\.log .*\[log\] file"),
        logging_to(LogSettings(file=tmp_path / "missing" / "own.log")),
    ):
        pass


def test_the_library_is_as_before_afterwards() -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    with logging_to(LogSettings(), stream=io.StringIO()):
        assert root.handlers != before[0]
    assert (root.handlers[:], root.level) == before


def _texts(path: Path) -> list[object]:
    return [orjson.loads(line)["event"] for line in path.read_bytes().splitlines()]


def test_other_settings_take_effect_when_they_are_committed(tmp_path: Path) -> None:
    first, second, stream = tmp_path / "first.log", tmp_path / "second.log", io.StringIO()
    log = structlog.get_logger()
    with logging_to(LogSettings(file=first), stream=stream) as logs:
        log.info("before_all")
        commit = logs.prepare(LogSettings(file=second, level="debug"))
        log.debug("not_yet")
        assert not second.exists()
        commit()
        log.debug("afterwards")
    assert [line["event"] for line in _lines(stream)] == ["before_all", "afterwards"]
    assert (_texts(first), _texts(second)) == (["before_all"], ["afterwards"])


def test_what_can_not_be_prepared_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    with logging_to(LogSettings(file=path), stream=io.StringIO()) as logs:
        with pytest.raises(ConfigError, match=r"own\.log can not be opened"):
            logs.prepare(LogSettings(file=tmp_path / "missing" / "own.log"))
        with pytest.raises(ConfigError, match="Is a directory"):
            logs.prepare(LogSettings(file=tmp_path))
        structlog.get_logger().info("still_here")
    assert _texts(path) == ["still_here"]


def test_a_file_that_was_put_aside_gets_no_more_lines(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    log = structlog.get_logger()
    with logging_to(LogSettings(file=path), stream=io.StringIO()) as logs:
        log.info("old_one")
        path.rename(tmp_path / "own.log.old")
        log.info("still_old")
        logs.reopen()
        log.info("new_one")
    assert _texts(tmp_path / "own.log.old") == ["old_one", "still_old"]
    assert _texts(path) == ["new_one"]
