import type { DrawnBlock, DrawnRow, Drawing } from "../api/types";

interface DrawingProps {
  drawing: Drawing;
  selected?: string | null;
  onSelect?: (path: string) => void;
}

/** Layers as blocks, with skips as arcs and branches as lanes; a click leads to the text of a layer. */
export function NetworkDrawing({ drawing, selected = null, onSelect }: DrawingProps) {
  const shown = selected === null ? null : shownPath(drawing, selected);
  return (
    <figure class="network" aria-label={drawing.alt}>
      {drawing.rows.map((row, index) => (
        <div class="scroll" key={index}>
          <Row row={row} column={drawing.column} selected={shown} onSelect={onSelect} />
        </div>
      ))}
    </figure>
  );
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
  column: number;
  selected: string | null;
  onSelect: ((path: string) => void) | undefined;
}

function Row({ row, column, selected, onSelect }: RowProps) {
  return (
    <svg viewBox={`0 0 ${row.width} ${row.height}`} width={row.width} height={row.height}>
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
  column: number;
  isSelected: boolean;
  onSelect: ((path: string) => void) | undefined;
}

function Block({ block, column, isSelected, onSelect }: BlockProps) {
  const { place } = block;
  const sizesY = 17 + 14 * (block.most + 1);
  const content = (
    <>
      <rect class="hit" x={2} y={-block.height - 24} width={column - 4} height={block.height + sizesY + 32} rx={6} />
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
      aria-label={`${block.type} ${block.lines.join(" ")}, output ${block.shape}`}
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
