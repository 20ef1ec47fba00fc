"""Addresses of the pages with which a tenant is operated. Names that may hold slashes stand last, so that no name can be taken for a verb."""

from __future__ import annotations

from django.urls import path

from workflows.views import breakers, letters, limits, queues, retention, workers

urlpatterns = [
    path("circuits/", breakers.breaker_list, name="breaker-list"),
    path("circuits/-/live", breakers.breaker_list_live, name="breaker-list-live"),
    path("circuits/open/", breakers.breaker_open, name="breaker-open"),
    path("circuits/reset/", breakers.breaker_reset_all, name="breaker-reset-all"),
    path("circuits/of/<path:resource_key>", breakers.breaker_detail, name="breaker"),
    path("circuits/-/live/<path:resource_key>", breakers.breaker_live, name="breaker-live"),
    path("circuits/close/<path:resource_key>", breakers.breaker_close, name="breaker-close"),
    path("circuits/reset/<path:resource_key>", breakers.breaker_reset, name="breaker-reset"),
    path("dead-letters/", letters.letter_list, name="letter-list"),
    path("dead-letters/selected/", letters.letters_selected, name="letters-selected"),
    path("dead-letters/purge/", letters.letters_purge_all, name="letters-purge"),
    path("dead-letters/<uuid:dead_letter_id>/", letters.letter_detail, name="letter"),
    path("dead-letters/<uuid:dead_letter_id>/requeue/", letters.letter_requeue, name="letter-requeue"),
    path("dead-letters/<uuid:dead_letter_id>/purge/", letters.letter_purge, name="letter-purge"),
    path("queues/", queues.queue_list, name="queue-list"),
    path("queues/-/live", queues.queue_list_live, name="queue-list-live"),
    path("queues/<str:queue_name>/", queues.queue_detail, name="queue"),
    path("queues/<str:queue_name>/-/live", queues.queue_live, name="queue-live"),
    path("queues/<str:queue_name>/pause/", queues.queue_pause, name="queue-pause"),
    path("queues/<str:queue_name>/resume/", queues.queue_resume, name="queue-resume"),
    path("queues/<str:queue_name>/drain/", queues.queue_drain, name="queue-drain"),
    path("queues/<str:queue_name>/fill/", queues.queue_fill, name="queue-fill"),
    path("queues/<str:queue_name>/cap/", queues.queue_cap, name="queue-cap"),
    path("limits/", limits.limit_list, name="limit-list"),
    path("limits/-/live", limits.limit_list_live, name="limit-list-live"),
    path("limits/of/<str:kind>/<path:limit_key>", limits.limit_detail, name="limit"),
    path("limits/-/live/<str:kind>/<path:limit_key>", limits.limit_live, name="limit-live"),
    path("limits/change/<str:kind>/<path:limit_key>", limits.limit_change, name="limit-change"),
    path("limits/release/<str:kind>/<path:limit_key>", limits.limit_release, name="limit-release"),
    path("workers/", workers.worker_list, name="worker-list"),
    path("workers/-/live", workers.worker_list_live, name="worker-list-live"),
    path("workers/<uuid:worker_id>/", workers.worker_detail, name="worker"),
    path("workers/<uuid:worker_id>/-/live", workers.worker_live, name="worker-live"),
    path("workers/<uuid:worker_id>/pause/", workers.worker_pause, name="worker-pause"),
    path("workers/<uuid:worker_id>/resume/", workers.worker_resume, name="worker-resume"),
    path("workers/<uuid:worker_id>/drain/", workers.worker_drain, name="worker-drain"),
    path("workers/<uuid:worker_id>/forget/", workers.worker_forget, name="worker-forget"),
    path("workers/<uuid:worker_id>/capacity/", workers.worker_capacity, name="worker-capacity"),
    path("settings/retention/", retention.retention_detail, name="retention"),
    path("settings/retention/change/", retention.retention_change, name="retention-change"),
    path("settings/retention/-/sweep", retention.retention_sweep, name="retention-sweep"),
]
