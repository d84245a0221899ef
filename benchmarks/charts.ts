// The charts of the results page, drawn by echarts' SVG renderer without a browser. Grey text and no background: they
// are read on light and on dark pages.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Run } from "./result.ts";

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const GREY = "#7d8590";
const FAINT = "#7d859040";
const OWN = "#2f81f7";
const COLOURS = [
  "#d29922",
  "#3fb950",
  "#f778ba",
  "#a371f7",
  "#e5534b",
  "#39c5cf",
  "#986ee2",
  "#b08800",
  "#8b949e",
  "#0a7ea4",
  "#c2410c",
  "#65a30d",
  "#db2777",
];

interface Chart {
  readonly file: string;
  readonly title: string;
  /** Bars of nanoseconds an operation in one suite, or lines of operations a second over the number of workers. */
  readonly kind: "bars" | "lines";
  readonly suites: (run: Run) => boolean;
  readonly logarithmic?: boolean;
}

const of =
  (suite: string, name: string) =>
  (run: Run): boolean =>
    run.suite.startsWith(suite) && run.case === name;

const CHARTS: readonly Chart[] = [
  {
    file: "bench-mutex-uncontended",
    title: "lock + unlock, nobody contends: ns (lower is better, logarithmic)",
    kind: "bars",
    logarithmic: true,
    suites: of("mutex uncontended", "lock + unlock"),
  },
  {
    file: "bench-mutex-empty",
    title: "mutex, empty section: million operations a second, all workers (higher is better)",
    kind: "lines",
    suites: of("mutex contended", "mutex 0 steps"),
    logarithmic: true,
  },
  {
    file: "bench-mutex-200",
    title: "mutex, 200 steps inside and outside: million operations a second, all workers (higher is better)",
    kind: "lines",
    suites: of("mutex contended", "mutex 200 steps"),
    logarithmic: true,
  },
  {
    file: "bench-map-get",
    title: "a map of strings shared by threads, get: ns (lower is better, logarithmic)",
    kind: "bars",
    suites: of("map values", "get, 10 characters"),
    logarithmic: true,
  },
  {
    file: "bench-rw-95",
    title: "RW lock, 95 % reads: million operations a second, all workers (higher is better)",
    kind: "lines",
    suites: of("rw lock contended", "95:5, 50 steps"),
    logarithmic: true,
  },
  {
    file: "bench-queue",
    title: "a queue of texts of 20 characters: million items a second over workers (higher is better)",
    kind: "lines",
    suites: of("queue throughput", "20 characters"),
    logarithmic: true,
  },
];

/** Draws the charts for which there are figures; returns the files. */
export function drawAll(runs: readonly Run[], folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return CHARTS.flatMap((chart) => {
    const shown = runs.filter((run) => chart.suites(run) && run.failed === undefined);
    if (shown.length === 0) return [];
    const file = join(folder, `${chart.file}.svg`);
    const rows = new Set(shown.map((run) => run.subject)).size;
    const height = chart.kind === "bars" ? 70 + 26 * rows : 360;
    writeFileSync(file, `${render(optionOf(chart, shown), height)}\n`);
    return [file];
  });
}

function render(option: EChartsCoreOption, height: number): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 760, height });
  chart.setOption({ animation: false, textStyle: { color: GREY, fontFamily: "system-ui, sans-serif" }, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // Without the rules for a pointer that hovers, which a picture has not.
  return svg.replace(/<style[\s\S]*?<\/style>\s*/, "");
}

function optionOf(chart: Chart, runs: readonly Run[]): EChartsCoreOption {
  const title = { text: chart.title, top: 4, textStyle: { color: GREY, fontSize: 13, fontWeight: "normal" } };
  return { title, ...(chart.kind === "bars" ? bars(chart, runs) : lines(chart, runs)) };
}

function valueAxis(chart: Chart): object {
  return {
    type: chart.logarithmic ? "log" : "value",
    axisLabel: { color: GREY },
    splitLine: { lineStyle: { color: FAINT } },
  };
}

function colourOf(subject: string, at: number): string {
  return subject === "holdfast" ? OWN : COLOURS[at % COLOURS.length];
}

function bars(chart: Chart, runs: readonly Run[]): EChartsCoreOption {
  // From the fastest at the top: echarts counts categories from below.
  const sorted = runs.toSorted((a, b) => b.nsPerOp - a.nsPerOp);
  const data = sorted.map((run) => ({
    value: Number(run.nsPerOp.toPrecision(3)),
    itemStyle: { color: run.subject.startsWith("holdfast") ? OWN : GREY },
  }));
  return {
    grid: { left: 150, right: 60, top: 36, bottom: 26, outerBoundsMode: "none" },
    xAxis: valueAxis(chart),
    yAxis: { type: "category", data: sorted.map((run) => run.subject), axisLabel: { color: GREY } },
    series: [{ type: "bar", data, label: { show: true, position: "right", color: GREY } }],
  };
}

function lines(chart: Chart, runs: readonly Run[]): EChartsCoreOption {
  const subjects = Array.from(new Set(runs.map((run) => run.subject)));
  const counts = Array.from(new Set(runs.map((run) => run.workers))).sort((a, b) => a - b);
  const series = subjects.map((subject, at) => ({
    name: subject,
    type: "line",
    lineStyle: { width: subject === "holdfast" ? 3 : 1.5 },
    color: colourOf(subject, at),
    data: counts.map((workers) => {
      const run = runs.find((candidate) => candidate.subject === subject && candidate.workers === workers);
      return run === undefined ? null : Number((run.opsPerSecond / 1e6).toPrecision(3));
    }),
  }));
  return {
    legend: { top: 32, itemGap: 14, itemWidth: 18, textStyle: { color: GREY, fontSize: 11 }, itemHeight: 8 },
    grid: { left: 60, right: 20, top: 100, bottom: 40, outerBoundsMode: "none" },
    xAxis: {
      type: "category",
      data: counts,
      name: "workers",
      nameLocation: "middle",
      nameGap: 24,
      axisLabel: { color: GREY },
    },
    yAxis: valueAxis(chart),
    series,
  };
}
