// The page: a form that starts plans, and a card for each plan with its events as they come.
// Invariant: texts of plans get into the document as text only, never as markup.

export const page: string = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pipeline</title>
<style>
  :root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; --busy: #0969da; }
  body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1100px; padding: 1.5rem; }
  header { display: flex; flex-wrap: wrap; gap: 1rem; align-items: baseline; justify-content: space-between; }
  h1 { font-size: 1.4rem; margin: 0; }
  form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: 1rem 0; }
  label { display: grid; font-size: .8rem; }
  input { font: inherit; padding: .3rem .5rem; width: 8rem; }
  button { font: inherit; padding: .35rem .9rem; cursor: pointer; }
  h2 button { font-size: .8rem; padding: 0 .6rem; }
  #plans { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); }
  article { border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
  article h2 { display: flex; font-size: 1rem; gap: .6rem; margin: 0; padding: .5rem .8rem; border-bottom: 1px solid var(--line); }
  article h2 span:first-child { flex: 1; overflow-wrap: anywhere; }
  .state { font-weight: 600; color: var(--busy); }
  .completed .state { color: var(--good); } .failed .state { color: var(--bad); }
  ol { font: 12px/1.6 ui-monospace, monospace; height: 13rem; overflow: auto; margin: 0; padding: .5rem .8rem; list-style: none; }
  .error { color: var(--bad); } .status { color: var(--busy); }
  #message { color: var(--bad); min-height: 1.5em; }
</style>
<header><h1>Pipeline</h1><div id="numbers">connecting …</div></header>
<form id="start">
  <label>Plan <input name="id" required pattern="[\\w\\-]{1,64}" value="plan-1"></label>
  <label>Steps <input name="steps" type="number" min="0" max="10000" value="20"></label>
  <label>Delay (ms) <input name="delay" type="number" min="0" max="60000" value="300"></label>
  <label>Exit code <input name="fail" type="number" min="0" max="255" value="0"></label>
  <button>Start</button>
</form>
<div id="message" role="alert"></div>
<main id="plans"></main>
<script>
const cards = new Map();
const element = (name, text = "", className = "") => Object.assign(document.createElement(name), { textContent: text, className });

function show({ id, generation }) {
  if (cards.has(generation)) return;
  const article = element("article", "", "running");
  article.dataset.plan = id;
  const title = element("h2");
  const state = element("span", "waiting", "state");
  const cancel = element("button", "end");
  cancel.onclick = () => fetch("/api/plans/" + id, { method: "DELETE" });
  title.append(element("span", id), state, cancel);
  const list = element("ol");
  article.append(title, list);
  document.querySelector("#plans").prepend(article);
  cards.set(generation, article);
  const add = (text, className) => {
    const follow = list.scrollTop + list.clientHeight >= list.scrollHeight - 30;
    list.append(element("li", text, className));
    if (follow) list.scrollTop = list.scrollHeight;
  };
  const take = (event) => {
    if (event.type === "lost") return add(event.count + " events were lost", "error");
    if (event.type !== "status") return add(event.message, event.type);
    if (event.status !== "stdout_closed") {
      state.textContent = event.status;
      article.className = event.status;
    }
    add((event.status + " " + event.message).trim(), "status");
  };
  const ended = () => {
    cancel.remove();
    article.dataset.ended = "yes";
  };
  // A browser opens six connections to one server at the most, and streams of events keep theirs; sockets don't count.
  if (sources < 3) followEvents(id, generation, take, ended);
  else followSocket(id, generation, take, ended);
}

let sources = 0;
function followEvents(id, generation, take, ended) {
  sources++;
  const source = new EventSource("/api/plans/" + id + "/events?after=" + generation + ":-1");
  source.onmessage = ({ data }) => take(JSON.parse(data));
  source.addEventListener("end", () => {
    sources--;
    source.close();
    ended();
  });
  // Refused, not just cut off: it does not come back.
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) sources--;
  };
}

function followSocket(id, generation, take, ended, last = -1) {
  const socket = new WebSocket("ws://" + location.host + "/ws?plan=" + id + "&after=" + generation + ":" + last);
  let over = false;
  let opened = false;
  socket.onopen = () => { opened = true; };
  socket.onmessage = ({ data }) => {
    const { position, event, end } = JSON.parse(data);
    last = position;
    over = end === true;
    if (over) ended();
    else take(event);
  };
  socket.onclose = () => {
    if (!over && opened) setTimeout(() => followSocket(id, generation, take, ended, last), 1000);
  };
}

function watch() {
  const socket = new WebSocket("ws://" + location.host + "/ws");
  socket.onmessage = ({ data }) => {
    const { plans, counts, connections } = JSON.parse(data);
    const running = plans.filter(({ state }) => state === "running").length;
    const waiting = plans.filter(({ state }) => state === "waiting").length;
    document.querySelector("#numbers").textContent = running + " running, " + waiting + " waiting, " + counts.completed +
      " completed, " + counts.failed + " failed, " + connections.connections + " connections";
    for (const plan of plans) show(plan);
  };
  socket.onclose = () => {
    document.querySelector("#numbers").textContent = "connecting …";
    setTimeout(watch, 1000);
  };
}
watch();

let last = 1;
document.querySelector("#start").onsubmit = async (event) => {
  event.preventDefault();
  const { id, ...numbers } = Object.fromEntries(new FormData(event.target));
  for (const name in numbers) numbers[name] = Number(numbers[name]);
  const answer = await fetch("/api/plans", { method: "POST", body: JSON.stringify({ id, ...numbers }) });
  document.querySelector("#message").textContent = answer.ok ? "" : (await answer.json()).error;
  // Whoever has typed on already keeps what they typed.
  if (answer.ok && event.target.id.value === id) event.target.id.value = "plan-" + ++last;
};
</script>
</html>
`;
