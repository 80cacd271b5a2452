"""TRIPOD+AI: the 27 items, with their letters, for studies of prediction models with regression or machine learning."""

from __future__ import annotations

from typing import Final

from archnet.report.paper.checklists.checklist_items import Checklist, parse_items

TRIPOD_AI: Final = Checklist(
    name="tripod-ai",
    title="TRIPOD+AI",
    source="Collins et al. 2024, TRIPOD+AI statement",
    doi="10.1136/bmj-2023-078378",
    items=parse_items({
        "Title": [("1", "Development or evaluation, population and outcome named", "technology", "The title.")],
        "Abstract": [("2", "Abstract by TRIPOD+AI for abstracts", "set_sizes performance", "The abstract.")],
        "Introduction": [
            ("3a", "Context, reason for the model, existing models", "", "Context, reason and existing models."),
            ("3b", "Target population, purpose and users", "", "Population, place in the care pathway, users."),
            ("3c", "Known health inequalities", "", "Inequalities between sociodemographic groups."),
            ("4", "Objectives: development, evaluation or both", "development_and_evaluation", "The objectives."),
        ],
        "Methods: data": [
            ("5a", "Sources of the data of development and evaluation", "data_source digest",
             "Why these data, and how representative they are."),
            ("5b", "Dates of the data", "", "First and last date of the scans."),
        ],
        "Methods: participants": [
            ("6a", "Setting, number and place of centres", "", "Setting and centres."),
            ("6b", "Eligibility criteria", "excluded", "Criteria by which patients were chosen."),
            ("6c", "Treatments", "", "Treatments, if they matter."),
        ],
        "Methods: data preparation": [
            ("7", "Preprocessing and quality checks", "preprocessing quality_checks",
             "Whether they were the same in all sociodemographic groups."),
        ],
        "Methods: outcome": [
            ("8a", "Definition of the outcome, and its assessment", "reference_standard",
             "Time of the assessment, reason for the outcome."),
            ("8b", "Who assessed the outcome", "", "Qualification of the assessors."),
            ("8c", "Blinding of the assessment", "", "The information available to the assessors."),
        ],
        "Methods: predictors": [
            ("9a", "Choice of predictors", "input", ""),
            ("9b", "Definition of the predictors, and their measurement", "input preprocessing acquisition", ""),
            ("9c", "Assessors of predictors that require subjective interpretation", "human_input", ""),
        ],
        "Methods: sample size": [
            ("10", "Rationale for the sample size", "set_sizes test_size", "The calculation behind the size."),
        ],
        "Methods: missing data": [("11", "Missing data, and reasons for omissions", "missing_data", "")],
        "Methods: analysis": [
            ("12a", "Use and partition of the data", "partitions subset disjointness set_sizes", ""),
            ("12b", "Handling of predictors", "preprocessing augmentation", ""),
            ("12c", "Type of model, building, tuning, internal validation", "technology layers training selection",
             "Rationale for this model, and hyperparameter tuning."),
            ("12d", "Heterogeneity between clusters", "clusters strata", ""),
            ("12e", "Measures and plots of performance", "measures statistics", ""),
            ("12f", "Updating of the model", "updating", ""),
            ("12g", "How predictions are calculated", "prediction model", ""),
        ],
        "Methods: class imbalance": [("13", "Methods against class imbalance", "imbalance subset updating", "")],
        "Methods: fairness": [("14", "Methods for fairness", "", "Methods for fairness.")],
        "Methods: model output": [("15", "Output, and choice of thresholds", "output threshold", "")],
        "Methods: training versus evaluation": [
            ("16", "Differences between data of development and evaluation", "set_differences", ""),
        ],
        "Methods: ethical approval": [("17", "Approval and consent", "", "Committee, and consent or its waiver.")],
        "Open science": [
            ("18a", "Funding", "", "Sources of funding and role of the funders."),
            ("18b", "Conflicts of interest", "", "Conflicts of interest of all authors."),
            ("18c", "Protocol", "record", "Location of the study protocol, or that there is none."),
            ("18d", "Registration", "", "Registry and number, or that the study is not registered."),
            ("18e", "Sharing of data", "data_licence digest", "Access to your own data."),
            ("18f", "Sharing of code", "code", "Access to your own code."),
        ],
        "Patient and public involvement": [("19", "Involvement of patients and the public", "", "Persons involved.")],
        "Results: participants": [
            ("20a", "Flow of participants", "flow excluded", "Patients excluded before archnet."),
            ("20b", "Characteristics of the participants", "set_sizes acquisition", "Age, sex, dates, treatments."),
            ("20c", "Comparison of the data of development and evaluation", "set_differences", ""),
        ],
        "Results: model development": [("21", "Participants and events in each analysis", "set_sizes", "")],
        "Results: model specification": [("22", "The full model", "layers model record", "")],
        "Results: model performance": [
            ("23a", "Performance with intervals, also in subgroups", "performance calibration strata",
             "Results in sociodemographic groups."),
            ("23b", "Heterogeneity of performance between clusters", "strata", "Results by centre."),
        ],
        "Results: model updating": [("24", "Results of updating", "updating calibration", "")],
        "Discussion": [
            ("25", "Interpretation", "performance", "Interpretation, fairness, earlier studies."),
            ("26", "Limitations", "limitations", "Limitations of the design and of the data."),
            ("27a", "Poor or missing input in use", "poor_input", ""),
            ("27b", "Interaction and expertise of users", "human_input", "Expertise that users need."),
            ("27c", "Next steps", "", "Next steps for research."),
        ],
    }),
)  # fmt: skip
