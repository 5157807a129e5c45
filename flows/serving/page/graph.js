// The page of `qamat serve` that draws the memory around a question or an entity: entities in layers, an entry a line.
// Where they stand is the style sheet's business; the lines are laid between them. Whatever the server says is text.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const state = { asking: null, links: [], nodes: new Map(), lit: null };

const kind = () => document.querySelector("input[name=kind]:checked").value;
const key = (name) => name.toLowerCase();

function choose(which, text) {
  document.querySelector(`input[name=kind][value=${which}]`).checked = true;
  part("text-label").textContent = which === "entity" ? "A name, as questions or answers say it" : "Your question";
  if (text !== undefined) part("text").value = text;
}

async function draw(focus) {
  const text = part("text").value.trim();
  if (!text) return;
  if (state.asking) state.asking.abort();
  const asking = (state.asking = new AbortController());
  trouble("");
  part("draw").textContent = "Drawing…";
  history.replaceState(null, "", `?${new URLSearchParams({ [kind()]: text })}`);
  try {
    const body = JSON.stringify({ [kind()]: text, most: Number(part("most").value) });
    show(await call("entities", { method: "POST", body, signal: asking.signal }));
    if (focus) document.querySelector(".entity.start").focus();
  } catch (error) {
    if (error.name === "AbortError") return;
    trouble(error.message);
  }
  if (state.asking === asking) part("draw").textContent = "Draw";
}

function show(found) {
  const links = found.links.map((link, place) => ({ ...link, number: place + 1 }));
  const items = links.map(listed);
  const layers = layered(links, found.start);
  const entities = [...layers.values()].flat();
  Object.assign(state, { links, nodes: new Map(entities.map((name) => [key(name), entity(name, found)])) });
  part("layers").replaceChildren(
    ...[...layers.keys()].sort((one, other) => one - other).map((layer) => {
      const list = document.createElement("ul");
      list.className = "layer";
      list.append(...layers.get(layer).map((name) => state.nodes.get(key(name)).parentElement));
      return list;
    }),
  );
  part("links").replaceChildren(...items);
  part("drawn").hidden = false;
  part("told").textContent = told(found, entities.length);
  state.lit = null;
  lay();
}

function told(found, entities) {
  const count = (number, one, more) => `${number.toLocaleString("en")} ${number === 1 ? one : more}`;
  const drawn = `${count(found.links.length, "entry", "entries")} between ${count(entities, "entity", "entities")}`;
  const left = found.left_out ? `; ${count(found.left_out, "more names", "more name")} one of these and did not fit` : "";
  const answer = found.answer ? `It answers “${found.answer}”. ` : "";
  return `${answer}${drawn}${left}. Choose an entity to begin there.`;
}

// An answer stands one layer after the entity that its question names; where both are placed already, so it stays.
function layered(links, start) {
  const place = new Map(start.map((name) => [key(name), 0]));
  const names = new Map(start.map((name) => [key(name), name]));
  for (const link of links) for (const name of [link.head, link.tail]) if (name) names.set(key(name), names.get(key(name)) || name);
  const ways = links.filter((link) => link.head).map((link) => [key(link.head), key(link.tail)]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const [head, tail] of ways) {
      if (place.has(head) === place.has(tail)) continue;
      if (place.has(head)) place.set(tail, place.get(head) + 1);
      else place.set(head, place.get(tail) - 1);
      grew = true;
    }
  }
  const layers = new Map();
  for (const [name, shown] of names) {
    const layer = place.has(name) ? place.get(name) : 0;
    layers.set(layer, [...(layers.get(layer) || []), shown]);
  }
  return untangled(layers, ways);
}

// Each layer in the order of its neighbours' mean places: fewer lines cross.
function untangled(layers, ways) {
  const order = [...layers.keys()].sort((one, other) => Math.abs(one) - Math.abs(other));
  for (let round = 0; round < 4; round += 1) {
    const at = new Map([...layers.values()].flatMap((names) => names.map((name, row) => [key(name), (row + 0.5) / names.length])));
    for (const layer of order) {
      const mean = (name) => {
        const near = ways.flatMap(([head, tail]) => (head === key(name) ? [at.get(tail)] : tail === key(name) ? [at.get(head)] : []));
        return near.length ? near.reduce((sum, one) => sum + one, 0) / near.length : at.get(key(name));
      };
      const means = new Map(layers.get(layer).map((name) => [name, mean(name)]));
      layers.get(layer).sort((one, other) => means.get(one) - means.get(other));
    }
  }
  return layers;
}

function entity(name, found) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "entity";
  button.textContent = name;
  button.classList.toggle("start", found.start.some((one) => key(one) === key(name)));
  button.classList.toggle("answer", found.answer !== null && key(found.answer) === key(name));
  const near = () => light((link) => [link.head, link.tail].some((one) => one && key(one) === key(name)));
  lights(button, near);
  button.addEventListener("click", () => {
    choose("entity", name);
    draw(true);
  });
  document.createElement("li").append(button);
  return button;
}

