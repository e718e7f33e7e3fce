"""One scene for each module: built before its first test, put back after each test, gone after its last."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests import stage
from tests.isolation.doors.scene import Scene, build


class Kept(stage.Pristine):
    """As everywhere, but the rows and files that a test begins with are the scene's."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        super().__init__(kept="pristine_scene")
        self.scene = scene
        self._files = shutil.copytree(settings.MEDIA_ROOT, folder / "kept")

    def restore(self) -> bool:
        if not super().restore():
            return False
        shutil.copytree(self._files, settings.MEDIA_ROOT, dirs_exist_ok=True)
        return True


@pytest.fixture(scope="module")
def pristine(pristine: stage.Pristine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[stage.Pristine]:
    """Overrides the fixture that the reset after each test uses."""
    folder = tmp_path_factory.mktemp("scene")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "MEDIA_ROOT", folder / "media")
        yield Kept(build(), folder)
    pristine.restore()


@pytest.fixture(scope="module")
def scene(pristine: Kept) -> Scene:
    return pristine.scene
