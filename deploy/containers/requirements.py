"""Prints what the project needs with some of its extras, as pip reads it: ``requirements.py client serve``.

An image installs this before the code is copied, so that a change of the code leaves the large layer as it is.
"""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
sys.stdout.writelines(f"{each}\n" for each in project["dependencies"])
sys.stdout.writelines(f"{each}\n" for name in sys.argv[1:] for each in extras[name])
