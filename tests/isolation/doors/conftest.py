"""One scene for the modules of this folder: built before the first test, put back after each, gone after the last."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests import stage
from tests.isolation.doors.paths import Ways
from tests.isolation.doors.scene import Scene, build


class Kept(stage.Pristine):
    """As everywhere, but the rows and files that a test begins with are the scene's."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        super().__init__(kept="pristine_scene")
        self.scene, self.ways = scene, Ways(scene)
        self._folder = shutil.copytree(settings.MEDIA_ROOT, folder / "kept")
        files = [path for path in self._folder.rglob("*") if path.is_file()]
        self._files = {path.relative_to(self._folder): _state(path) for path in files}

    def restore(self) -> bool:
        if not super().restore():
            return False
        for path, state in self._files.items():
            if _state(there := Path(settings.MEDIA_ROOT) / path) != state:
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self._folder / path, there)
        return True


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


class Building:
    """The scene that stands now. To build it takes seconds, so it stands until a test of another folder comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: Kept | None = None
        self.is_needed_next = False

    def stand(self) -> Kept:
        """Build the scene, unless it stands."""
        if self.kept is None:
            self.kept = Kept(build(), self.folder)
        return self.kept

    def fall(self) -> None:
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        self.kept = None


@pytest.fixture(scope="session")
def building(tmp_path_factory: pytest.TempPathFactory) -> Building:
    return Building(tmp_path_factory.mktemp("scene"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Only here is it known which test comes next in this process."""
    for fixture in vars(item).get("funcargs", {}).values():
        if isinstance(fixture, Building):
            fixture.is_needed_next = nextitem is not None and "building" in vars(nextitem).get(
                "fixturenames", ()
            )


@pytest.fixture(autouse=True)
def _in_building(building: Building) -> None:
    """Has each test here name the building, for the hook above."""


@pytest.fixture(scope="module")
def pristine(pristine: stage.Pristine, building: Building) -> Iterator[stage.Pristine]:
    """Overrides the fixture that the reset after each test uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "MEDIA_ROOT", building.folder / "media")
        yield building.stand()
    if not building.is_needed_next:
        building.fall()
        pristine.restore()


@pytest.fixture(scope="module")
def scene(pristine: Kept) -> Scene:
    return pristine.scene


@pytest.fixture(scope="module")
def ways(pristine: Kept) -> Ways:
    """Found once for the scene, whichever modules ask."""
    return pristine.ways
