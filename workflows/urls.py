"""Addresses of workflows and runs, below the address of their tenant. Parts of pages lie under `-/`."""

from __future__ import annotations

from django.urls import path, register_converter

from workflows import operation_urls
from workflows.graph.formats import FILES
from workflows.pages.run import TABS
from workflows.views import (
    dashboard,
    drawings,
    gallery,
    run,
    run_actions,
    run_arguments,
    run_control,
    runs,
    schedule_actions,
    schedule_form,
    schedules,
    start,
    workflows,
)


class Tab:
    """The name of a tab of a run's page."""

    regex = "|".join(TABS)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Drawing(Tab):
    """The form of a drawing."""

    regex = "|".join(FILES)


register_converter(Tab, "tab")
register_converter(Drawing, "drawing")

app_name = "workflows"
urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("-/dashboard", dashboard.dashboard_live, name="dashboard-live"),
    path("runs/", runs.run_list, name="run-list"),
    path("runs/-/counts", runs.run_counts, name="run-counts"),
    path("runs/-/new/<uuid:newest>", runs.run_news, name="run-news"),
    path("runs/start/", start.run_start, name="run-start"),
    path("runs/start/-/check", start.start_check, name="start-check"),
    path("runs/<uuid:run_id>/", run.run_detail, name="run"),
    path("runs/<uuid:run_id>/<tab:tab>/", run.run_detail, name="run-tab"),
    path("runs/<uuid:run_id>/drawing/<drawing:drawing_format>", drawings.run_drawing, name="run-drawing"),
    path("runs/<uuid:run_id>/-/live/<tab:tab>", run.run_live, name="run-live"),
    path("runs/<uuid:run_id>/cancel/", run_actions.run_cancel, name="run-cancel"),
    path("runs/<uuid:run_id>/retry/", run_actions.run_retry, name="run-retry"),
    path("runs/<uuid:run_id>/pause/", run_control.run_pause, name="run-pause"),
    path("runs/<uuid:run_id>/resume/", run_control.run_resume, name="run-resume"),
    path("runs/<uuid:run_id>/arguments/", run_arguments.run_arguments, name="run-arguments"),
    path("runs/<uuid:run_id>/give-up/", run_control.run_give_up, name="run-give-up"),
    path("runs/<uuid:run_id>/kill/", run_control.run_kill, name="run-kill"),
    path("runs/<uuid:run_id>/restart/", run_control.run_restart, name="run-restart"),
    path("runs/<uuid:run_id>/fork/", run_control.run_fork, name="run-fork"),
    path("schedules/", schedules.schedule_list, name="schedule-list"),
    path("schedules/new/", schedule_form.schedule_new, name="schedule-new"),
    path("schedules/-/times", schedule_form.schedule_times, name="schedule-times"),
    path("schedules/<uuid:schedule_id>/", schedules.schedule_detail, name="schedule"),
    path("schedules/<uuid:schedule_id>/-/live", schedules.schedule_live, name="schedule-live"),
    path("schedules/<uuid:schedule_id>/edit/", schedule_form.schedule_edit, name="schedule-edit"),
    path("schedules/<uuid:schedule_id>/pause/", schedule_actions.schedule_pause, name="schedule-pause"),
    path("schedules/<uuid:schedule_id>/resume/", schedule_actions.schedule_resume, name="schedule-resume"),
    path("schedules/<uuid:schedule_id>/run/", schedule_actions.schedule_run, name="schedule-run"),
    path("schedules/<uuid:schedule_id>/backfill/", schedule_actions.schedule_backfill, name="schedule-backfill"),
    path("schedules/<uuid:schedule_id>/delete/", schedule_actions.schedule_delete, name="schedule-delete"),
    path("templates/", gallery.gallery, name="gallery"),
    path(
        "templates/<str:template_name>/drawing/<drawing:drawing_format>",
        drawings.template_drawing,
        name="template-drawing",
    ),
    path("workflows/", workflows.workflow_list, name="workflow-list"),
    path("workflows/<str:name>/", workflows.workflow_detail, name="workflow"),
    path("workflows/<str:name>/drawing/<drawing:drawing_format>", drawings.workflow_drawing, name="workflow-drawing"),
    *operation_urls.urlpatterns,
]
