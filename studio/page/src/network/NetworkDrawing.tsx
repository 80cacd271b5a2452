import { useEffect, useRef } from "preact/hooks";
import type { DrawnBlock, DrawnRow, Drawing } from "../api/types";
import type { Bar } from "./costs";

/** Height of the second cost of a block in reports, which this drawing lacks. */
const UNUSED = 20;

const BAR_WIDTH = 88;

interface DrawingProps {
  drawing: Drawing;
  /** A bar for each layer, by path. */
  bars: ReadonlyMap<string, Bar>;
  selected?: string | null;
  onSelect?: (path: string) => void;
}

/** Layers as blocks, with skips as arcs and branches as lanes; a click leads to the text of a layer. */
export function NetworkDrawing({ drawing, bars, selected = null, onSelect }: DrawingProps) {
  const shown = selected === null ? null : shownPath(drawing, selected);
  const figure = useRef<HTMLElement>(null);
  useEffect(() => revealSelected(figure.current), [shown]);
  return (
    <figure ref={figure} class="network" aria-label={drawing.alt}>
      {drawing.rows.map((row, index) => (
        <div class="scroll" key={index}>
          <Row row={row} bars={bars} column={drawing.column} selected={shown} onSelect={onSelect} />
        </div>
      ))}
    </figure>
  );
}

/** Scrolls to the selected block, unless the reader looks at something else than the drawing. */
function revealSelected(figure: HTMLElement | null): void {
  const block = figure?.querySelector(".layer.selected");
  const pane = figure?.closest(".pane");
  if (!figure || !block || !pane) return;
  const [drawing, visible] = [figure.getBoundingClientRect(), pane.getBoundingClientRect()];
  if (drawing.bottom > visible.top + 80 && drawing.top < visible.bottom - 80) block.scrollIntoView({ block: "nearest" });
}

/** The path of the drawn block of a layer; layers inside a block that is drawn as one belong to it. */
function shownPath(drawing: Drawing, path: string): string | null {
  const places = new Set(drawing.rows.flatMap((row) => row.blocks.map((block) => block.place)));
  let found = path;
  while (!places.has(found) && found.includes("[")) found = found.replace(/\.[^.]*$/, "");
  return places.has(found) ? found : null;
}

interface RowProps {
  row: DrawnRow;
  bars: ReadonlyMap<string, Bar>;
  column: number;
  selected: string | null;
  onSelect: ((path: string) => void) | undefined;
}

function Row({ row, bars, column, selected, onSelect }: RowProps) {
  const height = row.height - UNUSED;
  return (
    <svg viewBox={`0 0 ${row.width} ${height}`} width={row.width} height={height}>
      {row.frames.map((frame, index) => (
        <rect key={index} class="frame" {...frame} rx={8} />
      ))}
      {row.flows.map((path, index) => (
        <path key={index} class="flow" d={path} />
      ))}
      {row.notes.map((note, index) => (
        <text key={index} class={note.is_title ? "kind" : ""} x={note.x} y={note.y} text-anchor="middle">
          {note.text}
        </text>
      ))}
      {row.blocks.map((block, index) => (
        <Block
          key={index}
          block={block}
          bar={block.place === null ? undefined : bars.get(block.place)}
          column={column}
          isSelected={block.place !== null && block.place === selected}
          onSelect={onSelect}
        />
      ))}
    </svg>
  );
}

interface BlockProps {
  block: DrawnBlock;
  bar: Bar | undefined;
  column: number;
  isSelected: boolean;
  onSelect: ((path: string) => void) | undefined;
}

function Block({ block, bar, column, isSelected, onSelect }: BlockProps) {
  const { place } = block;
  const sizesY = 17 + 14 * (block.most + 1);
  const content = (
    <>
      <rect class="hit" x={2} y={-block.height - 24} width={column - 4} height={block.height + sizesY + 47} rx={6} />
      <Solid block={block} />
      <g transform={`translate(${column / 2} 0)`} text-anchor="middle">
        <text class="kind" y={17}>
          {block.type}
        </text>
        {block.lines.map((line, index) => (
          <text key={index} y={17 + 14 * (index + 1)}>
            {line}
          </text>
        ))}
        <text class="sizes" y={sizesY}>
          {block.shape}
        </text>
        {bar !== undefined && <CostBar bar={bar} y={sizesY + 16} />}
      </g>
    </>
  );
  const transform = `translate(${block.x} ${block.y})`;
  if (place === null || onSelect === undefined) return <g transform={transform}>{content}</g>;
  return (
    <g
      transform={transform}
      class={isSelected ? "layer selected" : "layer"}
      role="button"
      tabIndex={0}
      aria-pressed={isSelected}
      onClick={() => onSelect(place)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        onSelect(place);
      }}
    >
      {content}
    </g>
  );
}

/** A cost below a block: its text and its bar. */
function CostBar({ bar, y }: { bar: Bar; y: number }) {
  return (
    <>
      <text y={y}>{bar.text}</text>
      <rect class="share" x={-BAR_WIDTH / 2} y={y + 4} width={bar.share * BAR_WIDTH} height={3} />
    </>
  );
}

/** A box whose height, width and depth show slice size, channels and slices. */
function Solid({ block }: { block: DrawnBlock }) {
  const { width, height, depth, left, colour } = block;
  const slant = 0.6 * depth;
  return (
    <g class={`block f${colour}`} transform={`translate(${left} ${-height})`}>
      {depth > 0 && (
        <>
          <path d={`M0 0l${depth} ${-slant}h${width}l${-depth} ${slant}z`} />
          <path d={`M${width} 0l${depth} ${-slant}v${height}l${-depth} ${slant}z`} />
        </>
      )}
      <path d={`M0 0h${width}v${height}h${-width}z`} />
    </g>
  );
}
