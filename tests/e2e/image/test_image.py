"""The image as the Dockerfile makes it: small, without tools, without rights, and a daemon that runs in it."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from support.image import OWNER, CanNotBuildError, Container, Image, built, why_not

pytestmark = [pytest.mark.xdist_group("image"), pytest.mark.timeout(900)]

MOST_BYTES = 400_000_000
"""With the base that debootstrap makes, which is about 100 MB larger than the published slim one."""
TOOLS = ("pip", "pip3", "gcc", "cc", "make", "git", "curl", "wget")
SMALL = {"MPSYNCD_DATABASE__SETTINGS__SHARED_BUFFERS": "16MB"}


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """One build for all tests of this file."""
    if (reason := why_not()) is not None:
        pytest.skip(f"no image can be built here: {reason}")
    with ExitStack() as stack:
        try:
            made = stack.enter_context(built())
        except CanNotBuildError as error:
            pytest.skip(f"no image can be built here: {error}")
        yield made


def healthy(container: Container, image: Image) -> bool:
    """The image's own check of its health."""
    kind, *command = image.facts["Healthcheck"]["Test"]
    assert kind == "CMD"
    return container.run(*command).returncode == 0


def test_it_says_how_it_wants_to_be_run(image: Image) -> None:
    assert image.facts["User"] == f"{OWNER}:{OWNER}"
    assert list(image.facts["Volumes"]) == ["/var/lib/mpsyncd"]
    assert image.facts["Entrypoint"][0] == "tini"
    assert image.facts["StopSignal"] == "SIGTERM"


def test_nothing_is_left_that_built_it(image: Image) -> None:
    places = [image.root / place for place in ("usr/bin", "usr/local/bin", "opt/mpsyncd/bin")]
    assert [tool for tool in TOOLS for place in places if (place / tool).exists()] == []
    assert list((image.root / "var/lib/apt/lists").glob("*")) == []
    assert not (image.root / "src").exists()
    assert image.size < MOST_BYTES


def test_nobody_but_root_owns_the_program(image: Image) -> None:
    program = image.root / "opt/mpsyncd"
    assert [path for path in program.rglob("*") if path.lstat().st_uid or (path.lstat().st_mode & 0o022 and not path.is_symlink())] == []


def test_a_daemon_runs_in_it_and_finds_its_data_again(image: Image, tmp_path: Path) -> None:
    volume = tmp_path / "data"
    with image.running(volume, **SMALL) as container:
        container.until(lambda: healthy(container, image), what="the check of its health")
        told = container.run("mpsyncd", "status", "--json")
        assert told.returncode == 0, told.stderr
        assert orjson.loads(told.stdout)["shops"] == []
        assert container.run("touch", "/opt/mpsyncd/here").returncode != 0
        assert container.stop(signal.SIGTERM) == 0, container.log
        assert '"event":"daemon_stopped"' in container.log.replace('": "', '":"')
    made = (volume / "vault.key").read_bytes()
    with image.running(volume, **SMALL) as container:
        container.until(lambda: healthy(container, image), what="the check of its health")
        assert container.stop(signal.SIGTERM) == 0, container.log
    assert (volume / "vault.key").read_bytes() == made
    assert {path.stat().st_uid for path in volume.iterdir()} == {OWNER}
