"""Answers in Toast's own form. Errors have status 400; `message` is for whoever reads Toast's log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

Status = Literal[
    "ACCEPT",
    "ERROR",
    "ERROR_ACCOUNT_INVALID",
    "ERROR_INVALID_INPUT_PROPERTIES",
    "ERROR_INVALID_RESTAURANT",
    "ERROR_INVALID_TOAST_TRANSACTION_TYPE",
    "ERROR_INVALID_TOKEN",
    "ERROR_TRANSACTION_CANNOT_BE_REVERSED",
    "ERROR_TRANSACTION_DOES_NOT_EXIST",
]


class ToastReply(BaseModel):
    """A LoyaltyTransactionResponse."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "transactionStatus": "ACCEPT",
                "checkResponse": {"accountInfo": {"identifier": "card-4711"}, "offers": []},
            }
        }
    )

    transactionStatus: Status
    message: str | None = Field(None, description="why it was refused")
    checkResponse: dict[str, Any] | None = Field(None, description="a ResponseCheck")


class Refused(Exception):
    """A transaction that is answered with an error of Toast's."""

    def __init__(self, status: Status, message: str = "", code: int = 400) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


def accepted(check: Mapping[str, Any] | None = None) -> Response:
    """ACCEPT, with a ResponseCheck where there is one."""
    return _answer(200, {"transactionStatus": "ACCEPT"} | ({"checkResponse": check} if check else {}))


def refused(error: Refused) -> Response:
    """The error."""
    said = {"transactionStatus": error.status} | ({"message": error.message} if error.message else {})
    return _answer(error.code, said)


def _answer(status: int, body: Mapping[str, Any]) -> Response:
    return Response(json.dumps(body, separators=(",", ":")), status=status, mimetype="application/json")
