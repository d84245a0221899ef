// The exposition format, parsed here by its grammar: https://prometheus.io/docs/instrumenting/exposition_formats/
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { prometheusText } from "../../../src/profile/render/prometheus.ts";
import { emptyProfile, hostileProfile, hotProfile, largeProfile } from "../../support/profiles.ts";

const test = suite("profile: Prometheus");

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/;

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ""; ) {
    const match = LABEL.exec(rest);
    assert.ok(match, rest);
    const [whole, name, value] = match as unknown as [string, string, string];
    assert.not.ok(name in labels);
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
    rest = rest.slice(whole.length);
  }
  return labels;
}

/** Reads a page, checks its grammar and grouping, and returns the samples of each metric. */
function parse(text: string): Map<string, { type: string; samples: Sample[] }> {
  assert.ok(text.endsWith("\n") && !text.includes("\n\n"));
  const metrics = new Map<string, { type: string; samples: Sample[] }>();
  const series = new Set<string>();
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) [^\\]+$/.exec(line);
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.e+-]+)$/.exec(line);
    if (help !== null) {
      assert.not.ok(metrics.has(help[1]), `${help[1]} stands in one place`);
      current = help[1];
    } else if (type !== null) {
      assert.is(type[1], current);
      metrics.set(current, { type: type[2], samples: [] });
    } else {
      assert.ok(sample, line);
      const [, name, labels = "", value] = sample as unknown as string[];
      const metric = metrics.get(current);
      const suffix = name.slice(current.length);
      assert.ok(
        name.startsWith(current) &&
          (metric?.type === "histogram" ? /^_(?:bucket|sum|count)$/.test(suffix) : suffix === ""),
        line,
      );
      assert.not.ok(series.has(`${name}{${labels}`), `${line} is there once`);
      series.add(`${name}{${labels}`);
      metric?.samples.push({ name, labels: parseLabels(labels), value: Number(value) });
    }
  }
  return metrics;
}

test("the page follows the format, whatever the names", () => {
  for (const profile of [hotProfile(), hostileProfile(), emptyProfile(), largeProfile(30, 4, 0)]) {
    for (const [name, { type, samples }] of parse(prometheusText(profile))) {
      assert.ok(samples.every(({ value }) => Number.isFinite(value)));
      assert.is(name.endsWith("_total"), type === "counter");
    }
  }
});

test("hostile names come back from the labels as they were", () => {
  const profile = hostileProfile();
  const samples = parse(prometheusText(profile)).get("holdfast_lock_contended_total")?.samples;
  assert.equal(
    samples?.map(({ labels }) => labels.lock),
    profile.locks.map(({ name }) => name.toWellFormed()),
  );
});

test("counters are the profile's numbers, times are seconds", () => {
  const metrics = parse(prometheusText(hotProfile()));
  const of = (metric: string) => metrics.get(metric)?.samples.find(({ labels }) => labels.lock === "counter")?.value;
  assert.is(of("holdfast_lock_acquisitions_total"), 8000);
  assert.is(of("holdfast_lock_contended_total"), 6400);
  assert.is(of("holdfast_lock_hold_seconds_total"), 0.2);
  assert.is(of("holdfast_lock_wait_max_seconds"), 0.003);
  assert.is(metrics.get("holdfast_table_retries_total")?.samples[0].value, 5120);
  assert.is(metrics.get("holdfast_profile_seconds")?.samples[0].value, 5);
});

test("the wait histogram is cumulative, ends in +Inf, and every lock has the same buckets", () => {
  const profile = hotProfile();
  const samples = parse(prometheusText(profile)).get("holdfast_lock_wait_seconds")?.samples ?? [];
  const shapes = profile.locks.map(({ id, waits, total }) => {
    const mine = samples.filter(({ labels }) => labels.id === id);
    const buckets = mine.filter(({ name }) => name.endsWith("_bucket"));
    const values = buckets.map(({ value }) => value);
    assert.equal(
      values,
      [...values].sort((a, b) => a - b),
    );
    const bounds = buckets.map(({ labels }) => (labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le)));
    assert.equal(
      bounds,
      [...bounds].sort((a, b) => a - b),
    );
    const all = waits.counts.reduce((sum, n) => sum + n, 0);
    assert.is(bounds.at(-1), Number.POSITIVE_INFINITY);
    assert.is(values.at(-1), all);
    assert.is(mine.find(({ name }) => name.endsWith("_count"))?.value, all);
    assert.is(mine.find(({ name }) => name.endsWith("_sum"))?.value, total.wait / 1e9);
    for (const { labels, value } of buckets) {
      const under = waits.counts.filter(
        (_, i) => waits.bounds[i] / 1e9 <= (labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le)),
      );
      assert.is(
        value,
        under.reduce((sum, n) => sum + n, 0),
        "a bucket counts what lies under its bound",
      );
    }
    return bounds.join();
  });
  assert.is(new Set(shapes).size, 1);
  assert.ok(shapes[0].split(",").length <= 21);
});

test("tables of one name are one series", () => {
  const hot = hotProfile();
  const twice = { ...hot, tables: [...hot.tables, ...hot.tables] };
  const samples = parse(prometheusText(twice)).get("holdfast_table_retries_total")?.samples;
  assert.equal(
    samples?.map(({ value }) => value),
    [10_240],
  );
});

test.run();
