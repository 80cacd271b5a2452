"""STARD-AI: the 40 items, with their letters, for studies of diagnostic accuracy with AI."""

from __future__ import annotations

from typing import Final

from archnet.report.paper.checklists.checklist_items import Checklist, parse_items

STARD_AI: Final = Checklist(
    name="stard-ai",
    title="STARD-AI",
    source="Sounderajah et al. 2025, The STARD-AI reporting guideline for diagnostic accuracy studies",
    doi="10.1038/s41591-025-03953-8",
    items=parse_items({
        "Title and abstract": [
            ("1", "Diagnostic accuracy of AI, with one measure, in title or abstract", "technology performance",
             "The title."),
            ("2", "Structured abstract", "set_sizes performance", "The abstract."),
        ],
        "Introduction": [
            ("3", "Background, intended use, place in the workflow", "", "Background, intended use, workflow."),
            ("4", "Objectives and hypotheses", "", "Objectives and hypotheses."),
        ],
        "Methods: study design": [("5", "Prospective or retrospective", "", "Whether data were collected beforehand.")],
        "Methods: ethics": [("6", "Ethics approval, or why it is not needed", "", "Committee and number, or reason.")],
        "Methods: participants": [
            ("7", "Eligibility criteria for participants and for data, in order of application", "excluded subset",
             "Criteria by which patients were chosen."),
            ("8", "Identification of participants", "", "Whether by symptoms, earlier results or a registry."),
            ("9", "Setting, location and dates", "", "Setting, places and dates."),
            ("10", "Consecutive, random or convenience series", "", "Kind of series."),
        ],
        "Methods: dataset": [
            ("11", "Source of the data", "data_source data_licence", "The reason for collecting your own data."),
            ("12", "Annotators and annotation process", "reference_standard", "Experience of the annotators."),
            ("13", "Devices and software with versions", "scanners software", ""),
            ("14", "Acquisition and preprocessing", "acquisition preprocessing", "Contrast, dose, reconstruction."),
        ],
        "Methods: test": [
            ("15a", "Index test in detail", "technology layers input output", ""),
            ("15b", "Development of the index test, with sizes", "set_sizes partitions training selection", ""),
            ("15c", "Thresholds of the index test, prespecified or not", "threshold", ""),
            ("15d", "Intended users, and their expertise", "", "Users and their required expertise."),
            ("16a", "Reference standard in detail", "reference_standard", "The definition for your own data."),
            ("16b", "Rationale for the reference standard", "", "The reason for the choice."),
            ("16c", "Thresholds of the reference standard", "classes", "Thresholds behind the classes."),
            ("17a", "Information available to the index test", "index_blinding", ""),
            ("17b", "Information available to the assessors", "", "The information available to the assessors."),
        ],
        "Methods: analysis": [
            ("18", "Methods for measures of accuracy", "measures statistics", ""),
            ("19", "Indeterminate results", "indeterminate", ""),
            ("20", "Missing data", "missing_data", ""),
            ("21", "Analyses of variability, prespecified or not", "strata", "Which of them were prespecified."),
            ("22", "Intended sample size", "test_size", "The calculation behind the size."),
            ("23", "Analyses of errors, bias and fairness", "failures strata", "Analyses of fairness."),
        ],
        "Results: participants and dataset": [
            ("24", "Flow of participants, as a diagram", "flow excluded", "Patients excluded before archnet."),
            ("25", "Characteristics of all sets", "set_sizes acquisition", "Age, sex and clinical characteristics."),
            ("26a", "Severity in those with the condition", "severity", "Stages or degrees of severity."),
            ("26b", "Other diagnoses in those without the condition", "", "Other diagnoses."),
            ("27", "Time between index test and reference standard", "", "Time between them, and interventions."),
            ("28", "Whether the sets represent the intended population", "prevalence", "The intended population."),
            ("29", "Differences of external data", "external_testing", "Differences of external data, if any."),
        ],
        "Results: test": [
            ("30", "Cross-tabulation with the reference standard", "cross_tabulation", ""),
            ("31", "Estimates of accuracy with their precision", "performance", ""),
            ("32", "Adverse events", "", "Adverse events, or that there were none."),
        ],
        "Discussion": [
            ("33", "Limitations", "limitations", "Bias and generalizability."),
            ("34", "Implications for practice", "", "Intended use and clinical role."),
            ("35", "Ethics and fairness", "", "Ethical questions and fairness."),
        ],
        "Other information": [
            ("36", "Registration", "", "Registry and number."),
            ("37", "Protocol", "record", "Location of the study protocol."),
            ("38", "Funding", "", "Sources of funding and role of the funders."),
            ("39", "Commercial interests", "", "Commercial interests, if there are any."),
            ("40a", "Availability of data and code", "data_licence code", "Access to your own data and code."),
            ("40b", "Whether outputs are stored and can be audited", "audit", ""),
        ],
    }),
)  # fmt: skip
