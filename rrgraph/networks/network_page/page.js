// The page: controls and map change the state, which is drawn and described in words.

const PERIODIC_TABLE = `H . . . . . . . . . . . . . . . . He
Li Be . . . . . . . . . . B C N O F Ne
Na Mg . . . . . . . . . . Al Si P S Cl Ar
K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr
Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe
Cs Ba La Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn
. . . Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu .
. . . Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr .`;

const START_EDGES = 400; // more lines than this are unreadable
const START_LEAST = 5; // weights of pairs in fewer reactions are unreliable
const SHOWN_ROWS = 60;

const byId = (id) => document.getElementById(id);
const network = Network.read(JSON.parse(byId("network").textContent));
const dark = matchMedia("(prefers-color-scheme: dark)");
const titles = Object.fromEntries([...network.words, ...network.weights, ...network.numbers].map((each) => [each.name, each.title]));
const weightTitle = (name) => network.weights.find((each) => each.name === name)?.title || "";
const fresh = () => ({
  weight: network.weights[0]?.name || null, level: null, weakest: false, least: START_LEAST, elements: new Set(), mates: true,
  group: network.groups[0]?.name || null, hidden: new Set(), selected: null,
});
let state = fresh(), scale = [], view = { nodes: new Set(), edges: [] }, printing = false;

/** Return an element with attributes and children; a string as child is text, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Return a formula with its amounts as subscripts. */
function written(formula) {
  return make("span", { class: "formula" }, ...Network.pieces(formula).map(([text, below]) => (below ? make("sub", {}, text) : text)));
}

const group = () => network.groups.find((each) => each.name === state.group);
const look = (id) => {
  const found = group(), index = found ? found.of[id] : null;
  const each = index === null || index === undefined ? { light: "#8A8A8A", dark: "#8A8A8A", shape: "o" } : found.looks[index];
  return { color: dark.matches && !printing ? each.dark : each.light, shape: each.shape };
};
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colors = () => (printing
  ? { paper: "#ffffff", ink: "#1d2329", accent: "#D55E00", against: "#0072B2" }
  : { paper: color("--paper"), ink: color("--ink"), accent: color("--accent"), against: color("--against") });

/** Redraw everything. */
function update() {
  view = Network.shown(network, state);
  const rank = ranks(view.edges);
  map.show({
    ...view, selected: state.selected, strength: (edge) => rank.get(edge.id) || 0, look, colors,
    against: (edge) => ["pmi", "npmi", "context_pmi", "z"].includes(state.weight) && Network.weight(network, edge, state.weight) < 0,
  });
  showStatus();
  showPanel();
  showLegend();
}

/** Return the rank of each edge by its weight, 0 for the weakest shown to 1 for the strongest. */
function ranks(edges) {
  const values = edges.map((edge) => Network.weight(network, edge, state.weight) ?? -Infinity).sort((a, b) => a - b);
  const share = new Map(values.map((value, rank) => [value, (rank + 1) / values.length]));
  return new Map(edges.map((edge) => {
    const rank = share.get(Network.weight(network, edge, state.weight) ?? -Infinity);
    return [edge.id, state.weakest ? 1 - rank : rank];
  }));
}

function showStatus() {
  const number = (count, one, many) => `${Network.write(count)} ${count === 1 ? one : many}`;
  const parts = [
    `${number(view.nodes.size, "point", "points")} of ${Network.write(network.nodes.length)}`,
    `${number(view.edges.length, "line", "lines")} of ${Network.write(network.edges.length)}`,
  ];
  if (state.level !== null) parts.push(`${weightTitle(state.weight)} ${state.weakest ? "≤" : "≥"} ${Network.write(state.level)}`);
  if (state.least > 0 && network.support && network.support !== state.weight) parts.push(`${weightTitle(network.support)} ≥ ${state.least}`);
  if (state.elements.size) parts.push(`with ${[...state.elements].join(" or ")}`);
  if (state.hidden.size) parts.push(`without ${[...state.hidden].map((index) => group().names[index]).join("; ")}`);
  byId("status").textContent = parts.join(", ");
}

// Panel ---------------------------------------------------------------------------------------------------------------

function showPanel() {
  const panel = byId("panel");
  panel.replaceChildren(...(state.selected === null ? overview() : details(network.nodes[state.selected])));
}

