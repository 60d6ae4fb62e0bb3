"""No telemetry: keeps libraries from calling their vendors and from keeping files about this machine.

onnxruntime 1.32 carries a telemetry client. When it is imported it makes a device id and a queue in the user's
cache folder and looks its vendor's server up, unless a variable of the environment is set before that.
"""

from __future__ import annotations

import os
import tempfile
from types import ModuleType

VARIABLES = {"ORT_DISABLE_TELEMETRY": "1"}
"""What every process of ours has in its environment before it imports anything heavy."""


def telemetry_off() -> None:
    """Set VARIABLES, for this process and all that it starts."""
    os.environ.update(VARIABLES)


def import_onnxruntime() -> ModuleType:
    """onnxruntime with its telemetry off. Nothing of ours imports it in another way; a test checks that."""
    telemetry_off()
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # in case the caller's own program imported it earlier
    library: ModuleType = onnxruntime
    return library


def import_pyplot() -> ModuleType:
    """matplotlib.pyplot without a window.

    The settings and the list of fonts that it writes, and fontconfig's cache, are kept in a temporary folder that
    is removed as soon as they are read: a server's user may have no home, and none of it is worth keeping.
    """
    with tempfile.TemporaryDirectory(prefix="usual-plot-") as folder:
        places = {"MPLCONFIGDIR": folder, "XDG_CACHE_HOME": folder, "XDG_CONFIG_HOME": folder}
        earlier = {name: os.environ.get(name) for name in places}
        os.environ.update(places)
        try:
            import matplotlib

            matplotlib.use("agg")
            from matplotlib import pyplot
        finally:
            for name, value in earlier.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
    return pyplot
