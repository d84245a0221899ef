// Results for people: a table of ratios a suite, and what became slower since an older run.

import type { Run } from "./result.ts";

/** A table of one suite: a line a case and subject. */
export function table(suite: string, yardstick: string, runs: readonly Run[]): string {
  const lines = [`${suite} (ratio: time of ${yardstick} = 1; lower is better)`];
  for (const name of new Set(runs.map((run) => run.case))) {
    const group = runs.filter((run) => run.case === name);
    const base = group.find((run) => run.subject === yardstick)?.nsPerOp;
    lines.push(`  ${name}`);
    for (const run of group) {
      const label = `    ${run.subject.padEnd(22)}`;
      lines.push(run.failed === undefined ? `${label} ${line(run, base)}` : `${label} ${run.failed}`);
    }
  }
  return lines.join("\n");
}

function line(run: Run, base: number | undefined): string {
  const ratio = base === undefined ? "" : `${(run.nsPerOp / base).toFixed(2).padStart(7)} x`;
  const spread = `± ${((run.spread / 2) * 100).toFixed(0)} %`.padStart(8);
  const parts = [`${run.nsPerOp.toFixed(1).padStart(10)} ns ${spread} ${ratio}`];
  if (run.max !== undefined)
    parts.push(`waits p50 ${duration(run.p50)} p99 ${duration(run.p99)} max ${duration(run.max)}`);
  if (run.cpuNsPerOp !== undefined) parts.push(`cpu ${duration(run.cpuNsPerOp)}`);
  if (run.switchesPerOp !== undefined) parts.push(`sleeps ${run.switchesPerOp.toFixed(2)}`);
  if (run.fairness !== undefined) parts.push(`least/mean ${run.fairness.toFixed(2)}`);
  return parts.join("  ");
}

/** A time in a unit that keeps it short. */
export function duration(ns: number): string {
  if (!Number.isFinite(ns)) return "-";
  if (ns < 1000) return `${ns.toFixed(ns < 10 ? 1 : 0)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(ns < 1e4 ? 1 : 0)} µs`;
  return `${(ns / 1e6).toFixed(ns < 1e7 ? 1 : 0)} ms`;
}

/** What identifies a figure over several runs of the program. */
export function keyOf(run: Run): string {
  return `${run.suite} | ${run.case} | ${run.subject} | ${run.workers}`;
}

/**
 * What became slower beyond the noise: by more than 5 % and by more than both spreads together, or does not work any
 * more. Only what both runs measured is compared.
 */
export function regressions(before: readonly Run[], after: readonly Run[]): string[] {
  const old = new Map(before.map((run) => [keyOf(run), run]));
  const lines: string[] = [];
  for (const run of after) {
    const was = old.get(keyOf(run));
    if (was === undefined || was.failed !== undefined) continue;
    const label = `${run.suite}, ${run.case}, ${run.subject}`;
    if (run.failed !== undefined) {
      lines.push(`${label}: ${run.failed} (was ${duration(was.nsPerOp)})`);
      continue;
    }
    const noise = Math.max(0.05, was.spread + run.spread);
    const change = run.nsPerOp / was.nsPerOp - 1;
    if (change <= noise) continue;
    const percents = `+ ${(change * 100).toFixed(0)} %, noise ${(noise * 100).toFixed(0)} %`;
    lines.push(`${label}: ${duration(was.nsPerOp)} -> ${duration(run.nsPerOp)} (${percents})`);
  }
  return lines;
}
