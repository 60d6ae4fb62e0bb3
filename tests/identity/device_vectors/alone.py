"""A program for `test_http.py`: a house whose devices all send vectors serves visits; then what it has loaded.

python -m tests.identity.device_vectors.alone FOLDER
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from app import create_app
from identity.device_vectors.message import Claims, Content, Purpose, Shape, Sight
from identity.device_vectors.sealing import public_key_of, sealed_message
from identity.vectors import Array, unit
from plumbing.settings import Config

GOOD = Claims(faces=1, eye_distance=120.0, yaw=3.0, sharpness=20.0, brightness=120.0, contrast=40.0)
KEY = generate_private_key(SECP256R1())


def main(home: Path) -> None:
    """Join, be recognised, be a stranger; print the names of all loaded modules."""
    app = create_app(Config(home=home, pack="open-model-zoo", engines=0))
    access, client = app.extensions["usual"]["access"], app.test_client()
    headers = {"X-API-Key": access.create_key("mill", ["identify", "enrol", "suggest"], device="front")}
    access.modes.choose("mill", "front", "vectors")
    access.modes.register("mill", "front", public_key_of(KEY))

    def call(path: str, body: Any) -> Any:
        reply = client.post(path, json=body, headers=headers)
        assert reply.status_code < 300, reply.text
        return reply.get_json()

    def sealed(purpose: Purpose, vectors: list[Array]) -> dict[str, str]:
        said = call("/identity/v1/presses", {})
        seal = said["seal"]
        twins = [unit(vector + 0.1) for vector in vectors] if purpose == "enrol" and seal["masks"] else None
        sights = tuple(Sight(one, GOOD, None if twins is None else twins[n]) for n, one in enumerate(vectors))
        message = sealed_message(
            Content(sights),
            Shape(purpose, seal["size"], seal["masks"]),
            pack=seal["pack"],
            device=seal["device"],
            nonce=said["nonce"],
            key_id=bytes.fromhex(seal["key_id"]),
            seal_key=base64.urlsafe_b64decode(seal["public_key"] + "="),
            signing_key=KEY,
        )
        return {"nonce": said["nonce"], "device_message": base64.b64encode(message).decode()}

    random = np.random.default_rng(1)
    face = random.normal(size=256)
    frames = [unit(face + 0.05 * random.normal(size=256)) for _ in range(4)]
    version = client.get("/identity/v1/notice", headers=headers).get_json()["version"]
    consent = {"purposes": {"orders": True}, "notice_version": version, "age_confirmed": True}
    joined = call("/identity/v1/enrolments", sealed("enrol", frames[:3]) | {"consent": consent})
    client.put(f"/identity/v1/enrolments/{joined['receipt']}/confirmed", headers=headers)
    wanted = {"scene": "orders", "n": 3}
    decisions = [
        call("/v1/visits", sealed("recognise", vectors) | wanted)["decision"]
        for vectors in (frames[3:], [unit(random.normal(size=256))])
    ]
    assert decisions == ["matched", "unknown"], decisions
    picture = client.post(
        "/identity/v1/recognitions", json={"nonce": "n", "frames": ["AAAA"]}, headers=headers
    ).get_json()
    assert picture["code"] == "pictures_not_taken"
    sys.stdout.write(" ".join({name.partition(".")[0] for name in sys.modules}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
