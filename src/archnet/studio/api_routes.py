"""The operations of the page's API: one table, from which the server and its OpenAPI document are made."""

from __future__ import annotations

from functools import partial

from archnet.spec.outputs.schema_parts import Schema
from archnet.studio.answers.analysis_document import ANALYSIS, COMPLETIONS, EDITS, HOVER
from archnet.studio.answers.crop_answers import CROP, CROP_REQUEST, crop_document
from archnet.studio.answers.document_answers import ANALYSIS_REQUEST, POSITION_REQUEST, DocumentAnswers
from archnet.studio.answers.drawing_document import DRAWING
from archnet.studio.answers.experiment_answers import DURATION, EXPERIMENT, EXPERIMENT_REQUEST, ExperimentAnswers
from archnet.studio.answers.network_answers import DRAWING_REQUEST, TWIN, TWIN_REQUEST, NetworkAnswers
from archnet.studio.answers.sweep_answers import SWEEP, SWEEP_REQUEST, SweepAnswers
from archnet.studio.requests.api_route import ApiRoute, Handler, Lane, request_of
from archnet.studio.requests.request_guard import Tickets
from archnet.studio.trainings.run_listing import RUNS, RUNS_REQUEST, runs_document
from archnet.studio.trainings.run_processes import (
    PATH_REQUEST,
    PROCESS,
    PROCESSES,
    START_REQUEST,
    STOPPED,
    RunProcesses,
)
from archnet.studio.trainings.run_progress import RUN, RUN_REQUEST, run_document
from archnet.studio.trainings.run_reports import REPORT, issue_report
from archnet.studio.workspace.document_drafts import (
    DISCARDED,
    DRAFT,
    DRAFT_PATH_REQUEST,
    DRAFTS,
    KEEP_REQUEST,
    KEPT,
    DocumentDrafts,
)
from archnet.studio.workspace.document_files import CONTENT, READ_REQUEST, WRITE_REQUEST, WRITTEN, DocumentFiles
from archnet.studio.workspace.folder_documents import DOCUMENTS, LIST_REQUEST, list_documents
from archnet.studio.workspace.workspace import Workspace

_MISSING = {404: "The file does not exist."}
_CONFLICT = {409: 'The file has changed. "current" is its content, as in GET /api/document; absent for a removed file.'}


def api_routes(workspace: Workspace, tickets: Tickets, processes: RunProcesses) -> tuple[ApiRoute, ...]:
    """All operations on a workspace.

    Args:
        workspace: The folder.
        tickets: Addresses of reports: their files.
        processes: The runs that the page starts.
    """
    return (
        *_document_routes(workspace),
        *_draft_routes(DocumentDrafts(workspace)),
        *_answer_routes(workspace),
        *_data_routes(workspace),
        *_run_routes(workspace, tickets),
        *_process_routes(processes),
    )


def _document_routes(workspace: Workspace) -> tuple[ApiRoute, ...]:
    files = DocumentFiles(workspace)
    return (
        ApiRoute(
            method="GET",
            path="/api/folder",
            name="listDocuments",
            summary="List the documents of the folder and those that archnet ships.",
            request=LIST_REQUEST,
            answer=DOCUMENTS,
            handle=lambda request: list_documents(workspace),
            lane="slow",
        ),
        ApiRoute(
            method="GET",
            path="/api/document",
            name="readDocument",
            summary="Read a document.",
            request=READ_REQUEST,
            answer=CONTENT,
            refusals=_MISSING,
            handle=files.read,
        ),
        ApiRoute(
            method="PUT",
            path="/api/document",
            name="writeDocument",
            summary="Write a document as typed, unless the file has changed since it was read.",
            request=WRITE_REQUEST,
            answer=WRITTEN,
            refusals={**_MISSING, **_CONFLICT},
            handle=files.write,
        ),
    )


def _draft_routes(drafts: DocumentDrafts) -> tuple[ApiRoute, ...]:
    return (
        ApiRoute(
            method="GET",
            path="/api/drafts",
            name="listDrafts",
            summary="List the unsaved texts of the folder.",
            request=request_of({}),
            answer=DRAFTS,
            handle=drafts.list,
        ),
        ApiRoute(
            method="GET",
            path="/api/draft",
            name="readDraft",
            summary="Read the unsaved text of a document.",
            request=DRAFT_PATH_REQUEST,
            answer=DRAFT,
            refusals=_MISSING,
            handle=drafts.read,
        ),
        ApiRoute(
            method="PUT",
            path="/api/draft",
            name="keepDraft",
            summary="Store the unsaved text of a document on disk.",
            request=KEEP_REQUEST,
            answer=KEPT,
            refusals=_MISSING,
            handle=drafts.keep,
        ),
        ApiRoute(
            method="DELETE",
            path="/api/draft",
            name="discardDraft",
            summary="Discard the unsaved text of a document.",
            request=DRAFT_PATH_REQUEST,
            answer=DISCARDED,
            refusals=_MISSING,
            handle=drafts.discard,
        ),
    )