function overview() {
  const sign = state.weakest ? -1 : 1;
  const best = view.edges.map((edge) => ({ edge, value: Network.weight(network, edge, state.weight) }))
    .sort((one, other) => sign * ((other.value ?? -Infinity) - (one.value ?? -Infinity)) || 0).slice(0, 20);
  if (!best.length) return [make("h2", {}, "Nothing is shown"), make("p", {}, "No line passes the threshold and the filters.")];
  const rows = best.map(({ edge, value }, index) => make("tr", { class: index < 8 ? null : "more" },
    make("td", {}, nodeButton(network.nodes[edge.a]), " ", nodeButton(network.nodes[edge.b])), make("td", {}, Network.write(value))));
  return [
    make("h2", {}, state.weakest ? "Weakest lines shown" : "Strongest lines shown"),
    make("p", { class: "help" }, "Choose a point on the map, or a formula here, to see its details."),
    table(["pair", weightTitle(state.weight)], rows),
  ];
}

function details(node) {
  const all = Network.neighbours(network, node.id, state, view.edges);
  const shown = all.filter((each) => each.shown), rest = all.filter((each) => !each.shown);
  const support = network.support !== state.weight ? network.support : null;
  const about = network.values.element;
  const row = ({ edge, node: other, value }) => make("tr", { title: edgeText(edge) },
    make("td", {}, nodeButton(other), about && about[edge.id] ? make("small", {}, ` for ${about[edge.id]}`) : null),
    make("td", {}, Network.write(value)), support ? make("td", {}, Network.write(Network.weight(network, edge, support))) : null);
  const head = ["", weightTitle(state.weight), support ? weightTitle(support) : null].filter((text) => text !== null);
  const facts = make("dl", {}, ...describe(node).flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, ...(term === "community" ? formulas(value) : [value]))]));
  const found = [
    make("div", { class: "named" }, make("h2", {}, written(node.formula)), make("button", { type: "button", onclick: () => select(null) }, "Close")),
    facts,
    make("h3", {}, `Linked to ${Network.write(all.length)}, of which ${Network.write(shown.length)} shown`),
  ];
  if (shown.length) found.push(table(head, shown.slice(0, SHOWN_ROWS).map(row)));
  if (shown.length > SHOWN_ROWS) found.push(make("p", { class: "help" }, `and ${Network.write(shown.length - SHOWN_ROWS)} more`));
  if (rest.length) {
    found.push(make("details", { open: !shown.length }, make("summary", {}, `Not shown: ${Network.write(rest.length)}`), table(head, rest.slice(0, 4 * SHOWN_ROWS).map(row))));
  }
  return found;
}

/** Return facts about a node as pairs of words. */
function describe(node) {
  const found = network.groups.filter((each) => each.of[node.id] !== null).map((each) => [each.title, each.names[each.of[node.id]]]);
  const value = (name) => (network.details[name] || [])[node.id] ?? null;
  for (const { name, title } of network.numbers) {
    if (name === "last_year" && value("first_year") !== null) continue;
    if (name === "first_year" && value("last_year") !== null) found.push(["years", `${value(name)} to ${value("last_year")}`]);
    else if (value(name) !== null) found.push([title, Network.write(value(name), name)]);
  }
  return found;
}

/** Return the attributes of an edge as text. */
function edgeText(edge) {
  return Object.keys(network.values).filter((name) => network.values[name][edge.id] !== null)
    .map((name) => `${titles[name] || name.replaceAll("_", " ")}: ${Network.write(network.values[name][edge.id])}`).join("\n");
}

function nodeButton(node) {
  return make("button", { type: "button", class: "node", onclick: () => select(node.id) }, swatch(look(node.id)), written(node.formula));
}

function table(head, rows) {
  return make("table", {}, make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, ...rows));
}

/** Return the mark of a look as a small picture. */
function swatch({ color: fill, shape }) {
  const commands = [];
  const path = {
    moveTo: (x, y) => commands.push(`M${x.toFixed(2)} ${y.toFixed(2)}`), lineTo: (x, y) => commands.push(`L${x.toFixed(2)} ${y.toFixed(2)}`),
    closePath: () => commands.push("Z"), rect: (x, y, w, h) => commands.push(`M${x} ${y}h${w}v${h}h${-w}Z`),
    arc: (x, y, r) => commands.push(`A${r} ${r} 0 1 1 ${x - r} ${y}A${r} ${r} 0 1 1 ${x + r} ${y}`),
  };
  SHAPES[shape](path, 0, 0, 5);
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of [["viewBox", "-8 -8 16 16"], ["class", "swatch"], ["aria-hidden", "true"]]) picture.setAttribute(name, value);
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "path");
  drawn.setAttribute("d", commands.join(""));
  drawn.setAttribute("fill", fill);
  picture.append(drawn);
  return picture;
}

