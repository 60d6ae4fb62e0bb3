"""Routes whose description is made when somebody asks for it, and the application that they belong to.

A description is a JSON schema of each request and reply: for 250 routes half a second of each start and 20 MB of
each process, of which most never hear the question.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.openapi import OpenAPI

from plumbing.describing.finish import finish


class Api(APIBlueprint):
    """A blueprint that remembers what is said of its routes until `describe`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._said: list[Callable[[], object]] = []

    def _collect_openapi_info(
        self, rule: str, func: Callable[..., Any], *, doc_ui: bool = True, **said: Any
    ) -> Any:
        if doc_ui:
            self._said.append(partial(super()._collect_openapi_info, rule, func, **said))
        return super()._collect_openapi_info(rule, func, doc_ui=False, **said)

    def describe(self) -> None:
        """Fill in `paths`, `tags` and `components_schemas`; what was filled in stays."""
        while self._said:
            self._said.pop(0)()


class DescribedApp(OpenAPI):
    """An application with such blueprints. `api_doc` may be asked for by several threads."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._apis: list[Api] = []
        self._describing = threading.Lock()
        super().__init__(*arguments, **options)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: no function of ours is a coroutine, and the framework looks at fourteen for each request."""
        return func

    def register_api(self, api: APIBlueprint, **options: Any) -> None:
        """As the library does, with the description left for later."""
        super().register_api(api, **options)
        if isinstance(api, Api):
            self._apis.append(api)

    @property
    def api_doc(self) -> dict[str, Any]:
        """The description of all routes, made once and completed (plumbing/describing/finish.py)."""
        with self._describing:
            if not self.spec_json:
                for api in self._apis:
                    self._take(api)
                finish(super().api_doc)
            return self.spec_json

    def _take(self, api: Api) -> None:
        api.describe()
        for tag in api.tags:
            if tag.name not in self.tag_names:
                self.tags.append(tag)
                self.tag_names.append(tag.name)
        self.paths.update(api.paths)
        self.components_schemas.update(api.components_schemas)
