"""Coordinates of files to degrees, and distances. Pure."""

from __future__ import annotations

import math
from typing import Final

from tocsin.map.formats.recipe import Places

__all__ = ["kilometres", "place_of", "wgs84_of_web_mercator"]

# EPSG:3857 is a sphere of this radius (EPSG guidance note 7-2, section 3.2.1.2), in metres.
_RADIUS_M: Final = 6_378_137.0
_MEAN_RADIUS_KM: Final = 6_371.0088  # IUGG


def wgs84_of_web_mercator(x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude in degrees of EPSG:3857's metres."""
    return math.degrees(x / _RADIUS_M), math.degrees(2 * math.atan(math.exp(y / _RADIUS_M)) - math.pi / 2)


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance of two places (longitude, latitude) along the sphere: haversine."""
    east, north = math.radians(other[0] - one[0]), math.radians(other[1] - one[1])
    lat = math.cos(math.radians(one[1])) * math.cos(math.radians(other[1]))
    half = math.sin(north / 2) ** 2 + lat * math.sin(east / 2) ** 2
    return 2 * _MEAN_RADIUS_KM * math.asin(min(1.0, math.sqrt(half)))


def place_of(x: float, y: float, places: Places) -> tuple[float, float] | None:
    """Return longitude and latitude of a file's coordinates; None where these are a drawing's."""
    if places is Places.NONE:
        return None
    return wgs84_of_web_mercator(x, y) if places is Places.WEB_MERCATOR else (x, y)
