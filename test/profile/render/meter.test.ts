// The metrics as OpenTelemetry's own SDK collects them.
import type { Meter } from "@opentelemetry/api";
import { DataPointType, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { meterInto } from "../../../src/profile/render/meter.ts";
import type { Profile } from "../../../src/profile/types.ts";
import { hotProfile } from "../../support/profiles.ts";

const test = suite("profile: OpenTelemetry");

class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

function setUp(): { reader: Reader; meter: Meter; provider: MeterProvider } {
  const reader = new Reader();
  const provider = new MeterProvider({ readers: [reader] });
  return { reader, provider, meter: provider.getMeter("app") };
}

/** What a collection gives: the value of each metric for one lock or table. */
async function collect(reader: Reader, named: string): Promise<Map<string, number>> {
  const { resourceMetrics, errors } = await reader.collect();
  assert.equal(errors, []);
  const values = new Map<string, number>();
  for (const { descriptor, dataPointType, dataPoints } of resourceMetrics.scopeMetrics.flatMap(
    ({ metrics }) => metrics,
  )) {
    const point = dataPoints.find(({ attributes }) => Object.values(attributes).includes(named));
    if (point === undefined) continue;
    const kind = dataPointType === DataPointType.SUM ? "sum" : "gauge";
    values.set(`${descriptor.name} (${descriptor.unit}, ${kind})`, point.value as number);
  }
  return values;
}

test("a collection gives each lock's figures, in seconds, under its name", async () => {
  const { reader, meter, provider } = setUp();
  meterInto(meter, hotProfile);
  const values = await collect(reader, "counter");
  assert.is(values.get("holdfast.lock.acquisitions (1, sum)"), 8000);
  assert.is(values.get("holdfast.lock.contended (1, sum)"), 6400);
  assert.is(values.get("holdfast.lock.wait (s, sum)"), 3.2);
  assert.is(values.get("holdfast.lock.wait.max (s, gauge)"), 0.003);
  assert.is((await collect(reader, "users")).get("holdfast.table.retries (1, sum)"), 5120);
  await provider.shutdown();
});

test("each collection takes one snapshot, a promised one too; after the end, none", async () => {
  const { reader, meter, provider } = setUp();
  let asked = 0;
  const stop = meterInto(meter, async (): Promise<Profile> => {
    asked++;
    return hotProfile();
  });
  await collect(reader, "counter");
  await collect(reader, "counter");
  assert.is(asked, 2);
  stop();
  await collect(reader, "counter");
  assert.is(asked, 2);
  await provider.shutdown();
});

test.run();
