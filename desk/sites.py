"""What people whose account is for some sites may read although it is about the whole tenant.

A route whose query has a field `site` is checked by the door and answers about one of their sites; one that
narrows by itself says `sites="own"`, and one without any site `sites="none"`. Everything else is refused to them,
unless it stands here with the reason why it says nothing of another site.
`docs/decisions/0131-people-of-some-sites.md` says why.
"""

from __future__ import annotations

from collections.abc import Mapping

TOGETHER = "learned from all sites together; no figure of it is of one site"
MENU = "what every screen shows to everybody"

FOR_EVERY_SITE: Mapping[str, str] = {
    "GET /recommender/v1/models": TOGETHER,
    "GET /recommender/v1/models/<scene>/runs/<run_id>": TOGETHER,
    "GET /recommender/v1/schedule": "when training happens, of all sites together",
    "GET /recommender/v1/desk/sharing": "a number of the whole tenant",
    "GET /recommender/v1/items": MENU,
    "GET /recommender/v1/items/<path:item_id>": MENU,
    "GET /recommender/v1/places": MENU,
    "GET /recommender/v1/places/<path:item_id>": MENU,
}
"""Method and rule of a route, and why."""
