"""Codes of problems that several operations of the recommender can answer: for `errors=` of their routes."""

from __future__ import annotations

MOMENT = ("position_refused", "site_foreign", "time_without_zone")
"""Of an operation that is asked about a place and a time."""

EVENT = (
    "event_before_2000",
    "event_conflict",
    "event_from_the_future",
    "event_incomplete",
    "event_outside_press",
    "event_too_old",
    "item_unavailable",
    "too_many_events",
    "unknown_item",
)
REDEMPTION = (
    "below_minimum_spend",
    "invalid_outcome",
    "offer_ended",
    "offer_of_another_site",
    "redeemed_before",
    "redemption_of_another_offer",
    "redemption_of_other_items",
    "redemption_too_late",
    "redemption_without_order",
    "unknown_decision",
    "unknown_offer",
)
PERIOD = ("site_not_yours", "site_unknown", "wrong_period")
CHANGED_RULES = ("changed_meanwhile", "rules_conflict", "rules_of_other_sites")
TRAINING = ("not_enough_events", "scene_has_no_model", "training_in_progress", "versions_busy")
VERSION = (
    "artifact_unreadable",
    "current_changed",
    "version_changed",
    "version_not_found",
    "versions_unreachable",
)
EXPERIMENT = ("experiment_state", "unknown_experiment")
PICTURE = (
    "no_picture",
    "picture_animated",
    "picture_damaged",
    "picture_too_hard",
    "picture_too_large",
    "too_many_pixels",
)
