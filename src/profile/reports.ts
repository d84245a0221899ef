// holdfast/profile/reports: what can be made of a profile, and a live page of one.
export { htmlReport } from "./render/html.ts";
export type { MeterLike } from "./render/meter.ts";
export { meterInto } from "./render/meter.ts";
export type { PprofFiles } from "./render/pprof.ts";
export { pprofFiles } from "./render/pprof.ts";
export { prometheusText } from "./render/prometheus.ts";
export type { TerminalOptions } from "./render/terminal.ts";
export { terminalTable } from "./render/terminal.ts";
export type { ChromeTrace, TraceEvent } from "./render/trace.ts";
export { chromeTrace } from "./render/trace.ts";
export type { Watch, WatchOptions, WatchSource } from "./watch.ts";
export { startWatch } from "./watch.ts";
