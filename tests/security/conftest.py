"""The road's scenes, for the tests that look at everything which was written on it."""

from tests.e2e.conftest import dark_scene, scene, wings

__all__ = ["dark_scene", "scene", "wings"]
