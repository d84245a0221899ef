// The page: a pane for each person, with a connection of its own. Shows who is there, who types, and how far each message
// is. A lost connection is made again; messages are told apart by their ids, so one that comes twice is shown once.

const TICKET = "7";
const MARKS: Readonly<Record<string, string>> = { sent: "✓ sent", delivered: "✓✓ delivered", read: "✓✓ read" };
const LEVELS = ["sent", "delivered", "read"];

interface Message {
  readonly message_id: string;
  readonly user_id: string;
  readonly user_name: string;
  readonly text: string;
  readonly status: string;
}

interface Frame {
  readonly event: string;
  /** Fields of all events; each event has its own of them. */
  readonly data: Message & {
    readonly message: string;
    readonly participants: readonly { readonly user_name: string }[];
    readonly users: readonly { readonly user_id: string; readonly user_name: string; readonly age: number }[];
  };
}

class Pane {
  readonly #user: string;
  readonly #root: HTMLElement;
  readonly #list: HTMLElement;
  readonly #input: HTMLInputElement;
  readonly #messages = new Map<string, { row: HTMLElement; level: number }>();
  #socket: WebSocket | undefined;
  #retry = 500;
  #typedAt = Number.NEGATIVE_INFINITY;
  #typingEnds: number | undefined;

  constructor(user: string, template: HTMLTemplateElement, parent: HTMLElement) {
    this.#user = user;
    this.#root = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    this.#root.dataset.user = user;
    this.#list = this.#find("ol");
    this.#input = this.#find("input") as HTMLInputElement;
    this.#input.addEventListener("input", () => this.#onInput());
    this.#find("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#input.value.trim();
      if (text !== "" && this.#send("send_message", { ticket_id: TICKET, text })) this.#input.value = "";
      this.#typedAt = Number.NEGATIVE_INFINITY;
    });
    parent.append(this.#root);
    void this.#connect();
  }

  async #connect(): Promise<void> {
    try {
      const response = await fetch(`/demo-token?user=${this.#user}`);
      if (!response.ok) throw new Error(`no token: ${response.status}`);
      const token = await response.text();
      const socket = new WebSocket(`ws://${location.host}/chat`);
      this.#socket = socket;
      socket.onopen = () => this.#send("chat_authenticate", { token });
      socket.onmessage = (message) => this.#onFrame(JSON.parse(String(message.data)) as Frame);
      socket.onclose = () => this.#reconnect();
    } catch {
      this.#reconnect();
    }
  }

  #reconnect(): void {
    this.#find("header span").textContent = "connection lost, trying again…";
    this.#find("button").toggleAttribute("disabled", true);
    setTimeout(() => void this.#connect(), this.#retry);
    this.#retry = Math.min(this.#retry * 2, 10_000);
  }

  #find(selector: string): HTMLElement {
    return this.#root.querySelector(selector) as HTMLElement;
  }

  #send(event: string, data: object): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ event, data }));
    return true;
  }

  /** An indicator lasts 10 s on the server: it is renewed every 3 s while the person types. */
  #onInput(): void {
    const now = performance.now();
    if (this.#input.value === "") {
      this.#typedAt = Number.NEGATIVE_INFINITY;
      this.#send("typing_stop", { ticket_id: TICKET });
    } else if (now - this.#typedAt > 3000) {
      this.#typedAt = now;
      this.#send("typing_start", { ticket_id: TICKET });
    }
  }

  #onFrame({ event, data }: Frame): void {
    if (event === "chat_authenticated") {
      this.#find("strong").textContent = data.user_name;
      this.#send("join_ticket_chat", { ticket_id: TICKET });
    } else if (event === "ticket_chat_joined") {
      this.#retry = 500;
      this.#find("button").toggleAttribute("disabled", false);
    } else if (event === "presence") {
      const names = data.participants.map((person) => person.user_name);
      this.#find("header span").textContent = `here: ${names.join(", ")}`;
    } else if (event === "user_typing") this.#showTyping(data.users);
    else if (event === "new_message") this.#show(data);
    else if (event === "message_status_update") this.#mark(data.message_id, data.status);
    else if (event === "error") this.#find(".typing").textContent = data.message;
  }

  #showTyping(users: Frame["data"]["users"]): void {
    const others = users.filter((user) => user.user_id !== this.#user);
    const names = others.map((user) => user.user_name).join(", ");
    this.#find(".typing").textContent = names === "" ? "" : `${names} is typing…`;
    clearTimeout(this.#typingEnds);
    const youngest = Math.min(...others.map((user) => user.age));
    if (others.length > 0) this.#typingEnds = window.setTimeout(() => this.#showTyping([]), 10_000 - youngest);
  }

  #show(message: Message): void {
    const { message_id, user_id } = message;
    if (this.#messages.has(message_id)) return;
    const row = document.createElement("li");
    const own = user_id === this.#user;
    row.className = own ? "own" : "";
    row.textContent = message.text;
    const mark = document.createElement("small");
    mark.textContent = own ? "" : message.user_name;
    row.append(mark);
    this.#list.append(row);
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#messages.set(message_id, { row, level: -1 });
    if (own) this.#mark(message_id, message.status);
    else this.#send("mark_messages_read", { ticket_id: TICKET, message_ids: [message_id] });
  }

  #mark(id: string, status: string): void {
    const message = this.#messages.get(id);
    const level = LEVELS.indexOf(status);
    if (message === undefined || level <= message.level || !message.row.classList.contains("own")) return;
    message.level = level;
    (message.row.querySelector("small") as HTMLElement).textContent = MARKS[status];
  }
}

const template = document.querySelector("template") as HTMLTemplateElement;
for (const user of ["ann", "bob"]) new Pane(user, template, document.querySelector("main") as HTMLElement);
