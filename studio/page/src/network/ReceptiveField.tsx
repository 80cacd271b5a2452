import { useEffect, useState } from "preact/hooks";
import type { Crop, LayerFacts, NetworkFacts } from "../api/types";
import { readCrop } from "../api/endpoints";
import { shapeText } from "../format";

interface ReceptiveFieldProps {
  network: NetworkFacts;
  selected: string | null;
}

/** The part of a crop on which one output voxel in the middle of the selected layer depends. */
export function ReceptiveField({ network, selected }: ReceptiveFieldProps) {
  const layer = layerWithField(network, selected);
  const crop = useCrop(network.input_shape);
  const [slice, setSlice] = useState<number | null>(null);
  if (layer?.receptive_field == null) return null;
  const fieldMm = millimetres(layer.receptive_field, crop);
  const depth = crop?.shape[2] ?? 1;
  const shown = Math.min(slice ?? Math.floor(depth / 2), depth - 1);
  return (
    <section class="field-view" aria-label="Receptive field">
      {crop !== null && <CropSlice crop={crop} slice={shown} field={layer.receptive_field} />}
      <div>
        <h3>
          Receptive field of {layer.type} <span class="faint">{layer.summary}</span>
        </h3>
        <p>
          <b>{shapeText(layer.receptive_field)}</b> voxels
          {fieldMm !== null && ` (${fieldMm} mm at the voxel size of this crop)`}
          , of an input of {shapeText(network.input_shape.slice(0, -1))}.
        </p>
        <p class="note">{coverText(layer.receptive_field, network.input_shape)}</p>
        {depth > 1 && (
          <label class="slice">
            Slice {shown + 1} of {depth}
            <input
              type="range"
              min={0}
              max={depth - 1}
              value={shown}
              onInput={({ currentTarget }) => setSlice(currentTarget.valueAsNumber)}
            />
          </label>
        )}
        {crop !== null && <p class="note">Crop from {crop.source}: {crop.class}</p>}
      </div>
    </section>
  );
}

/** The selected layer, or the last one before it with spatial axes. */
function layerWithField({ layers }: NetworkFacts, selected: string | null): LayerFacts | undefined {
  const end = selected === null ? -1 : layers.findIndex(({ path }) => path === selected);
  const before = end < 0 ? layers : layers.slice(0, end + 1);
  return before.findLast((layer) => layer.receptive_field !== null);
}

function coverText(field: readonly number[], input: readonly number[]): string {
  const isWhole = field.every((size, axis) => size >= (input[axis] ?? size));
  return isWhole ? "It covers the whole input." : "The box shows it at the centre of the crop.";
}

/** The size of a receptive field; null if the voxel size of the crop is unknown. */
function millimetres(field: readonly number[], crop: Crop | null): string | null {
  const spacing = crop?.spacing_mm;
  return spacing ? field.map((size, axis) => (size * (spacing[axis] ?? 1)).toFixed(0)).join("×") : null;
}

/** The crop of the shape of an input; null until it has been read, or if there is none. */
function useCrop(inputShape: readonly number[]): Crop | null {
  const [crop, setCrop] = useState<Crop | null>(null);
  const sizes = inputShape.slice(0, -1).join("x");
  useEffect(() => {
    const controller = new AbortController();
    readCrop(sizes.split("x").map(Number), controller.signal).then(setCrop, () => setCrop(null));
    return () => controller.abort();
  }, [sizes]);
  return crop;
}

interface CropSliceProps {
  crop: Crop;
  slice: number;
  field: readonly number[];
}

/** One slice, with the box of the receptive field around the centre; dashed where the slice is outside the box. */
function CropSlice({ crop, slice, field }: CropSliceProps) {
  const [height = 1, width = 1, depth = 1] = crop.shape;
  const [fieldHeight = 1, fieldWidth = 1, fieldDepth = 1] = field;
  const isInside = Math.abs(slice - (depth - 1) / 2) <= fieldDepth / 2;
  const boxWidth = Math.min(fieldWidth, width);
  const boxHeight = Math.min(fieldHeight, height);
  return (
    <div class="crop" style={{ aspectRatio: `${width} / ${height}` }}>
      <img src={`data:image/png;base64,${crop.slices[slice]}`} alt={`${crop.case}, slice ${slice + 1} of ${depth}`} />
      <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
        <rect
          class={isInside ? "field-box" : "field-box outside"}
          x={(width - boxWidth) / 2}
          y={(height - boxHeight) / 2}
          width={boxWidth}
          height={boxHeight}
        />
      </svg>
    </div>
  );
}
