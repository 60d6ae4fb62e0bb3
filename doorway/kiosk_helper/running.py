"""The helper put together: its keys, the line to the house, the engine pack, the application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path

from flask import Flask

from doorway.kiosk_helper.errors import HelperNotPaired
from doorway.kiosk_helper.folder import KioskFolder
from doorway.kiosk_helper.house import House, Say, parts_of_link
from doorway.kiosk_helper.line import address_of
from doorway.kiosk_helper.looks import Looks
from doorway.kiosk_helper.native import Native, NoSandbox
from doorway.kiosk_helper.web import PRESSES, create_kiosk, keep_press
from identity.device_vectors.looking import Looking
from identity.errors import PackMissing
from identity.sandbox.connection import Launch
from identity.sandbox.supervisor import EngineUnavailable
from plumbing.problem import Problem
from plumbing.settings import Config


class Running:
    """One helper, from its start to its end."""

    def __init__(self, home: Path, config: Config, say: Say) -> None:
        self._folder = KioskFolder(home)
        self._launch = Launch(config.pack, config.models, config.cache)
        self._say = say
        self._native: Native | None = None
        self.house = House(self._folder, say)

    def pair(self, server: str | None, given: str | None, ask: Callable[[], str] | None = None) -> None:
        """Pair this kiosk if a code is `given`, or if it is not paired and somebody can be asked for one.

        Raises HelperNotPaired, HelperFileUnusable, HouseAddressRefused, HelperError, HouseAway.
        """
        if given is None and not self._folder.is_paired and ask is not None:
            given = ask()
        if given is None:
            kept = self.house.device.server
            if server is not None and address_of(server) != kept:
                raise HelperNotPaired(f"This kiosk is paired with {kept}: for another house give --pair too.")
            return
        linked, code = parts_of_link(given)
        if not (server or linked):
            raise HelperNotPaired(
                "A code alone does not say which house it is of: add --server URL, or give the whole link."
            )
        if self._folder.path.is_dir():  # or the code would take the keys from a helper that is at work
            self._folder.hold()
        device = self.house.pair(server or linked, code)
        self._say(f"This is a {device.page} of {device.server} now.")

    def opened(self, port: int, image_hosts: Sequence[str] = ()) -> Flask:
        """The application. What is missing for recognition is said; guests are served all the same.

        Raises UnknownPack, PackAltered, PackDenied; HelperFileUnusable: another helper works with this folder.
        """
        self._folder.hold()
        looks = Looks(self._looking())
        self._greet(looks)
        return create_kiosk(self.house, looks, port, image_hosts)

    def close(self) -> None:
        """End the engine pack and the line."""
        self.house.close()
        if self._native is not None:
            self._native.close()
        self._folder.let_go()

    def _looking(self) -> Looking | None:
        try:
            self._native = Native(self._launch)
            return self._native.start()
        except (PackMissing, EngineUnavailable, NoSandbox) as error:
            self._say(f"Nobody is recognised here: {error.detail}")
            return None

    def _greet(self, looks: Looks) -> None:
        """Ask the house once, before the first customer does, and say what does not fit."""
        try:
            answer = self.house.ask("POST", PRESSES, {"Content-Type": "application/json"}, b"{}")
            self.house.look_at_clock(answer)
            if answer.status == HTTPStatus.CREATED:
                keep_press(self.house, looks, answer)
        except Problem:  # the helper's notices have said it
            return
