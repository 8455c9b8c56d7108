"""Assets: images whose renditions and metadata are made by the workers that can make them."""

from __future__ import annotations