function listed(link) {
  const item = part("link-template").content.firstElementChild.cloneNode(true);
  const put = (name, text) => (item.querySelector(name).textContent = text);
  put(".question", link.question);
  put(".head", link.head || "(names no entity of the memory)");
  put(".tail", link.tail);
  link.item = item.querySelector(".link");
  link.item.dataset.id = link.qa_id;
  lights(link.item, () => light((one) => one === link));
  return item;
}

function lights(element, on) {
  for (const event of ["focus", "pointerenter"]) element.addEventListener(event, on);
  for (const event of ["blur", "pointerleave"]) element.addEventListener(event, () => light(null));
}

// Brings out the links that fit and what they join; null brings out all.
function light(fits) {
  state.lit = fits;
  part("drawn").classList.toggle("chosen", Boolean(fits));
  const near = new Set();
  for (const link of state.links) {
    const is = Boolean(fits) && fits(link);
    link.item.classList.toggle("near", is);
    if (is) for (const name of [link.head, link.tail]) if (name) near.add(key(name));
  }
  for (const [name, button] of state.nodes) button.classList.toggle("near", near.has(name) || button === document.activeElement);
  for (const group of part("lines").querySelectorAll("g")) {
    group.classList.toggle("near", Boolean(fits) && state.links.some((link) => fits(link) && group.dataset.way === way(link)));
  }
}

const way = (link) => `${key(link.head || "")}\u0000${key(link.tail)}`;

function lay() {
  const ways = new Map();
  for (const link of state.links) if (link.head) ways.set(way(link), [...(ways.get(way(link)) || []), link]);
  const frame = part("graph").getBoundingClientRect();
  const across = getComputedStyle(part("layers")).flexDirection === "row";
  part("lines").replaceChildren(arrow(), ...[...ways.values()].map((links, place) => line(links, frame, across, place)));
  light(state.lit);
}

function arrow() {
  const marker = drawn("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" });
  marker.append(drawn("path", { d: "M0 0.5 L8 4 L0 7.5 z" }));
  return marker;
}

function line(links, frame, across, place) {
  const [head, tail] = [links[0].head, links[0].tail].map((name) => box(state.nodes.get(key(name)), frame));
  const curve = across ? joined(head, tail) : joined(turned(head), turned(tail)).map(([x, y]) => [y, x]);
  const group = drawn("g", {});
  group.dataset.way = way(links[0]);
  const [from, out, into, to] = curve.map((point) => point.map((one) => one.toFixed(1)).join(" "));
  group.append(drawn("path", { d: `M${from} C${out} ${into} ${to}`, "marker-end": "url(#arrow)" }));
  const [x, y] = [0, 1].map((axis) => along(curve.map((point) => point[axis]), [0.5, 0.4, 0.6][place % 3]));
  const numbers = links.map((link) => link.number);
  const words = numbers.length > 3 ? `${numbers.slice(0, 2).join(" ")} +${numbers.length - 2}` : numbers.join(" ");
  const wide = 7 * words.length + 8;
  group.append(drawn("rect", { x: x - wide / 2, y: y - 9, width: wide, height: 18, rx: 9 }));
  const label = drawn("text", { x, y });
  label.textContent = words;
  group.append(label);
  return group;
}

// Numbers stand at three places of their lines in turn: fewer lie on each other.
const along = ([from, out, into, to], share) => {
  const rest = 1 - share;
  return rest ** 3 * from + 3 * rest ** 2 * share * out + 3 * rest * share ** 2 * into + share ** 3 * to;
};

// The four points of a curve between two boxes; layers go from left to right.
function joined(head, tail) {
  const [ahead, behind] = [head.right <= tail.left, tail.right <= head.left];
  const [from, to] = ahead || !behind ? [head.right, ahead ? tail.left : tail.right] : [head.left, tail.right];
  const reach = ahead || behind ? Math.abs(to - from) / 2 : 40 + Math.abs(head.middle - tail.middle) / 8;
  return [
    [from, head.middle],
    [from + (ahead || !behind ? reach : -reach), head.middle],
    [to + (ahead ? -reach : reach), tail.middle],
    [to, tail.middle],
  ];
}

function box(button, frame) {
  const { left, right, top, bottom } = button.getBoundingClientRect();
  return {
    left: left - frame.left, right: right - frame.left, top: top - frame.top, bottom: bottom - frame.top,
    middle: (top + bottom) / 2 - frame.top, centre: (left + right) / 2 - frame.left,
  };
}

const turned = (one) => ({ left: one.top, right: one.bottom, middle: one.centre });

function drawn(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, String(value));
  return element;
}

part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  draw(false);
});
for (const radio of document.querySelectorAll("input[name=kind]")) radio.addEventListener("change", () => choose(kind()));
part("most").addEventListener("change", () => draw(false));
new ResizeObserver(lay).observe(part("graph"));
keepToken(() => draw(false));
if (matchMedia("(max-width: 44rem)").matches) part("most").value = "12";
const given = new URLSearchParams(location.search);
for (const which of ["question", "entity"]) if (given.get(which)) choose(which, given.get(which));
draw(false);
