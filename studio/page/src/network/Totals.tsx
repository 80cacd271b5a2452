import type { NetworkFacts } from "../api/types";
import { exactCount, memoryText, shapeText, shortCount } from "../format";
import { changePlan, planSettings } from "../settings";
import { useStore } from "../store";

/** The whole network in numbers, and the batch size and budget of the memory plan. */
export function Totals({ network }: { network: NetworkFacts }) {
  return (
    <section class="totals" aria-label="Totals">
      <dl>
        <Total name="Input" value={shapeText(network.input_shape)} note={network.is_input_assumed ? "assumed" : ""} />
        <Total name="Parameters" value={exactCount(network.num_parameters)} />
        <Total name="Multiply-adds" value={shortCount(network.num_macs)} />
        <Total name="Peak memory" value={memoryText(network.memory.peak_bytes)} note={planText(network)} />
      </dl>
      <Budget network={network} />
    </section>
  );
}

function Total({ name, value, note = "" }: { name: string; value: string; note?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        {note !== "" && <small>{note}</small>}
      </dd>
    </div>
  );
}

function planText({ memory }: NetworkFacts): string {
  if (memory.micro_batch_size === 0) return "not even one case fits";
  if (memory.micro_batch_size >= memory.batch_size) return `batches of ${memory.batch_size}`;
  return `micro-batches of ${memory.micro_batch_size}`;
}

/** The peak as a part of the budget. */
function Budget({ network }: { network: NetworkFacts }) {
  const settings = useStore(planSettings, (value) => value);
  const { peak_bytes, budget_bytes, micro_batch_size } = network.memory;
  const share = budget_bytes === null ? 0 : peak_bytes / budget_bytes;
  const isOver = micro_batch_size === 0 || share > 1;
  return (
    <div class="budget">
      <label>
        Batch size
        <input
          type="number"
          min={1}
          max={65536}
          value={settings.batchSize}
          onInput={({ currentTarget }) => {
            const batchSize = currentTarget.valueAsNumber;
            if (Number.isInteger(batchSize) && batchSize >= 1 && batchSize <= 65536) changePlan({ batchSize });
          }}
        />
      </label>
      <label>
        Memory budget (GB)
        <input
          type="number"
          min={0.1}
          step="any"
          placeholder="none"
          value={settings.budgetGb ?? ""}
          onInput={({ currentTarget }) => {
            const budgetGb = currentTarget.value === "" ? null : currentTarget.valueAsNumber;
            if (budgetGb === null || budgetGb > 0) changePlan({ budgetGb });
          }}
        />
      </label>
      {budget_bytes !== null && (
        <div class={isOver ? "meter over" : "meter"}>
          <span class="meter-fill" style={{ width: `${Math.min(100, 100 * share)}%` }} />
          <span class="meter-text">
            {isOver ? "✕ over budget: " : ""}
            {memoryText(peak_bytes)} of {memoryText(budget_bytes)}
          </span>
        </div>
      )}
    </div>
  );
}
