// The threads that handle events. A client's events all go to one thread, in their order; a thread that dies is replaced,
// and what it had not finished is handed to its successor in the same order (handlers may be run again).
import { Worker } from "node:worker_threads";
import type { JWK } from "jose";
import type { Notice, Task } from "./chat.worker.ts";
import type { ChatStateHandle } from "./state.ts";
import type { NewTask, Teller } from "./teller.ts";

/** How often an event may be begun anew; one that kills every thread that begins it is refused then. */
const MOST_TRIES = 3;
const DROPPED = { code: "internal", message: "try again" };

interface Pending {
  readonly task: Task;
  /** How often it was begun after the first time. To be in the queue of a thread that died is no try. */
  tries: number;
}

interface Slot {
  worker: Worker;
  readonly pending: Map<number, Pending>;
}

export class Pool {
  readonly #slots: Slot[] = [];
  readonly #data: { state: ChatStateHandle; publicKey: JWK };
  readonly #teller: Pick<Teller, "onNotice" | "onDeath">;
  readonly #program: URL;
  readonly #idle: (() => void)[] = [];
  #lastTask = 0;
  #closing = false;
  /** Threads that died so far. */
  deaths = 0;

  /** `program` is the handlers' worker, or another that speaks as it does. */
  constructor(
    count: number,
    data: { state: ChatStateHandle; publicKey: JWK },
    teller: Pick<Teller, "onNotice" | "onDeath">,
    program = new URL("./chat.worker.js", import.meta.url),
  ) {
    this.#program = program;
    this.#data = data;
    this.#teller = teller;
    for (let i = 0; i < count; i++) {
      const slot: Slot = { worker: undefined as unknown as Worker, pending: new Map() };
      this.#slots.push(slot);
      this.#start(slot);
    }
  }

  get size(): number {
    return this.#slots.length;
  }

  /** Hands an event to the thread of its client. */
  post(slotNumber: number, task: NewTask): void {
    const id = ++this.#lastTask;
    const whole = { ...task, id } as Task;
    const slot = this.#slots[slotNumber];
    slot.pending.set(id, { task: whole, tries: 0 });
    slot.worker.postMessage(whole);
  }

  /** Resolves when no event is under way. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Kills a thread, for tests. Resolves once it is replaced. */
  async kill(slotNumber: number): Promise<void> {
    await this.#slots[slotNumber].worker.terminate();
  }

  async close(): Promise<void> {
    await this.idle();
    this.#closing = true;
    await Promise.all(this.#slots.map(({ worker }) => worker.terminate()));
  }

  #isIdle(): boolean {
    return this.#slots.every(({ pending }) => pending.size === 0);
  }

  #settle(): void {
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #begun(slot: Slot, id: number): void {
    const pending = slot.pending.get(id);
    if (pending !== undefined) pending.tries++;
  }

  #start(slot: Slot): void {
    const worker = new Worker(this.#program, { workerData: this.#data });
    slot.worker = worker;
    worker.on("message", (notice: Notice) => {
      if (notice.kind === "begun") return this.#begun(slot, notice.id);
      if (notice.kind !== "done") return this.#teller.onNotice(notice);
      slot.pending.delete(notice.id);
      this.#settle();
    });
    worker.on("error", (error) => process.stderr.write(`chat: a thread died: ${error.stack}\n`));
    worker.on("exit", () => {
      if (!this.#closing) this.#replace(slot);
    });
  }

  #replace(slot: Slot): void {
    this.deaths++;
    this.#start(slot);
    for (const [id, { task, tries }] of slot.pending) {
      if (tries < MOST_TRIES) slot.worker.postMessage({ ...task, again: true } satisfies Task);
      else {
        slot.pending.delete(id);
        this.#teller.onNotice({ kind: "send", clients: [task.client], event: "error", data: DROPPED });
      }
    }
    this.#teller.onDeath();
    this.#settle();
  }
}
