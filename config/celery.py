"""The Celery application and everything that runs on a schedule."""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("rowhouse", task_cls="tenants.tasks:RealmlessTask")
# Set in one go: reading the configuration here would fix it before it is complete.
app.conf.task_routes = {
    # Waiting for receivers must not keep anything else waiting, nor long jobs of the worker the webhooks: a process of
    # its own does it, with many threads.
    "tenant_apps.webhooks.tasks.deliver": {"queue": "webhooks"},
    "tenant_apps.webhooks.tasks.sweep_due": {"queue": "webhooks"},
    "tenant_apps.webhooks.tasks.sweep_everything": {"queue": "webhooks"},
    # Both processes take Stripe's events: one that is busy leaves them to the other.
    "shared_apps.inbox.tasks.process_events": {"queue": "inbox"},
    "shared_apps.inbox.tasks.sweep_events": {"queue": "inbox"},
}


@app.on_configure.connect
def _configure(sender: Celery, **kwargs: Any) -> None:
    from config import env

    sender.conf.update(
        broker_url=env.url("REDIS_URL"),
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"visibility_timeout": 3600},
        timezone="UTC",
        beat_schedule=SCHEDULE,
    )


SCHEDULE = {
    "fill-pool": {
        "task": "shared_apps.fleet.tasks.fill_pool",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "check-domains": {"task": "shared_apps.domains.tasks.check_due_claims", "schedule": 60.0},
    "sweep-names": {"task": "shared_apps.domains.tasks.sweep_names", "schedule": 3600.0},
    "sweep-operations": {"task": "shared_apps.lifecycle.tasks.sweep_operations", "schedule": 15.0},
    "tend-tenants": {"task": "shared_apps.clients.tasks.tend_tenants", "schedule": 60.0},
    "watch-stock": {
        "task": "tenant_apps.products.tasks.watch_stock",
        "schedule": crontab(hour="6", minute="0"),
    },
    "follow-languages": {
        "task": "tenant_apps.products.tasks.follow_languages",
        "schedule": crontab(hour="4", minute="30"),
    },
    "fold-usage": {"task": "billing.tasks.fold_usage", "schedule": 60.0, "options": {"expires": 60}},
    "export-usage": {"task": "billing.tasks.export_usage", "schedule": 60.0, "options": {"expires": 60}},
    "post-letters": {"task": "billing.tasks.post_letters", "schedule": 60.0, "options": {"expires": 60}},
    "take-back-leases": {
        "task": "billing.tasks.take_back_leases",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "measure-new": {"task": "billing.tasks.measure_new", "schedule": 60.0, "options": {"expires": 60}},
    "measure-gauges": {"task": "billing.tasks.measure_all", "schedule": crontab(minute="20,50")},
    "tend-ledger": {"task": "billing.tasks.tend_ledger", "schedule": crontab(hour="2", minute="40")},
    "reconcile-usage": {
        "task": "billing.tasks.reconcile_last_days",
        "schedule": crontab(hour="5", minute="10"),
    },
    "sweep-stripe-events": {
        "task": "shared_apps.inbox.tasks.sweep_events",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "end-what-is-over": {
        "task": "billing.tasks.end_what_is_over",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "tell-of-trials": {"task": "billing.tasks.tell_of_trials", "schedule": crontab(minute="5")},
    "mend-deeds": {"task": "billing.tasks.mend_deeds", "schedule": 300.0, "options": {"expires": 300}},
    "fetch-missing-stripe-events": {
        "task": "shared_apps.inbox.tasks.fetch_missing_events",
        "schedule": crontab(hour="3", minute="40"),
    },
    "tend-stripe-events": {
        "task": "shared_apps.inbox.tasks.tend_events",
        "schedule": crontab(hour="7", minute="0"),
    },
    "sweep-invoices": {"task": "tenant_apps.invoices.tasks.sweep_invoices", "schedule": 60.0},
    "roll-up": {"task": "tenant_apps.reports.tasks.roll_up_all", "schedule": 1800.0},
    "sweep-imports": {"task": "tenant_apps.imports.tasks.sweep_imports", "schedule": 30.0},
    "sweep-due-webhooks": {
        "task": "tenant_apps.webhooks.tasks.sweep_due",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "sweep-all-webhooks": {
        "task": "tenant_apps.webhooks.tasks.sweep_everything",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "sweep-old-webhooks": {
        "task": "tenant_apps.webhooks.tasks.sweep_old_events",
        "schedule": crontab(hour="3", minute="17"),
    },
}


@setup_logging.connect
def _keep_our_logging(**kwargs: Any) -> None:
    """Connected so that Celery leaves the logging that Django's settings configured alone."""


app.autodiscover_tasks()
