"""CLAIM: the 44 items of the Checklist for Artificial Intelligence in Medical Imaging, 2024 update."""

from __future__ import annotations

from typing import Final

from archnet.report.paper.checklists.checklist_items import Checklist, parse_items

CLAIM: Final = Checklist(
    name="claim",
    title="CLAIM (2024 update)",
    source="Tejani et al. 2024, Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update",
    doi="10.1148/ryai.240300",
    items=parse_items({
        "Title and abstract": [
            ("1", "AI and its type named in the title", "technology", "The title."),
            ("2", "Structured abstract", "technology set_sizes performance", "The abstract."),
        ],
        "Introduction": [
            ("3", "Background, and the intended use of the AI", "", "Clinical background, intended use."),
            ("4", "Aims and hypotheses", "", "Aims and hypotheses."),
        ],
        "Methods: study design": [
            ("5", "Prospective or retrospective", "", "Whether the data were collected for this study."),
            ("6", "Goal of the study", "technology", "The goal, such as a feasibility study."),
        ],
        "Methods: data": [
            ("7", "Source of the data", "data_source digest", "Sites and dates of your own data."),
            ("8", "Inclusion and exclusion criteria", "excluded", "Criteria by which patients and scans were chosen."),
            ("9", "Preprocessing", "preprocessing", ""),
            ("10", "Selection of subsets of the data", "subset", ""),
            ("11", "De-identification", "", "How the scans were de-identified."),
            ("12", "Missing data", "missing_data", ""),
            ("13", "Image acquisition", "acquisition", "Contrast agent, dose, reconstruction."),
        ],
        "Methods: reference standard": [
            ("14", "Definition of the reference standard", "reference_standard", "The definition for your own data."),
            ("15", "Rationale for the reference standard", "", "The reason for the choice."),
            ("16", "Annotators", "", "Number, qualification and training of the annotators."),
            ("17", "Annotation of the test set", "", "How the test cases were annotated, and with which software."),
            ("18", "Agreement of the annotators", "", "Agreement between and within annotators."),
        ],
        "Methods: data partitions": [
            ("19", "How cases were assigned to the sets", "partitions set_sizes", ""),
            ("20", "Level at which the sets are disjoint", "disjointness", ""),
        ],
        "Methods: testing data": [
            ("21", "Intended size of the test set", "test_size", "The calculation behind the size."),
        ],
        "Methods: model": [
            ("22", "Model in detail: inputs, outputs, layers", "technology layers output", ""),
            ("23", "Software with versions", "software hardware", ""),
            ("24", "Initial weights", "initialization", ""),
        ],
        "Methods: training": [
            ("25", "Training, augmentation, hyperparameters", "training augmentation imbalance duration", ""),
            ("26", "Choice of the final model", "selection", ""),
            ("27", "Ensembles", "ensemble test_time", ""),
        ],
        "Methods: evaluation": [
            ("28", "Performance measures", "measures threshold", "Published results for comparison."),
            ("29", "Statistical uncertainty and significance", "statistics", ""),
            ("30", "Robustness and sensitivity", "strata", "Other analyses of robustness, such as several seeds."),
            ("31", "Explainability", "explainability", "How the explanations were validated, if they are used."),
            ("32", "Testing on internal data", "internal_testing", ""),
            ("33", "Testing on external data", "external_testing", "Results on external data, or why there are none."),
            ("34", "Trial registration", "", "Registry and number, if the study is a trial."),
        ],
        "Results: data": [
            ("35", "Patients and scans included and excluded", "flow excluded", "Patients excluded before archnet."),
            ("36", "Characteristics of each set", "set_sizes acquisition", "Age, sex and clinical characteristics."),
        ],
        "Results: model performance": [
            ("37", "Performance with uncertainty in all sets", "internal_testing performance", ""),
            ("38", "Diagnostic accuracy with its precision", "performance cross_tabulation calibration", ""),
            ("39", "Analysis of failures", "failures", "Common features of the incorrect cases."),
        ],
        "Discussion": [
            ("40", "Limitations", "limitations", "Limitations of the design and of the data."),
            ("41", "Implications for practice", "", "Intended use, and barriers to it."),
        ],
        "Other information": [
            ("42", "Full protocol", "record", "Location of the study protocol."),
            ("43", "Availability of software, model and data", "code data_licence model", "Access to the model."),
            ("44", "Funding", "", "Sources of funding and role of the funders."),
        ],
    }),
)  # fmt: skip
