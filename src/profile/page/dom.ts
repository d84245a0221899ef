// Making elements. Text is only ever set as text, so no name in the data can become markup.

export type Child = Node | string | number | null | undefined | false;
type Handler = (event: never) => void;
type Props = Readonly<Record<string, string | number | boolean | undefined | Handler>>;

function fill<E extends Element>(element: E, props: Props, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value as EventListener);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false)
      element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** An element; functions among its properties are listeners of the event of that name. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag: string, props: Props = {}, ...children: Child[]): SVGElement {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag) as SVGElement, props, children);
}

/** A section with a heading and a sentence on how to read it. */
export function section(id: string, title: Child, explanation: Child, ...children: Child[]): HTMLElement {
  const heading = h("h2", { id: `${id}-title` }, title);
  return h(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    heading,
    h("p", { class: "how" }, explanation),
    ...children,
  );
}

/** A table that scrolls by itself where it is too wide, by keyboard too. */
export function scrolled(label: string, table: HTMLElement): HTMLElement {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table);
}