function showTip(item, x, y) {
  const tip = byId("tip");
  tip.hidden = !item;
  if (!item) return;
  const { node, edge } = item;
  const head = node ? [written(node.formula)] : [written(network.nodes[edge.a].formula), " – ", written(network.nodes[edge.b].formula)];
  const lines = node ? describe(node).map(([term, value]) => `${term}: ${value}`) : edgeText(edge).split("\n");
  tip.replaceChildren(make("b", {}, ...head), ...lines.map((line) => make("div", {}, line)));
  const { width, height } = map.size;
  tip.style.left = `${Math.max(4, Math.min(x + 14, width - tip.offsetWidth - 6))}px`;
  tip.style.top = `${y + 16 + tip.offsetHeight > height ? Math.max(4, y - tip.offsetHeight - 10) : y + 16}px`;
}

// Controls ------------------------------------------------------------------------------------------------------------

function select(id) {
  state.selected = id;
  update();
  if (id !== null) map.reveal(id);
  byId("panel").scrollTop = 0;
  history.replaceState(null, "", id === null ? location.pathname + location.search : `#${encodeURIComponent(network.nodes[id].formula)}`);
}

/** Redraw, and fit the map unless it was moved by hand. */
function refit() {
  update();
  if (!map.touched) map.fit();
}

/** Choose a weight and set a threshold at which the map is readable. */
function chooseWeight(name) {
  state.weight = name;
  scale = Network.scale(network, name, state.least);
  const few = scale.length <= START_EDGES;
  setLevel(few ? 0 : 1 - START_EDGES / scale.length);
}

/** Set the slider to a position, 0 to 1; at 0 everything is shown, including edges without a value. */
function setLevel(position) {
  state.level = position <= 0 ? null : Network.threshold(scale, position, state.weakest);
  showLevel(position);
}

function showLevel(position) {
  const level = state.level ?? Network.threshold(scale, 0, state.weakest);
  byId("level").value = Math.round(1000 * position);
  byId("level").setAttribute("aria-valuetext", level === null ? "" : `${weightTitle(state.weight)} ${Network.write(level)}`);
  byId("value").value = level ?? "";
}

function showControls() {
  byId("edges").hidden = !network.weights.length;
  byId("weight").replaceChildren(...network.weights.map(({ name, title }) => make("option", { value: name, selected: name === state.weight }, title)));
  byId("help").textContent = network.weights.find((each) => each.name === state.weight)?.help || "";
  byId("direction-words").textContent = state.weakest ? "Show lines from the weakest up to" : "Show lines from the strongest down to";
  byId("weakest").checked = state.weakest;
  byId("support").hidden = !network.support || network.support === state.weight;
  byId("support-words").textContent = network.support ? weightTitle(network.support) : "";
  byId("least").value = state.least;
  byId("colours").hidden = !network.groups.length;
  byId("groups").replaceChildren(...network.groups.map(({ name, title }) => make("button", {
    type: "button", "aria-pressed": String(name === state.group),
    onclick: () => { state.group = name; state.hidden.clear(); showControls(); update(); byId("groups").querySelector("[aria-pressed=true]").focus(); },
  }, `by ${title}`)));
  byId("mates").checked = state.mates;
  for (const button of byId("elements").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(state.elements.has(button.textContent)));
  }
}

function showLegend() {
  const found = group();
  const focused = document.activeElement?.dataset?.index;
  byId("legend").replaceChildren(...(found ? found.names.map((name, index) => {
    const number = found.of.filter((each, id) => each === index && view.nodes.has(id)).length;
    const { light, dark: night, shape } = found.looks[index];
    return make("li", {}, make("button", {
      type: "button", "data-index": index, "aria-pressed": String(!state.hidden.has(index)), title: "Show or hide",
      onclick: () => { state.hidden.has(index) ? state.hidden.delete(index) : state.hidden.add(index); update(); },
    }, swatch({ color: dark.matches && !printing ? night : light, shape }), make("span", {}, ...formulas(name)), make("small", {}, Network.write(number))));
  }) : []));
  if (focused !== undefined) byId("legend").querySelector(`[data-index="${focused}"]`)?.focus();
}

/** Return the name of a group with its formulas formatted. */
function formulas(name) {
  return name.split(", ").flatMap((text, index) => [index ? ", " : "", written(text)]);
}

