"""The engine pack and the decoder of pictures, each in its sandbox: the same walls as at a server."""

from __future__ import annotations

from doorway.kiosk_helper.errors import HelperError
from identity.device_vectors.looking import Looking
from identity.sandbox.connection import Launch
from identity.sandbox.decoder import Decoder
from identity.sandbox.pool import EnginePool

WALL = "system calls"


class NoSandbox(HelperError):
    """This system cannot lock an engine pack away; without that, no picture is looked at."""

    code = "no_sandbox"
    status = 503
    title = "This system has no sandbox for an engine pack"
    says = "The helper needs Linux with seccomp on x86-64 or arm64. Guests are served."


class Native:
    """Both processes; they end with this one, in whatever way it ends."""

    def __init__(self, launch: Launch) -> None:
        """Raises UnknownPack, PackMissing, PackAltered, PackDenied."""
        self.engine, self.decoder = EnginePool(launch), Decoder()

    def start(self) -> Looking:
        """Wait until both are ready. Raises EngineUnavailable with why they are not, NoSandbox."""
        self.engine.start()
        self.decoder.start()
        if WALL not in self.engine.walls or WALL not in self.decoder.walls:
            self.close()
            raise NoSandbox
        return Looking(self.engine, self.decoder.decode)

    def close(self) -> None:
        """End them."""
        self.engine.close()
        self.decoder.close()
