"""All benchmarks, or those named."""

from __future__ import annotations

import sys

from . import BENCHMARKS
from .figure import main

sys.exit(main(BENCHMARKS))
