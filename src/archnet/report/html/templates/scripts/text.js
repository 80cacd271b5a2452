const minus = "\u2212";
const decimals = value => Number.isFinite(value) ? value.toFixed(3).replace("-", minus) : "undefined";
const percent = value => `${(100 * value).toFixed(1)}%`;
const count = value => value.toLocaleString("en-US", {
  minimumFractionDigits: Number.isInteger(value) ? 0 : 1, maximumFractionDigits: 1,
});
const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
const ratio = (part, whole) => whole ? part / whole : NaN;

/* A threshold: three decimals, and near the ends as many as tell it from 0 or 1. */
const thresholdText = value => {
  const gap = Math.min(value, 1 - value);
  return gap > 0 && gap < 0.01 ? value.toFixed(Math.min(9, 1 - Math.floor(Math.log10(gap)))) : value.toFixed(3);
};

const metrics = (found, alarms, {positives, others}) => {
  const missed = positives - found, passed = others - alarms;
  const spread = Math.sqrt((found + alarms) * positives * others * (passed + missed));
  return {
    recall: ratio(found, positives),
    precision: ratio(found, found + alarms),
    specificity: ratio(passed, others),
    f1: ratio(2 * found, 2 * found + alarms + missed),
    mcc: ratio(found * passed - alarms * missed, spread),
    accuracy: ratio(found + passed, positives + others),
  };
};
