"""What scikit-learn says of each metric of the table, for tests that hold numbers to it."""

from sklearn import metrics as sk

ORACLES = {
    "accuracy": lambda truth, predicted, scores: sk.accuracy_score(truth, predicted),
    "recall": lambda truth, predicted, scores: sk.recall_score(truth, predicted),
    "precision": lambda truth, predicted, scores: sk.precision_score(truth, predicted),
    "specificity": lambda truth, predicted, scores: sk.recall_score(~truth, ~predicted),
    "f1": lambda truth, predicted, scores: sk.f1_score(truth, predicted),
    "mcc": lambda truth, predicted, scores: sk.matthews_corrcoef(truth, predicted),
    "auc": lambda truth, predicted, scores: sk.roc_auc_score(truth, scores),
    "average_precision": lambda truth, predicted, scores: sk.average_precision_score(truth, scores),
}
"""scikit-learn's word on each metric of two classes."""