def _answer_routes(workspace: Workspace) -> tuple[ApiRoute, ...]:
    texts, networks = DocumentAnswers(workspace), NetworkAnswers(workspace)
    return (
        _question(
            "analysis", "Analyze a text: problems, network, outline.", ANALYSIS_REQUEST, ANALYSIS, texts.analysis
        ),
        _question("completion", "List completions at an offset.", POSITION_REQUEST, COMPLETIONS, texts.completion),
        _question("hover", "Explain the key or value at an offset.", POSITION_REQUEST, HOVER, texts.hover),
        _question("format", "Compute the edits that format a document.", ANALYSIS_REQUEST, EDITS, texts.format),
        _question("drawing", "Draw a network.", DRAWING_REQUEST, DRAWING, networks.drawing),
        _question("twin", "Convert a network to 2D, 2.5D or 3D.", TWIN_REQUEST, TWIN, networks.twin, "slow"),
    )


def _data_routes(workspace: Workspace) -> tuple[ApiRoute, ...]:
    experiments, sweeps = ExperimentAnswers(workspace), SweepAnswers(workspace)
    request = EXPERIMENT_REQUEST
    return (
        _question("experiment", "Resolve an experiment.", request, EXPERIMENT, experiments.experiment, "long"),
        _question(
            "duration", "Estimate the duration of an experiment.", request, DURATION, experiments.duration, "long"
        ),
        _question("sweep", "Propose the first trials of a sweep.", SWEEP_REQUEST, SWEEP, sweeps.sweep, "slow"),
        _question("crop", "Extract a crop of a scan.", CROP_REQUEST, CROP, crop_document, "slow"),
    )


def _run_routes(workspace: Workspace, tickets: Tickets) -> tuple[ApiRoute, ...]:
    return (
        ApiRoute(
            method="GET",
            path="/api/runs",
            name="listRuns",
            summary="List all runs, sweeps and 2D-3D comparisons in the folder.",
            request=RUNS_REQUEST,
            answer=RUNS,
            handle=partial(runs_document, workspace),
            lane="slow",
        ),
        ApiRoute(
            method="GET",
            path="/api/run",
            name="readRun",
            summary="Read the state of a run: curves, kept epoch, time left, confusion matrices, log.",
            request=RUN_REQUEST,
            answer=RUN,
            refusals=_MISSING,
            handle=partial(run_document, workspace),
            lane="slow",
        ),
        ApiRoute(
            method="POST",
            path="/api/report",
            name="openReport",
            summary="Issue a one-time address for the report of a run.",
            request=PATH_REQUEST,
            answer=REPORT,
            refusals=_MISSING,
            handle=partial(issue_report, workspace, tickets),
        ),
    )


def _process_routes(processes: RunProcesses) -> tuple[ApiRoute, ...]:
    rows = (
        ("/api/run/start", "startRun", "Start archnet run.", START_REQUEST, PROCESS, processes.start),
        ("/api/run/stop", "stopRun", "Interrupt the process of a run.", PATH_REQUEST, STOPPED, processes.stop),
        ("/api/run/resume", "resumeRun", "Resume an interrupted run.", PATH_REQUEST, PROCESS, processes.resume),
    )
    return (
        ApiRoute(
            method="GET",
            path="/api/processes",
            name="listProcesses",
            summary="List the processes that were started from the page.",
            request=request_of({}),
            answer=PROCESSES,
            handle=processes.list,
        ),
        *(
            ApiRoute(
                method="POST",
                path=path,
                name=name,
                summary=summary,
                request=request,
                answer=answer,
                refusals=_MISSING,
                handle=handle,
                lane="slow",
            )
            for path, name, summary, request, answer, handle in rows
        ),
    )


def _question(
    name: str, summary: str, request: Schema, answer: Schema, handle: Handler, lane: Lane = "quick"
) -> ApiRoute:
    """A read-only operation, usually on the text of a document."""
    return ApiRoute(
        method="POST",
        path=f"/api/{name}",
        name=name,
        summary=summary,
        request=request,
        answer=answer,
        refusals=_MISSING,
        handle=handle,
        lane=lane,
    )
