"""Other clusters as people see them: what was heard of them, their instances, what is lost."""

from __future__ import annotations

__all__ = ["clusters", "lost_links", "remote_instances"]
