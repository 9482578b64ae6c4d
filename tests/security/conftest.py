"""The end-to-end scenes, for tests that search everything that was written."""

from tests.e2e.conftest import dark_scene, scene, wings

__all__ = ["dark_scene", "scene", "wings"]
