"""Routes of pictures: a dish gets one or loses it, and browsers load its files."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, abort, request
from flask_openapi3.blueprint import APIBlueprint

from plumbing.access.access import Caller
from plumbing.access.record import note_change
from plumbing.demands import BodySize
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from plumbing.pictures.convert import MOST_BYTES, made_small
from recommender.assembly import RecommenderStores
from recommender.scene import Item
from recommender.schemas import BASE
from recommender.schemas.catalogue import IdPath, ItemModel
from recommender.store.images import ImageStore
from recommender.web.codes import PICTURE

ONE = BASE + "/items/<item_id>/image"
FILE = "/images/<name>/<width>.webp"
SIZE = BodySize(MOST_BYTES, MOST_BYTES, "Save the picture smaller.")  # any byte may look like a part of JSON
FOR_GOOD = "public, max-age=31536000, immutable"


def image_routes(door: Door, stores: RecommenderStores) -> None:
    """PUT and DELETE the picture of a dish."""
    catalogue = stores.catalogue

    def row(item: Item) -> dict[str, object]:
        return {key: value for key, value in asdict(item).items() if key in ItemModel.model_fields}

    def changed(caller: Caller, item_id: str, content: bytes | None) -> Body:
        earlier = catalogue.get(caller.tenant, "item", item_id)
        require_unchanged(row(earlier))
        files = None if content is None else made_small(content)
        with stores.database.write():
            item = catalogue.set_image(caller.tenant, item_id, files)
            note_change(f"item {item_id}", earlier={"image": earlier.image}, later={"image": item.image})
        note_tag(row(item))
        return row(item)

    @door.route(
        "PUT",
        ONE,
        scopes=("train",),
        reply=ItemModel,
        size=SIZE,
        summary="Give a dish a picture: the body is a JPEG, PNG or WebP file of at most 20 MiB",
        errors=(*PICTURE, "not_found", "body_too_large"),
    )
    def set_item_image(caller: Caller, path: IdPath) -> Body:
        """The body is the file itself. It is decoded, made small and stored without anything that the camera
        wrote into it.
        """
        return changed(caller, path.item_id, request.get_data())

    @door.route(
        "DELETE",
        ONE,
        scopes=("train",),
        reply=ItemModel,
        summary="Take the picture of a dish away",
        errors=("not_found",),
    )
    def delete_item_image(caller: Caller, path: IdPath) -> Body:
        """Screens show a drawn picture of the category instead."""
        return changed(caller, path.item_id, None)


def image_files(api: APIBlueprint, images: ImageStore) -> None:
    """`GET /images/NAME/WIDTH.webp`: for everybody, and for good: another picture has another name."""

    def image_file(name: str, width: str) -> Response:
        content = images.file(name, width)
        if content is None:
            abort(404)
        response = Response(content, mimetype="image/webp")
        response.headers["Cache-Control"] = FOR_GOOD
        response.set_etag(f"{name}-{width}")
        response.make_conditional(request)
        return response

    api.add_url_rule(FILE, view_func=image_file)
