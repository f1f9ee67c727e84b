"use strict";
// The data of the page and its filters: no function here touches the document.

const Network = {
  /** Return the network of the page's JSON: nodes and edges as objects, and the edges of each node. */
  read(data) {
    const nodes = data.nodes.formula.map((formula, id) => ({
      id, formula, x: data.nodes.x[id], y: data.nodes.y[id], links: [],
      elements: new Set(((data.details.elements || [])[id] || "").split(" ").filter(Boolean)),
      reactions: (data.details.reactions || [])[id] || 0,
    }));
    const edges = data.edges.a.map((a, id) => ({ id, a, b: data.edges.b[id] }));
    for (const edge of edges) {
      nodes[edge.a].links.push(edge);
      nodes[edge.b].links.push(edge);
    }
    return { ...data, nodes, edges };
  },

  /** Return the value of a weight at an edge, null where it has none. */
  weight(network, edge, name) {
    const column = network.values[name];
    return column ? column[edge.id] : null;
  },

  /** Return the values of a weight in ascending order, of the edges with enough reactions. */
  scale(network, name, least) {
    const { support } = network;
    const enough = (id) => !support || support === name || !least || network.values[support][id] >= least;
    return (network.values[name] || []).filter((value, id) => value !== null && enough(id)).sort((a, b) => a - b);
  },

  /** Return the threshold at a position of the slider, 0 to 1; equal steps remove equally many edges. */
  threshold(scale, position, fromWeakest) {
    if (!scale.length) return null;
    return scale[Math.round((fromWeakest ? 1 - position : position) * (scale.length - 1))];
  },

  /** Return the position of the slider for a threshold. */
  position(scale, value, fromWeakest) {
    if (scale.length < 2) return 0;
    const below = scale.filter((each) => (fromWeakest ? each <= value : each < value)).length;
    const share = Math.min(fromWeakest ? below - 1 : below, scale.length - 1) / (scale.length - 1);
    return Math.max(0, fromWeakest ? 1 - share : share);
  },

  /** Return whether an edge passes the threshold and has enough reactions; edges without a value pass at null. */
  passes(network, edge, state) {
    const value = Network.weight(network, edge, state.weight);
    if (state.level !== null) {
      if (value === null || (state.weakest ? value > state.level : value < state.level)) return false;
    }
    if (!network.support || network.support === state.weight || !state.least) return true;
    return Network.weight(network, edge, network.support) >= state.least;
  },

  /** Return which nodes and edges a state shows: {nodes: Set of ids, edges: [edge]}.
   *
   * An edge is shown if it passes, neither end belongs to a hidden group, and, if elements are chosen, it involves one of
   * them: its own element, if it has one, or else an element of an end (of both ends unless `mates`). A node is shown if
   * one of its edges is.
   */
  shown(network, state) {
    const about = network.values.element;
    const chosen = (node) => [...state.elements].some((symbol) => node.elements.has(symbol));
    const group = network.groups.find((each) => each.name === state.group);
    const hidden = (id) => group && state.hidden.has(group.of[id]);
    const edges = network.edges.filter((edge) => {
      if (hidden(edge.a) || hidden(edge.b) || !Network.passes(network, edge, state)) return false;
      if (!state.elements.size) return true;
      if (about && about[edge.id]) return about[edge.id].split(" ").some((symbol) => state.elements.has(symbol));
      const ends = [edge.a, edge.b].filter((id) => chosen(network.nodes[id])).length;
      return ends === 2 || (ends === 1 && state.mates);
    });
    return { nodes: new Set(edges.flatMap((edge) => [edge.a, edge.b])), edges };
  },

  /** Return the edges of a node, the strongest first, as {edge, node, value, shown}. */
  neighbours(network, id, state, edges) {
    const visible = new Set(edges.map((edge) => edge.id));
    const sign = state.weakest ? -1 : 1;
    const found = network.nodes[id].links.map((edge) => ({
      edge, node: network.nodes[edge.a === id ? edge.b : edge.a],
      value: Network.weight(network, edge, state.weight), shown: visible.has(edge.id),
    }));
    const rank = (each) => (each.value === null ? -Infinity : sign * each.value);
    return found.sort((one, other) => other.shown - one.shown || rank(other) - rank(one) || 0);
  },

  /** Return nodes whose formula or element matches a text: exact matches first, then prefixes, then substrings. */
  search(network, text, most = 12) {
    const typed = Network.plain(text.trim());
    if (!typed) return [];
    const small = typed.toLowerCase();
    const grade = (node) => {
      const name = Network.plain(node.formula);
      if (name === typed) return 0;
      if (name.toLowerCase() === small) return 1;
      if (node.elements.has(typed)) return 2;
      if (name.startsWith(typed)) return 3;
      if (name.toLowerCase().startsWith(small)) return 4;
      return name.toLowerCase().includes(small) ? 5 : 9;
    };
    return network.nodes.map((node) => ({ node, grade: grade(node) })).filter((each) => each.grade < 9)
      .sort((one, other) => one.grade - other.grade || other.node.reactions - one.node.reactions)
      .slice(0, most).map((each) => each.node);
  },

  /** Return a text with subscript digits written as plain ones. */
  plain(text) {
    return text.replace(/[₀-₉]/g, (digit) => String(digit.charCodeAt(0) - 0x2080));
  },

  /** Return a formula as pieces [text, whether it is a subscript]. */
  pieces(formula) {
    const found = formula.split(/((?<=[A-Za-z)\]])\d+(?:\.\d+)?)/);
    return found.map((text, index) => [text, index % 2 === 1]).filter(([text]) => text);
  },

  /** Return a number as text: years and whole numbers in full, others with four significant digits. */
  write(value, name = "") {
    if (value === null || value === undefined) return "–";
    if (typeof value === "string") return value;
    if (name.endsWith("year")) return String(value);
    if (Number.isInteger(value)) return value.toLocaleString("en").replace("-", "−");
    const size = Math.abs(value);
    const text = size !== 0 && size < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
    return text.replace("-", "−");
  },

  /** Return the shown edges as a CSV table. */
  csv(network, edges) {
    const names = Object.keys(network.values);
    const cell = (value) => (/[",\n]/.test(String(value ?? "")) ? `"${String(value).replace(/"/g, '""')}"` : String(value ?? ""));
    const rows = edges.map((edge) => [
      network.nodes[edge.a].formula, network.nodes[edge.b].formula, ...names.map((name) => network.values[name][edge.id]),
    ]);
    return [["one", "other", ...names], ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
  },
};
