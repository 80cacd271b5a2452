"""The page of the files that archnet writes: run folders, experiment folders and sweep folders."""

from collections.abc import Iterator, Mapping

from archnet.evaluation.integrity.manifest import CHECKLIST_NAMES, MANIFEST_FILE, RUN_FILES
from archnet.spec.outputs.output_file import OUTPUT_FILES
from site_pages.schema_pages import page

_RUN = {
    "experiment.json": "the resolved experiment, with every key; `picked` has the reasons of automatic choices",
    "changes.json": "only in numbered experiment folders: what differs from the earlier run",
    "arch.json": "the architecture",
    "data.json": "digests of the data, findings of their checks, unreadable scans, summary of soft labels and weights",
    "training_scans.json": "the training scans, by which `predict`, `explain` and `froc` recognize them",
    "split.csv": "the set and the group of each case",
    "cases.csv": "the attributes of each case",
    "environment.json": "versions, device, command and times",
    "init.json": "the origin of the initial weights; only with `training.init`",
    "model.keras": "the trained model: raw values (HU) in, probabilities out",
    "history.csv": "loss and metrics of each epoch",
    "network.json": "the layers with their shapes and costs",
    "predictions.csv": "the probabilities of each case; everything below can be recomputed from it",
    "members/": "the validation and test predictions of each member alone; only with `training.members`",
    "gallery.npz": "the pictures of cases in the report",
    "heat_maps.npz": "their Grad-CAM heat maps",
    "metrics.json": "metrics with 95% intervals, confusion matrices, operating points, calibration and strata",
    "froc/": "submission and reference lists for `archnet froc`; only if the test set keeps all candidates",
    "report.html": "the report, one file that works offline",
    "figures/": "its figures, as SVG",
    "strata.csv": "the results for strata of the cases",
    "methods.txt": "a methods paragraph with citations",
    "model_card.md": "use, data, licence and limits of the model",
    "tables/": "the results as csv and LaTeX",
}
_OTHERS = {
    MANIFEST_FILE: "size and SHA-256 of each file above; written last, so a folder without it is not finished",
    "log.txt": "what the run printed; if it failed, the last line says why",
    "tags.json": "your tags and note, from `archnet runs tag`",
    "tensorboard/": "TensorBoard's files",
}
_EXPERIMENT = {
    "experiment.json": "the resolved experiment with all architectures",
    "split.csv": "the split that all runs share",
    "comparison.json": "the comparison: sentences, metrics, paired differences",
    "verdict.svg": "the conclusion as a picture",
    "report.html": "the page of the comparison",
    ".replaced/": "the runs that `--overwrite` replaces, until the new ones are finished",
    "strata.csv": "differences between the networks for strata of the cases",
}


def run_folder_page() -> str:
    """The files in the order in which they are written."""
    checklists = {f"checklist_{name}.{suffix}" for name in CHECKLIST_NAMES for suffix in ("html", "csv")}
    if set(_RUN) != set(RUN_FILES) - checklists:
        raise ValueError(f"the table of this page must hold exactly {sorted(set(RUN_FILES) - checklists)}")
    return page(
        [
            "# Run folder",
            "A run writes `runs/EXPERIMENT/ARCHITECTURE/`, or `runs/EXPERIMENT-2/ARCHITECTURE/` and so on if its "
            "settings differ from those of the earlier runs. Results are recomputed from its files by `archnet report` "
            "and compared by `archnet compare`; [Reports](../guide/reports.md) describes integrity and repair.",
            *_table("## Files of a run", {**_RUN, **_OTHERS}),
            "`archnet report RUN --checklist NAME` adds "
            + ", ".join(f"`checklist_{name}.html` and `.csv`" for name in CHECKLIST_NAMES)
            + ".",
            *_table("## Files of an experiment", _EXPERIMENT),
            "They lie in `runs/EXPERIMENT/`, beside the run folders.",
            "## Keys of the JSON files { #keys }",
            "The keys at the top of each file that archnet reads back.",
            *_keys(),
        ]
    )


def _table(title: str, rows: Mapping[str, str]) -> Iterator[str]:
    lines = [f"| `{name}` | {text} |" for name, text in rows.items()]
    yield title
    yield "\n".join(["| file | content |", "|---|---|", *lines])


def _keys() -> Iterator[str]:
    rows = {}
    for name, file in OUTPUT_FILES.items():
        if keys := file.schema.get("properties", {}):
            rows[name] = ", ".join(f"`{key}`" for key in keys)
    lines = [f"| `{name}` | {keys} |" for name, keys in rows.items()]
    yield "\n".join(["| file | keys |", "|---|---|", *lines])
