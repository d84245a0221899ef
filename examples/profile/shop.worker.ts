// One thread of the shop.

import { workerData } from "node:worker_threads";
import { serve } from "./shop.ts";

const { id, fixed } = workerData as { id: number; fixed: boolean };
serve(id, fixed);
