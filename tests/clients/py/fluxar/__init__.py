"""A fluxar client in plain Python 3.9, written from `fluxar/docs/spec/` and `tests/vectors/` alone.

It exists to show that both are enough, so it shares nothing with the Rust code.
"""

from .session import Session
from .status import Status

__all__ = ["Session", "Status"]
