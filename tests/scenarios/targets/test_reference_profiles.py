"""The reference verifier under declared profiles: what it declares, it does, by the shipped catalogue."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from scenarios.run import ask
from scenarios.tables.load import load, shipped_tables
from scenarios.targets.profile import TargetError
from scenarios.targets.reference import policy_of
from scenarios.targets.target_file import load_target, open_target
