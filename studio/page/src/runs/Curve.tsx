import { metricText } from "../format";
import { type Chart, type Series, metricName, ticks, valueRange } from "./chart";

const WIDTH = 340;
const HEIGHT = 170;
const LEFT = 46;
const RIGHT = 10;
const TOP = 20;
const BOTTOM = 24;

interface CurveProps {
  chart: Chart;
  numEpochs: number;
  keptEpoch: number | null;
  /** Whether a later epoch may still be kept instead. */
  isRunning: boolean;
}

/** A metric over the epochs; a dashed line is the training set, and a vertical line marks the kept epoch. */
export function Curve({ chart, numEpochs, keptEpoch, isRunning }: CurveProps) {
  const range = valueRange(chart);
  const lastEpoch = Math.max(2, numEpochs, ...chart.epochs);
  const x = (epoch: number) => LEFT + ((WIDTH - LEFT - RIGHT) * (epoch - 1)) / (lastEpoch - 1);
  const y = (value: number) => TOP + ((HEIGHT - TOP - BOTTOM) * (range[1] - value)) / (range[1] - range[0]);
  return (
    <figure class="curve">
      <figcaption>
        <b>{metricName(chart.metric)}</b> {chart.series.map((series) => <Legend key={series.set} series={series} />)}
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={summary(chart, keptEpoch)}>
        {ticks(range).map((tick) => (
          <g key={tick}>
            <line class="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(tick)} y2={y(tick)} />
            <text x={LEFT - 6} y={y(tick) + 4} text-anchor="end">
              {tick}
            </text>
          </g>
        ))}
        <text x={LEFT} y={HEIGHT - 6}>
          1
        </text>
        <text x={WIDTH - RIGHT} y={HEIGHT - 6} text-anchor="end">
          epoch {lastEpoch}
        </text>
        {keptEpoch !== null && <KeptMark x={x(keptEpoch)} epoch={keptEpoch} isBest={isRunning} />}
        {chart.series.map((series) => (
          <Line key={series.set} series={series} epochs={chart.epochs} x={x} y={y} />
        ))}
      </svg>
    </figure>
  );
}

function Legend({ series }: { series: Series }) {
  const last = series.points.findLast((point) => point !== null);
  return (
    <span class="legend">
      <svg class={`sample ${series.set}`} viewBox="0 0 22 8" width="22" height="8" aria-hidden="true">
        <path d="M1 4H21" />
      </svg>
      {series.name} {metricText(last)}
    </span>
  );
}

function KeptMark({ x, epoch, isBest }: { x: number; epoch: number; isBest: boolean }) {
  const isRight = x > WIDTH - 60;
  return (
    <g class="kept">
      <line x1={x} x2={x} y1={TOP} y2={HEIGHT - BOTTOM} />
      <text x={isRight ? x : x - 2} y={TOP - 5} text-anchor={isRight ? "end" : "start"}>
        {isBest ? "best" : "kept"} {epoch}
      </text>
    </g>
  );
}

interface LineProps {
  series: Series;
  epochs: number[];
  x: (epoch: number) => number;
  y: (value: number) => number;
}

function Line({ series, epochs, x, y }: LineProps) {
  const points = series.points.flatMap((value, index) =>
    value === null ? [] : [[x(epochs[index] ?? 1), y(value)] as const],
  );
  return (
    <g class={series.set}>
      <path d={points.map(([left, top], index) => `${index ? "L" : "M"}${left.toFixed(1)} ${top.toFixed(1)}`).join("")} />
      {points.slice(-1).map(([left, top]) => (
        <circle key="last" cx={left} cy={top} r={3} />
      ))}
    </g>
  );
}

function summary(chart: Chart, keptEpoch: number | null): string {
  const last = chart.epochs.at(-1) ?? 0;
  const values = chart.series.map(({ name, points }) => `${name} ${metricText(points.at(-1))}`).join(", ");
  const kept = keptEpoch === null ? "" : ` Kept epoch: ${keptEpoch}.`;
  return `${chart.metric} after epoch ${last}: ${values}.${kept}`;
}
