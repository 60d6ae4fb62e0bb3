"""What clients of Gorse send and read. What this house has no place for is refused, or named in the docs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints

from plumbing.query import Query
from recommender.schemas.base import Id

UserId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f/]+$")]
FeedbackType = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^[A-Za-z_]+$")]
MOST = 1_000


class Given(BaseModel):
    """Something that is sent. Unknown fields are refused: nothing is dropped without a word."""

    model_config = ConfigDict(extra="forbid")


class Feedback(Given):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "FeedbackType": "order",
                "UserId": "u-4711",
                "ItemId": "ramen",
                "Timestamp": "2026-05-04T10:30:00Z",
            }
        }
    )

    FeedbackType: FeedbackType
    UserId: UserId
    ItemId: Id
    Timestamp: str = Field("", max_length=40, description="ISO 8601; without an offset in the tenant's zone")
    Value: float = Field(0, ge=0, le=1_000, description="pieces, of an order; 0 is one")
    Comment: str = Field("", max_length=0, description="not kept")


class SessionFeedback(Given):
    model_config = ConfigDict(json_schema_extra={"example": {"FeedbackType": "cart", "ItemId": "ramen"}})

    FeedbackType: FeedbackType
    UserId: str = Field("", max_length=128)
    ItemId: Id
    Timestamp: str = Field("", max_length=40)
    Value: float = 0
    Comment: str = ""


class Feedbacks(RootModel[list[Feedback]]):
    root: list[Feedback] = Field(min_length=1, max_length=MOST)


class SessionFeedbacks(RootModel[list[SessionFeedback]]):
    root: list[SessionFeedback] = Field(max_length=100)


class GorseItem(Given):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"ItemId": "ramen", "Categories": ["Noodles"], "Labels": ["soup"], "Comment": "Ramen"}
        }
    )

    ItemId: Id
    IsHidden: bool = False
    Categories: list[str] | None = Field(None, max_length=20)
    Timestamp: str = Field("", max_length=40, description="not kept")
    Labels: list[str] | None = Field(None, max_length=20, description="words; kept as tags")
    Comment: str = Field("", max_length=200, description="the name")


class GorseItems(RootModel[list[GorseItem]]):
    root: list[GorseItem] = Field(min_length=1, max_length=MOST)


class ItemChange(Given):
    model_config = ConfigDict(json_schema_extra={"example": {"IsHidden": True}})

    IsHidden: bool | None = None
    Categories: list[str] | None = Field(None, max_length=20)
    Timestamp: str | None = Field(None, max_length=40)
    Labels: list[str] | None = Field(None, max_length=20)
    Comment: str | None = Field(None, max_length=200)


class GorseUser(Given):
    model_config = ConfigDict(json_schema_extra={"example": {"UserId": "u-4711"}})

    UserId: UserId
    Labels: Any = None
    Subscribe: Any = None
    Comment: str = Field("", max_length=200)


class GorseUsers(RootModel[list[GorseUser]]):
    root: list[GorseUser] = Field(min_length=1, max_length=MOST)


class UserPath(BaseModel):
    user_id: UserId


class RecommendPath(UserPath):
    category: Id


class FeedbackPath(UserPath):
    feedback_type: FeedbackType


class UserItemPath(UserPath):
    item_id: Id


class ItemPath(BaseModel):
    item_id: Id


class Page(BaseModel):
    n: int = Field(10, ge=1, le=MOST)
    cursor: str = Field("", max_length=64)
    q: str = Field("", max_length=200)


class GorseQuery(Query):
    n: int = Field(10, ge=1, le=100)
    offset: int = Field(0, ge=0, le=1_000)
    write_back_type: FeedbackType | None = Field(
        None, alias="write-back-type", json_schema_extra={"example": "read"}
    )
    write_back_delay: str | None = Field(None, alias="write-back-delay")


class Done(BaseModel):
    RowAffected: int


class Recommended(BaseModel):
    """An item and how likely it is wanted."""

    Id: str
    Score: float


class RecommendedIds(RootModel[list[str | Recommended]]):
    """Ids, best first; with `X-API-Version: 2` each with its score."""

    model_config = ConfigDict(json_schema_extra={"example": ["ramen", "gyoza"]})


class RecommendedItems(RootModel[list[Recommended]]):
    """Ids with scores, best first."""

    model_config = ConfigDict(json_schema_extra={"example": [{"Id": "ramen", "Score": 0.71}]})


class FeedbackRow(BaseModel):
    """What a user did, in the words of Gorse."""

    FeedbackType: str
    UserId: str
    ItemId: str
    Timestamp: str
    Value: float
    Comment: str


class FeedbackRows(RootModel[list[FeedbackRow]]):
    """All of one user and type, oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": [
                {
                    "FeedbackType": "order",
                    "UserId": "u-4711",
                    "ItemId": "ramen",
                    "Timestamp": "2026-05-04T12:30:00+02:00",
                    "Value": 1.0,
                    "Comment": "",
                }
            ]
        }
    )


class GorseItemRow(BaseModel):
    """A dish in the words of Gorse."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "ItemId": "ramen",
                "IsHidden": False,
                "Categories": ["Noodles"],
                "Timestamp": "0001-01-01T00:00:00Z",
                "Labels": ["soup"],
                "Comment": "Ramen",
            }
        }
    )

    ItemId: str
    IsHidden: bool
    Categories: list[str]
    Timestamp: str
    Labels: list[str]
    Comment: str


class GorseItemPage(BaseModel):
    """Items; `Cursor` is empty at the end."""

    Cursor: str
    Items: list[GorseItemRow]


class GorseUserRow(BaseModel):
    """A user of whom nothing is said."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"UserId": "u-4711", "Labels": None, "Subscribe": None, "Comment": ""}}
    )

    UserId: str
    Labels: None
    Subscribe: None
    Comment: str
