"""The build's own rule: what is shipped has the web client in it.

`make web` has made it by then. An sdist carries it too, so that a wheel is built from one without Node. Who works on
the code installs it in place, with or without.
"""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "src/fireside/http/webclient"
MISSING = "The web client is not built, and a package without it is not made. Build it first: make web"


class WebClientHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the web client into the wheel and the sdist, and refuses to make one without."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        if not Path(self.root, BUILT, "index.html").is_file():
            sys.exit(MISSING)
        build_data["force_include"][BUILT] = BUILT  # git ignores it, and it is shipped all the same
