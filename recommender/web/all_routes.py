"""Puts every route of the recommender on its door, in the order in which the description lists them."""

from __future__ import annotations

from plumbing.door import Door
from recommender.assembly import zones_of
from recommender.desk.overview import DeskTools
from recommender.desk.rules import RulesDesk
from recommender.exchange.checks import MODELS
from recommender.web import (
    catalogue,
    images,
    me,
    news,
    offers,
    peer,
    runs,
    schedule,
    similar,
    suggestions,
    training,
    versions,
)
from recommender.web.desk import calls, experiments, pages, rules, screen, sharing, tenant
from recommender.web.desk import offers as offers_of_desk


def put_on(
    door: Door, tools: training.TrainingTools, own_page: me.OwnPageTools, screens_news: news.News
) -> DeskTools:
    """Define the routes; returns what the desk works with beside the requests."""
    service, trainer = tools.service, tools.trainer
    stores, now_us = service.stores, trainer.now_us
    a_minute = service.config.requests_per_minute
    suggestions.routes(door, suggestions.SuggestTools(service, tools.metrics, a_minute))
    for kind in MODELS:
        catalogue.item_routes(door, stores.catalogue, kind, service.config.image_hosts)
    images.image_routes(door, stores)
    similar.similar_routes(door, service, now_us, a_minute)
    with_sites = offers.OfferTools(stores, lambda tenant: service.sites(tenant), now_us)
    offers.offer_routes(door, with_sites)
    offers_of_desk.desk_routes(door, with_sites, trainer)
    sharing.sharing_routes(door, stores.sharing)
    rules.rules_routes(door, RulesDesk(service, now_us, tools.name_of))
    tenant.tenant_routes(door, stores.database, stores.tenants)
    screen.screen_routes(door, stores, now_us)
    calls.call_routes(door, stores, now_us)
    news.news_routes(door, screens_news)
    experiments.experiment_routes(door, service, trainer, now_us)
    training.routes(door, tools)
    versions.routes(door, tools, tools.name_of)
    runs.routes(door, tools)
    schedule.routes(door, schedule.ScheduleTools(trainer, zones_of(stores)))
    desk_tools = pages.routes(door, service, trainer)
    peer.routes(door, service)
    me.routes(door, own_page)
    return desk_tools
