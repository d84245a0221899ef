// A thread that attaches to a region and ends: with as few modules as can be, since a thousand of them are started.
import { parentPort, workerData } from "node:worker_threads";
import { takeSeat } from "../../src/region/threads.ts";

parentPort?.postMessage(takeSeat(workerData).me);
