// The profile in Prometheus' text format, version 0.0.4: counters and gauges of each lock and table, and a histogram of
// each lock's waits.
//
// Invariant: the samples of a metric stand together under its HELP and TYPE, no series is there twice (a lock's id is one
// of its labels), and the buckets of a histogram are cumulative and the same for every lock and scrape.

import type { Histogram, LockProfile, Profile } from "../types.ts";
import { figure, LOCK_FIGURES, TABLE_FIGURES, tablesByName } from "./metrics.ts";

/** Buckets of a histogram at most, without the last one. */
const BUCKETS = 20;

type Labels = Readonly<Record<string, string>>;

function labelsOf(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => {
    const escaped = value.toWellFormed().replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
    return `${name}="${escaped}"`;
  });
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function metric(name: string, type: string, help: string, samples: readonly string[]): string[] {
  return samples.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples];
}

function nameOf(prefix: string, name: string, unit: string, type: string): string {
  const words = [
    prefix,
    ...name.split("."),
    ...(unit === "s" ? ["seconds"] : []),
    ...(type === "counter" ? ["total"] : []),
  ];
  return words.join("_");
}

const lockLabels = ({ id, name, kind }: LockProfile): Labels => ({ lock: name, kind, id });

function buckets(name: string, { bounds, counts }: Histogram, sum: number, labels: Labels): string[] {
  const step = Math.ceil(bounds.length / BUCKETS);
  const lines: string[] = [];
  let seen = 0;
  bounds.forEach((bound, i) => {
    seen += counts[i];
    if ((i + 1) % step !== 0 || !Number.isFinite(bound)) return;
    lines.push(`${name}_bucket${labelsOf({ ...labels, le: String(bound / 1e9) })} ${seen}`);
  });
  lines.push(`${name}_bucket${labelsOf({ ...labels, le: "+Inf" })} ${seen}`);
  lines.push(
    `${name}_sum${labelsOf(labels)} ${Number.isFinite(sum) ? sum : 0}`,
    `${name}_count${labelsOf(labels)} ${seen}`,
  );
  return lines;
}

/** The profile as Prometheus scrapes it; serve it as `text/plain; version=0.0.4`. Times are in seconds. */
export function prometheusText(profile: Profile): string {
  const { locks } = profile;
  const tables = tablesByName(profile);
  const wait = "holdfast_lock_wait_seconds";
  const lines = [
    ...LOCK_FIGURES.flatMap((of) => {
      const name = nameOf("holdfast_lock", of.name, of.unit, of.type);
      const samples = locks.map((lock) => `${name}${labelsOf(lockLabels(lock))} ${figure(of, lock.total)}`);
      return metric(name, of.type, of.help, samples);
    }),
    ...metric(
      wait,
      "histogram",
      "Waits of contended acquisitions.",
      locks.flatMap((lock) => buckets(wait, lock.waits, lock.total.wait / 1e9, lockLabels(lock))),
    ),
    ...TABLE_FIGURES.flatMap((of) => {
      const name = nameOf("holdfast_table", of.name, of.unit, of.type);
      const samples = tables.map(
        (table) => `${name}${labelsOf({ table: table.name, kind: table.kind })} ${figure(of, table)}`,
      );
      return metric(name, of.type, of.help, samples);
    }),
    ...metric("holdfast_profile_seconds", "gauge", "How long the profile was recorded.", [
      `holdfast_profile_seconds ${profile.duration / 1e9}`,
    ]),
    ...metric("holdfast_profile_dropped_total", "counter", "Samples that found their buffer full.", [
      `holdfast_profile_dropped_total ${profile.dropped}`,
    ]),
  ];
  return `${lines.join("\n")}\n`;
}