function buildElements() {
  const there = new Set(network.nodes.flatMap((node) => [...node.elements]));
  byId("filter").hidden = !there.size;
  PERIODIC_TABLE.split("\n").forEach((line, row) => line.split(" ").forEach((symbol, column) => {
    if (symbol === ".") return;
    byId("elements").append(make("button", {
      type: "button", disabled: !there.has(symbol), "aria-pressed": "false",
      style: `grid-row:${row + 1 + (row > 5 ? 1 : 0)};grid-column:${column + 1}`,
      onclick: () => { state.elements.has(symbol) ? state.elements.delete(symbol) : state.elements.add(symbol); showControls(); refit(); },
    }, symbol));
  }));
}

function listenToSearch() {
  const box = byId("search"), list = byId("suggestions");
  let active = -1, found = [];
  const close = () => { list.hidden = true; active = -1; box.setAttribute("aria-expanded", "false"); box.removeAttribute("aria-activedescendant"); };
  const choose = (node) => { close(); box.value = node.formula; select(node.id); };
  const mark = () => [...list.children].forEach((item, index) => {
    item.setAttribute("aria-selected", String(index === active));
    if (index === active) { box.setAttribute("aria-activedescendant", item.id); item.scrollIntoView({ block: "nearest" }); }
  });
  box.addEventListener("input", () => {
    found = Network.search(network, box.value);
    active = found.length ? 0 : -1;
    list.replaceChildren(...found.map((node, index) => make("li", {
      role: "option", id: `suggestion-${index}`, onpointerdown: (event) => { event.preventDefault(); choose(node); },
    }, swatch(look(node.id)), written(node.formula), make("small", {}, node.reactions ? `${Network.write(node.reactions)} reactions` : ""))));
    if (!found.length && box.value.trim()) list.replaceChildren(make("li", { class: "none" }, "nothing found"));
    list.hidden = !box.value.trim();
    box.setAttribute("aria-expanded", String(!list.hidden));
    mark();
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) { active = (active + step + found.length) % found.length; mark(); event.preventDefault(); }
    else if (event.key === "Enter" && found[active]) { choose(found[active]); event.preventDefault(); }
    else if (event.key === "Escape" && !list.hidden) { close(); event.stopPropagation(); }
  });
  box.addEventListener("blur", close);
}

function download(name, content) {
  const link = make("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function listen() {
  byId("weight").addEventListener("change", (event) => { chooseWeight(event.target.value); showControls(); refit(); });
  byId("level").addEventListener("input", (event) => { setLevel(event.target.value / 1000); update(); });
  byId("value").addEventListener("change", (event) => {
    const value = event.target.value === "" ? NaN : Number(event.target.value);
    if (Number.isNaN(value)) setLevel(0);
    else { state.level = value; showLevel(Network.position(scale, value, state.weakest)); byId("value").value = value; }
    update();
  });
  byId("weakest").addEventListener("change", (event) => { state.weakest = event.target.checked; chooseWeight(state.weight); showControls(); refit(); });
  byId("least").addEventListener("input", (event) => { state.least = Math.max(0, Number(event.target.value) || 0); chooseWeight(state.weight); refit(); });
  byId("mates").addEventListener("change", (event) => { state.mates = event.target.checked; refit(); });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("reset").addEventListener("click", () => start());
  byId("picture").addEventListener("click", () => map.canvas.toBlob((blob) => download("network.png", blob)));
  byId("csv").addEventListener("click", () => download("network.csv", new Blob([Network.csv(network, view.edges)], { type: "text/csv" })));
  for (const button of document.querySelectorAll("[data-zoom]")) {
    const act = { in: () => map.zoom(1.4), out: () => map.zoom(1 / 1.4), all: () => { map.touched = false; map.fit(); } }[button.dataset.zoom];
    button.addEventListener("click", act);
  }
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName || "");
    if (event.key === "Escape" && state.selected !== null) select(null);
    if (event.key === "/" && !typing) { byId("search").focus(); event.preventDefault(); }
  });
  dark.addEventListener("change", update);
  addEventListener("beforeprint", () => { printing = true; update(); map.resize(3); });
  addEventListener("afterprint", () => { printing = false; update(); map.resize(); });
  new ResizeObserver(() => { if (!printing) map.resize(); }).observe(map.canvas);
}

/** Reset: no filters except a threshold at which the map is readable. */
function start() {
  state = fresh();
  chooseWeight(state.weight);
  showControls();
  update();
  map.touched = false;
  map.resize();
  map.fit();
}

const map = new NetworkMap(byId("map"), network, {
  hover: showTip,
  select: (id, found, x, y) => { select(id); showTip(found?.edge ? found : null, x, y); },
});
buildElements();
listenToSearch();
listen();
start();
const wanted = decodeURIComponent(location.hash.slice(1));
const first = network.nodes.find((node) => node.formula === wanted);
if (first) select(first.id);
